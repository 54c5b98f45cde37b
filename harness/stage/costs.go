package stage

import (
	"prabench/models"
	"prabench/models/dataset"
)

// Costs is what one cell takes on any machine.
type Costs struct {
	models.Costs
	Params int64                 `json:"params"`
	Train  models.MemoryEstimate `json:"train_memory"`  // bytes of the backend in training
	Sample models.MemoryEstimate `json:"sample_memory"` // in sampling measure.batch images at a time
}

// Costs counts what a cell of these settings takes.
func (s *Settings) Costs() *Costs {
	return &Costs{
		Costs: s.Params.Costs(), Params: s.Params.Size(), Train: s.Params.TrainMemory(), Sample: s.Params.SampleMemory(s.Measure.Batch),
	}
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

// Packed is the copy of the weights that sampling multiplies by.
func (h Host) Packed() int64 { return h.Held(models.MemoryEstimate{Model: h.Weights()}) }

// Sampling is what a sampler holds that draws at most n images in batches, with
// activations of that many AR steps at once.
func (h Host) Sampling(n, steps int) int64 {
	m := h.Costs.Sample
	batch, counted := int64(max(1, min(h.Batch, n))), int64(max(1, h.Measure.Batch))
	m.Cache = m.Cache * batch / counted
	m.Activations = m.Activations * batch / counted * int64(steps)
	return h.Held(m) + 2*h.Weights() + h.Packed()
}
