package mar

import (
	"prabench/models"
	"prabench/models/device"
	"prabench/models/ranks"
	"prabench/models/safetensors"
)

func init() { models.Register(family{}) }

// Version names the numbers that the family computes: raise it when one changes.
const Version = "1"

type family struct{}

func (family) Name() string            { return "mar" }
func (family) Version() string         { return "mar " + Version }
func (family) Defaults() models.Params { return defaults() }

func (family) Related() map[string][]string {
	return map[string][]string{
		"model.patch":          {"data.size", "data.set"},
		"model.heads":          {"model.width"},
		"sample.ar_steps":      {"model.patch", "data.size", "data.set"},
		"sample.guidance_from": {"sample.guidance_to"},
	}
}

func (family) Load(be device.Backend, f *safetensors.File) (models.Model, error) {
	m, err := modelOf(be, f)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// Params is the family's parameters.
type Params struct {
	Model  Config       `toml:"model" json:"model"`
	Train  TrainConfig  `toml:"train" json:"train"`
	Sample SampleConfig `toml:"sample" json:"sample"`
}

var _ interface {
	models.Params
	models.Patched
	models.Stepped
	models.Branching
	models.Shared
} = Params{}

// Family is this one.
func (p Params) Family() models.Family { return family{} }

// Shape is that of the images.
func (p Params) Shape() models.Shape {
	return models.Shape{Size: p.Model.Size, Channels: p.Model.Channels, Classes: p.Model.Classes}
}

// For gives the same parameters for other images.
func (p Params) For(s models.Shape) models.Params {
	p.Model.Size, p.Model.Channels, p.Model.Classes = s.Size, s.Channels, s.Classes
	return p
}

// Seed is that of the training.
func (p Params) Seed() uint64 { return p.Train.Seed }

// Seeded gives the same parameters with another seed.
func (p Params) Seeded(seed uint64) models.Params {
	p.Train.Seed = seed
	return p
}

// Resolved replaces 0 AR steps by N.
func (p Params) Resolved() models.Params {
	if p.Sample.ARSteps == 0 {
		p.Sample.ARSteps = p.Model.Tokens()
	}
	return p
}

// Canonical sets seeds, and replaces what nothing reads.
func (p Params) Canonical() models.Params {
	t, s, usual := &p.Train, &p.Sample, defaults()
	if t.MicroBatch == t.Batch {
		t.MicroBatch = 0
	}
	if t.MaskRatioStd == 0 || t.MaskRatioMin == 1 { // all tokens are hidden
		t.MaskRatioStd, t.MaskRatioMin = 0, usual.Train.MaskRatioMin
	}
	t.Schedule, t.Decay = models.CanonicalSchedule(t.schedule(), usual.Train.Decay, &t.Warmup, nil)
	models.CanonicalSeeds(&t.Seed, &t.SeedInit, &t.SeedOrder, &t.SeedNoise)
	if s.Solver != "euler-maruyama" || s.FlowSteps == 1 {
		s.LastStep = usual.Sample.LastStep
	}
	if s.Guidance == 0 {
		s.GuidanceSchedule = usual.Sample.GuidanceSchedule
	}
	if s.GuidanceSchedule != "interval" {
		s.GuidanceFrom, s.GuidanceTo = usual.Sample.GuidanceFrom, usual.Sample.GuidanceTo
	}
	return p
}

// Trunk is the same training at its peak rate without an end.
func (p Params) Trunk() (trunk models.Params, steps int, why string) {
	return models.WithoutEnd(p, p.Train.schedule(), p.Train.Warmup, 0)
}

// PatchSide is p.
func (p Params) PatchSide() int { return p.Model.Patch }

// Tokens is N.
func (p Params) Tokens() int { return p.Model.Tokens() }

// ARSteps is the number of steps in which an image's tokens are drawn.
func (p Params) ARSteps() int { return p.Resolved().(Params).Sample.ARSteps }

// Training is steps of a batch each.
func (p Params) Training() models.Training {
	return models.Training{Steps: p.Train.Steps, Batch: p.Train.Batch, Threads: p.Train.Threads}
}

// Size is the number of trained parameters.
func (p Params) Size() int64 { return int64(newLayout(p.Model).Total) }

// Costs counts by running the family on a backend that only counts. Every AR step
// evaluates the transformer over all tokens, twice with guidance; the head draws each
// token once.
func (p Params) Costs() models.Costs {
	flow := p.Sample.flow(p.Model.Target)
	out := models.Costs{ARSteps: p.ARSteps(), NFE: flow.Evaluations(), TrunkEvals: p.ARSteps()}
	if flow.Guides() {
		out.TrunkEvals *= 2
	}
	out.FLOPsImage, out.FLOPsTrainImage = models.CountImage(p), models.CountSteps(p, 1)[0]
	return out
}

// TrainMemory is counted.
func (p Params) TrainMemory() models.MemoryEstimate { return models.CountTraining(p) }

// SampleMemory is counted.
func (p Params) SampleMemory(batch int) models.MemoryEstimate { return models.CountSampling(p, batch) }

// NewTrainer prepares a training.
func (p Params) NewTrainer(be device.Backend, images models.Images) (models.Trainer, error) {
	t, err := newTrainer(be, p, images)
	if err != nil {
		return nil, err
	}
	return t, nil
}

// NewRank is NewTrainer for one of several processes.
func (p Params) NewRank(be device.Backend, images models.Images, g ranks.Group) (models.Trainer, error) {
	t, err := newRank(be, p, images, g)
	if err != nil {
		return nil, err
	}
	return t, nil
}

// NewModel is the model that a training begins with.
func (p Params) NewModel(be device.Backend) (models.Model, error) {
	m, err := newModel(be, p)
	if err != nil {
		return nil, err
	}
	return m, nil
}
