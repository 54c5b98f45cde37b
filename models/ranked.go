package models

// DevicesKey is how many devices, each with a process of its own, do a training or a
// sampling together.
const DevicesKey = "measure.devices"

// CheckRanks refuses numbers of processes that cannot do a training together.
func CheckRanks(p Params, n int) error {
	if n == 1 {
		return nil
	}
	if _, shared := p.(Shared); !shared {
		return BadKey(DevicesKey, "a training of the family %s runs on one device, not on %d", p.Family().Name(), n)
	}
	return checkShare(p.Training().Batch, n)
}

func checkShare(batch, n int) error {
	if n < 1 || batch%n != 0 {
		return BadKey(DevicesKey, "%d does not divide train.batch = %d; allowed: %v", n, batch, Divisors(batch))
	}
	return nil
}

// ShareOfBatch is how many images of a batch each of n processes computes, and how many
// of these at once where micro are asked for, 0 for all: the largest number up to
// micro that divides its share.
func ShareOfBatch(batch, n, micro int) (images, atOnce int, err error) {
	if err := checkShare(batch, n); err != nil {
		return 0, 0, err
	}
	images = batch / n
	if micro == 0 || micro >= images {
		return images, images, nil
	}
	for images%micro != 0 {
		micro--
	}
	return images, micro, nil
}

// OneOfRanks is the parameters of a training that takes on its device what one of n
// processes takes of p's. It is p where there is nothing to divide.
func OneOfRanks(p Params, n int) Params {
	const microKey = "train.micro_batch"
	v, _ := Get(p, microKey)
	micro, _ := v.(int)
	images, micro, err := ShareOfBatch(p.Training().Batch, n, micro)
	if err != nil || n == 1 || CheckRanks(p, n) != nil {
		return p
	}
	p, _ = Set(p, "train.batch", images)
	p, _ = Set(p, microKey, micro)
	return p
}
