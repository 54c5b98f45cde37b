package importance

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"prabench/results/record"
	"prabench/results/resultstest"
)

// along reads the importance of one axis with values of several seeds at each of its
// places; a place that is nil is a cell without the key.
func along(t *testing.T, key string, seeds int, value func(place, seed int) float64, places ...any) Report {
	t.Helper()
	var points []resultstest.Point
	for i, at := range places {
		p := resultstest.Point{Label: string(rune('a' + i)), Params: map[string]any{"model.width": 64}}
		if at != nil {
			p.Params[key] = at
		}
		var values []float64
		for seed := range seeds {
			values = append(values, value(i, seed))
		}
		p.Values = map[string]map[string][]record.Value{record.Score: {"fid_proxy": resultstest.Of("1", values...)}}
		points = append(points, p)
	}
	db := resultstest.Small(t, "t", seeds, points...)
	r, err := Read(t.Context(), db, "t", [][]string{{key}}, nil)
	if err != nil || len(r) != 1 {
		t.Fatalf("%v, %v", r, err)
	}
	return r
}

func noisy(place, seed int) float64 {
	return float64(3*place) + math.Sin(float64(5*place+2*seed))
}

// What cells without a key have is the last of its levels, as on the axes of figures. A
// value that a file calls none stands where the file has it.
func TestNoneIsTheLastLevel(t *testing.T) {
	for _, c := range []struct {
		key    string
		places []any
		want   string
	}{
		{"train.rollout_depth", []any{1, nil, "exact", 0}, "0 1 exact none"},
		{"train.rollout_depth", []any{nil, 16, 2}, "2 16 none"},
		{"train.rollout_depth", []any{"exact", 16, 2}, "2 16 exact"},
		{"model.qk_norm", []any{"none", "rmsnorm"}, "none rmsnorm"},
	} {
		r := along(t, c.key, 2, noisy, c.places...)
		var names []string
		for _, l := range r[0].Effects[0].Levels {
			names = append(names, l.Name)
		}
		if got := strings.Join(names, " "); got != c.want {
			t.Errorf("levels %s, want %s", got, c.want)
		}
	}
}

// The notes say why effects have no interval: one seed is another case than seeds that
// give the same values.
func TestNotesOnNoise(t *testing.T) {
	equal := func(place, _ int) float64 { return float64(place) }
	for name, c := range map[string]struct {
		seeds int
		value func(place, seed int) float64
		want  string
	}{
		"one seed":     {1, noisy, "There is one seed, so the noise cannot be estimated"},
		"equal values": {3, equal, "There is no noise between seeds, so no effect has an interval or a p-value."},
		"noise":        {3, noisy, ""},
	} {
		var out bytes.Buffer
		if err := along(t, "model.patch", c.seeds, c.value, 4, 7, 14).Print(&out); err != nil {
			t.Fatal(err)
		}
		if text := out.String(); !strings.Contains(text, c.want) || strings.Contains(text, "There is") != (c.want != "") {
			t.Errorf("%s:\n%s\nwant %q", name, text, c.want)
		}
	}
}
