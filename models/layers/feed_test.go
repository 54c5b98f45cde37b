package layers

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"prabench/models"
)

// numbered reads images whose values are their number and place, and fails at one.
type numbered struct {
	broken int
	reads  atomic.Int64
}

func (r *numbered) Read(i int, into []uint8) error {
	r.reads.Add(1)
	if i == r.broken {
		return errors.New("image " + strconv.Itoa(i) + " is gone")
	}
	for k := range into {
		into[k] = uint8(i + 3*k)
	}
	return nil
}

func feedSets() (inMemory, streamed models.Images, r *numbered) {
	const n, size = 29, 3
	inMemory = models.Images{N: n, Size: size, Channels: 3, Pixels: make([]uint8, n*27), Labels: make([]int32, n), Flip: 0.5}
	r = &numbered{broken: -1}
	for i := range n {
		r.Read(i, inMemory.Pixels[27*i:27*i+27])
		inMemory.Labels[i] = int32(i % 4)
	}
	r.reads.Store(0)
	streamed = inMemory
	streamed.Pixels, streamed.Reader = nil, r
	return inMemory, streamed, r
}

// The images of a training are the same in memory and read ahead by any number of
// workers, across epochs, and from where a training was resumed.
func TestFeedIsTheSameWithAnyNumberOfWorkers(t *testing.T) {
	inMemory, streamed, r := feedSets()
	want := NewFeed(inMemory, 5, 1, 4)
	defer want.Close()
	mirrored := 0
	for _, workers := range []string{"1", "2", "4", "13"} {
		t.Setenv(decodersVariable, workers)
		f := NewFeed(streamed, 5, 1, 4)
		for _, at := range append(seq(0, 90), append(seq(33, 50), seq(200, 260)...)...) {
			got, label, err := f.Next(at)
			pixels, wanted, _ := want.Next(at)
			if err != nil || !bytes.Equal(got, pixels) || label != wanted {
				t.Fatalf("%s workers, position %d: %v, label %d; want %v, %d (%v)", workers, at, got, label, pixels, wanted, err)
			}
			if pixels[0] > pixels[6] {
				mirrored++
			}
		}
		f.Close()
		read := r.reads.Load()
		f.Close()
		if r.reads.Load() != read {
			t.Error("reads after it was closed")
		}
	}
	if mirrored < 200 || mirrored > 460 { // of 668, some by overflow
		t.Errorf("%d images of 668 are mirrored, want about half", mirrored)
	}
}

func seq(from, to int) (out []int) {
	for i := from; i < to; i++ {
		out = append(out, i)
	}
	return out
}

// Reading ahead has a bound, and an image that cannot be read fails the step that
// needs it, no other.
func TestFeedReadsAheadWithinItsBound(t *testing.T) {
	_, streamed, r := feedSets()
	r.broken = 7
	f := NewFeed(streamed, 5, 1, 4)
	defer f.Close()
	failed := 0
	for at := range 29 {
		_, _, err := f.Next(at)
		if err != nil {
			failed++
			if !strings.Contains(err.Error(), "image 7") {
				t.Error(err)
			}
		}
		if n := r.reads.Load(); n > int64(at+FeedAhead(4, 27)) {
			t.Fatalf("%d images were read at position %d, with room for %d", n, at, FeedAhead(4, 27))
		}
	}
	if failed != 1 {
		t.Errorf("%d of an epoch's images failed, 1 is gone", failed)
	}
	if n := FeedAhead(256, 256*256*3); n*256*256*3 > mostAhead || n < 512 {
		t.Errorf("%d images ahead", n)
	}
}

// The ranks of a training see the images that one process sees, each its share of
// every batch, read ahead or not, from the start and from where it was resumed.
func TestFeedsOfRanks(t *testing.T) {
	inMemory, streamed, r := feedSets()
	const batch, size = 12, 3
	want := NewFeed(inMemory, 5, 1, batch)
	defer want.Close()
	for rank := range size {
		share, err := ShareOf(group{rank, size}, batch, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, images := range []models.Images{inMemory, streamed} {
			f := NewFeedOf(images, 5, 1, share)
			before := r.reads.Load()
			seen := 0
			for _, step := range []int{0, 1, 2, 3, 9, 10, 11} {
				for i := range share.Images {
					at := share.At(step, 0, i)
					got, label, err := f.Next(at)
					pixels, wanted, _ := want.Next(at)
					if err != nil || !bytes.Equal(got, pixels) || label != wanted {
						t.Fatalf("rank %d, position %d: %v, label %d; want %v, %d (%v)", rank, at, got, label, pixels, wanted, err)
					}
					seen++
				}
			}
			f.Close()
			// One jump: what was read ahead then, twice the share, is read in vain.
			if n := int(r.reads.Load() - before); images.Reader != nil && n > seen+2*2*share.Images {
				t.Errorf("rank %d: %d images were read for %d", rank, n, seen)
			}
		}
	}
}

// group is a rank of which only its number matters.
type group struct{ rank, size int }

func (g group) Rank() int                                                 { return g.rank }
func (g group) Size() int                                                 { return g.size }
func (g group) Sum(int, func([]float32, int), func([]float32, int)) error { return nil }
func (g group) SumWide([]float64) error                                   { return nil }
func (g group) Gone(int)                                                  {}
func (g group) Missing() error                                            { return nil }
func (g group) Close()                                                    {}

// Shares are every image of a batch once, in parts no larger than asked for.
func TestShares(t *testing.T) {
	for _, c := range []struct{ batch, size, micro, parts int }{
		{64, 1, 0, 1}, {64, 1, 16, 4}, {64, 4, 0, 1}, {64, 4, 64, 1}, {64, 4, 8, 2}, {48, 3, 12, 2}, {30, 5, 4, 2}, {6, 6, 2, 1},
	} {
		seen := map[int]int{}
		for rank := range c.size {
			s, err := ShareOf(group{rank, c.size}, c.batch, c.micro)
			if err != nil || s.Parts() != c.parts || c.micro > 0 && s.Micro > c.micro {
				t.Fatalf("%+v: %+v, %v", c, s, err)
			}
			for step := range 2 {
				for part := range s.Parts() {
					for i := range s.Micro {
						at := s.At(step, part, i)
						if seen[at]++; s.position(s.number(at)) != at {
							t.Errorf("%+v: position %d is number %d", c, at, s.number(at))
						}
					}
				}
			}
		}
		for at := range 2 * c.batch {
			if seen[at] != 1 {
				t.Errorf("%+v: image %d is computed %d times", c, at, seen[at])
			}
		}
	}
	if _, err := ShareOf(group{0, 4}, 6, 0); err == nil {
		t.Error("4 ranks of a batch of 6")
	}
}
