package layers

import (
	"os"
	"runtime"
	"strconv"
	"sync"

	"prabench/models"
)

// streamMirror keys which images of a training are mirrored. It is far from the
// streams of every family.
const streamMirror uint32 = 1 << 18

// decodersVariable bounds the goroutines that read images ahead of a training.
const decodersVariable = "PRABENCH_DECODERS"

// mostAhead bounds the memory of images that are read ahead, in bytes.
const mostAhead = 256 << 20

// FeedAhead is how many images of a size in bytes are read ahead of a training with
// a batch: two steps, within a bound.
func FeedAhead(batch, each int) int { return max(2, min(2*max(batch, 1), mostAhead/max(each, 1))) }

// Feed gives a training its images in the order in which it sees them. Those that
// are not in memory are read ahead, on all cores; which image comes at a position,
// and whether it is mirrored, is a function of seed and position alone.
type Feed struct {
	images models.Images
	key    uint64
	stream uint32
	share  Share   // the positions of each batch that are asked for
	turned []uint8 // a mirrored image of a set in memory

	mu     sync.Mutex
	epochs [2]struct { // orders, by the parity of the epoch
		epoch int
		order []int32
	}

	// Positions of the share are numbered without those between them.
	slots   []feedSlot
	workers int
	room    *sync.Cond // with mu
	next    int        // the number of the position that is read next
	taken   int        // positions before it may be overwritten
	stop    bool
	running sync.WaitGroup
	expect  int // number of the position of the next call, −1 before the first
}

type feedSlot struct {
	at     int
	ready  bool
	pixels []uint8
	err    error
}

// NewFeed is the feed of a training whose order is drawn from a key and a stream.
func NewFeed(images models.Images, key uint64, stream uint32, batch int) *Feed {
	return NewFeedOf(images, key, stream, Whole(max(batch, 1)))
}

// NewFeedOf is the feed of a rank's share of each batch.
func NewFeedOf(images models.Images, key uint64, stream uint32, share Share) *Feed {
	f := &Feed{images: images, key: key, stream: stream, share: share, expect: -1}
	f.room = sync.NewCond(&f.mu)
	f.epochs[0].epoch, f.epochs[1].epoch = -1, -1
	each := images.Size * images.Size * images.Channels
	if images.Reader == nil {
		if images.Flip > 0 {
			f.turned = make([]uint8, each)
		}
		return f
	}
	f.workers = runtime.GOMAXPROCS(0)
	if n, err := strconv.Atoi(os.Getenv(decodersVariable)); err == nil && n > 0 {
		f.workers = n
	}
	f.slots = make([]feedSlot, FeedAhead(share.Images, each))
	for i := range f.slots {
		f.slots[i] = feedSlot{at: -1, pixels: make([]uint8, each)}
	}
	return f
}

// index is the image at a position; f.mu is held.
func (f *Feed) index(at int) int {
	e := at / f.images.N
	c := &f.epochs[e%2]
	if c.epoch != e {
		c.epoch, c.order = e, Shuffled(f.key, f.stream, uint32(e), f.images.N)
	}
	return int(c.order[at%f.images.N])
}

// Next is the image at a position of the training, and its label. The pixels are
// valid until the next call. Positions that follow each other are quick.
func (f *Feed) Next(at int) (pixels []uint8, label int32, err error) {
	f.mu.Lock()
	index := f.index(at)
	f.mu.Unlock()
	label = f.images.Labels[index]
	if f.images.Reader == nil {
		per := f.images.Size * f.images.Size * f.images.Channels
		pixels = f.images.Pixels[index*per : (index+1)*per]
		if mirrored(f.images, f.key, at) {
			copy(f.turned, pixels)
			mirror(f.turned, f.images.Size, f.images.Channels)
			pixels = f.turned
		}
		return pixels, label, nil
	}
	number := f.share.number(at)
	if number != f.expect {
		f.begin(number)
	}
	f.expect = number + 1
	f.mu.Lock()
	defer f.mu.Unlock()
	f.taken = number
	f.room.Broadcast()
	s := &f.slots[number%len(f.slots)]
	for s.at != number || !s.ready {
		f.room.Wait()
	}
	return s.pixels, label, s.err
}

// begin reads ahead from the position with a number.
func (f *Feed) begin(number int) {
	f.Close()
	f.stop, f.next, f.taken = false, number, number
	for i := range f.slots {
		f.slots[i].at = -1
	}
	for range f.workers {
		f.running.Go(f.read)
	}
}

// read is a worker: it takes the next position for which there is room.
func (f *Feed) read() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for {
		for !f.stop && f.next >= f.taken+len(f.slots) {
			f.room.Wait()
		}
		if f.stop {
			return
		}
		number := f.next
		at := f.share.position(number)
		f.next++
		index, s := f.index(at), &f.slots[number%len(f.slots)]
		s.at, s.ready = number, false
		f.mu.Unlock()
		err := f.images.Read(index, s.pixels)
		if err == nil {
			Mirrored(f.images, f.key, at, s.pixels)
		}
		f.mu.Lock()
		s.ready, s.err = true, err
		f.room.Broadcast()
	}
}

// Close ends reading ahead.
func (f *Feed) Close() {
	f.mu.Lock()
	f.stop = true
	f.room.Broadcast()
	f.mu.Unlock()
	f.running.Wait()
	f.expect = -1
}

func mirrored(of models.Images, key uint64, at int) bool {
	return of.Flip > 0 && Uniform(key, streamMirror, uint32(at), 0) < of.Flip
}

// Mirrored turns the pixels of the image at a position left to right where the draw
// of images.Flip says so, and says whether it did.
func Mirrored(of models.Images, key uint64, at int, pixels []uint8) bool {
	if !mirrored(of, key, at) {
		return false
	}
	mirror(pixels, of.Size, of.Channels)
	return true
}

// mirror turns an image [size, size, channels] left to right in place.
func mirror(p []uint8, size, channels int) {
	for y := range size {
		row := p[y*size*channels : (y+1)*size*channels]
		for l, r := 0, size-1; l < r; l, r = l+1, r-1 {
			for c := range channels {
				row[l*channels+c], row[r*channels+c] = row[r*channels+c], row[l*channels+c]
			}
		}
	}
}
