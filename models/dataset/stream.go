package dataset

import (
	"fmt"
	"os"
	"strconv"
	"sync"
)

// Reader reads images one at a time, image i into place. It is called from many
// goroutines at once.
type Reader interface {
	Read(i int, into []uint8) error
}

// residentVariable bounds in MiB the decoded images that are held in memory; sets
// that are larger are read while they are used. Which way an image comes changes
// nothing about it.
const (
	residentVariable = "PRABENCH_RESIDENT_MIB"
	residentDefault  = 512 << 20
)

func residentMost() int64 {
	if v, err := strconv.ParseFloat(os.Getenv(residentVariable), 64); err == nil && v >= 0 {
		return int64(v * (1 << 20))
	}
	return residentDefault
}

// Read copies image i of a split into place.
func (s Split) Read(i int, into []uint8) error {
	if s.Reader != nil {
		return s.Reader.Read(i, into)
	}
	if s.N > 0 {
		per := len(s.Pixels) / s.N
		copy(into, s.Pixels[i*per:(i+1)*per])
	}
	return nil
}

// pictureReader decodes pictures whenever they are read, and notices when one is
// not what it was.
type pictureReader struct {
	of    container
	items []item
	sums  []uint32
	r     resolved
}

func (p *pictureReader) Read(i int, into []uint8) error {
	into = into[:p.r.info.Size*p.r.info.Size*p.r.info.Channels]
	if _, err := p.r.decode(p.of, p.items[i], into); err != nil {
		return fmt.Errorf("reading images: %w", err)
	}
	if checksum(into) != p.sums[i] {
		return fmt.Errorf("reading images: %s has changed since the run was planned: start the run again", p.of.name(p.items[i]))
	}
	return nil
}

// aheadBytes bounds what a training reads ahead, see layers.FeedAhead, and
// perImage is what is held of an image that is not in memory: its label, its sum and where
// it lies.
const (
	aheadBytes = 256 << 20
	perImage   = 160
)

// Memory is the bytes that a process holds of a set: its decoded images, or of a
// set that is too large what is held of each image and what is read ahead. It is 0
// for a set that is not here.
func Memory(s Spec) int64 {
	r, err := s.resolve()
	if err != nil {
		return 0
	}
	n := r.info.Train + r.info.Test
	if r.info.Train < 0 {
		n = counted(r)
	} // else data.limit has been applied, to the splits that it limits
	all := int64(n) * int64(r.info.Size*r.info.Size*r.info.Channels)
	if (s.Set == Folder || s.Set == ImageNet) && all > residentMost() {
		return int64(n)*perImage + aheadBytes
	}
	return all
}

// TrainImages is the number of images that a set has to train on, as far as its files
// are listed; below 0 where only reading tells, or where it is not here.
func TrainImages(s Spec) int {
	r, err := s.resolve()
	if err != nil {
		return -1
	}
	if r.info.Train >= 0 {
		return r.info.Train
	}
	c, err := openContainer(r.Root)
	if err != nil {
		return -1
	}
	train, _, _, err := c.list()
	if err != nil {
		return -1
	}
	return limited(len(train), r.Limit)
}

var counts sync.Map // by root: [2]int, the training and the test images found in it

// counted is the number of images of a folder; it is listed once in a process.
func counted(r resolved) int {
	var n [2]int
	if known, ok := counts.Load(r.Root); ok {
		n = known.([2]int)
	} else if c, err := openContainer(r.Root); err == nil {
		if train, test, _, err := c.list(); err == nil {
			n = [2]int{len(train), len(test)}
			counts.Store(r.Root, n)
		}
	}
	return limited(n[0], r.Limit) + limited(n[1], r.Limit)
}
