// Package pra is the family of models that an experiment has by default: a
// pixel-space autoregressive transformer whose per-token flow head generates a
// low-dimensional state that a pixel decoder turns into a patch, trained with
// Parallel Rollout Approximation.
//
// Forward and backward functions are explicit pairs over [device.Backend],
// noise depends on nothing but its counters, and there is one code path: every
// baseline is a setting of the same switches, never another program. It knows
// no files of experiments and no database. README.md beside this file gives
// every equation, tensor name and shape.
package pra

import (
	"math"

	"prabench/models"
)

// Config is the architecture of a model. Size, Channels and Classes come from
// the data set; everything else is a key of the [model] table.
type Config struct {
	Size     int `toml:"-" json:"size"`     // image side in pixels
	Channels int `toml:"-" json:"channels"` // 1 grey, 3 RGB
	Classes  int `toml:"-" json:"classes"`  // real classes; the null class of guidance is one more

	Patch      int    `toml:"patch" json:"patch"`             // p, side of a patch in pixels; divides Size
	Block      int    `toml:"block" json:"block"`             // B, tokens emitted by one AR step; divides N
	Order      string `toml:"order" json:"order"`             // "contiguous" or "strided"
	State      int    `toml:"state" json:"state"`             // d, width of the state; 0 is identity (the head generates raw patches)
	StateNorm  string `toml:"state_norm" json:"state_norm"`   // "layernorm" or "sphere"
	Width      int    `toml:"width" json:"width"`             // W, trunk width
	Depth      int    `toml:"depth" json:"depth"`             // trunk layers
	Heads      int    `toml:"heads" json:"heads"`             // attention heads; divides Width
	MLP        int    `toml:"mlp" json:"mlp"`                 // trunk MLP width as a multiple of Width
	HeadWidth  int    `toml:"head_width" json:"head_width"`   // flow head width
	HeadDepth  int    `toml:"head_depth" json:"head_depth"`   // residual MLP blocks of the flow head
	CoderWidth int    `toml:"coder_width" json:"coder_width"` // hidden width of encoder and decoder
	Target     string `toml:"target" json:"target"`           // what the head predicts: "x" (the clean state) or "v" (the velocity)

	// How the head's blocks come by shift, scale and gate: "block", "shared" or "separable".
	HeadModulation string `toml:"head_modulation" json:"head_modulation" absent:"block"`

	// How the trunk's layers are made.
	Norm    string `toml:"norm" json:"norm,omitempty" absent:"layernorm"`    // "layernorm" or "rmsnorm"
	MLPKind string `toml:"mlp_kind" json:"mlp_kind,omitempty" absent:"gelu"` // "gelu" or "swiglu"
	// "learned" places, or "rope2d": attention turns queries and keys by row and column.
	Positions string `toml:"positions" json:"positions,omitempty" absent:"learned"`
	QKNorm    string `toml:"qk_norm" json:"qk_norm,omitempty" absent:"none"` // of queries and keys of a head: "none" or "rmsnorm"
	// Tokens of the class that stand before those of an image; 0: the class is added to each of these.
	ClassTokens int `toml:"class_tokens" json:"class_tokens,omitempty" absent:"0"`

	// What encoder and decoder see besides a token or its state: "token" is nothing else,
	// "context" the trunk's h of the token; a "causal" decoder is a transformer of
	// DecoderDepth layers over the states up to the token's own block.
	Encoder      string `toml:"encoder" json:"encoder,omitempty" absent:"token"`
	Decoder      string `toml:"decoder" json:"decoder,omitempty" absent:"token"`
	DecoderDepth int    `toml:"decoder_depth" json:"decoder_depth,omitempty" absent:"1"`
}

// DefaultConfig is the small recipe of the quick experiments.
func DefaultConfig() Config {
	return Config{
		Size: 28, Channels: 1, Classes: 10,
		Patch: 7, Block: 1, Order: "contiguous", State: 12, StateNorm: "layernorm", MLPKind: "gelu", Positions: "learned", QKNorm: "none",
		Width: 96, Depth: 3, Heads: 4, MLP: 4, HeadWidth: 160, HeadDepth: 2, CoderWidth: 160, Target: "x",
		HeadModulation: "block", Norm: "layernorm", Encoder: "token", Decoder: "token", DecoderDepth: 1,
	}
}

