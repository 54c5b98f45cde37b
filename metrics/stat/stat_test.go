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
	}{{81, 263, 0.2553, 0.3662}, {15, 148, 0.0624, 0.1605}, {0, 20, 0, 0.1611}, {1, 29, 0.0061, 0.1718}, {0, 100, 0, 0.0370},
		{100, 100, 0.9630, 1}} {
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
	for _, xy := range [][2][]float64{{}, {{2}, {3}}, {{1, 1, -2}, {1, 2, 3}}, {{2, 3}, {3, -1}}} {
		if _, ok := Power(xy[0], xy[1]); ok {
			t.Errorf("an exponent from %v", xy)
		}
	}
	for what, e := range map[string]Estimate{
		"nothing": Student(nil, Seeds), "one value": Student(same[:1], Seeds), "no spread": Student(same, Seeds),
		"no rounds": Median(nil, Rounds), "five rounds": Median([]float64{1, 2, 3, 4, 5}, Rounds),
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

// From six values on the median has an interval: 1 − 2·2⁻⁶ is above 95 %.
func TestMedian(t *testing.T) {
	values := []float64{5, 1, 4, 6, 2, 3}
	if e := Median(values, Rounds); e.Value != 3.5 || e.Lo != 1 || e.Hi != 6 || e.N != 6 || e.Method != Rounds {
		t.Errorf("%+v", e)
	}
	if values[0] != 5 {
		t.Error("the values were reordered")
	}
	// The tables of the sign test: of 20 the 6th and the 15th, of 10 the 2nd and 9th.
	for n, want := range map[int][2]float64{20: {6, 15}, 10: {2, 9}} {
		x := make([]float64, n)
		for i := range x {
			x[i] = float64(n - i)
		}
		if e := Median(x, Rounds); e.Lo != want[0] || e.Hi != want[1] {
			t.Errorf("%d values: %+v, want %v", n, e, want)
		}
	}
}

func TestMethods(t *testing.T) {
	for m, d := range described {
		if (m == None) != (m.Short() == "") || (m == None) != (m.Long() == "") || !m.Known() || m.String() == "" ||
			m != None && m != Unstated && d.over == "" {
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

// Values of the tables of the binomial distribution with p = ½, doubled: n = 10,
// k = 1 is 0.0107; n = 15, k = 3 is 0.0176; n = 20, k = 5 is 0.0207.
func TestCoinAgainstTables(t *testing.T) {
	for _, c := range []struct {
		k, n int
		p    float64
	}{{1, 10, 0.02148}, {9, 10, 0.02148}, {3, 15, 0.03516}, {5, 20, 0.04139}, {0, 6, 0.03125}, {10, 20, 1}, {0, 0, 1}, {40, 100, 0.05689}} {
		near(t, "p", Coin(c.k, c.n), c.p, 5e-6)
	}
	// Zeros say nothing.
	near(t, "p", SignTest([]float64{0, 1, 0, 2, 3, 0, 4, 5, 6}), 0.03125, 1e-12)
}

// The permeability of the human amniochorion at term and earlier, the example
// of Hollander and Wolfe's chapter 4: the estimate is −0.305, the one-sided
// p-value 0.1272.
func TestShiftAgainstPublishedValues(t *testing.T) {
	term := []float64{0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46}
	earlier := []float64{1.15, 0.88, 0.90, 0.74, 1.21}
	d := Shift(term, earlier, Processes)
	near(t, "estimate", d.Value, -0.305, 1e-9)
	near(t, "p", d.P, 2*0.1272, 1e-3)
	if d.Method != Processes || d.Lo > d.Value || d.Hi < d.Value || d.Separated() {
		t.Errorf("%+v", d)
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

// NIST's Norris data (StRD, linear regression): slope 1.00211681802045 with a
// standard deviation of 0.000429796848199937 over 36 points; here the points'
// exponentials, so that the power law has that exponent.
func TestPowerAgainstPublishedValues(t *testing.T) {
	y := []float64{0.1, 338.8, 118.1, 888.0, 9.2, 228.1, 668.5, 998.5, 449.1, 778.9, 559.2, 0.3, 0.1, 778.1, 668.8, 339.3, 448.9, 10.8, 557.7,
		228.3, 998.0, 888.8, 119.6, 0.3, 0.6, 557.6, 339.3, 888.0, 998.5, 778.9, 10.2, 117.6, 228.9, 668.4, 449.2, 0.2}
	x := []float64{0.2, 337.4, 118.2, 884.6, 10.1, 226.5, 666.3, 996.3, 448.6, 777.0, 558.2, 0.4, 0.6, 775.5, 666.9, 338.0, 447.5, 11.6, 556.0,
		228.1, 995.8, 887.6, 120.2, 0.3, 0.3, 556.8, 339.1, 887.2, 999.0, 779.0, 11.1, 118.3, 229.2, 669.1, 448.9, 0.5}
	for i := range x { // halved, since e^999 is no float64
		x[i], y[i] = math.Exp(x[i]/2), math.Exp(y[i]/2)
	}
	b, ok := Power(x, y)
	const slope, deviation, quantile = 1.00211681802045, 0.000429796848199937, 2.0322445 // t(34, 0.975)
	if !ok || b.N != 36 || math.Abs(b.Value-slope) > 1e-10 || math.Abs(b.Hi-b.Value-quantile*deviation) > 1e-9 ||
		math.Abs(b.SE-deviation) > 1e-10 {
		t.Errorf("power: %+v, %v; want %v ± %v", b, ok, slope, quantile*deviation)
	}
}

// Values by SciPy: exp(mean(log v) ± t.ppf(0.975, n-1) · std(log v, ddof=1) / √n).
func TestGeometric(t *testing.T) {
	near := func(got, want float64) bool { return math.Abs(got-want) <= 1e-9*math.Abs(want) }
	for _, c := range []struct{ v, want []float64 }{
		{[]float64{10, 4, 7}, []float64{6.54213262037718, 2.0769492237704608, 20.60690686742243}},
		{[]float64{105.2, 98.4, 101.9, 97.0}, []float64{100.5748026657695, 94.91101927571388, 106.5765704388216}},
		{[]float64{0.01, 5}, []float64{0.22360679774997905, 1.5946018963133914e-18, 3.1355788623854136e+16}},
	} {
		e := Geometric(c.v, Rounds)
		if !near(e.Value, c.want[0]) || !near(e.Lo, c.want[1]) || !near(e.Hi, c.want[2]) || e.N != len(c.v) || e.Lo <= 0 {
			t.Errorf("%v: %+v, want %v", c.v, e, c.want)
		}
		inverse := make([]float64, len(c.v))
		for i, v := range c.v {
			inverse[i] = 1 / v
		}
		if o := Geometric(inverse, Rounds); !near(1/o.Value, e.Value) || !near(1/o.Hi, e.Lo) {
			t.Errorf("%v: the inverse has %+v", c.v, o)
		}
	}
	for _, v := range [][]float64{{}, {3}, {2, 2, 2}, {-1, 4, 2}, {0, 1}} {
		if got, want := Geometric(v, Rounds), Student(v, Rounds); got != want {
			t.Errorf("%v: %+v, want Student's %+v", v, got, want)
		}
	}
}
