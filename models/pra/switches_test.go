package pra

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"prabench/models"
	"prabench/models/layers"
)

// switches are settings of the keys that came after the first release, each apart
// and some together.
var switches = []struct {
	name  string
	set   func(c *Config, tc *TrainConfig, sc *SampleConfig)
	train bool // it changes a training
}{
	{"shared", func(c *Config, _ *TrainConfig, _ *SampleConfig) { c.HeadModulation = "shared" }, true},
	{"separable", func(c *Config, _ *TrainConfig, _ *SampleConfig) { c.HeadModulation = "separable" }, true},
	{"encoder context", func(c *Config, _ *TrainConfig, _ *SampleConfig) { c.Encoder = "context" }, true},
	{"decoder context", func(c *Config, _ *TrainConfig, _ *SampleConfig) { c.Decoder = "context" }, true},
	{"both context, blocks, guidance", func(c *Config, _ *TrainConfig, sc *SampleConfig) {
		c.Encoder, c.Decoder, c.Block, c.Order, sc.Guidance = "context", "context", 2, "strided", 1.5
	}, true},
	{"causal", func(c *Config, _ *TrainConfig, _ *SampleConfig) { c.Decoder = "causal" }, true},
	{"causal, deeper, blocks, guidance", func(c *Config, _ *TrainConfig, sc *SampleConfig) {
		c.Encoder, c.Decoder, c.DecoderDepth, c.Block, c.Order, sc.Guidance = "context", "causal", 2, 4, "strided", 1.5
	}, true},
	{"RMSNorm", func(c *Config, _ *TrainConfig, _ *SampleConfig) { c.Norm = "rmsnorm" }, true},
	{"SwiGLU", func(c *Config, _ *TrainConfig, _ *SampleConfig) { c.MLPKind = "swiglu" }, true},
	{"QK norm", func(c *Config, _ *TrainConfig, _ *SampleConfig) { c.QKNorm = "rmsnorm" }, true},
	{"RoPE", func(c *Config, _ *TrainConfig, _ *SampleConfig) { c.Positions = "rope2d" }, true},
	{"RoPE, strided blocks, guidance", func(c *Config, _ *TrainConfig, sc *SampleConfig) {
		c.Positions, c.Block, c.Order, sc.Guidance = "rope2d", 4, "strided", 1.5
	}, true},
	{"class tokens", func(c *Config, _ *TrainConfig, _ *SampleConfig) { c.ClassTokens = 3 }, true},
	{"class tokens, RoPE, blocks, guidance, computed again", func(c *Config, tc *TrainConfig, sc *SampleConfig) {
		c.ClassTokens, c.Positions, c.Block, c.Order, sc.Guidance, tc.Recompute = 5, "rope2d", 4, "strided", 1.5, "layers"
	}, true},
	{"all of the trunk, computed again", func(c *Config, tc *TrainConfig, sc *SampleConfig) {
		c.Norm, c.MLPKind, c.Positions, c.QKNorm, c.Decoder, tc.Recompute = "rmsnorm", "swiglu", "rope2d", "rmsnorm", "causal", "layers"
	}, true},
	{"interpolate", func(_ *Config, tc *TrainConfig, _ *SampleConfig) { tc.StateNoiseKind = "interpolate" }, true},
	{"interpolate identity", func(c *Config, tc *TrainConfig, _ *SampleConfig) { c.State, tc.StateNoiseKind = 0, "interpolate" }, true},
	{"L1", func(_ *Config, tc *TrainConfig, _ *SampleConfig) { tc.RecLoss = "l1" }, true},
	{"features", func(_ *Config, tc *TrainConfig, _ *SampleConfig) { tc.RecLoss = "features" }, true},
	{"time", func(_ *Config, tc *TrainConfig, _ *SampleConfig) { tc.TimeMean, tc.TimeStd = -0.5, 0.7 }, true},
	{"beta1", func(_ *Config, tc *TrainConfig, _ *SampleConfig) { tc.Beta1 = 0.5 }, true},
	{"floor", func(_ *Config, tc *TrainConfig, _ *SampleConfig) { tc.LRFloor = 0.5 }, true},
	{"constant", func(_ *Config, tc *TrainConfig, _ *SampleConfig) { tc.Schedule, tc.WarmupSteps = "constant", 2 }, true},
	{"wsd", func(_ *Config, tc *TrainConfig, _ *SampleConfig) { tc.Schedule, tc.Decay = "wsd", 0.5 }, true},
	{"midpoint", func(_ *Config, _ *TrainConfig, sc *SampleConfig) { sc.Solver = "midpoint" }, false},
	{"maruyama", func(_ *Config, _ *TrainConfig, sc *SampleConfig) { sc.Solver, sc.LastStep = "euler-maruyama", 0.1 }, false},
	{"linear", func(_ *Config, _ *TrainConfig, sc *SampleConfig) { sc.Guidance, sc.GuidanceSchedule = 1.5, "linear" }, false},
	{"linear blocks", func(c *Config, _ *TrainConfig, sc *SampleConfig) {
		c.Block, c.Order, sc.Guidance, sc.GuidanceSchedule, sc.Solver = 4, "strided", 1.5, "linear", "heun"
	}, false},
	{"interval", func(_ *Config, _ *TrainConfig, sc *SampleConfig) {
		sc.Guidance, sc.GuidanceSchedule, sc.GuidanceFrom, sc.GuidanceTo = 2, "interval", 0.3, 0.7
	}, false},
	{"renormalise", func(_ *Config, _ *TrainConfig, sc *SampleConfig) { sc.Guidance, sc.Renormalise = 1, "end" }, false},
	{"all", func(c *Config, tc *TrainConfig, sc *SampleConfig) {
		c.HeadModulation, c.StateNorm, tc.StateNoiseKind = "separable", "sphere", "interpolate"
		sc.Solver, sc.Renormalise = "euler-maruyama", "end"
		sc.Guidance, sc.GuidanceSchedule = 1.5, "linear"
	}, true},
}

