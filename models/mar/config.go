// Package mar is a family of masked autoregressive models: a transformer sees all
// patches of an image at once, some of them hidden, and a flow head draws the hidden
// ones, a few in each AR step and in random order, after "Autoregressive image generation
// without vector quantization" (Li et al. 2024, arXiv 2406.11838).
//
// Its principle is that an opponent is fair when it stands on the same core: the head, the
// layers, the optimiser, the noise and the solvers are those of the other families, and
// its evaluations, operations and seconds are counted as theirs. README.md beside this
// file has its equations, and what it leaves out of the published model.
package mar

import (
	"math"

	"prabench/metrics/quantity"
	"prabench/models"
	"prabench/models/layers"
)

var _ = quantity.Keys("train",
	quantity.Key{Name: "mask_ratio_min", Label: "least share of masked tokens",
		Doc: "least share of masked tokens in training, at which the normal around 1 is truncated"},
	quantity.Key{Name: "mask_ratio_std", Label: "deviation of the share of masked tokens",
		Doc: "standard deviation of the normal around 1 from whose lower half the share of masked tokens is drawn; 0 masks all"},
)

var _ = quantity.Keys("sample",
	quantity.Key{Name: "ar_steps", Label: "AR steps (0 = one per token)", Short: "steps of masked sampling",
		Doc: "K, AR steps in which the family mar samples an image's N tokens, more in each later step; 0 is N, one token per step"},
)

// Config is the table [model].
type Config struct {
	Size     int `toml:"-" json:"size"` // image side in pixels
	Channels int `toml:"-" json:"channels"`
	Classes  int `toml:"-" json:"classes"`

	Patch          int    `toml:"patch" json:"patch"`
	Width          int    `toml:"width" json:"width"`
	Depth          int    `toml:"depth" json:"depth"`
	Heads          int    `toml:"heads" json:"heads"`
	MLP            int    `toml:"mlp" json:"mlp"`
	HeadWidth      int    `toml:"head_width" json:"head_width"`
	HeadDepth      int    `toml:"head_depth" json:"head_depth"`
	HeadModulation string `toml:"head_modulation" json:"head_modulation"` // "block", "shared" or "separable"
	Target         string `toml:"target" json:"target"`                   // "x" or "v"

	// How the transformer's layers are made.
	Norm    string `toml:"norm" json:"norm,omitempty" absent:"layernorm"`    // "layernorm" or "rmsnorm"
	MLPKind string `toml:"mlp_kind" json:"mlp_kind,omitempty" absent:"gelu"` // "gelu" or "swiglu"
	// "learned" places, or "rope2d": attention turns queries and keys by row and column.
	Positions string `toml:"positions" json:"positions,omitempty" absent:"learned"`
	QKNorm    string `toml:"qk_norm" json:"qk_norm,omitempty" absent:"none"` // of queries and keys of a head: "none" or "rmsnorm"
	// Tokens of the class that stand before those of an image; 0: the class is added to each of these.
	ClassTokens int `toml:"class_tokens" json:"class_tokens,omitempty" absent:"0"`
}