// TrainConfig is the training recipe: the keys of the [train] table.
type TrainConfig struct {
	Steps       int             `toml:"steps" json:"steps"`
	Batch       int             `toml:"batch" json:"batch"`                            // images per step
	LR          float64         `toml:"lr" json:"lr"`                                  // peak learning rate of AdamW
	Warmup      float64         `toml:"warmup" json:"warmup"`                          // share of Steps with linear warm-up; then Schedule
	LRFloor     float64         `toml:"lr_floor" json:"lr_floor,omitempty" absent:"0"` // share of lr at which the rate ends
	Beta1       float64         `toml:"beta1" json:"beta1" absent:"0.9"`               // decay of AdamW's mean of gradients
	Beta2       float64         `toml:"beta2" json:"beta2" absent:"0.95"`              // decay of AdamW's mean of squared gradients
	WeightDecay float64         `toml:"weight_decay" json:"weight_decay"`
	Clip        float64         `toml:"clip" json:"clip"` // global gradient norm bound; 0 = none
	EMA         models.Averages `toml:"ema" json:"ema"`   // decay min(EMA, (1+n)/(10+n))

	RolloutDepth models.Depth `toml:"rollout_depth" json:"rollout_depth"` // R: 0 clean inputs, 1 PRA, r≥2 adds r−1 sweeps, "exact" = K
	Anchor       float64      `toml:"anchor" json:"anchor"`               // s: a sweep's flow starts from s·z+(1−s)·ω
	Mix          float64      `toml:"mix" json:"mix"`                     // share of images that keep depth-1 inputs when R ≥ 2
	SweepSteps   int          `toml:"sweep_steps" json:"sweep_steps"`     // Euler steps of the flow inside a training sweep
	StateNoise   float64      `toml:"state_noise" json:"state_noise"`     // σ_z: the state's noise has strength uniform in [0, σ_z] a token
	// "add": ẑ = z + σ_z·u·n; "interpolate": ẑ = t·z + (1−t)·n with t uniform in [StateNoiseMin, 1] a token
	StateNoiseKind string  `toml:"state_noise_kind" json:"state_noise_kind" absent:"add"`
	StateNoiseMin  float64 `toml:"state_noise_min" json:"state_noise_min" absent:"0.65"`
	InputNoise     float64 `toml:"input_noise" json:"input_noise"`                  // σ: noise on pixel inputs, uniform in [0, σ] a token
	FlowSamples    int     `toml:"flow_samples" json:"flow_samples"`                // m draws of (t, ε) a token
	TimeMean       float64 `toml:"time_mean" json:"time_mean,omitempty" absent:"0"` // of the normal whose sigmoid t is
	TimeStd        float64 `toml:"time_std" json:"time_std" absent:"1"`
	RecWeight      float64 `toml:"rec_weight" json:"rec_weight"`       // λ of L = L_flow + λ·L_rec
	ClassDropout   float64 `toml:"class_dropout" json:"class_dropout"` // probability of the null class
	Threads        int     `toml:"threads" json:"threads"`             // compute threads: part of the result's identity, see the laws
	Seed           uint64  `toml:"-" json:"seed"`                      // the cell's training seed

	// Images whose activations are held at once, whose gradients are added up; 0 is all of
	// Batch. It divides Batch.
	MicroBatch int `toml:"micro_batch" json:"micro_batch,omitempty" absent:"0"`
	// What the reconstruction loss is a mean of: "l2" squares, "l1" absolute values, or
	// "features": squares, and RecFeatureWeight times those of a classifier's activations.
	RecLoss          string  `toml:"rec_loss" json:"rec_loss,omitempty" absent:"l2"`
	RecFeatureWeight float64 `toml:"rec_feature_weight" json:"rec_feature_weight,omitempty" absent:"0.1"`
	// Activations that the backward pass computes again: "none" or "layers".
	Recompute string `toml:"recompute" json:"recompute,omitempty" absent:"none"`

	// How the learning rate goes: "cosine", "constant" or "wsd", whose last Decay of the
	// steps fall; WarmupSteps above 0 stand for Warmup.
	Schedule    string  `toml:"schedule" json:"schedule,omitempty" absent:"cosine"`
	Decay       float64 `toml:"decay" json:"decay,omitempty" absent:"0.2"`
	WarmupSteps int     `toml:"warmup_steps" json:"warmup_steps,omitempty" absent:"0"`

	SeedInit  uint64 `toml:"seed.init" json:"seed_init,omitempty" absent:"0"` // of parts apart; 0 is Seed
	SeedOrder uint64 `toml:"seed.order" json:"seed_order,omitempty" absent:"0"`
	SeedNoise uint64 `toml:"seed.noise" json:"seed_noise,omitempty" absent:"0"`
}

