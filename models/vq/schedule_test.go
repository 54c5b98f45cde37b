package vq

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"prabench/models"
)

// A training goes on from one of other steps to the bit, as far as both have the same
// tokenizer and are at the peak of the transformer's rate, and refuses what lies beyond.
func TestLawALongerTrainingGoesOn(t *testing.T) {
	of := func(schedule string, steps int) Params {
		p := small()
		p.Train.Steps, p.Train.Schedule, p.Train.WarmupSteps, p.Train.TokenizerSteps, p.Train.Decay = steps, schedule, 1, 3, 0.5
		return p
	}
	share, longerTokenizer, warmup := of("constant", 7), of("constant", 7), of("constant", 7)
	share.Train.TokenizerSteps, longerTokenizer.Train.TokenizerSteps = 0, 4
	warmup.Train.WarmupSteps = 0
	after := func(p Params, steps int) *Trainer {
		tr := trainer(t, open(t, 1), p, 9)
		step(t, tr, steps)
		return tr
	}
	for name, k := range map[string]struct {
		from Params
		at   int
		to   Params
		goes bool
	}{
		"within the tokenizer's steps":    {of("constant", 5), 2, of("constant", 9), true},
		"constant to its end, then more":  {of("constant", 5), 5, of("constant", 9), true},
		"constant, then wsd":              {of("constant", 5), 5, of("wsd", 9), true},
		"wsd before it falls, then more":  {of("wsd", 7), 5, of("wsd", 11), true},
		"wsd while it falls":              {of("wsd", 7), 6, of("wsd", 11), false},
		"cosine":                          {of("cosine", 5), 5, of("cosine", 9), false},
		"tokenizer by a share of steps":   {share, 5, func() Params { p := share; p.Train.Steps = 10; return p }(), false},
		"more steps of the tokenizer":     {longerTokenizer, 5, of("constant", 9), false},
		"a share of the steps as warm-up": {warmup, 5, func() Params { p := warmup; p.Train.Steps = 9; return p }(), false},
	} {
		dir := t.TempDir()
		state := filepath.Join(dir, "state.safetensors")
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
		step(t, on, k.to.Train.Steps-on.Done())
		model := func(tr *Trainer, name string) []byte {
			if err := tr.SaveModel(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
			raw, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			return raw
		}
		if !bytes.Equal(model(on, "on"), model(after(k.to, k.to.Train.Steps), "whole")) {
			t.Errorf("%s: other weights than those of a training in one go", name)
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
		{func(tc *TrainConfig) { tc.Decay = -1 }, "train.decay"},
		{func(tc *TrainConfig) { tc.WarmupSteps = tc.Steps }, "train.warmup_steps"}, // more than the transformer has
		{func(tc *TrainConfig) { tc.TokenizerSteps = tc.Steps }, "train.tokenizer_steps"},
		{func(tc *TrainConfig) { tc.TokenizerSteps = -1 }, "train.tokenizer_steps"},
		{func(tc *TrainConfig) { tc.TokenizerSteps, tc.TokenizerShare = 7, 1 }, ""},
	} {
		p := small()
		c.set(&p.Train)
		err := p.Validate()
		if (err == nil) != (c.want == "") || err != nil && !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", p.Train, err, c.want)
		}
	}
	// The same steps and rates are the same training.
	a, b := small(), small()
	a.Train.Schedule, a.Train.Decay, a.Train.WarmupSteps, a.Train.Warmup = "constant", 0.6, 2, 0.2
	a.Train.TokenizerSteps, a.Train.TokenizerShare = 3, 0.9
	b.Train.Schedule, b.Train.WarmupSteps, b.Train.TokenizerSteps = "constant", 2, 3
	if models.Params(a).Canonical() != models.Params(b).Canonical() {
		t.Errorf("%+v is another training than %+v", a.Train, b.Train)
	}
	// Costs do not ask for steps that a schedule has no room for.
	a.Train.Schedule, a.Train.Decay = "wsd", 0.9
	if got := a.Costs().FLOPsTrainImage; got <= 0 {
		t.Errorf("%g FLOPs of a training step", got)
	}
}

func step(t *testing.T, tr *Trainer, steps int) {
	t.Helper()
	for range steps {
		if err := tr.Step(); err != nil {
			t.Fatal(err)
		}
	}
}