// TrainConfig is the table [train].
type TrainConfig struct {
	Steps        int             `toml:"steps" json:"steps"`
	Batch        int             `toml:"batch" json:"batch"`
	LR           float64         `toml:"lr" json:"lr"`
	Warmup       float64         `toml:"warmup" json:"warmup"`
	Beta2        float64         `toml:"beta2" json:"beta2"`
	WeightDecay  float64         `toml:"weight_decay" json:"weight_decay"`
	Clip         float64         `toml:"clip" json:"clip"`
	EMA          models.Averages `toml:"ema" json:"ema"`
	MaskRatioMin float64         `toml:"mask_ratio_min" json:"mask_ratio_min"`
	MaskRatioStd float64         `toml:"mask_ratio_std" json:"mask_ratio_std"`
	FlowSamples  int             `toml:"flow_samples" json:"flow_samples"` // draws of (t, ε) a token
	TimeMean     float64         `toml:"time_mean" json:"time_mean"`       // of the normal whose sigmoid t is
	TimeStd      float64         `toml:"time_std" json:"time_std"`
	ClassDropout float64         `toml:"class_dropout" json:"class_dropout"`
	Threads      int             `toml:"threads" json:"threads"`
	Seed         uint64          `toml:"-" json:"seed"`

	// Images whose activations are held at once, whose gradients are added up; 0 is all of
	// Batch. It divides Batch.
	MicroBatch int `toml:"micro_batch" json:"micro_batch"`
	// How the learning rate goes: "cosine", "constant" or "wsd", whose last Decay of the
	// steps fall; WarmupSteps above 0 stand for Warmup.
	Schedule    string  `toml:"schedule" json:"schedule"`
	Decay       float64 `toml:"decay" json:"decay"`
	WarmupSteps int     `toml:"warmup_steps" json:"warmup_steps"`

	SeedInit  uint64 `toml:"seed.init" json:"seed_init,omitempty" absent:"0"` // of parts apart; 0 is Seed
	SeedOrder uint64 `toml:"seed.order" json:"seed_order,omitempty" absent:"0"`
	SeedNoise uint64 `toml:"seed.noise" json:"seed_noise,omitempty" absent:"0"`
}

// SampleConfig is the table [sample].
type SampleConfig struct {
	ARSteps   int     `toml:"ar_steps" json:"ar_steps"` // 0: one per token
	FlowSteps int     `toml:"flow_steps" json:"flow_steps"`
	Solver    string  `toml:"solver" json:"solver"`       // "euler", "heun", "midpoint" or "euler-maruyama"
	LastStep  float64 `toml:"last_step" json:"last_step"` // size of euler-maruyama's last step
	Guidance  float64 `toml:"guidance" json:"guidance"`
	// "constant"; "linear": times the share of tokens that there are after the AR step;
	// "interval": on for times t in [GuidanceFrom, GuidanceTo]
	GuidanceSchedule string  `toml:"guidance_schedule" json:"guidance_schedule"`
	GuidanceFrom     float64 `toml:"guidance_from" json:"guidance_from"`
	GuidanceTo       float64 `toml:"guidance_to" json:"guidance_to"`
	Weights          string  `toml:"weights" json:"weights"` // "ema", "raw", or a decay of several in train.ema
	Seed             uint64  `toml:"seed" json:"seed"`
}

func (t TrainConfig) noiseSeed() uint64 { return models.SeedOf(t.SeedNoise, t.Seed) }

// defaults is about the size of the default family's.
func defaults() Params {
	return Params{
		Model: Config{Size: 28, Channels: 1, Classes: 10, Patch: 7, Width: 96, Depth: 3, Heads: 4, MLP: 4, HeadWidth: 160, HeadDepth: 2,
			HeadModulation: "block", Target: "x", Norm: "layernorm", MLPKind: "gelu", Positions: "learned", QKNorm: "none"},
		Train: TrainConfig{Steps: 1500, Batch: 128, LR: 1e-3, Warmup: 0.05, Beta2: 0.95, Clip: 1, EMA: "0.999", MaskRatioMin: 0.7,
			MaskRatioStd: 0.25, FlowSamples: 1, TimeStd: 1, ClassDropout: 0.1, Threads: 1, Schedule: "cosine", Decay: 0.2},
		Sample: SampleConfig{FlowSteps: 10, Solver: "euler", LastStep: 0.04, GuidanceSchedule: "constant", GuidanceTo: 1, Weights: "ema",
			Seed: 1},
	}
}

// Tokens is N, the number of patches of an image.
func (c Config) Tokens() int { return (c.Size / c.Patch) * (c.Size / c.Patch) }

// TokenDim is P, the number of values of a patch.
func (c Config) TokenDim() int { return c.Patch * c.Patch * c.Channels }

func (c Config) modulation() layers.Modulation {
	switch c.HeadModulation {
	case "shared":
		return layers.Shared
	case "separable":
		return layers.Separable
	}
	return layers.PerBlock
}

