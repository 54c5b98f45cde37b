package models

import (
	"prabench/models/device"
	"prabench/models/device/counter"
)

// What a model costs is learnt by running it on a device that only counts.

// CountImage is the FLOPs of drawing one image; 0 where that cannot be.
func CountImage(p Params) (flops float64) {
	be := counter.New()
	s, closing := counted(p, be, 1)
	if s == nil {
		return 0
	}
	defer closing()
	before := be.FLOPs
	if s.Sample([]int32{0}, []uint32{0}, make([]uint8, p.Shape().Bytes())) != nil {
		return 0
	}
	return be.FLOPs - before
}

// CountSteps is the FLOPs of the first n steps of a training, each with one image.
func CountSteps(p Params, n int) []float64 {
	p, _ = Set(p, "train.batch", 1)
	p, _ = Set(p, "train.micro_batch", 0)
	be, out := counter.New(), make([]float64, n)
	tr, err := p.NewTrainer(be, blank(p))
	if err != nil {
		return out
	}
	defer tr.Close()
	for i := range out {
		before := be.FLOPs
		if tr.Step() != nil {
			break
		}
		out[i] = be.FLOPs - before
	}
	return out
}

// CountTraining is what a training holds on its device.
func CountTraining(p Params) (m MemoryEstimate) {
	be := counter.New()
	tr, err := p.NewTrainer(be, blank(p))
	if err != nil {
		return m
	}
	defer tr.Close()
	return peaks(be)
}

// CountSampling is what sampling batch images at a time holds on its device.
func CountSampling(p Params, batch int) (m MemoryEstimate) {
	be := counter.New()
	s, closing := counted(p, be, batch)
	if s == nil {
		return m
	}
	defer closing()
	return peaks(be)
}

// counted is a sampler on a device; nil where there can be none.
func counted(p Params, be device.Backend, batch int) (s Sampler, closing func()) {
	m, err := p.NewModel(be)
	if err != nil {
		return nil, nil
	}
	if s, err = m.Sampler(p, batch); err != nil {
		m.Close()
		return nil, nil
	}
	return s, func() {
		s.Close()
		m.Close()
	}
}

// blank is one image without content, enough to count with.
func blank(p Params) Images {
	s := p.Shape()
	return Images{N: 1, Size: s.Size, Channels: s.Channels, Pixels: make([]uint8, s.Bytes()), Labels: []int32{0}}
}

func peaks(be device.Backend) MemoryEstimate {
	return MemoryEstimate{Model: be.Peak(device.Model), Cache: be.Peak(device.Cache), Activations: be.Peak(device.Activations)}
}