// perceive gives a training that compares images in a classifier one with weights of a
// seed: those of testdata/oracle.py.
func perceive(t *testing.T, tr *Trainer) {
	t.Helper()
	if tr.percept == nil {
		return
	}
	c, err := models.ClassifierOf(tr.cfg.Size, tr.cfg.Channels)
	if err != nil {
		t.Fatal(err)
	}
	c = c.Untrained()
	for l := range c.Convolutions {
		v := &c.Convolutions[l]
		draw := func(part uint32, to []float32, mean, std float64) {
			for i := range to {
				to[i] = float32(mean + std*layers.Normal(99, uint32(l), part, uint32(i), 0))
			}
		}
		draw(0, v.Weight, 0, math.Sqrt(2/float64(9*v.In)))
		draw(1, v.Scale, 1, 0.2)
		draw(2, v.Shift, 0, 0.2)
	}
	if err := tr.Perceive(c); err != nil {
		t.Fatal(err)
	}
}

// inShort leaves all but each n-th case out with -short, as on the stand-in of a GPU,
// where a case takes seconds.
func inShort(t *testing.T, i, n int) {
	t.Helper()
	if testing.Short() && i%n != 0 {
		t.Skipf("with -short one case in %d is tried", n)
	}
}

// K sweeps are the sequential result, and an image is the same in any batch and at
// any number of threads.
func TestLawSwitches(t *testing.T) {
	for i, s := range switches {
		t.Run(s.name, func(t *testing.T) {
			inShort(t, i, 2)
			c, tc, sc := smallConfig(), DefaultTrain(), DefaultSample()
			sc.FlowSteps = 4
			s.set(&c, &tc, &sc)
			labels, ids := []int32{0, 1, 2, 0, 1}, []uint32{5, 6, 7, 8, 9}
			want := draw(t, warmModel(t, openDevice(t, 1), c), sc, 5, labels, ids)
			m := warmModel(t, openDevice(t, 2), c)
			for _, batch := range []int{1, 2} {
				within4(t, fmt.Sprintf("batches of %d on 2 threads", batch), draw(t, m, sc, batch, labels, ids), want)
			}
			exact := sc
			exact.RolloutDepth = models.Exact
			within4(t, "K sweeps and sequential", draw(t, m, exact, 5, labels, ids), want)
			other := sc
			other.Seed++
			if furthest(draw(t, m, other, 5, labels, ids), want) < 1e-3 {
				t.Error("another seed gives the same images")
			}
			usual := DefaultSample()
			usual.FlowSteps, usual.Guidance = sc.FlowSteps, sc.Guidance
			if furthest(draw(t, m, usual, 5, labels, ids), want) < 1e-4 != (sc == usual) {
				t.Error("the switch changes no image")
			}
		})
	}
}

