package work

import (
	"testing"

	"prabench/harness/stage"
	"prabench/metrics/quantity"
	"prabench/models/pra"
)

// A cell without rounds has no timing, and its other stages are those of a
// cell with them: they are shared.
func TestNoRoundsNoTiming(t *testing.T) {
	with, err := stage.Of(settings())
	if err != nil {
		t.Fatal(err)
	}
	s := settings()
	s.Measure.Rounds = 0
	without, err := stage.Of(s)
	if err != nil {
		t.Fatal(err)
	}
	if without.Key(Timing) != "" {
		t.Error("a timing without rounds")
	}
	for _, st := range without.Stages() {
		if st.Key != with.Key(st.Kind) {
			t.Errorf("%s is not shared", st.Kind)
		}
	}
	if len(without.Stages()) != len(with.Stages())-1 {
		t.Errorf("%d stages, %d with rounds", len(without.Stages()), len(with.Stages()))
	}
}

// What is measured beside the scores changes no other stage, each asks for its
// own stage alone, and a cell that has no such thing gets none.
func TestExtrasAddTheirOwnStages(t *testing.T) {
	before, err := stage.Of(settings())
	if err != nil {
		t.Fatal(err)
	}
	for kind, ask := range map[*stage.Kind]func(*stage.Settings, int){
		Probe:    func(s *stage.Settings, n int) { s.Extras.Probe = n },
		Exposure: func(s *stage.Settings, n int) { s.Extras.Exposure = n },
		Seam:     func(s *stage.Settings, n int) { s.Extras.Seam = n },
		Nearest:  func(s *stage.Settings, n int) { s.Extras.Nearest = n },
		Vendi:    func(s *stage.Settings, n int) { s.Extras.Vendi = n },

		Reconstruction: func(s *stage.Settings, n int) { s.Extras.Reconstruction = n },
	} {
		s := settings()
		ask(&s, 100)
		after, err := stage.Of(s)
		if err != nil {
			t.Fatal(err)
		}
		if n, m := len(after.Stages()), len(before.Stages()); after.Key(kind) == "" || n != m+1 {
			t.Errorf("%s: %d stages, %d before", kind, n, m)
		}
		for _, st := range before.Stages() {
			if after.Key(st.Kind) != st.Key {
				t.Errorf("%s: the key of %s changed", kind, st.Kind)
			}
		}
		ask(&s, 200)
		if more, _ := stage.Of(s); more.Key(kind) == after.Key(kind) {
			t.Errorf("%s: another count has the same key", kind)
		}
	}

	s := settings()
	s.Extras = quantity.Extras{Exposure: 100, Seam: 100}
	edit(&s, func(p *pra.Params) {
		p.Model.Patch = p.Model.Size // one token: no borders, no prefix
	})
	c, err := stage.Of(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []*stage.Kind{Exposure, Seam} {
		if c.Key(kind) != "" {
			t.Errorf("one token has a stage %s", kind)
		}
	}
}

// Prefixes are continued one step after another, however the cell samples.
func TestExposuresAreSharedOverSamplingDepths(t *testing.T) {
	s := settings()
	s.Extras.Exposure = 100
	a, _ := stage.Of(s)
	edit(&s, func(p *pra.Params) {
		p.Sample.RolloutDepth = 4
	})
	b, _ := stage.Of(s)
	if a.Key(Exposure) != b.Key(Exposure) || a.Key(Sample) == b.Key(Sample) {
		t.Error("an exposure depends on the sampling depth")
	}
}
