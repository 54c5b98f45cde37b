// Package jit is a family of models that denoise whole images: a diffusion
// transformer on pixel patches, which predicts the clean image and is trained on
// the velocity of a flow, after "Back to basics: let denoising generative models
// denoise" (Li and He 2025, arXiv 2511.13720).
//
// Its principle is that an opponent is fair when it stands on the same core: the layers,
// the optimiser, the noise and the solvers are those of the other families, and its
// evaluations, operations and seconds are counted as theirs. README.md beside this
// file has its equations, and what it leaves out of the published model.
package jit

import (
	"math"

	"prabench/metrics/quantity"
	"prabench/models"
)

var _ = quantity.Keys("model",
	quantity.Key{Name: "bottleneck", Label: "width of the patch embedding's bottleneck",
		Doc: "width of the bottleneck in the patch embedding; 0 is none"},
)

// Config is the table [model].
type Config struct {
	Size     int `toml:"-" json:"size"` // image side in pixels
	Channels int `toml:"-" json:"channels"`
	Classes  int `toml:"-" json:"classes"`

	Patch      int    `toml:"patch" json:"patch"`
	Width      int    `toml:"width" json:"width"`
	Depth      int    `toml:"depth" json:"depth"`
	Heads      int    `toml:"heads" json:"heads"`
	MLP        int    `toml:"mlp" json:"mlp"`
	Bottleneck int    `toml:"bottleneck" json:"bottleneck"`
	Target     string `toml:"target" json:"target"` // "x" or "v"

	MLPKind string `toml:"mlp_kind" json:"mlp_kind,omitempty" absent:"gelu"` // "gelu" or "swiglu"
	// "learned" places, or "rope2d": attention turns queries and keys by row and column.
	Positions string `toml:"positions" json:"positions,omitempty" absent:"learned"`
	QKNorm    string `toml:"qk_norm" json:"qk_norm,omitempty" absent:"none"` // of queries and keys of a head: "none" or "rmsnorm"
}

// TrainConfig is the table [train].
type TrainConfig struct {
	Steps        int             `toml:"steps" json:"steps"`
	Batch        int             `toml:"batch" json:"batch"`
	LR           float64         `toml:"lr" json:"lr"`
	Warmup       float64         `toml:"warmup" json:"warmup"`
	Beta2        float64         `toml:"beta2" json:"beta2" absent:"0.95"`
	WeightDecay  float64         `toml:"weight_decay" json:"weight_decay"`
	Clip         float64         `toml:"clip" json:"clip"`
	EMA          models.Averages `toml:"ema" json:"ema"`
	TimeMean     float64         `toml:"time_mean" json:"time_mean"` // of the normal whose sigmoid t is
	TimeStd      float64         `toml:"time_std" json:"time_std"`
	ClassDropout float64         `toml:"class_dropout" json:"class_dropout"`
	Threads      int             `toml:"threads" json:"threads"`
	Seed         uint64          `toml:"-" json:"seed"`

	// Images whose activations are held at once, whose gradients are added up; 0 is all of
	// Batch. It divides Batch.
	MicroBatch int `toml:"micro_batch" json:"micro_batch,omitempty" absent:"0"`

	// How the learning rate goes: "cosine", "constant" or "wsd", whose last Decay of the
	// steps fall; WarmupSteps above 0 stand for Warmup.
	Schedule    string  `toml:"schedule" json:"schedule,omitempty" absent:"cosine"`
	Decay       float64 `toml:"decay" json:"decay,omitempty" absent:"0.2"`
	WarmupSteps int     `toml:"warmup_steps" json:"warmup_steps,omitempty" absent:"0"`

	SeedInit  uint64 `toml:"seed.init" json:"seed_init,omitempty" absent:"0"` // of parts apart; 0 is Seed
	SeedOrder uint64 `toml:"seed.order" json:"seed_order,omitempty" absent:"0"`
	SeedNoise uint64 `toml:"seed.noise" json:"seed_noise,omitempty" absent:"0"`
}

// SampleConfig is the table [sample].
type SampleConfig struct {
	FlowSteps    int     `toml:"flow_steps" json:"flow_steps"`
	Solver       string  `toml:"solver" json:"solver"` // "euler" or "heun"
	Guidance     float64 `toml:"guidance" json:"guidance"`
	GuidanceFrom float64 `toml:"guidance_from" json:"guidance_from"` // guidance is on for t in [from, to]
	GuidanceTo   float64 `toml:"guidance_to" json:"guidance_to"`
	Weights      string  `toml:"weights" json:"weights"` // "ema", "raw", or a decay of several in train.ema
	Seed         uint64  `toml:"seed" json:"seed"`
}

