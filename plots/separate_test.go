package plots

import (
	"math"
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

// The best of many is not bold because one comparison of each pair alone would
// pass: together they must.
func TestBestIsCorrectedForTheNumberOfRows(t *testing.T) {
	seeds := func(v ...float64) MetricValue { return MetricValue{Value: mean(v), Values: v} }
	top, near, far := seeds(10, 11, 12), seeds(12.8, 13.9, 15.0), seeds(30, 31, 32)
	if d := Compare(top, near); !d.Separated() || d.P > 0.05 || d.P < 0.025 {
		t.Fatalf("not the example that is meant: %+v", d)
	}
	if got := best("kid", -1, []MetricValue{near, top}); got != 1 {
		t.Errorf("of two rows %d is best", got)
	}
	if got := best("kid", -1, []MetricValue{near, top, seeds(12.9, 14.0, 15.1)}); got != -1 {
		t.Errorf("of three rows, two of them near, %d is best", got)
	}
	if got := best("kid", -1, []MetricValue{far, top, seeds(31, 32, 33)}); got != 1 {
		t.Errorf("of three rows, two of them far, %d is best", got)
	}
}

func TestApart(t *testing.T) {
	own := func(v, half float64) MetricValue { return MetricValue{Value: v, Lo: ptr(v - half), Hi: ptr(v + half)} }
	for name, c := range map[string]struct {
		metric string
		a, b   MetricValue
		want   bool
	}{
		"intervals apart": {"throughput", own(10, 1), own(13, 1), true},
		"intervals meet":  {"throughput", own(10, 2), own(13, 2), false},
		"no intervals":    {"memory_peak", MetricValue{Value: 1}, MetricValue{Value: 2}, false},
		"counted":         {"params", MetricValue{Value: 1}, MetricValue{Value: 2}, true},
		"counted, equal":  {"params", MetricValue{Value: 2}, MetricValue{Value: 2}, false},
		"seeds": {"kid", MetricValue{Value: 2, Values: []float64{1.9, 2, 2.1}},
			MetricValue{Value: 3, Values: []float64{2.9, 3, 3.1}}, true},
		"seeds, inside": {"kid", MetricValue{Value: 2, Values: []float64{1, 2, 3}}, MetricValue{Value: 3, Values: []float64{2, 3, 4}}, false},
	} {
		got := best(c.metric, +1, []MetricValue{c.a, c.b})
		if want := map[bool]int{true: 1, false: -1}[c.want]; got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
