package pra

import (
	"path/filepath"
	"strings"
	"testing"

	"prabench/models"
)

// A training goes on from one of other steps to the bit, as far as both are at the peak
// of their rate, and refuses what lies beyond.
func TestLawALongerTrainingGoesOn(t *testing.T) {
	c := smallConfig()
	of := func(schedule string, steps int) TrainConfig {
		tc := DefaultTrain()
		tc.Batch, tc.Steps, tc.Schedule, tc.WarmupSteps, tc.Decay = 4, steps, schedule, 2, 0.5
		return tc
	}
	trainer := func(tc TrainConfig, steps int) *Trainer {
		tr, err := NewTrainer(openDevice(t, 1), c, tc, smallImages(c, 9))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(tr.Close)
		for tr.Done() < steps {
			if err := tr.Step(); err != nil {
				t.Fatal(err)
			}
		}
		return tr
	}
	weights := func(tr *Trainer) []float32 {
		out := make([]float32, 2*tr.net.Total)
		tr.net.be.Download(out[:tr.net.Total], tr.Model.raw)
		tr.net.be.Download(out[tr.net.Total:], tr.Model.ema)
		return out
	}
	warm := of("constant", 4)
	warm.WarmupSteps = 3
	share := of("constant", 4)
	share.WarmupSteps = 0
	faster := of("constant", 4)
	faster.LR *= 2
	for name, k := range map[string]struct {
		from TrainConfig
		at   int
		to   TrainConfig
		goes bool
	}{
		"constant to its end, then more":    {of("constant", 4), 4, of("constant", 8), true},
		"constant, then wsd":                {of("constant", 4), 4, of("wsd", 8), true},
		"wsd before it falls, then longer":  {of("wsd", 6), 3, of("wsd", 8), true},
		"wsd, then constant":                {of("wsd", 6), 3, of("constant", 8), true},
		"wsd while it falls":                {of("wsd", 6), 5, of("wsd", 12), false},
		"constant beyond where wsd falls":   {of("constant", 6), 6, of("wsd", 8), false},
		"cosine":                            {of("cosine", 4), 4, of("cosine", 8), false},
		"a share of the steps as a warm-up": {share, 4, func() TrainConfig { tc := share; tc.Steps = 8; return tc }(), false},
		"another warm-up":                   {warm, 4, of("constant", 8), false},
		"another rate":                      {faster, 4, of("constant", 8), false},
	} {
		path := filepath.Join(t.TempDir(), "state.safetensors")
		if err := trainer(k.from, k.at).Save(path); err != nil {
			t.Fatal(err)
		}
		on := trainer(k.to, 0)
		err := on.Resume(path)
		if (err == nil) != k.goes {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil {
			continue
		}
		for on.Done() < k.to.Steps {
			if err := on.Step(); err != nil {
				t.Fatal(err)
			}
		}
		if d := furthest(weights(on), weights(trainer(k.to, k.to.Steps))); d != 0 {
			t.Errorf("%s: weights differ by %g from a training in one go", name, d)
		}
	}
}

func TestSchedulesAreChecked(t *testing.T) {
	for _, c := range []struct {
		set  func(*TrainConfig)
		want string // the key, "" for none
	}{
		{func(*TrainConfig) {}, ""},
		{func(tc *TrainConfig) { tc.Schedule = "linear" }, "train.schedule"},
		{func(tc *TrainConfig) { tc.Decay = 1.5 }, "train.decay"},
		{func(tc *TrainConfig) { tc.WarmupSteps = -1 }, "train.warmup_steps"},
		{func(tc *TrainConfig) { tc.WarmupSteps = tc.Steps + 1 }, "train.warmup_steps"},
		{func(tc *TrainConfig) { tc.Schedule, tc.Decay, tc.Warmup = "wsd", 0.8, 0.3 }, "train.decay"},
		{func(tc *TrainConfig) { tc.Schedule, tc.Decay, tc.Warmup = "wsd", 0.7, 0.3 }, ""},
	} {
		tc := DefaultTrain()
		c.set(&tc)
		err := tc.Validate()
		if (err == nil) != (c.want == "") || err != nil && !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", tc.schedule(), err, c.want)
		}
	}
	// The same rates are the same training.
	a, b := DefaultTrain(), DefaultTrain()
	a.Schedule, a.LRFloor, a.Decay, a.WarmupSteps, a.Warmup = "constant", 0.3, 0.6, 5, 0.2
	b.Schedule, b.WarmupSteps = "constant", 5
	p := Params{Model: DefaultConfig(), Sample: DefaultSample()}
	p.Train = a
	q := p
	q.Train = b
	if models.Params(p).Canonical() != models.Params(q).Canonical() {
		t.Errorf("%+v is another training than %+v", a, b)
	}
}
