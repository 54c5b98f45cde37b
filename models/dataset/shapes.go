package dataset

import "context"

// Images that the shapes set draws when data.limit says nothing.
const (
	shapesTrain = 20000
	shapesTest  = 4000
)

// drawShapes draws both splits. Image i of a split is a function of the seed,
// the split and i alone; its class is i modulo the number of classes, so any
// first n images are balanced. The scene is laid out in units of the image
// side, so two sizes show the same pictures.
func drawShapes(ctx context.Context, r resolved) (*Data, error) {
	size, channels := r.info.Size, r.info.Channels
	if err := fitsInMemory(r.info.Train+r.info.Test, size*size*channels); err != nil {
		return nil, err
	}
	train, err := drawSplit(ctx, r.Seed, 0, r.info.Train, size, channels)
	if err != nil {
		return nil, err
	}
	test, err := drawSplit(ctx, r.Seed, 1, r.info.Test, size, channels)
	if err != nil {
		return nil, err
	}
	// The bytes are a function of what newHash takes in; a test pins them.
	return &Data{Train: train, Test: test, Hash: r.newHash(train.N, test.N).sum()}, nil
}

func drawSplit(ctx context.Context, seed, split uint64, n, size, channels int) (Split, error) {
	s := Split{N: n, Pixels: make([]byte, n*size*size*channels), Labels: make([]int32, n)}
	each := size * size * channels
	err := inParallel(ctx, n, func(i int) error {
		class := i % len(shapes)
		s.Labels[i] = int32(class)
		newScene(seed, split, uint64(i), class).draw(s.Pixels[i*each:(i+1)*each], size, channels)
		return nil
	})
	return s, err
}

// draws is a stream of numbers that depends on nothing but its key
// (SplitMix64: Steele, Lea and Flood 2014).
type draws uint64

func newDraws(seed, split, i uint64) draws {
	return draws(mix64(mix64(mix64(seed+0x9e3779b97f4a7c15)+split+1) + i))
}

func mix64(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func (d *draws) bits() uint64 {
	*d += 0x9e3779b97f4a7c15
	return mix64(uint64(*d))
}

// between is uniform in [lo, hi).
func (d *draws) between(lo, hi float64) float64 {
	u := float64(d.bits()>>11) * 0x1p-53
	return lo + mul(hi-lo, u)
}

// mul is a product that is rounded before it is used. Go may fuse a product
// and a sum into one rounding where the machine can; an explicit conversion
// forbids it, and without it the pictures would differ between machines.
func mul(a, b float64) float64 { return float64(a * b) }
