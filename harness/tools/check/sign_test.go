package check

import (
	"math"
	"testing"
)

// Values of the tables of the binomial distribution with p = ½, doubled: n = 10,
// k = 1 is 0.0107; n = 15, k = 3 is 0.0176; n = 20, k = 5 is 0.0207.
func TestSignTestAgainstTables(t *testing.T) {
	for _, c := range []struct {
		k, n int
		p    float64
	}{{1, 10, 0.02148}, {9, 10, 0.02148}, {3, 15, 0.03516}, {5, 20, 0.04139}, {0, 6, 0.03125}, {10, 20, 1}, {0, 0, 1}, {40, 100, 0.05689}} {
		if got := binomialP(c.k, c.n); math.Abs(got-c.p) > 5e-6 {
			t.Errorf("%d of %d: p = %.6f, the tables say %.5f", c.k, c.n, got, c.p)
		}
	}
}

func TestZerosSayNothing(t *testing.T) {
	if got, want := signP([]float64{0, 1, 0, 2, 3, 0, 4, 5, 6}), 0.03125; math.Abs(got-want) > 1e-12 {
		t.Errorf("p = %g, want %g", got, want)
	}
}

// The interval of the sign test at 95 % for 20 observations is from the 6th to
// the 15th, with a true confidence of 0.9586; for 10 from the 2nd to the 9th.
func TestMedianIntervalAgainstTables(t *testing.T) {
	for _, c := range []struct {
		n      int
		lo, hi float64
	}{{20, 6, 15}, {10, 2, 9}, {6, 1, 6}} {
		var x []float64
		for i := range c.n {
			x = append(x, float64(i+1))
		}
		if _, lo, hi := median(x, 0.95); lo != c.lo || hi != c.hi {
			t.Errorf("%d observations: %g to %g, want %g to %g", c.n, lo, hi, c.lo, c.hi)
		}
	}
	for n := range 6 { // of five, one end would be known
		if _, lo, hi := median([]float64{1, 2, 3, 4, 5}[:n], 0.95); !math.IsInf(lo, -1) || !math.IsInf(hi, 1) {
			t.Errorf("%d observations have an interval", n)
		}
	}
}

// Holm's method on the textbook's four p-values.
func TestHolm(t *testing.T) {
	got := holm([]float64{0.01, 0.04, 0.03, 0.005})
	for i, want := range []float64{0.03, 0.06, 0.06, 0.02} {
		if math.Abs(got[i]-want) > 1e-12 {
			t.Errorf("adjusted %v", got)
		}
	}
	if got := holm([]float64{0.5, 0.9}); got[0] != 1 || got[1] != 1 {
		t.Errorf("adjusted %v: at most 1", got)
	}
}

func TestLeastRounds(t *testing.T) {
	// At the first look half of 0.05 may be spent: 2·2⁻⁷ = 0.0156 is below, 2·2⁻⁶ is not.
	if n := leastRounds(1); n != 7 {
		t.Errorf("%d rounds", n)
	}
	if n := leastRounds(12); binomialP(0, n)*12 > 0.025 || binomialP(0, n-1)*12 <= 0.025 {
		t.Errorf("%d rounds", n)
	}
}

func TestLooksSpendNoMoreThanAlpha(t *testing.T) {
	var sum float64
	for look := 1; look <= looks; look++ {
		sum += levelAt(look)
	}
	if sum > alpha {
		t.Errorf("%g", sum)
	}
}
