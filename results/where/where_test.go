package where

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSame(t *testing.T) {
	for _, c := range []struct {
		a, b any
		same bool
	}{
		{7, 7.0, true}, {7, "7", true}, {int64(7), json.Number("7"), true}, {"3e-5", 0.00003, true}, {uint64(1), 1, true}, {7, 8, false},
		{true, "on", true}, {true, "true", true}, {false, "on", false}, {0.12345678, "0.123457", true}, {0.12345678, 0.12345679, true},
		{0.12, 0.13, false},
		{"euler", "euler", true}, {"euler", "heun", false}, {[]any{1, 2}, "[1, 2]", true}, {[]any{1, 2}, "1 2", true}, {nil, "none", true},
		{"7", "7.0", true},
	} {
		if got := Same(c.a, c.b); got != c.same || Same(c.b, c.a) != got {
			t.Errorf("%v and %v: %v", c.a, c.b, got)
		}
	}
}

func TestFilter(t *testing.T) {
	cell := func(key string) (any, bool) {
		switch key {
		case "model.patch":
			return int64(7), true
		case "label":
			return Names{"PRA width=32", "PRA"}, true
		}
		return nil, false
	}
	for _, c := range []struct {
		f    Filter
		want bool
	}{
		{nil, true}, {Filter{"model.patch": 7}, true}, {Filter{"model.patch": []any{2, "7"}}, true},
		{Filter{"model.patch": []string{"2", "4"}}, false},
		{Filter{"model.patch": 7, "label": "PRA"}, true}, {Filter{"label": "PRA width=32"}, true}, {Filter{"label": "width=32"}, false},
		{Filter{"model.patch": 7, "label": "other"}, false}, {Filter{"model.state": 1}, false}, {Filter{"model.patch": []any{}}, false},
	} {
		if got := c.f.Accepts(cell); got != c.want {
			t.Errorf("%v: %v", c.f, got)
		}
	}
}

func TestPairs(t *testing.T) {
	want := []Pair{{"model.patch", "7", "model.patch=7"}, {"label", `"a, b"`, `label="a, b"`},
		{"label", "patch=2 state=1", "label = patch=2 state=1"},
		{"", "", "patch"}, {"", "", ""}, {"", "7", "=7"}, {"seed", "2", "seed=2"}, {"", "", "seed two"}}
	if d := cmp.Diff(want, Pairs(`model.patch=7, label="a, b",label = patch=2 state=1,patch,,=7, seed 2,seed two`)); d != "" {
		t.Error(d)
	}
	for typed, want := range map[string]string{`x &"q"`: `x &"q"`, `"x &'q'"`: `x &'q'`, `'a' and 'b'`: `'a' and 'b'`, `"`: `"`, `""`: ""} {
		if got := Bare(typed); got != want {
			t.Errorf("%s is %s", typed, got)
		}
	}
	if n := Signs(`label="a, with = sign"`, '='); n != 1 {
		t.Errorf("%d signs", n)
	}
	if got := Bare(` "a, b" `); got != "a, b" {
		t.Error(got)
	}
	f := Filter{}
	f.Add("a", 1)
	f.Add("b", 2)
	f.Add("a", "3")
	if d := cmp.Diff(Filter{"a": []any{1, "3"}, "b": 2}, f); d != "" || Words(f["a"]) != "1 or 3" || Words(f["b"]) != "2" {
		t.Error(d)
	}
}