func (t TrainConfig) noiseSeed() uint64 { return models.SeedOf(t.SeedNoise, t.Seed) }

// defaults is about the size of the default family's.
func defaults() Params {
	return Params{
		Model: Config{Size: 28, Channels: 1, Classes: 10, Patch: 7, Width: 96, Depth: 4, Heads: 4, MLP: 4, Bottleneck: 32, Target: "x",
			MLPKind: "gelu", Positions: "learned", QKNorm: "none"},
		Train: TrainConfig{Steps: 1500, Batch: 128, LR: 1e-3, Warmup: 0.05, Beta2: 0.95, Clip: 1, EMA: "0.999", TimeMean: -0.8, TimeStd: 0.8,
			ClassDropout: 0.1, Threads: 1, Schedule: "cosine", Decay: 0.2},
		Sample: SampleConfig{FlowSteps: 20, Solver: "heun", GuidanceFrom: 0.1, GuidanceTo: 1, Weights: "ema", Seed: 1},
	}
}

// Tokens is N, the number of patches of an image.
func (c Config) Tokens() int { return (c.Size / c.Patch) * (c.Size / c.Patch) }

// TokenDim is P, the number of values of a patch.
func (c Config) TokenDim() int { return c.Patch * c.Patch * c.Channels }

// Validate reports the first key whose value is not allowed, as a *[models.KeyError].
func (p Params) Validate() error {
	return models.First(p.Model.validate(), p.Train.validate(), p.Sample.validate(),
		p.Train.EMA.CheckWeights(p.Sample.Weights))
}

func (c Config) validate() error {
	if err := models.First(
		models.Positive("data.size", c.Size), models.Positive("data.channels", c.Channels), models.Positive("model.patch", c.Patch),
		models.Positive("model.width", c.Width), models.Positive("model.depth", c.Depth), models.Positive("model.heads", c.Heads),
		models.Positive("model.mlp", c.MLP), models.OneOf("model.target", c.Target, "x", "v"), c.trunk().Check(c.Width, c.Heads),
	); err != nil {
		return err
	}
	switch {
	case c.Classes < 1:
		return models.BadKey("data.set", "a data set needs at least one class, this one has %d", c.Classes)
	case c.Size%c.Patch != 0:
		return models.BadKey("model.patch", "%d does not divide the image size %d; allowed: %v", c.Patch, c.Size, models.Divisors(c.Size))
	case c.Width%c.Heads != 0:
		return models.BadKey("model.heads", "%d does not divide model.width = %d", c.Heads, c.Width)
	case c.Bottleneck < 0:
		return models.BadKey("model.bottleneck", "must be 0 (none) or more, not %d", c.Bottleneck)
	}
	return nil
}

// schedule is how the learning rate goes.
func (t TrainConfig) schedule() models.Schedule {
	return models.Schedule{Kind: t.Schedule, WarmSteps: t.WarmupSteps, Fall: t.Decay}
}

func (t TrainConfig) validate() error {
	return models.First(
		models.Positive("train.steps", t.Steps), models.Positive("train.batch", t.Batch), models.Positive("train.threads", t.Threads),
		models.Within("train.lr", t.LR, 0, 1), models.Within("train.warmup", t.Warmup, 0, 1), models.Within("train.beta2", t.Beta2, 0, 0.999999),
		models.Within("train.weight_decay", t.WeightDecay, 0, 1), models.Within("train.clip", t.Clip, 0, math.MaxFloat64),
		t.EMA.Check(), models.Within("train.time_mean", t.TimeMean, -10, 10),
		models.Within("train.time_std", t.TimeStd, 0, 10), models.Within("train.class_dropout", t.ClassDropout, 0, 1),
		models.Parts("train.micro_batch", t.MicroBatch, t.Batch), models.CheckSchedule(t.schedule(), t.Steps, t.Warmup),
	)
}

func (s SampleConfig) validate() error {
	if err := models.First(
		models.Positive("sample.flow_steps", s.FlowSteps), models.OneOf("sample.solver", s.Solver, "euler", "heun"),
		models.Within("sample.guidance", s.Guidance, 0, 1000),
		models.Within("sample.guidance_from", s.GuidanceFrom, 0, 1), models.Within("sample.guidance_to", s.GuidanceTo, 0, 1),
	); err != nil {
		return err
	}
	if s.GuidanceFrom > s.GuidanceTo {
		return models.BadKey("sample.guidance_from", "%g is above sample.guidance_to = %g", s.GuidanceFrom, s.GuidanceTo)
	}
	return nil
}