// micro is the number of images that are computed at once.
func (t TrainConfig) micro() int {
	if t.MicroBatch == 0 {
		return t.Batch
	}
	return t.MicroBatch
}

func (t TrainConfig) initSeed() uint64  { return models.SeedOf(t.SeedInit, t.Seed) }
func (t TrainConfig) orderSeed() uint64 { return models.SeedOf(t.SeedOrder, t.Seed) }
func (t TrainConfig) noiseSeed() uint64 { return models.SeedOf(t.SeedNoise, t.Seed) }

// schedule is how the learning rate goes.
func (t TrainConfig) schedule() models.Schedule {
	return models.Schedule{Kind: t.Schedule, WarmSteps: t.WarmupSteps, Fall: t.Decay}
}

// DefaultTrain is the small recipe of METHOD: AdamW(.9, .95), 5 % warm-up.
func DefaultTrain() TrainConfig {
	return TrainConfig{
		Steps: 1500, Batch: 128, LR: 1e-3, Warmup: 0.05, Beta1: 0.9, Beta2: 0.95, WeightDecay: 0, Clip: 1, EMA: "0.999",
		RolloutDepth: 1, Anchor: 0.5, Mix: 0, SweepSteps: 4, StateNoise: 0.5, StateNoiseKind: "add", StateNoiseMin: 0.65, InputNoise: 0,
		TimeMean: 0, TimeStd: 1,
		FlowSamples: 1, RecWeight: 4, ClassDropout: 0.1, Threads: 1, Recompute: "none", RecLoss: "l2", RecFeatureWeight: 0.1,
		Schedule: "cosine", Decay: 0.2,
	}
}

// SampleConfig says how images are drawn from a trained model: the keys of the
// [sample] table that change pixels, apart from how many are drawn.
type SampleConfig struct {
	FlowSteps int     `toml:"flow_steps" json:"flow_steps"`             // solver steps a token
	Solver    string  `toml:"solver" json:"solver"`                     // "euler", "heun", "midpoint" or "euler-maruyama"
	LastStep  float64 `toml:"last_step" json:"last_step" absent:"0.04"` // size of euler-maruyama's last step
	Guidance  float64 `toml:"guidance" json:"guidance"`                 // w: v = v_c + w·(v_c − v_null); 0 = none
	// "constant"; "linear": w·(k+1)/K in AR step k; "interval": on for times t in [GuidanceFrom, GuidanceTo]
	GuidanceSchedule string  `toml:"guidance_schedule" json:"guidance_schedule" absent:"constant"`
	GuidanceFrom     float64 `toml:"guidance_from" json:"guidance_from,omitempty" absent:"0"`
	GuidanceTo       float64 `toml:"guidance_to" json:"guidance_to" absent:"1"`
	Renormalise      string  `toml:"renormalise" json:"renormalise" absent:"never"` // "never", or "end": the state, once its flow has ended
	// 0: sequential with KV cache; r ≥ 1: r Jacobi sweeps; "exact" = K sweeps
	RolloutDepth models.Depth `toml:"rollout_depth" json:"rollout_depth"`
	// Of Jacobi sampling: a window of so many AR steps is swept before the next one, 0 is all;
	// an image's window has settled once no value moves further than Tolerance in a sweep, 0
	// asks for no such thing; sweeps start from "zero", or from what the "decoder" makes of ω.
	Window    int     `toml:"window" json:"window,omitempty" absent:"0"`
	Tolerance float64 `toml:"tolerance" json:"tolerance,omitempty" absent:"0"`
	Start     string  `toml:"start" json:"start" absent:"zero"`
	Weights   string  `toml:"weights" json:"weights"` // "ema", "raw", or a decay of several in train.ema
	Seed      uint64  `toml:"seed" json:"seed"`
}

