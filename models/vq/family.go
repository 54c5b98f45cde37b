package vq

import (
	"prabench/models"
	"prabench/models/device"
	"prabench/models/safetensors"
)

func init() { models.Register(family{}) }

// Version names the numbers that the family computes: raise it when one changes.
const Version = "1"

type family struct{}

func (family) Name() string            { return "vq" }
func (family) Version() string         { return "vq " + Version }
func (family) Defaults() models.Params { return defaults() }

func (family) Related() map[string][]string {
	return map[string][]string{
		"model.patch":           {"data.size", "data.set"},
		"model.block":           {"model.patch", "data.size", "data.set"},
		"model.heads":           {"model.width"},
		"model.coder_width":     {"model.heads"},
		"sample.top_k":          {"model.codes"},
		"train.tokenizer_share": {"train.steps"},
		"train.tokenizer_steps": {"train.steps"},
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
	models.Coded
	models.Tokenized
} = Params{}

var _ models.Tokenizing = (*Trainer)(nil)

var _ models.Reconstructor = (*Model)(nil)

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

// Canonical sets seeds, and what a schedule and steps of the tokenizer leave without a
// meaning: a training reads every other key.
func (p Params) Canonical() models.Params {
	t, usual := &p.Train, defaults().Train
	t.Schedule, t.Decay = models.CanonicalSchedule(t.schedule(), usual.Decay, &t.Warmup, nil)
	if t.TokenizerSteps > 0 {
		t.TokenizerShare = usual.TokenizerShare
	}
	models.CanonicalSeeds(&p.Train.Seed, &p.Train.SeedInit, &p.Train.SeedOrder, &p.Train.SeedNoise)
	return p
}

// Trunk is the same training at the transformer's peak rate without an end.
func (p Params) Trunk() (trunk models.Params, steps int, why string) {
	s, first := p.Train.schedule(), p.Train.TokenizerSteps
	if first == 0 && models.BranchOff(s, p.Train.Warmup) == "" {
		return nil, 0, "train.tokenizer_share is a share of train.steps: with train.tokenizer_steps the longer ones go on from the shorter"
	}
	return models.WithoutEnd(p, s, p.Train.Warmup, first)
}

// Tokenizer keeps what steps of the tokenizer read and replaces the rest by fixed values.
func (p Params) Tokenizer() (of models.Params, steps int) {
	usual, m, t := defaults(), &p.Model, &p.Train
	steps = t.tokenizerSteps()
	m.Block, m.Width, m.Depth = 1, m.Heads, 1
	m.Norm, m.MLPKind, m.Positions, m.QKNorm = usual.Model.Norm, usual.Model.MLPKind, usual.Model.Positions, usual.Model.QKNorm
	m.ClassTokens = 0
	t.TokenizerSteps, t.Steps = steps, steps+max(1, t.WarmupSteps)
	t.LR, t.EMA, t.ClassDropout, t.Schedule, t.Decay = usual.Train.LR, usual.Train.EMA, 0, usual.Train.Schedule, usual.Train.Decay
	p.Sample = usual.Sample
	return p.Canonical(), steps
}

// PatchSide is p.
func (p Params) PatchSide() int { return p.Model.Patch }

// Tokens and ARSteps are those of an image.
func (p Params) Tokens() int { return p.Model.Tokens() }

// ARSteps is the number of steps of the transformer over codes.
func (p Params) ARSteps() int { return p.Model.ARSteps() }

// Training is steps of a batch each.
func (p Params) Training() models.Training {
	return models.Training{Steps: p.Train.Steps, Batch: p.Train.Batch, Threads: p.Train.Threads}
}

// Size is the number of trained parameters, the codebook and the tokenizer among them.
func (p Params) Size() int64 {
	return int64(newLayout(p.Model).Total + newTokenizer(p.Model).Total + p.Model.Codes*p.Model.CodeDim)
}

// Costs counts by running the family on a backend that only counts. A token takes one
// evaluation of the transformer, two with guidance; a training step is the mean of
// those of the tokenizer and those of the transformer.
func (p Params) Costs() models.Costs {
	out := models.Costs{ARSteps: p.Model.ARSteps(), NFE: 1, TrunkEvals: 1}
	if p.Sample.Guidance != 0 {
		out.NFE, out.TrunkEvals = 2, 2
	}
	out.FLOPsImage = models.CountImage(p)
	share := float64(p.Train.tokenizerSteps()) / float64(p.Train.Steps)
	p.Train.Steps, p.Train.TokenizerShare, p.Train.TokenizerSteps = 2, 0.5, 0
	p.Train.Schedule, p.Train.WarmupSteps = "constant", 0
	each := models.CountSteps(p, 2)
	out.FLOPsTrainImage = share*each[0] + (1-share)*each[1]
	out.FLOPsTokenizerImage = each[0]
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

// NewModel is the model that a training begins with.
func (p Params) NewModel(be device.Backend) (models.Model, error) {
	m, err := newModel(be, p)
	if err != nil {
		return nil, err
	}
	return m, nil
}