// A training under each switch is another one than without, its canonical form says
// so, and it goes on to the bit.
func TestLawSwitchesResume(t *testing.T) {
	for i, s := range switches {
		if !s.train {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			inShort(t, i, 3)
			c, tc, sc := smallConfig(), DefaultTrain(), DefaultSample()
			tc.Steps, tc.Batch, tc.FlowSamples = 6, 4, 2
			plain, usual := c, tc
			s.set(&c, &tc, &sc)
			plain.State = c.State
			trainer := func(c Config, tc TrainConfig, steps int) *Trainer {
				tr, err := NewTrainer(openDevice(t, 1), c, tc, smallImages(c, 9))
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(tr.Close)
				perceive(t, tr)
				for tr.Done() < steps {
					if err := tr.Step(); err != nil {
						t.Fatal(err)
					}
				}
				return tr
			}
			whole, half := trainer(c, tc, 6), trainer(c, tc, 3)
			path := filepath.Join(t.TempDir(), "half")
			if err := half.Save(path); err != nil {
				t.Fatal(err)
			}
			again := trainer(c, tc, 0)
			if err := again.Resume(path); err != nil {
				t.Fatal(err)
			}
			for again.Done() < 6 {
				if err := again.Step(); err != nil {
					t.Fatal(err)
				}
			}
			if a, b := whole.Losses(), again.Losses(); a != b || math.IsNaN(a.Total) {
				t.Errorf("resumed %+v, never stopped %+v", b, a)
			}
			if whole.Losses() == trainer(plain, usual, 6).Losses() {
				t.Error("the switch changes no training")
			}
			cc, ct := Canonical(c, tc)
			if uc, ut := Canonical(plain, usual); cc == uc && ct == ut {
				t.Error("the canonical forms are one")
			}
		})
	}
}

// What a sampling does not read has no part in its canonical form.
func TestCanonicalSampling(t *testing.T) {
	m := warmModel(t, openDevice(t, 1), smallConfig())
	for name, set := range map[string]func(s *SampleConfig){
		"last step of Euler":      func(s *SampleConfig) { s.LastStep = 0.5 },
		"schedule of no guidance": func(s *SampleConfig) { s.GuidanceSchedule, s.GuidanceFrom = "interval", 0.5 },
		"interval of a constant":  func(s *SampleConfig) { s.Guidance, s.GuidanceFrom, s.GuidanceTo = 1, 0.25, 0.5 },
		"interval": func(s *SampleConfig) {
			s.Guidance, s.GuidanceSchedule, s.GuidanceFrom, s.GuidanceTo = 1, "interval", 0.25, 0.5
		},
		"last step": func(s *SampleConfig) { s.Solver, s.LastStep = "euler-maruyama", 0.5 },
	} {
		t.Run(name, func(t *testing.T) {
			a := DefaultSample()
			a.FlowSteps = 4
			b := a
			set(&b)
			a.Guidance, a.Solver = b.Guidance, b.Solver
			same := slices.Equal(draw(t, m, a, 2, []int32{0, 1}, []uint32{3, 4}), draw(t, m, b, 2, []int32{0, 1}, []uint32{3, 4}))
			if one := a.canonical() == b.canonical(); one != same {
				t.Errorf("canonical forms equal: %v; images equal: %v", one, same)
			}
		})
	}
}

// The head's evaluations that the costs count are those that are made: guidance
// outside of its interval costs none.
func TestSwitchesCost(t *testing.T) {
	for _, x := range []struct {
		set func(s *SampleConfig)
		nfe int
	}{
		{func(s *SampleConfig) { s.Solver = "midpoint" }, 10},
		{func(s *SampleConfig) { s.Solver, s.Guidance = "midpoint", 1 }, 20},
		{func(s *SampleConfig) { s.Solver = "euler-maruyama" }, 5},
		{func(s *SampleConfig) { s.Guidance, s.GuidanceSchedule = 1, "linear" }, 10},
		{func(s *SampleConfig) {
			s.Guidance, s.GuidanceSchedule, s.GuidanceFrom, s.GuidanceTo = 1, "interval", 0.3, 0.7
		}, 7}, // 0.4, 0.6
		{func(s *SampleConfig) {
			s.Guidance, s.GuidanceSchedule, s.GuidanceFrom, s.GuidanceTo = 1, "interval", 0.45, 0.55 // at no step
		}, 5},
	} {
		s := DefaultSample()
		s.FlowSteps = 5
		x.set(&s)
		c := smallConfig().Costs(DefaultTrain(), s)
		if c.NFE != x.nfe {
			t.Errorf("%+v: %d evaluations, want %d", s, c.NFE, x.nfe)
		}
		if s.Guidance != 0 && (c.TrunkEvals == 2) != s.plan().Guides() {
			t.Errorf("%+v: %d trunks", s, c.TrunkEvals)
		}
	}
	block, shared := smallConfig(), smallConfig()
	shared.HeadModulation = "shared"
	if a, b := block.Costs(DefaultTrain(), DefaultSample()), shared.Costs(DefaultTrain(), DefaultSample()); b.FLOPsImage >= a.FLOPsImage {
		t.Errorf("shared modulations cost %g, one for each block %g", b.FLOPsImage, a.FLOPsImage)
	}
}

