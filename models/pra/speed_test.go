package pra

import (
	"testing"

	"prabench/models/cpu"
)

// tiny is a small model, of which what surrounds the operations takes the largest part.
func tiny() Config {
	c := DefaultConfig()
	c.Width, c.Depth, c.Heads, c.HeadWidth, c.HeadDepth, c.CoderWidth = 64, 2, 2, 96, 2, 64
	return c
}

func BenchmarkSampleOne(b *testing.B) {
	be, err := cpu.New(1)
	if err != nil {
		b.Fatal(err)
	}
	defer be.Close()
	c := tiny()
	m, err := NewModel(be, c, 1)
	if err != nil {
		b.Fatal(err)
	}
	s, err := NewSampler(m, DefaultSample(), 1)
	if err != nil {
		b.Fatal(err)
	}
	labels, ids, out := []int32{3}, []uint32{5}, make([]uint8, c.Size*c.Size*c.Channels)
	for b.Loop() {
		if err := s.Sample(labels, ids, out); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTrainNano(b *testing.B) {
	be, err := cpu.New(1)
	if err != nil {
		b.Fatal(err)
	}
	defer be.Close()
	c, tc := tiny(), DefaultTrain()
	tc.Batch = 16
	tr, err := NewTrainer(be, c, tc, c.blank())
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := tr.Step(); err != nil {
			b.Fatal(err)
		}
	}
}