func (c Config) trunk() layers.Trunk {
	return layers.Trunk{Norm: c.Norm, MLPKind: c.MLPKind, Positions: c.Positions, QKNorm: c.QKNorm, ClassTokens: c.ClassTokens}
}

// flow is how the head's flow is integrated.
func (s SampleConfig) flow(target string) layers.Flow {
	f := layers.Flow{Steps: s.FlowSteps, Solver: s.Solver, Last: s.LastStep, Guidance: s.Guidance, To: 1, Clean: target == "x"}
	if s.GuidanceSchedule == "interval" {
		f.From, f.To = s.GuidanceFrom, s.GuidanceTo
	}
	return f
}

// Validate reports the first key whose value is not allowed, as a *[models.KeyError].
func (p Params) Validate() error {
	if err := models.First(p.Model.validate(), p.Train.validate()); err != nil {
		return err
	}
	return models.First(p.Sample.validate(p.Model), p.Train.EMA.CheckWeights(p.Sample.Weights))
}

func (c Config) validate() error {
	if err := models.First(
		models.Positive("data.size", c.Size), models.Positive("data.channels", c.Channels), models.Positive("model.patch", c.Patch),
		models.Positive("model.width", c.Width), models.Positive("model.depth", c.Depth), models.Positive("model.heads", c.Heads),
		models.Positive("model.mlp", c.MLP), models.Positive("model.head_width", c.HeadWidth),
		models.Positive("model.head_depth", c.HeadDepth), models.OneOf("model.target", c.Target, "x", "v"),
		models.OneOf("model.head_modulation", c.HeadModulation, "block", "shared", "separable"), c.trunk().Check(c.Width, c.Heads),
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
		models.Positive("train.flow_samples", t.FlowSamples),
		models.Within("train.lr", t.LR, 0, 1), models.Within("train.warmup", t.Warmup, 0, 1), models.Within("train.beta2", t.Beta2, 0, 0.999999),
		models.Within("train.weight_decay", t.WeightDecay, 0, 1), models.Within("train.clip", t.Clip, 0, math.MaxFloat64),
		t.EMA.Check(), models.Within("train.mask_ratio_min", t.MaskRatioMin, 0, 1),
		models.Within("train.mask_ratio_std", t.MaskRatioStd, 0, 10), models.Within("train.time_mean", t.TimeMean, -10, 10),
		models.Within("train.time_std", t.TimeStd, 0, 10), models.Within("train.class_dropout", t.ClassDropout, 0, 1),
		models.Parts("train.micro_batch", t.MicroBatch, t.Batch), models.CheckSchedule(t.schedule(), t.Steps, t.Warmup),
	)
}

func (s SampleConfig) validate(c Config) error {
	if err := models.First(
		models.Positive("sample.flow_steps", s.FlowSteps),
		models.OneOf("sample.solver", s.Solver, "euler", "heun", "midpoint", "euler-maruyama"),
		models.Within("sample.last_step", s.LastStep, 0, 1), models.Within("sample.guidance", s.Guidance, 0, 1000),
		models.OneOf("sample.guidance_schedule", s.GuidanceSchedule, "constant", "linear", "interval"),
		models.Within("sample.guidance_from", s.GuidanceFrom, 0, 1), models.Within("sample.guidance_to", s.GuidanceTo, 0, 1),
	); err != nil {
		return err
	}
	switch n := c.Tokens(); {
	case s.GuidanceFrom > s.GuidanceTo:
		return models.BadKey("sample.guidance_from", "%g is above sample.guidance_to = %g", s.GuidanceFrom, s.GuidanceTo)
	case s.ARSteps < 0 || s.ARSteps > n:
		return models.BadKey("sample.ar_steps", "%d AR steps for N = %d tokens (size %d, patch %d), at least one per step; allowed: 1 to %d, "+
			"or 0 (one token per step)", s.ARSteps, n, c.Size, c.Patch, n)
	}
	return nil
}
