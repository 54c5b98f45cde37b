package plots

import (
	"math"
	"math/rand/v2"
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

// The interval holds the true difference in 95 % of trials with three seeds.
func TestCompareCovers(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	draw := func(mu, sigma float64) MetricValue {
		var m MetricValue
		for range 3 {
			m.Values = append(m.Values, mu+sigma*r.NormFloat64())
		}
		m.Value = mean(m.Values)
		return m
	}
	const trials = 20000
	inside := 0
	for range trials {
		if d := Compare(draw(5, 1), draw(3, 2)); d.Lo <= 2 && 2 <= d.Hi {
			inside++
		}
	}
	// Welch's interval is slightly wide for so few seeds, never narrow
	if share := float64(inside) / trials; share < 0.945 || share > 0.985 {
		t.Errorf("covers in %.3f of trials", share)
	}
}

func TestCompareWithoutSeeds(t *testing.T) {
	if d := Compare(MetricValue{Value: 1}, MetricValue{Value: 2, Values: []float64{2, 2}}); d.Separated() || d.Why == "" || d.Value != -1 {
		t.Errorf("%+v", d)
	}
	same := MetricValue{Value: 2, Values: []float64{2, 2}}
	if d := Compare(same, MetricValue{Value: 1, Values: []float64{1, 1, 1}}); !d.Separated() || d.P != 0 {
		t.Errorf("counted: %+v", d)
	}
	if d := Compare(same, same); d.Separated() || d.P != 1 {
		t.Errorf("equal: %+v", d)
	}
}

// As R's p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm").
func TestHolm(t *testing.T) {
	got := Holm([]float64{0.01, 0.04, math.NaN(), 0.03, 0.005})
	for i, want := range []float64{0.03, 0.06, math.NaN(), 0.06, 0.02} {
		if math.Abs(got[i]-want) > 1e-12 || math.IsNaN(got[i]) != math.IsNaN(want) {
			t.Errorf("%d: %v, want %v", i, got[i], want)
		}
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
		"seeds":           {"kid", MetricValue{Value: 2, Values: []float64{1.9, 2, 2.1}}, MetricValue{Value: 3, Values: []float64{2.9, 3, 3.1}}, true},
		"seeds, inside":   {"kid", MetricValue{Value: 2, Values: []float64{1, 2, 3}}, MetricValue{Value: 3, Values: []float64{2, 3, 4}}, false},
	} {
		if got := apart(c.metric, c.a, c.b); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
