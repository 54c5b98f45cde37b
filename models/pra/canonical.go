package pra

import "prabench/models"

// Canonical gives two trainings that compute the same numbers the same
// configuration: values of keys that nothing reads under the other settings
// are replaced by a fixed one. Stage keys are made of it, so that such
// trainings are shared.
func Canonical(c Config, t TrainConfig) (Config, TrainConfig) {
	t.RolloutDepth = t.RolloutDepth.Resolve(c.ARSteps())
	if t.RolloutDepth < 2 {
		t.Anchor, t.Mix, t.SweepSteps = 0, 0, 1
	}
	if c.State == 0 {
		c.CoderWidth, c.StateNorm, t.RecWeight, t.RecLoss = 1, "layernorm", 0, "l2"
		c.Encoder, c.Decoder = "token", "token"
		if t.RolloutDepth == 0 {
			t.StateNoise, t.StateNoiseKind = 0, "add"
		}
	}
	if t.RecLoss == "features" && t.RecFeatureWeight == 0 {
		t.RecLoss = "l2"
	}
	if t.RecLoss != "features" {
		t.RecFeatureWeight = DefaultTrain().RecFeatureWeight
	}
	if c.Decoder != "causal" {
		c.DecoderDepth = 1
	}
	if t.StateNoiseKind == "interpolate" {
		t.StateNoise = 0
	} else {
		t.StateNoiseMin = 0.65
	}
	if c.Block == 1 {
		c.Order = "contiguous"
	}
	if t.MicroBatch == t.Batch {
		t.MicroBatch = 0
	}
	t.Recompute = "none" // the same bits
	t.Schedule, t.Decay = models.CanonicalSchedule(t.schedule(), DefaultTrain().Decay, &t.Warmup, &t.LRFloor)
	models.CanonicalSeeds(&t.Seed, &t.SeedInit, &t.SeedOrder, &t.SeedNoise)
	return c, t
}

// parallel is what is left of keys of Jacobi sampling in a model of K AR steps.
func (s SampleConfig) parallel(k int) SampleConfig {
	usual := DefaultSample()
	if s.Window >= k {
		s.Window = 0
	}
	sweeps := int(s.RolloutDepth.Resolve(k))
	if s.Window > 0 && sweeps > s.Window {
		sweeps, s.RolloutDepth = s.Window, models.Depth(s.Window)
	}
	if sweeps == 0 {
		s.Window, s.Start = usual.Window, usual.Start
	}
	if sweeps <= 1 { // a window's first sweep is its last
		s.Tolerance = usual.Tolerance
	}
	return s
}

// canonical is the same for a sampling.
func (s SampleConfig) canonical() SampleConfig {
	usual := DefaultSample()
	if s.Solver != "euler-maruyama" || s.FlowSteps == 1 {
		s.LastStep = usual.LastStep
	}
	if s.Guidance == 0 {
		s.GuidanceSchedule = usual.GuidanceSchedule
	}
	if s.GuidanceSchedule != "interval" {
		s.GuidanceFrom, s.GuidanceTo = usual.GuidanceFrom, usual.GuidanceTo
	}
	return s
}
