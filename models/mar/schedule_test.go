package mar

import (
	"path/filepath"
	"testing"

	"prabench/models"
	"prabench/models/golden"
)

// A training goes on from one of other steps to the bit before the rate falls, and
// refuses what lies beyond.
func TestLawALongerTrainingGoesOn(t *testing.T) {
	of := func(schedule string, steps int) Params {
		p := small()
		p.Train.Steps, p.Train.Schedule, p.Train.WarmupSteps, p.Train.Decay = steps, schedule, 1, 0.5
		return p
	}
	after := func(p Params, steps int) *Trainer {
		tr := trainer(t, open(t, 1), p, 9)
		for range steps {
			if err := tr.Step(); err != nil {
				t.Fatal(err)
			}
		}
		return tr
	}
	for name, k := range map[string]struct {
		from Params
		at   int
		to   Params
		goes bool
	}{
		"constant to its end, then wsd":  {of("constant", 3), 3, of("wsd", 6), true},
		"wsd before it falls, then more": {of("wsd", 4), 2, of("wsd", 6), true},
		"wsd while it falls":             {of("wsd", 4), 3, of("wsd", 6), false},
		"cosine":                         {of("cosine", 3), 3, of("cosine", 6), false},
	} {
		state := filepath.Join(t.TempDir(), "state.safetensors")
		if err := after(k.from, k.at).Save(state, "note"); err != nil {
			t.Fatal(err)
		}
		on := trainer(t, open(t, 1), k.to, 9)
		if _, err := on.Resume(state); (err == nil) != k.goes {
			t.Errorf("%s: %v", name, err)
		}
		if !k.goes {
			continue
		}
		for on.Done() < k.to.Train.Steps {
			if err := on.Step(); err != nil {
				t.Fatal(err)
			}
		}
		if golden.Furthest(weights(on), weights(after(k.to, k.to.Train.Steps))) != 0 {
			t.Errorf("%s: other weights than those of a training in one go", name)
		}
	}
}

func weights(t *Trainer) []float32 {
	out := make([]float32, 2*t.model.net.Total)
	t.model.be.Download(out[:t.model.net.Total], t.model.raw)
	t.model.be.Download(out[t.model.net.Total:], t.model.ema)
	return out
}

// Values that nothing reads name no other training and no other sampling, and 0 AR steps
// are as many as tokens.
func TestWhatNothingReadsNamesNothing(t *testing.T) {
	base := small()
	base.Sample.Guidance = 0
	for name, change := range map[string]func(*Params){
		"last step of Euler":        func(p *Params) { p.Sample.LastStep = 0.2 },
		"schedule without guidance": func(p *Params) { p.Sample.GuidanceSchedule = "linear" },
		"ends of no interval":       func(p *Params) { p.Sample.GuidanceFrom = 0.3 },
		"a part that is all":        func(p *Params) { p.Train.MicroBatch = p.Train.Batch },
		"decay of a cosine":         func(p *Params) { p.Train.Decay = 0.7 },
	} {
		p := base
		change(&p)
		if p.Canonical() != base.Canonical() {
			t.Errorf("%s: %+v", name, p.Canonical())
		}
	}
	one, two := base, base
	one.Train.MaskRatioMin, two.Train.MaskRatioStd = 1, 0
	if one.Canonical() != two.Canonical() || one.Canonical() == base.Canonical() {
		t.Error("trainings that hide all tokens are not one, or that of others")
	}
	a, b := trainer(t, open(t, 1), one, 9), trainer(t, open(t, 1), two, 9)
	if golden.Furthest(a.gradients(t), b.gradients(t)) != 0 {
		t.Error("trainings that hide all tokens have other gradients")
	}
	one, two = base, base
	one.Sample.ARSteps, two.Sample.ARSteps = 0, base.Model.Tokens()
	if one.Resolved() != two.Resolved() || one.ARSteps() != 16 || base.Resolved() != models.Params(base) {
		t.Errorf("%+v, %+v", one.Resolved(), two.Resolved())
	}
}