// DefaultSample is ten Euler steps, no guidance, sequential.
func DefaultSample() SampleConfig {
	return SampleConfig{
		FlowSteps: 10, Solver: "euler", LastStep: 0.04, GuidanceSchedule: "constant", GuidanceTo: 1, Renormalise: "never", Start: "zero",
		Weights: "ema", Seed: 1,
	}
}

// Derived sizes.

// Grid is the number of patches along one side, H/p.
func (c Config) Grid() int { return c.Size / c.Patch }

// Tokens is N, the number of tokens of an image.
func (c Config) Tokens() int { return c.Grid() * c.Grid() }

// ARSteps is K = N/B, the number of AR steps of sequential sampling.
func (c Config) ARSteps() int { return c.Tokens() / c.Block }

// TokenDim is p²C, the number of values of a token.
func (c Config) TokenDim() int { return c.Patch * c.Patch * c.Channels }

// StateDim is the width of what the head generates: d, or p²C for identity.
func (c Config) StateDim() int {
	if c.State == 0 {
		return c.TokenDim()
	}
	return c.State
}

// Validate reports the first key whose value is not allowed, as a *[models.KeyError].
func (c Config) Validate() error {
	if err := models.First(
		models.Positive("data.size", c.Size), models.Positive("data.channels", c.Channels), models.Positive("model.patch", c.Patch),
		models.Positive("model.block", c.Block), models.Positive("model.width", c.Width), models.Positive("model.depth", c.Depth),
		models.Positive("model.heads", c.Heads), models.Positive("model.mlp", c.MLP), models.Positive("model.head_width", c.HeadWidth),
		models.Positive("model.head_depth", c.HeadDepth), models.Positive("model.coder_width", c.CoderWidth),
		models.OneOf("model.order", c.Order, "contiguous", "strided"),
		models.OneOf("model.state_norm", c.StateNorm, "layernorm", "sphere"),
		models.OneOf("model.target", c.Target, "x", "v"),
		models.OneOf("model.head_modulation", c.HeadModulation, "block", "shared", "separable"),
		models.OneOf("model.encoder", c.Encoder, "token", "context"),
		c.trunk().Check(c.Width, c.Heads),
		models.OneOf("model.decoder", c.Decoder, "token", "context", "causal"), models.Positive("model.decoder_depth", c.DecoderDepth),
	); err != nil {
		return err
	}
	if c.Classes < 1 {
		return models.BadKey("data.set", "a data set needs at least one class, this one has %d", c.Classes)
	}
	if c.State < 0 {
		return models.BadKey("model.state", "must be 0 (identity) or more, not %d", c.State)
	}
	if c.State == 1 {
		return models.BadKey("model.state", "must be 0 (identity) or at least 2: a normalised state of one value is constant")
	}
	if c.Size%c.Patch != 0 {
		return models.BadKey("model.patch", "%d does not divide the image size %d; allowed: %v", c.Patch, c.Size, models.Divisors(c.Size))
	}
	if n := c.Tokens(); n%c.Block != 0 {
		return models.BadKey("model.block", "%d does not divide N = %d tokens (size %d, patch %d); allowed: %v", c.Block, n, c.Size,
			c.Patch, models.Divisors(n))
	}
	if c.Width%c.Heads != 0 {
		return models.BadKey("model.heads", "%d does not divide model.width = %d", c.Heads, c.Width)
	}
	if c.Decoder == "causal" && c.State > 0 && c.CoderWidth%c.Heads != 0 {
		return models.BadKey("model.coder_width", "%d is no multiple of model.heads = %d, which a causal decoder has too", c.CoderWidth, c.Heads)
	}
	return nil
}

