// Package vq is a family of models of discrete tokens: a tokenizer turns the patches
// of an image into numbers of a codebook (van den Oord et al. 2017, "Neural discrete
// representation learning"; Yu et al. 2022, "Vector-quantized image modeling with
// improved VQGAN"), and a transformer draws these one AR step after another.
//
// Its principle is that an opponent is fair when it stands on the same core: layers,
// optimiser, noise and blocks are those of the other families, the steps of the
// tokenizer count as steps of the training, and its decoder counts as part of
// sampling. README.md beside this file has its equations.
package vq

import (
	"math"

	"prabench/metrics/quantity"
	"prabench/models"
)

var _ = quantity.Keys("model",
	quantity.Key{Name: "codes", Label: "codes of the codebook", Doc: "K, number of codes of the family vq's tokenizer"},
	quantity.Key{Name: "code_dim", Label: "values of a code", Doc: "d, values of a code"},
	quantity.Key{Name: "coder_depth", Label: "layers of encoder and decoder",
		Doc: "transformer layers of the tokenizer's encoder, and of its decoder; every patch attends to all patches"},
)

var _ = quantity.Keys("train",
	quantity.Key{Name: "tokenizer_share", Label: "share of steps that train the tokenizer",
		Doc: "share of train.steps that train the tokenizer, before the transformer is trained on its codes"},
	quantity.Key{Name: "tokenizer_steps", Label: "steps of the tokenizer",
		Doc: "steps of the tokenizer, in place of train.tokenizer_share, so that longer trainings can continue from shorter ones; " +
			"0: train.tokenizer_share"},
	quantity.Key{Name: "tokenizer_lr", Label: "learning rate of the tokenizer", Doc: "peak learning rate of the tokenizer's steps"},
	quantity.Key{Name: "commitment", Label: "weight of the commitment loss",
		Doc: "β of the loss |x − D(e)|² + β·|z − e|² of the tokenizer"},
	quantity.Key{Name: "code_decay", Label: "decay of the codebook", Doc: "decay of the moving averages that define the codes"},
	quantity.Key{Name: "code_reset", Label: "use below which a code is dead",
		Doc: "a code used less than this share of the mean use is reset to a token of the batch; 0 resets none"},
)

var _ = quantity.Keys("sample",
	quantity.Key{Name: "temperature", Label: "temperature", Doc: "divisor of the logits of codes; 0 takes the most likely code"},
	quantity.Key{Name: "top_k", Label: "codes to draw from (0 = all)", Doc: "number of the most likely codes to sample from; 0 is all"},
	quantity.Key{Name: "top_p", Label: "probability to draw from",
		Doc: "sample only from the most likely codes that together have this probability; 1 is all"},
)

