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