// The keys of the trunk foresee what they hold: as many parameters with a gate as without,
// up to the multiple of 8 that its width is; no table of places with rotations; a gain of
// two heads a layer.
func TestTrunkSizes(t *testing.T) {
	of := func(set func(c *Config)) int64 {
		c := DefaultConfig()
		set(&c)
		return c.Params()
	}
	c := DefaultConfig()
	plain := of(func(*Config) {})
	for _, x := range []struct {
		what string
		set  func(c *Config)
		more int64
	}{
		{"RMSNorm", func(c *Config) { c.Norm = "rmsnorm" }, -int64((2*c.Depth + 1) * c.Width)},
		{"SwiGLU", func(c *Config) { c.MLPKind = "swiglu" }, int64(c.Depth * (2*256 - 4*96))}, // biases alone: 256 is ⅔·4·96
		{"RoPE", func(c *Config) { c.Positions = "rope2d" }, -int64(2 * c.Tokens() * c.Width)},
		{"QK norm", func(c *Config) { c.QKNorm = "rmsnorm" }, int64(c.Depth * 2 * c.Width / c.Heads)},
		{"class tokens", func(c *Config) { c.ClassTokens = 3 }, int64((c.Classes + 1) * c.Width * (3 - 1))},
	} {
		if got := of(x.set) - plain; got != x.more {
			t.Errorf("%s: %d parameters more, want %d", x.what, got, x.more)
		}
	}
	for width := 16; width <= 1024; width += 12 {
		gelu := of(func(c *Config) { c.Width, c.Heads = width, 4 })
		gated := of(func(c *Config) { c.Width, c.Heads, c.MLPKind = width, 4, "swiglu" })
		if d := float64(gated-gelu) / float64(gelu); math.Abs(d) > 0.03 {
			t.Errorf("width %d: %.1f%% more parameters with a gate", width, 100*d)
		}
	}
	old := c.Costs(DefaultTrain(), DefaultSample())
	c.MLPKind = "swiglu"
	if new := c.Costs(DefaultTrain(), DefaultSample()); math.Abs(new.FLOPsImage/old.FLOPsImage-1) > 1e-9 {
		t.Errorf("⅔·4·96 is a whole number of eights, and an image costs %g where it cost %g", new.FLOPsImage, old.FLOPsImage)
	}
	c = DefaultConfig()
	c.Depth, c.QKNorm = 1, "rmsnorm"
	kept := c.TrainMemory(DefaultTrain()).Activations
	c.QKNorm = "none"
	rows := int64(c.Tokens() * DefaultTrain().Batch)
	if more := kept - c.TrainMemory(DefaultTrain()).Activations; more != 4*rows*3*int64(c.Width) {
		t.Errorf("QK norm holds %d bytes more, want the queries, keys and values before it: %d", more, 4*rows*3*int64(c.Width))
	}
}

// Class tokens cost what tokens of the trunk cost that have no head, once an image, and
// their keys and values lie in the cache beside the others.
func TestClassTokenCosts(t *testing.T) {
	const n = 5
	plain, c := smallConfig(), smallConfig()
	plain.Block, c.Block, c.ClassTokens = 4, 4, n
	N, W := float64(c.Tokens()), float64(c.Width)
	token := 2 * 2 * (3*W*W + W*W + 4*W*W) // of both layers
	pairs := 2 * 4 * W * (n*n + n*N)       // of both: they see each other, and all tokens see them
	if d := c.Costs(DefaultTrain(), DefaultSample()).FLOPsImage - plain.Costs(DefaultTrain(), DefaultSample()).FLOPsImage; d != n*token+pairs {
		t.Errorf("class tokens cost %g, by hand %g", d, n*token+pairs)
	}
	cache := func(c Config) int64 { return Params{c, DefaultTrain(), DefaultSample()}.SampleMemory(3).Cache }
	if more, want := cache(c)-cache(plain), int64(3*2*4*n*c.Width*c.Depth); more != want {
		t.Errorf("class tokens hold %d bytes of keys and values, want %d", more, want)
	}
}

// What does not work is said, with the key.
func TestTrunkErrors(t *testing.T) {
	for want, set := range map[string]func(c *Config){
		`model.norm: must be one of ["layernorm" "rmsnorm"], not "batchnorm"`: func(c *Config) { c.Norm = "batchnorm" },
		`model.mlp_kind: must be one of ["gelu" "swiglu"], not "relu"`:        func(c *Config) { c.MLPKind = "relu" },
		`model.qk_norm: must be one of ["none" "rmsnorm"], not "l2"`:          func(c *Config) { c.QKNorm = "l2" },
		`model.positions: must be one of ["learned" "rope2d"], not "alibi"`:   func(c *Config) { c.Positions = "alibi" },
		`model.class_tokens: must lie in [0, 4096], not -1`:                   func(c *Config) { c.ClassTokens = -1 },
		`model.positions: "rope2d" turns a head's values by fours, and model.width / model.heads = 96 / 16 is no multiple of 4; ` +
			`take other heads, or "learned"`: func(c *Config) { c.Positions, c.Heads = "rope2d", 16 },
	} {
		c := DefaultConfig()
		set(&c)
		if err := c.Validate(); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
