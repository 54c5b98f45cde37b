package plots

import (
	"math"
	"strings"
	"testing"
)

// Welch's example, as R's t.test(x, y) gives it.
func TestCompareAgainstR(t *testing.T) {
	x := MetricValue{Value: 20.82, Values: []float64{27.5, 21.0, 19.0, 23.6, 17.0, 17.9, 16.9, 20.1, 21.9, 22.6, 23.1, 19.6, 19.0, 21.7, 21.4}}
	y := MetricValue{Values: []float64{27.1, 22.0, 20.8, 23.4, 23.4, 23.5, 25.8, 22.0, 24.8, 20.2, 21.9, 22.1, 22.9, 20.5, 24.4}}
	x.Value, y.Value = mean(x.Values), mean(y.Values)
	d := Compare(x, y)
	for _, c := range []struct {
		name      string
		got, want float64
	}{{"difference", d.Value, -2.1666667}, {"p", d.P, 0.021378}} {
		if math.Abs(c.got-c.want) > 2e-5*math.Max(1, math.Abs(c.want)) {
			t.Errorf("%s %v, want %v", c.name, c.got, c.want)
		}
	}
	if !d.Separated() || d.Hi >= 0 {
		t.Errorf("%+v", d)
	}
}

func mean(v []float64) float64 {
	s := 0.0
	for _, x := range v {
		s += x
	}
	return s / float64(len(v))
}

func TestCompareWithoutSeeds(t *testing.T) {
	if d := Compare(MetricValue{Value: 1}, MetricValue{Value: 2, Values: []float64{2, 2}}); d.Separated() || d.Why == "" || d.Value != -1 {
		t.Errorf("%+v", d)
	}
	same := MetricValue{Value: 2, Values: []float64{2, 2}}
	if d := Compare(same, MetricValue{Value: 1, Values: []float64{1, 1, 1}}); !d.Separated() || d.P != 0 || d.HasInterval() || d.Why != "" {
		t.Errorf("counted: %+v", d)
	}
	if d := Compare(same, same); d.Separated() || d.P != 1 {
		t.Errorf("equal: %+v", d)
	}
}

// standings of values in a column: B is best, c not separated from it.
func standings(metric string, values ...MetricValue) string {
	var cells []CellData
	for _, v := range values {
		cells = append(cells, CellData{Metrics: map[string]MetricValue{metric: v}})
	}
	out := ""
	for _, s := range (Data{}).Standings(metric, cells) {
		out += map[Standing]string{Best: "B", Close: "c", Apart: "."}[s]
	}
	return out
}

// Rows that alone would be separated from the best are not, where there are many:
// together they must.
func TestBestIsCorrectedForTheNumberOfRows(t *testing.T) {
	seeds := func(v ...float64) MetricValue { return MetricValue{Value: mean(v), Values: v} }
	top, near, far := seeds(10, 11, 12), seeds(12.8, 13.9, 15.0), seeds(30, 31, 32)
	if d := Compare(top, near); !d.Separated() || d.P > 0.05 || d.P < 0.025 {
		t.Fatalf("not the example that is meant: %+v", d)
	}
	for want, values := range map[string][]MetricValue{
		".B": {near, top}, "cBc": {near, top, seeds(12.9, 14.0, 15.1)}, ".B.": {far, top, seeds(31, 32, 33)},
	} {
		if got := standings("kid", values...); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// What seeds have in common is no reason to call their difference noise.
func TestPairsSeparateWhatSeedsHide(t *testing.T) {
	seeds := func(v ...float64) MetricValue {
		return MetricValue{Value: mean(v), Values: v, Seeds: []uint64{1, 2, 3}}
	}
	a, b := seeds(9.44, 18.80, 25.94), seeds(13.10, 24.00, 30.30)
	if got := standings("fid_proxy", a, b); got != "B." {
		t.Errorf("in pairs: %q", got)
	}
	a.Seeds = []uint64{4, 5, 6}
	if got := standings("fid_proxy", a, b); got != "Bc" {
		t.Errorf("seeds that do not pair: %q", got)
	}
	if got := How(Compare(seeds(9.44, 18.80, 25.94), b)); !strings.Contains(got, "3 pairs of seeds, r = 1.00") ||
		!strings.Contains(got, "times narrower than unpaired") {
		t.Error(got)
	}
}

func TestStandingsOfOneSeed(t *testing.T) {
	own := func(v, half float64) MetricValue { return MetricValue{Value: v, Lo: ptr(v - half), Hi: ptr(v + half)} }
	for name, c := range map[string]struct {
		metric string
		a, b   MetricValue
		want   string
	}{
		"intervals apart": {"throughput", own(10, 1), own(13, 1), ".B"},
		"intervals meet":  {"throughput", own(10, 2), own(13, 2), "cB"},
		"no intervals":    {"memory_peak", MetricValue{Value: 1}, MetricValue{Value: 2}, ""},
		"counted":         {"params", MetricValue{Value: 1}, MetricValue{Value: 2}, "B."},
		"counted, equal":  {"params", MetricValue{Value: 2}, MetricValue{Value: 2}, ""},
		"no direction":    {"fid_proxy_floor", own(10, 1), own(13, 1), ""},
		"seeds": {"kid", MetricValue{Value: 2, Values: []float64{1.9, 2, 2.1}},
			MetricValue{Value: 3, Values: []float64{2.9, 3, 3.1}}, "B."},
		"seeds, inside": {"kid", MetricValue{Value: 2, Values: []float64{1, 2, 3}}, MetricValue{Value: 3, Values: []float64{2, 3, 4}}, "Bc"},
	} {
		if got := standings(c.metric, c.a, c.b); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
