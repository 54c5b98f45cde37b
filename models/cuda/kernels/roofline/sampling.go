package roofline

import (
	"fmt"

	"prabench/models"
	"prabench/models/cuda/kernels"
	"prabench/models/pra"
)

// Sampling is a prediction of sequential sampling.
type Sampling struct {
	Batch    int
	Products kernels.Precision
	PerStep  int     // launches of an AR step after the first: the nodes of its graph
	First    int     // launches of the first step and of what precedes it
	Whole    *Tally  // all launches of one batch of images
	Seconds  float64 // of the whole batch
	Excess   float64 // bytes moved over bytes needed
}

// ImagesPerSecond is at the bound, plus so many seconds for each launch and
// [BarrierSeconds] for each barrier.
func (s Sampling) ImagesPerSecond(perLaunch float64) float64 {
	return float64(s.Batch) / (s.Seconds + perLaunch*float64(s.Whole.Launches) + BarrierSeconds*float64(s.Whole.Barriers))
}

// Sample counts the launches of sampling one batch of images by the core.
func Sample(c pra.Config, sc pra.SampleConfig, batch int, p kernels.Precision, d Device) (Sampling, error) {
	count := func(first bool) (*Tally, error) {
		t := NewTally(d)
		be := NewBackend(t, p)
		be.CuBLAS, be.NoFusion = d.CuBLAS, d.NoFusion
		m, err := pra.NewModel(be, c, 0)
		if err != nil {
			return nil, err
		}
		s, err := pra.NewSampler(m, sc, batch)
		if err != nil {
			return nil, err
		}
		labels, ids := make([]int32, batch), make([]uint32, batch)
		if first {
			return t, s.FirstBlock(labels, ids)
		}
		_, err = s.Tokens(labels, ids)
		return t, err
	}
	first, err := count(true)
	if err != nil {
		return Sampling{}, err
	}
	whole, err := count(false)
	if err != nil {
		return Sampling{}, err
	}
	steps := c.ARSteps() - 1
	rest := whole.Launches - first.Launches
	if steps > 0 && rest%steps != 0 {
		return Sampling{}, fmt.Errorf("roofline: %d launches in %d AR steps: the steps differ", rest, steps)
	}
	return Sampling{
		Batch: batch, Products: p, PerStep: rest / max(steps, 1), First: first.Launches, Whole: whole,
		Seconds: whole.Total().Seconds,
	}, nil
}

// LargestShared is the most dynamic shared memory, by kernel, that sampling
// large batches and a training step of a model ask for, in either precision.
func LargestShared(c pra.Config, t pra.TrainConfig, sc pra.SampleConfig) (map[string]uint32, error) {
	out := map[string]uint32{}
	for _, p := range []kernels.Precision{kernels.FP32, kernels.BF16, kernels.Packed} {
		var lines []Line
		for _, batch := range []int{kernels.NormRows, 256} {
			s, err := Sample(c, sc, batch, p, H100)
			if err != nil {
				return nil, err
			}
			lines = append(lines, s.Whole.Lines()...)
		}
		chained, err := SampleChained(c, sc, kernels.NormRows, p, H100)
		if err != nil {
			return nil, err
		}
		lines = append(lines, chained.Whole.Lines()...)
		step, err := Train(c, t, p, H100)
		if err != nil {
			return nil, err
		}
		for _, l := range append(lines, step.Lines()...) {
			out[l.Kernel.Name] = max(out[l.Kernel.Name], l.Shared)
		}
	}
	return out, nil
}

// Train counts the launches of one training step of the core.
func Train(c pra.Config, tc pra.TrainConfig, p kernels.Precision, d Device) (*Tally, error) {
	t := NewTally(d)
	images := models.Images{N: 1, Size: c.Size, Channels: c.Channels, Pixels: make([]uint8, c.Size*c.Size*c.Channels), Labels: []int32{0}}
	be := NewBackend(t, p)
	be.CuBLAS, be.NoFusion = d.CuBLAS, d.NoFusion
	tr, err := pra.NewTrainer(be, c, tc, images)
	if err != nil {
		return nil, err
	}
	before := t.Launches
	if before != 0 {
		*t = *NewTally(d)
	}
	return t, tr.Step()
}
