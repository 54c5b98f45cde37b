package pra

import (
	"math"
	"slices"
	"strings"
	"testing"

	"prabench/models"
	"prabench/models/layers"
)

// Every image is seen once an epoch, in another order each time.
func TestShuffle(t *testing.T) {
	const n = 1000
	a, b := layers.Shuffled(1, streamOrder, 0, n), layers.Shuffled(1, streamOrder, 1, n)
	if slices.Equal(a, b) {
		t.Error("two epochs have the same order")
	}
	for _, p := range [][]int32{a, b} {
		q := slices.Clone(p)
		slices.Sort(q)
		for i, v := range q {
			if int(v) != i {
				t.Fatalf("place %d of the sorted order is %d: not a permutation", i, v)
			}
		}
	}
}

// The trainer walks through the epochs: batches of 4 over 6 images.
func TestBatches(t *testing.T) {
	c, tc := smallConfig(), DefaultTrain()
	tc.Batch, tc.ClassDropout = 4, 0
	data := smallImages(c, 6)
	for i := range data.Labels {
		data.Labels[i] = int32(i % c.Classes)
	}
	tr, err := NewTrainer(openDevice(t, 1), c, tc, data)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	var ids, labels []int32
	for range 3 {
		tr.loadBatch(0)
		ids = append(ids, tr.batch.hostIDs...)
		labels = append(labels, tr.batch.hostLabels...)
		tr.done++
	}
	for at := range ids {
		want := data.Labels[layers.Shuffled(tc.Seed, streamOrder, uint32(at/6), 6)[at%6]]
		if int(ids[at]) != at || labels[at] != want {
			t.Errorf("image %d of the stream: id %d, label %d, want label %d", at, ids[at], labels[at], want)
		}
	}
}

func TestSchedule(t *testing.T) {
	tc := TrainConfig{Steps: 100, LR: 2, Warmup: 0.1}
	for _, tt := range []struct {
		step int
		want float64
	}{{0, 0.2}, {4, 1}, {9, 2}, {10, 2}, {55, 1}, {100, 0}} {
		if got := tc.recipe().Rate(tt.step); math.Abs(got-tt.want) > 1e-12 {
			t.Errorf("step %d: learning rate %g, want %g", tt.step, got, tt.want)
		}
	}
}

// A loss that falls on images that can be learnt, for every kind of input.
func TestTrainingLearns(t *testing.T) {
	for _, depth := range []models.Depth{0, 1, 2, models.Exact} {
		c, tc := smallConfig(), DefaultTrain()
		tc.Steps, tc.Batch, tc.LR, tc.RolloutDepth = 150, 16, 3e-3, depth
		tr, err := NewTrainer(openDevice(t, 2), c, tc, smallImages(c, 16))
		if err != nil {
			t.Fatal(err)
		}
		var first, last float64
		for i := range tc.Steps {
			if err := tr.Step(); err != nil {
				t.Fatal(err)
			}
			if i < 10 {
				first += tr.Losses().Total / 10
			}
			if i >= tc.Steps-10 {
				last += tr.Losses().Total / 10
			}
		}
		if last > first/3 {
			t.Errorf("depth %d: loss %g at the start, %g at the end", depth, first, last)
		}
		tr.Close()
	}
}

func TestDivergenceIsAnError(t *testing.T) {
	c, tc := smallConfig(), DefaultTrain()
	tc.Batch, tc.LR, tc.Warmup, tc.Clip, tc.Steps = 4, 1, 0, 0, 1000
	tr, err := NewTrainer(openDevice(t, 1), c, tc, smallImages(c, 8))
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	flat := make([]float32, tr.net.Total)
	for i := range flat {
		flat[i] = 1e30
	}
	tr.net.be.Upload(tr.Model.raw, flat)
	err = tr.Step()
	if err == nil || !strings.Contains(err.Error(), "diverged") {
		t.Errorf("error %v", err)
	}
}

func TestPatchify(t *testing.T) {
	for _, order := range []string{"contiguous", "strided"} {
		c := smallConfig()
		c.Channels, c.Block, c.Order = 3, 4, order
		image := make([]uint8, c.Size*c.Size*c.Channels)
		for i := range image {
			image[i] = uint8(i * 7)
		}
		tokens := make([]float32, c.Tokens()*c.TokenDim())
		c.patches().Cut(tokens, image, c.order())
		back := make([]uint8, len(image))
		c.patches().Join(back, tokens, c.order())
		if !slices.Equal(image, back) {
			t.Errorf("%s: the image changed on the way", order)
		}
		// Generation index 1: the second patch of the first row, or patch K.
		patch := 1
		if order == "strided" {
			patch = c.ARSteps()
		}
		y, x := patch/c.Grid()*c.Patch, patch%c.Grid()*c.Patch
		if want := float32(image[(y*c.Size+x)*3])/127.5 - 1; tokens[c.TokenDim()] != want {
			t.Errorf("%s: token 1 begins with %g, want %g", order, tokens[c.TokenDim()], want)
		}
	}
	c := Config{Size: 1, Patch: 1, Channels: 1, Block: 1}
	for v, want := range map[float32]uint8{-3: 0, -1: 0, 0: 128, 1: 255, 9: 255, float32(math.NaN()): 0} {
		var b [1]uint8
		if c.patches().Join(b[:], []float32{v}, []int32{0}); b[0] != want {
			t.Errorf("value %g becomes %d, want %d", v, b[0], want)
		}
	}
}
