package work

import (
	"testing"

	"prabench/harness/stage"
	"prabench/models"
	"prabench/models/pra"
)

func settings() stage.Settings {
	return stage.Settings{
		DataHash: "d", EmbedderHash: "e", Params: pra.Params{Model: pra.DefaultConfig(), Train: pra.DefaultTrain(), Sample: pra.DefaultSample()},
		Count: 100, Reference: "train", Samples: 200, Batch: 50,
		Measure: stage.Measure{Device: "cpu", Precision: "fp32", Batch: 64, Warmup: 1, Rounds: 3, Threads: 2, TrainSteps: 10},
	}
}

// edit changes the model of settings, which is PRA's.
func edit(s *stage.Settings, f func(*pra.Params)) { s.Params = pra.Edit(s.Params, f) }

// model is a change of the model alone.
func model(f func(*pra.Params)) func(*stage.Settings) {
	return func(s *stage.Settings) { edit(s, f) }
}

// TestAKeyChangesExactlyWithWhatItsStageReads lists, for a change of one
// setting, the stages that have to be done again. All others are shared.
func TestAKeyChangesExactlyWithWhatItsStageReads(t *testing.T) {
	all := []*stage.Kind{Reference, Train, Sample, Score, Timing}
	for name, c := range map[string]struct {
		change func(*stage.Settings)
		again  []*stage.Kind
	}{
		"nothing":         {func(s *stage.Settings) {}, nil},
		"data":            {func(s *stage.Settings) { s.DataHash = "other" }, all},
		"embedder":        {func(s *stage.Settings) { s.EmbedderHash = "other" }, []*stage.Kind{Reference, Score}},
		"reference split": {func(s *stage.Settings) { s.Reference = "test" }, []*stage.Kind{Reference, Score}},
		"reference count": {func(s *stage.Settings) { s.Samples = 0 }, []*stage.Kind{Reference, Score}},
		"model":           {model(func(p *pra.Params) { p.Model.Patch = 4 }), []*stage.Kind{Train, Sample, Score, Timing}},
		"seed":            {model(func(p *pra.Params) { p.Train.Seed++ }), []*stage.Kind{Train, Sample, Score, Timing}},
		"threads":         {model(func(p *pra.Params) { p.Train.Threads++ }), []*stage.Kind{Train, Sample, Score, Timing}},
		"later, as ever":  {model(func(p *pra.Params) { p.Train.Beta2 = 0.95 }), nil},
		"later, another":  {model(func(p *pra.Params) { p.Train.Beta2 = 0.999 }), []*stage.Kind{Train, Sample, Score, Timing}},
		"later, zero":     {model(func(p *pra.Params) { p.Train.Beta2 = 0 }), []*stage.Kind{Train, Sample, Score, Timing}},
		"another score":   {func(s *stage.Settings) { s.Also = "density" }, nil},
		"guidance":        {model(func(p *pra.Params) { p.Sample.Guidance = 1 }), []*stage.Kind{Sample, Score, Timing}},
		"sample count":    {func(s *stage.Settings) { s.Count = 50 }, []*stage.Kind{Reference, Sample, Score}},
		"sampling batch":  {func(s *stage.Settings) { s.Batch = 7 }, nil},
		"timing rounds":   {func(s *stage.Settings) { s.Measure.Rounds = 5 }, []*stage.Kind{Timing}},
		"device":          {func(s *stage.Settings) { s.Measure.Device = "cuda:0" }, []*stage.Kind{Timing}},
		"precision":       {func(s *stage.Settings) { s.Measure.Precision = "bf16" }, []*stage.Kind{Train, Sample, Score, Timing}},
		"time-out":        {func(s *stage.Settings) { s.Measure.Timeout = 1 }, nil},
		"save interval":   {func(s *stage.Settings) { s.SaveEvery = 1 }, nil},
		"jobs":            {func(s *stage.Settings) { s.Beside = 3 }, nil},
	} {
		before, err := stage.Of(settings())
		if err != nil {
			t.Fatal(err)
		}
		s := settings()
		c.change(&s)
		after, err := stage.Of(s)
		if err != nil {
			t.Fatal(err)
		}
		again := map[*stage.Kind]bool{}
		for _, kind := range c.again {
			again[kind] = true
		}
		for _, kind := range all {
			if changed := before.Key(kind) != after.Key(kind); changed != again[kind] {
				t.Errorf("%s: key of %s changed: %v, expected %v", name, kind, changed, again[kind])
			}
		}
	}
}

// A key that changes without a new version of the code makes everything in
// people's databases stale.
func TestKeysOfOlderDatabasesHold(t *testing.T) {
	s := settings()
	edit(&s, func(p *pra.Params) { p.Train.LR = 1e-7 })
	s.Measure.Precision = "bf16"
	c, err := stage.Of(s)
	if err != nil {
		t.Fatal(err)
	}
	for kind, key := range map[*stage.Kind]string{
		Reference: "04d0b713834dcd8c84fa35e0736d9167748bf8eabcef0b336519e77a3f2d07a1",
		Train:     "74eb54becf8fd48dcafab4968770f4bf476aece152b27a1c7928774bfc4e6cd2",
		Sample:    "9147a025a2d64ba50e35f23ca3235293a64584acb7cba099c6cb1502b3c8b397",
		Score:     "e4f0b865dd083452191ac9adc372f17617b5f64bca9a75b32381239b09dfacf9",
		Timing:    "b3e56e647d25464796398362eddbd8699addfc4bceb5dd5acf11ed8f15a29c70",
	} {
		if c.Key(kind) != key {
			config, _ := stage.Config(s, kind)
			t.Errorf("%s: %s, before %s; it is the hash of %s", kind, c.Key(kind), key, config)
		}
	}
}

func TestExactIsTheNumberItStandsFor(t *testing.T) {
	a, b := settings(), settings()
	edit(&a, func(p *pra.Params) { p.Train.RolloutDepth = models.Exact })
	edit(&b, func(p *pra.Params) { p.Train.RolloutDepth = models.Depth(p.Model.ARSteps()) })
	ca, _ := stage.Of(a)
	cb, _ := stage.Of(b)
	if ca.Key(Train) != cb.Key(Train) {
		t.Error("exact and K are trained twice")
	}
}