// Config is the table [model].
type Config struct {
	Size     int `toml:"-" json:"size"` // image side in pixels
	Channels int `toml:"-" json:"channels"`
	Classes  int `toml:"-" json:"classes"`

	Patch      int `toml:"patch" json:"patch"`
	Block      int `toml:"block" json:"block"`
	Codes      int `toml:"codes" json:"codes"`
	CodeDim    int `toml:"code_dim" json:"code_dim"`
	CoderWidth int `toml:"coder_width" json:"coder_width"`
	CoderDepth int `toml:"coder_depth" json:"coder_depth"`
	Width      int `toml:"width" json:"width"`
	Depth      int `toml:"depth" json:"depth"`
	Heads      int `toml:"heads" json:"heads"` // of the transformer and of the tokenizer
	MLP        int `toml:"mlp" json:"mlp"`

	// How the transformer's layers are made, not the tokenizer's.
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
	Steps          int             `toml:"steps" json:"steps"`
	Batch          int             `toml:"batch" json:"batch"`
	LR             float64         `toml:"lr" json:"lr"`
	Warmup         float64         `toml:"warmup" json:"warmup"`
	Beta2          float64         `toml:"beta2" json:"beta2"`
	WeightDecay    float64         `toml:"weight_decay" json:"weight_decay"`
	Clip           float64         `toml:"clip" json:"clip"`
	EMA            models.Averages `toml:"ema" json:"ema"`
	ClassDropout   float64         `toml:"class_dropout" json:"class_dropout"`
	TokenizerShare float64         `toml:"tokenizer_share" json:"tokenizer_share"`
	TokenizerLR    float64         `toml:"tokenizer_lr" json:"tokenizer_lr"`
	Commitment     float64         `toml:"commitment" json:"commitment"`
	CodeDecay      float64         `toml:"code_decay" json:"code_decay"`
	CodeReset      float64         `toml:"code_reset" json:"code_reset"`
	Threads        int             `toml:"threads" json:"threads"`
	Seed           uint64          `toml:"-" json:"seed"`

	// How the learning rate of the transformer goes over its steps: "cosine", "constant"
	// or "wsd", whose last Decay of these steps fall; the tokenizer's is a cosine.
	// WarmupSteps above 0 stand for Warmup, of both; TokenizerSteps for TokenizerShare.
	Schedule       string  `toml:"schedule" json:"schedule,omitempty" absent:"cosine"`
	Decay          float64 `toml:"decay" json:"decay,omitempty" absent:"0.2"`
	WarmupSteps    int     `toml:"warmup_steps" json:"warmup_steps,omitempty" absent:"0"`
	TokenizerSteps int     `toml:"tokenizer_steps" json:"tokenizer_steps,omitempty" absent:"0"`

	SeedInit  uint64 `toml:"seed.init" json:"seed_init,omitempty" absent:"0"` // of parts apart; 0 is Seed
	SeedOrder uint64 `toml:"seed.order" json:"seed_order,omitempty" absent:"0"`
	SeedNoise uint64 `toml:"seed.noise" json:"seed_noise,omitempty" absent:"0"`
}

// SampleConfig is the table [sample].
type SampleConfig struct {
	Temperature float64 `toml:"temperature" json:"temperature"`
	TopK        int     `toml:"top_k" json:"top_k"`
	TopP        float64 `toml:"top_p" json:"top_p"`
	Guidance    float64 `toml:"guidance" json:"guidance"`
	Weights     string  `toml:"weights" json:"weights"` // of the transformer: "ema", "raw", or a decay of several in train.ema
	Seed        uint64  `toml:"seed" json:"seed"`
}

func (t TrainConfig) noiseSeed() uint64 { return models.SeedOf(t.SeedNoise, t.Seed) }

// tokenizerSteps is how many of the steps, the first ones, train the tokenizer.
func (t TrainConfig) tokenizerSteps() int {
	if t.TokenizerSteps > 0 {
		return t.TokenizerSteps
	}
	return int(math.Round(t.TokenizerShare * float64(t.Steps)))
}

// schedule is how the learning rate of the transformer goes.
func (t TrainConfig) schedule() models.Schedule {
	return models.Schedule{Kind: t.Schedule, WarmSteps: t.WarmupSteps, Fall: t.Decay}
}

// defaults is about the size of the default family's.
func defaults() Params {
	return Params{
		Model: Config{Size: 28, Channels: 1, Classes: 10, Patch: 7, Block: 1, Codes: 256, CodeDim: 16, CoderWidth: 96, CoderDepth: 1,
			Width: 96, Depth: 4, Heads: 4, MLP: 4, Norm: "layernorm", MLPKind: "gelu", Positions: "learned", QKNorm: "none"},
		Train: TrainConfig{Steps: 1500, Batch: 128, LR: 1e-3, Warmup: 0.05, Beta2: 0.95, Clip: 1, EMA: "0.999", ClassDropout: 0.1,
			TokenizerShare: 0.4, TokenizerLR: 2e-3, Commitment: 0.25, CodeDecay: 0.95, CodeReset: 0.1, Threads: 1,
			Schedule: "cosine", Decay: 0.2},
		Sample: SampleConfig{Temperature: 1, TopP: 1, Weights: "ema", Seed: 1},
	}
}

// Tokens is N, the number of patches of an image.
func (c Config) Tokens() int { return (c.Size / c.Patch) * (c.Size / c.Patch) }

// TokenDim is P, the number of values of a patch.
func (c Config) TokenDim() int { return c.Patch * c.Patch * c.Channels }

// ARSteps is the number of AR steps of an image.
func (c Config) ARSteps() int { return c.Tokens() / c.Block }

