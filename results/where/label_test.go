package where

import "testing"

func TestLabelsInBothSpellings(t *testing.T) {
	for _, c := range []struct{ older, today string }{
		{"depth=0", "rollout_depth=0"}, {"patch=7 depth=exact block=1", "patch=7 rollout_depth=exact block=1"},
		{"depth=1 depth=2", "rollout_depth=1 rollout_depth=2"}, {"depth=1, seed 3", "rollout_depth=1, seed 3"},
	} {
		if got := Label(c.older); got != c.today {
			t.Errorf("%q is %q today, want %q", c.older, got, c.today)
		}
		if got := Older(c.today); got != c.older {
			t.Errorf("%q was %q, want %q", c.today, got, c.older)
		}
		if !SameLabel(c.older, c.today) || !SameLabel(c.today, c.older) || SameLabel(c.today, c.today+"0") {
			t.Errorf("%q and %q are not the same alone", c.older, c.today)
		}
	}
	for _, as := range []string{"", "head_depth=2", "model.depth=2", "train.rollout_depth=1", "depth", "depths=1", "PRA", "x.depth=3"} {
		if Label(as) != as || Older(as) != as {
			t.Errorf("%q is %q and %q", as, Label(as), Older(as))
		}
	}
	cell := func(string) (any, bool) { return Names{"patch=7 rollout_depth=1", "mine"}, true }
	for want, ok := range map[string]bool{"patch=7 depth=1": true, "patch=7 rollout_depth=1": true, "mine": true, "patch=7 depth=2": false} {
		if (Filter{"label": want}).Accepts(cell) != ok || (Filter{"label": []any{"x", want}}).Accepts(cell) != ok ||
			(Filter{"label": []string{"x", want}}).Accepts(cell) != ok {
			t.Errorf("label = %q does not give %v", want, ok)
		}
		if (Filter{"data.root": want}).Accepts(cell) && want == "patch=7 depth=1" {
			t.Error("values of another key are respelled")
		}
	}
}
