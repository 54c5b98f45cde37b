package pra

import (
	"slices"
	"testing"
	"time"

	"prabench/models"
	"prabench/models/cpu"
)

// blank is one image without content, enough to count with.
func (c Config) blank() models.Images {
	return models.Images{N: 1, Size: c.Size, Channels: c.Channels, Pixels: make([]uint8, c.Size*c.Size*c.Channels), Labels: []int32{0}}
}

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

// BenchmarkModulations samples and trains the model micro at p = 4, 64 images at a
// time, with each kind of modulations of the head in turn, and reports how many times
// the images per second of "block" the others make.
func BenchmarkModulations(b *testing.B) {
	be, err := cpu.New(2)
	if err != nil {
		b.Fatal(err)
	}
	defer be.Close()
	const images = 64
	kinds := []string{"block", "shared", "separable"}
	var sample, train []func()
	for _, kind := range kinds {
		c, tc := DefaultConfig(), DefaultTrain()
		c.Patch, c.Width, c.Depth, c.Heads, c.HeadWidth, c.HeadDepth, c.CoderWidth = 4, 128, 4, 4, 192, 3, 192
		c.HeadModulation, tc.Batch, tc.Threads = kind, images, 2
		tr, err := NewTrainer(be, c, tc, c.blank())
		if err != nil {
			b.Fatal(err)
		}
		s, err := NewSampler(tr.Model, DefaultSample(), images)
		if err != nil {
			b.Fatal(err)
		}
		labels, ids, out := make([]int32, images), make([]uint32, images), make([]uint8, images*c.Size*c.Size*c.Channels)
		sample = append(sample, func() {
			if err := s.Sample(labels, ids, out); err != nil {
				b.Fatal(err)
			}
		})
		train = append(train, func() {
			if err := tr.Step(); err != nil {
				b.Fatal(err)
			}
		})
	}
	for what, calls := range map[string][]func(){"sample": sample, "train": train} {
		b.Run(what, func(b *testing.B) {
			times := make([][]float64, len(kinds))
			for b.Loop() {
				for i, f := range calls {
					start := time.Now()
					f()
					times[i] = append(times[i], time.Since(start).Seconds())
				}
			}
			for i, kind := range kinds {
				slices.Sort(times[i])
				b.ReportMetric(times[0][len(times[0])/2]/times[i][len(times[i])/2], kind+"/block")
			}
		})
	}
}