// Validate reports the first key whose value is not allowed, as a *[models.KeyError].
func (p Params) Validate() error {
	return models.First(p.Model.validate(), p.Train.validate(), p.Sample.validate(p.Model.Codes),
		p.Train.EMA.CheckWeights(p.Sample.Weights))
}

func (c Config) validate() error {
	if err := models.First(
		models.Positive("data.size", c.Size), models.Positive("data.channels", c.Channels), models.Positive("model.patch", c.Patch),
		models.Positive("model.block", c.Block), models.Positive("model.code_dim", c.CodeDim),
		models.Positive("model.coder_width", c.CoderWidth), models.Positive("model.coder_depth", c.CoderDepth),
		models.Positive("model.width", c.Width), models.Positive("model.depth", c.Depth), models.Positive("model.heads", c.Heads),
		models.Positive("model.mlp", c.MLP), c.trunk().Check(c.Width, c.Heads),
	); err != nil {
		return err
	}
	switch {
	case c.Classes < 1:
		return models.BadKey("data.set", "a data set needs at least one class, this one has %d", c.Classes)
	case c.Size%c.Patch != 0:
		return models.BadKey("model.patch", "%d does not divide the image size %d; allowed: %v", c.Patch, c.Size, models.Divisors(c.Size))
	case c.Tokens()%c.Block != 0:
		return models.BadKey("model.block", "%d does not divide the number of tokens %d; allowed: %v", c.Block, c.Tokens(),
			models.Divisors(c.Tokens()))
	case c.Codes < 2 || c.Codes > 1<<16:
		return models.BadKey("model.codes", "must lie in [2, %d], not %d", 1<<16, c.Codes)
	case c.Width%c.Heads != 0:
		return models.BadKey("model.heads", "%d does not divide model.width = %d", c.Heads, c.Width)
	case c.CoderWidth%c.Heads != 0:
		return models.BadKey("model.coder_width", "model.heads = %d does not divide %d", c.Heads, c.CoderWidth)
	}
	return nil
}

func (t TrainConfig) validate() error {
	err := models.First(
		models.Positive("train.steps", t.Steps), models.Positive("train.batch", t.Batch), models.Positive("train.threads", t.Threads),
		models.Within("train.lr", t.LR, 0, 1), models.Within("train.warmup", t.Warmup, 0, 1), models.Within("train.beta2", t.Beta2, 0, 0.999999),
		models.Within("train.weight_decay", t.WeightDecay, 0, 1), models.Within("train.clip", t.Clip, 0, math.MaxFloat64),
		t.EMA.Check(), models.Within("train.class_dropout", t.ClassDropout, 0, 1),
		models.Within("train.tokenizer_share", t.TokenizerShare, 0, 1), models.Within("train.tokenizer_lr", t.TokenizerLR, 0, 1),
		models.Within("train.commitment", t.Commitment, 0, 1000), models.Within("train.code_decay", t.CodeDecay, 0, 0.999999),
		models.Within("train.code_reset", t.CodeReset, 0, 0.999999),
	)
	n := t.tokenizerSteps()
	switch {
	case err != nil:
		return err
	case t.TokenizerSteps < 0 || t.TokenizerSteps >= t.Steps:
		return models.BadKey("train.tokenizer_steps", "must be 0 (train.tokenizer_share) to train.steps − 1 = %d, not %d", t.Steps-1,
			t.TokenizerSteps)
	case n < 1 || n >= t.Steps:
		return models.BadKey("train.tokenizer_share", "%g of train.steps = %d are %d steps of the tokenizer; "+
			"it and the transformer need one each", t.TokenizerShare, t.Steps, n)
	}
	return models.CheckSchedule(t.schedule(), t.Steps-n, t.Warmup)
}

func (s SampleConfig) validate(codes int) error {
	if err := models.First(
		models.Within("sample.temperature", s.Temperature, 0, 1000), models.Within("sample.guidance", s.Guidance, 0, 1000),
	); err != nil {
		return err
	}
	switch {
	case s.TopK < 0 || s.TopK > codes:
		return models.BadKey("sample.top_k", "must lie in [0, model.codes = %d], not %d", codes, s.TopK)
	case !(s.TopP > 0 && s.TopP <= 1):
		return models.BadKey("sample.top_p", "must lie in (0, 1], not %g", s.TopP)
	}
	return nil
}
