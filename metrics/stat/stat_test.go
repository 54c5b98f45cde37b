package stat

import (
	"math"
	"testing"
)

// near compares with a value worked out elsewhere.
func near(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if math.IsNaN(got) || math.Abs(got-want) > within {
		t.Errorf("%s = %.6g, want %.6g", what, got, want)
	}
}

// Three seeds of two settings whose differences are −3.66, −5.20 and −4.36:
// their mean is −4.41, Student's factor for two degrees of freedom 4.303, so the
// interval is −4.4 ± 1.9; t = −9.90 has p = 0.010.
func TestPairedSeeds(t *testing.T) {
	a := []float64{21.10, 24.00, 22.30}
	b := []float64{17.44, 18.80, 17.94}
	d := Paired(a, b, Pairs)
	near(t, "difference", d.Value, -4.40667, 1e-5)
	near(t, "half", (d.Hi-d.Lo)/2, 1.9160, 1e-3)
	near(t, "p", d.P, 0.01007, 1e-4)
	near(t, "correlation", d.R, 0.998625, 1e-6)
	if !d.Separated() || d.N != 3 || d.Method != Pairs {
		t.Errorf("%+v", d)
	}
	// Without the pairs the spread of the seeds hides most of it.
	if w := Welch(a, b, Seeds); w.Hi-w.Lo < 1.2*(d.Hi-d.Lo) || math.Abs(w.Value-d.Value) > 1e-12 {
		t.Errorf("Welch: %+v", w)
	}
	defer func() {
		if recover() == nil {
			t.Error("a value without a partner was taken")
		}
	}()
	Paired(a, b[:2], Pairs)
}

// Means 3 and 8, variances 2.5 and 10, five values a side: SE = √2.5 and 5.882
// degrees of freedom; the p-value by numerical integration of the density.
func TestWelch(t *testing.T) {
	d := Welch([]float64{1, 2, 3, 4, 5}, []float64{4, 6, 8, 10, 12}, Seeds)
	near(t, "difference", d.Value, 5, 1e-12)
	near(t, "SE", d.SE, math.Sqrt(2.5), 1e-12)
	near(t, "half", (d.Hi-d.Lo)/2, 2.4592*math.Sqrt(2.5), 1e-3)
	near(t, "p", d.P, 0.0200389, 1e-7)
}

func TestStudent(t *testing.T) {
	e := Student([]float64{10, 12, 14}, Seeds)
	half := 4.302652729911275 * 2 / math.Sqrt(3)
	near(t, "lo", e.Lo, 12-half, 1e-9)
	near(t, "hi", e.Hi, 12+half, 1e-9)
	if e.Value != 12 || e.N != 3 || e.Method != Seeds {
		t.Errorf("%+v", e)
	}
}

// The delete-one jackknife of a mean is the classical interval.
func TestJackknifeOfAMean(t *testing.T) {
	x, left := make([]float64, 20), make([]float64, 20)
	for i := range x {
		x[i] = float64(i * i)
	}
	want := Student(x, Jackknife)
	for i := range x {
		left[i] = (want.Value*20 - x[i]) / 19
	}
	e := DeleteGroup(want.Value, 20, left)
	near(t, "SE", e.SE, want.SE, 1e-12*want.SE)
	near(t, "hi", e.Hi, want.Hi, 1e-9*want.Hi)
	if e.Method != Jackknife {
		t.Errorf("%+v", e)
	}
}

// Newcombe (1998), table 1, method 3: Wilson's interval.
func TestWilson(t *testing.T) {
	for _, c := range []struct {
		hits, n int
		lo, hi  float64
	}{{81, 263, 0.2553, 0.3662}, {15, 148, 0.0624, 0.1605}, {0, 20, 0, 0.1611}, {1, 29, 0.0061, 0.1718}, {0, 100, 0, 0.0370}, {100, 100, 0.9630, 1}} {
		e := Proportion(c.hits, c.n)
		near(t, "lo", e.Lo, c.lo, 5e-5)
		near(t, "hi", e.Hi, c.hi, 5e-5)
		if e.Lo >= e.Hi || e.Value < e.Lo || e.Value > e.Hi || e.Method != Wilson {
			t.Errorf("%d of %d: %+v", c.hits, c.n, e)
		}
	}
}

