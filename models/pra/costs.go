package pra

import (
	"prabench/models"
	"prabench/models/device"
	"prabench/models/device/counter"
)

func peaks(be device.Backend) models.MemoryEstimate {
	return models.MemoryEstimate{Model: be.Peak(device.Model), Cache: be.Peak(device.Cache), Activations: be.Peak(device.Activations)}
}

// blank is one image without content, enough to count with.
func (c Config) blank() models.Images {
	return models.Images{N: 1, Size: c.Size, Channels: c.Channels, Pixels: make([]uint8, c.Size*c.Size*c.Channels), Labels: []int32{0}}
}

// Costs counts by running the core on a backend that only counts. The
// configurations must be valid. Where images settle by themselves, it is what those cost
// that take all sweeps.
func (c Config) Costs(t TrainConfig, s SampleConfig) models.Costs {
	K := c.ARSteps()
	plan := s.plan()
	out := models.Costs{ARSteps: K, NFE: plan.Evaluations(), TrunkEvals: 1}
	if how := s.jacobi(c); how.sweeps > 0 {
		windows := c.Tokens() / how.tokens
		out.ARSteps, out.TrunkEvals, out.NFE = windows*how.sweeps, how.sweeps, how.sweeps*out.NFE
	}
	if plan.Guides() {
		out.TrunkEvals *= 2
	}
	out.FLOPsImage = c.countSample(s)
	t.Batch, t.MicroBatch = 1, 0
	out.FLOPsTrainImage = c.countStep(t)
	return out
}

func (c Config) countSample(s SampleConfig) float64 {
	be := counter.New()
	m, err := NewModel(be, c, 0)
	if err != nil {
		return 0
	}
	smp, err := NewSampler(m, s, 1)
	if err != nil {
		return 0
	}
	before := be.FLOPs
	if smp.Sample([]int32{0}, []uint32{0}, make([]uint8, c.Size*c.Size*c.Channels)) != nil {
		return 0
	}
	return be.FLOPs - before
}

func (c Config) countStep(t TrainConfig) float64 {
	be := counter.New()
	tr, err := NewTrainer(be, c, t, c.blank())
	if err != nil {
		return 0
	}
	before := be.FLOPs
	if tr.Step() != nil {
		return 0
	}
	return be.FLOPs - before
}

// TrainMemory is what a training holds on its device.
func (c Config) TrainMemory(t TrainConfig) models.MemoryEstimate {
	be := counter.New()
	if _, err := NewTrainer(be, c, t, c.blank()); err != nil {
		return models.MemoryEstimate{}
	}
	return peaks(be)
}

// SampleMemory is what sampling batch images at a time holds on its device.
func (c Config) SampleMemory(s SampleConfig, batch int) models.MemoryEstimate {
	be := counter.New()
	m, err := NewModel(be, c, 0)
	if err != nil {
		return models.MemoryEstimate{}
	}
	if _, err := NewSampler(m, s, batch); err != nil {
		return models.MemoryEstimate{}
	}
	return peaks(be)
}
