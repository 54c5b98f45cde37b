package jit

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

func (family) Name() string            { return "jit" }
func (family) Version() string         { return "jit " + Version }
func (family) Defaults() models.Params { return defaults() }

func (family) Related() map[string][]string {
	return map[string][]string{
		"model.patch":          {"data.size", "data.set"},
		"model.heads":          {"model.width"},
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

// Resolved has nothing to replace.
func (p Params) Resolved() models.Params { return p }

// Canonical sets seeds, and a part that is all: a training reads every other key.
func (p Params) Canonical() models.Params {
	if p.Train.MicroBatch == p.Train.Batch {
		p.Train.MicroBatch = 0
	}
	p.Train.Schedule, p.Train.Decay = models.CanonicalSchedule(p.Train.schedule(), defaults().Train.Decay, &p.Train.Warmup, nil)
	models.CanonicalSeeds(&p.Train.Seed, &p.Train.SeedInit, &p.Train.SeedOrder, &p.Train.SeedNoise)
	return p
}

// Trunk is the same training at its peak rate without an end.
func (p Params) Trunk() (trunk models.Params, steps int, why string) {
	return models.WithoutEnd(p, p.Train.schedule(), p.Train.Warmup, 0)
}

// PatchSide is p.
func (p Params) PatchSide() int { return p.Model.Patch }

// Training is steps of a batch each.
func (p Params) Training() models.Training {
	return models.Training{Steps: p.Train.Steps, Batch: p.Train.Batch, Threads: p.Train.Threads}
}

// Size is the number of trained parameters.
func (p Params) Size() int64 { return int64(newLayout(p.Model).Total) }

// Costs counts by running the family on a backend that only counts. All tokens are
// drawn together: one AR step, and as many evaluations of the whole network as the
// solver makes, twice where guidance is on.
func (p Params) Costs() models.Costs {
	plan := p.Sample.plan(p.Model.Target)
	out := models.Costs{ARSteps: 1, NFE: plan.Evaluations(), TrunkEvals: plan.Evaluations()}
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