// Whatever cannot be estimated has no interval, and says so in one way.
func TestWhatHasNoInterval(t *testing.T) {
	same := []float64{0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1}
	b, ok := Power([]float64{1, 2}, []float64{3, 6})
	if !ok || math.Abs(b.Value-1) > 1e-12 {
		t.Errorf("two points: %+v %v", b, ok)
	}
	if _, ok := Power([]float64{1, 1, -2}, []float64{1, 2, 3}); ok {
		t.Error("a curve through one x")
	}
	for what, e := range map[string]Estimate{
		"nothing": Student(nil, Seeds), "one value": Student(same[:1], Seeds), "no spread": Student(same, Seeds),
		"no rounds": Median(nil, Rounds), "five rounds": Median([]float64{1, 2, 3, 4, 5}, Rounds), "equal rounds": Median(same, Rounds),
		"equal groups": DeleteGroup(1, 100, same, same), "no trials": Proportion(0, 0),
		"Welch, one seed": Welch(same[:1], []float64{1, 2}, Seeds).Estimate, "Welch, no spread": Welch(same, []float64{1, 1}, Seeds).Estimate,
		"one pair": Paired(same[:1], same[:1], Pairs).Estimate, "equal pairs": Paired(same, same, Pairs).Estimate,
		"two against two": Shift([]float64{1, 2}, []float64{3, 4}, Processes).Estimate, "against none": Shift(nil, same, Processes).Estimate,
		"a curve through two points": b, "one end stored": FromBounds(1, new(float64), nil, 3, Jackknife),
	} {
		lo, hi := e.Bounds()
		if e.HasInterval() || e.Method != None || e.Lo != 0 || e.Hi != 0 || e.SE != 0 || lo != nil || hi != nil {
			t.Errorf("%s: %+v", what, e)
		}
		if e.Excludes(1e9) || e.Within(2, 3).HasInterval() {
			t.Errorf("%s: what has no interval excludes nothing", what)
		}
	}
	if p := Welch(same, []float64{1, 1}, Seeds).P; !math.IsNaN(p) {
		t.Errorf("a test of what has no spread: p = %g", p)
	}
}

func TestMethods(t *testing.T) {
	for m, d := range described {
		if (m == None) != (m.Short() == "") || (m == None) != (m.Long() == "") || !m.Known() || m.String() == "" || m != None && m != Unstated && d.over == "" {
			t.Errorf("%q: %q %q over %q", m, m.Short(), m.Long(), m.Over())
		}
	}
	if m := Method("bootstrap"); m.Known() || m.Short() != "95 % bootstrap" {
		t.Errorf("of a newer program: %q", m.Short())
	}
}

func TestHolm(t *testing.T) {
	// Holm's own steps: 0.005·4, 0.01·3, 0.03·2, then not below what came before.
	got := Holm([]float64{0.01, 0.04, math.NaN(), 0.03, 0.005})
	for i, want := range []float64{0.03, 0.06, math.NaN(), 0.06, 0.02} {
		if math.IsNaN(want) != math.IsNaN(got[i]) || math.Abs(got[i]-want) > 1e-12 {
			t.Errorf("%v", got)
		}
	}
	if got := Holm([]float64{0.5, 0.9}); got[0] != 1 || got[1] != 1 {
		t.Errorf("%v", got)
	}
}

func TestPower(t *testing.T) {
	// Residuals ±0.1 in the logarithm around 3·x²: slope and error by hand.
	x, y := []float64{1, math.E, math.Exp(2), math.Exp(3)}, make([]float64, 4)
	for i, r := range []float64{0.1, -0.1, -0.1, 0.1} {
		y[i] = 3 * math.Exp(2*float64(i)+r)
	}
	b, ok := Power(append(x, -1), append(y, 5))
	near(t, "exponent", b.Value, 2, 1e-12)
	near(t, "half", (b.Hi-b.Lo)/2, 4.302653*math.Sqrt(0.04/2/5), 1e-6)
	if !ok || b.N != 4 || b.Method != Points {
		t.Errorf("%+v %v", b, ok)
	}
}
