package stage

import (
	"prabench/models"
	"prabench/models/dataset"
	"prabench/models/device"
	"prabench/models/device/counter"
)

// Costs is what one cell takes on any machine.
type Costs struct {
	models.Costs
	Params int64                 `json:"params"`
	Train  models.MemoryEstimate `json:"train_memory"`  // bytes of the backend in training, of one process
	Sample models.MemoryEstimate `json:"sample_memory"` // in sampling measure.batch images at a time

	Alone models.MemoryEstimate `json:"-"` // in a training by one process, as it is timed

	copies int64 // of weights that a processor multiplies by; within Sample where that is the device
}

// Costs counts what a cell of these settings takes.
func (s *Settings) Costs() *Costs {
	c := &Costs{
		Costs: s.Params.Costs(), Params: s.Params.Size(), Train: models.OneOfRanks(s.Params, s.Measure.Ranks()).TrainMemory(),
		Sample: s.Params.SampleMemory(s.Measure.Batch),
	}
	if c.Alone = c.Train; s.Measure.Ranks() > 1 {
		c.Alone = s.Params.TrainMemory()
	}
	c.copies = kept(s.Params, s.Measure.Batch)
	if s.Measure.Precision == "bf16" {
		c.copies /= 2
	}
	if s.Measure.OnHost() {
		c.Sample.Model += c.copies
	}
	return c
}

// OnHost says that it is measured on this machine's processor.
func (m Measure) OnHost() bool { return m.Device == "" || device.OnHost(m.Device) }

// kept is the bytes of fp32 copies of weights that a processor's backend multiplies
// by while it samples batch images at a time.
func kept(p models.Params, batch int) int64 {
	held := func(be *counter.Backend) int64 {
		if m, err := p.NewModel(be); err == nil {
			_, _ = m.Sampler(p, batch) // what was held until it failed is counted
		}
		return be.Peak(device.Model)
	}
	return held(counter.Keeping()) - held(counter.New())
}

// SamplingFLOPs counts the arithmetic of one call of a sampler for batch images.
// It is less than batch times that of one image where a call does something once
// for all its images, as the embedding of the flow times.
func SamplingFLOPs(p models.Params, batch int) (float64, error) {
	be := counter.New()
	m, err := p.NewModel(be)
	if err != nil {
		return 0, err
	}
	smp, err := m.Sampler(p, batch)
	if err != nil {
		return 0, err
	}
	before := be.FLOPs
	err = smp.Sample(make([]int32, batch), make([]uint32, batch), make([]uint8, batch*p.Shape().Bytes()))
	return be.FLOPs - before, err
}

// Host is what the memory of a stage's process is foreseen from.
type Host struct {
	*Settings
	Costs *Costs
	Local bool // the stage computes on this machine's processor, and what the models hold is in its memory
}

// Images is the bytes of n images.
func (h Host) Images(n int) int64 {
	return int64(n) * int64(h.Params.Shape().Bytes())
}

// Data is the bytes that a process holds of the data set's images.
func (h Host) Data() int64 { return dataset.Memory(h.Settings.Data) }

// Weights is the bytes of the model's weights.
func (h Host) Weights() int64 { return 4 * h.Costs.Params }

// Held is what is in this machine's memory of what a backend holds.
func (h Host) Held(m models.MemoryEstimate) int64 {
	if !h.Local {
		return 0
	}
	return m.Total()
}

// sampling is what a backend holds that samples measure.batch images at a time,
// where the stage computes: of a stage on the processor of what is measured on
// another device, too.
func (h Host) sampling() models.MemoryEstimate {
	m := h.Costs.Sample
	if !h.Measure.OnHost() {
		m.Model += h.Costs.copies
	}
	return m
}

// Timing is what a process holds that times a sampler.
func (h Host) Timing() int64 { return h.Held(h.sampling()) + 2*h.Weights() }

// Sampling is what a sampler holds that draws at most n images in batches, with
// activations of that many AR steps at once.
func (h Host) Sampling(n, steps int) int64 {
	m := h.sampling()
	batch, counted := int64(max(1, min(h.Batch, n))), int64(max(1, h.Measure.Batch))
	m.Cache = m.Cache * batch / counted
	m.Activations = m.Activations * batch / counted * int64(steps)
	return h.Held(m) + 2*h.Weights()
}