// Validate reports the first key whose value is not allowed, as a *[models.KeyError].
func (t TrainConfig) Validate() error {
	if err := models.First(
		models.Positive("train.steps", t.Steps), models.Positive("train.batch", t.Batch), models.Positive("train.sweep_steps", t.SweepSteps),
		models.Positive("train.flow_samples", t.FlowSamples), models.Positive("train.threads", t.Threads),
		models.Within("train.lr", t.LR, 0, 1), models.Within("train.warmup", t.Warmup, 0, 1), models.Within("train.beta1", t.Beta1, 0, 0.999999),
		models.Within("train.beta2", t.Beta2, 0, 0.999999), models.Within("train.lr_floor", t.LRFloor, 0, 1),
		models.Within("train.weight_decay", t.WeightDecay, 0, 1),
		models.Within("train.clip", t.Clip, 0, math.MaxFloat64), t.EMA.Check(),
		models.Within("train.anchor", t.Anchor, 0, 1), models.Within("train.mix", t.Mix, 0, 1),
		models.Within("train.state_noise", t.StateNoise, 0, 100), models.Within("train.input_noise", t.InputNoise, 0, 100),
		models.OneOf("train.state_noise_kind", t.StateNoiseKind, "add", "interpolate"),
		models.Within("train.state_noise_min", t.StateNoiseMin, 0, 1), models.Within("train.time_mean", t.TimeMean, -10, 10),
		models.Within("train.time_std", t.TimeStd, 0, 10),
		models.Within("train.rec_weight", t.RecWeight, 0, math.MaxFloat64), models.Within("train.class_dropout", t.ClassDropout, 0, 1),
		models.CheckSchedule(t.schedule(), t.Steps, t.Warmup),
		models.OneOf("train.rec_loss", t.RecLoss, "l2", "l1", "features"),
		models.Within("train.rec_feature_weight", t.RecFeatureWeight, 0, 1e6),
		models.OneOf("train.recompute", t.Recompute, "none", "layers"), models.Parts("train.micro_batch", t.MicroBatch, t.Batch),
	); err != nil {
		return err
	}
	if t.RolloutDepth < models.Exact {
		return models.BadKey("train.rollout_depth", "must be 0 or more, or %q", "exact")
	}
	return nil
}

// Validate reports the first key whose value is not allowed, as a *[models.KeyError].
func (s SampleConfig) Validate() error {
	if err := models.First(
		models.Positive("sample.flow_steps", s.FlowSteps), models.OneOf("sample.solver", s.Solver, "euler", "heun", "midpoint", "euler-maruyama"),
		models.Within("sample.guidance", s.Guidance, 0, 1000),
		models.Within("sample.last_step", s.LastStep, 0, 1),
		models.OneOf("sample.guidance_schedule", s.GuidanceSchedule, "constant", "linear", "interval"),
		models.OneOf("sample.renormalise", s.Renormalise, "never", "end"), models.OneOf("sample.start", s.Start, "zero", "decoder"),
		models.Within("sample.tolerance", s.Tolerance, 0, 2), models.Within("sample.window", float64(s.Window), 0, math.MaxInt32),
		models.Within("sample.guidance_from", s.GuidanceFrom, 0, 1), models.Within("sample.guidance_to", s.GuidanceTo, 0, 1),
	); err != nil {
		return err
	}
	if s.GuidanceFrom > s.GuidanceTo {
		return models.BadKey("sample.guidance_from", "%g is above sample.guidance_to = %g", s.GuidanceFrom, s.GuidanceTo)
	}
	if s.RolloutDepth < models.Exact {
		return models.BadKey("sample.rollout_depth", "must be 0 or more, or %q", "exact")
	}
	return nil
}
