package check

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The permeability of the human amniochorion at term and earlier, the example
// of Hollander and Wolfe's chapter 4: the estimate is −0.305, the one-sided
// p-value 0.1272.
func TestShiftAgainstPublishedValues(t *testing.T) {
	term := []float64{0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46}
	earlier := []float64{1.15, 0.88, 0.90, 0.74, 1.21}
	mid, lo, hi, p := shift(term, earlier, 0.95)
	if math.Abs(mid+0.305) > 1e-9 || math.Abs(p-2*0.1272) > 1e-3 {
		t.Errorf("estimate %.4f, p %.4f", mid, p)
	}
	if lo > mid || hi < mid || lo > 0 || hi < 0 {
		t.Errorf("interval %g to %g", lo, hi)
	}
	if _, lo, hi, _ := shift(term[:2], earlier[:2], 0.95); !math.IsInf(lo, -1) || !math.IsInf(hi, 1) {
		t.Error("two values a side have an interval")
	}
}

// A 95 % interval holds the true shift in about 95 % of all samples.
func TestShiftCovers(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	held := 0
	const n = 1000
	for range n {
		var x, y []float64
		for range 15 {
			x = append(x, rng.ExpFloat64())
			y = append(y, 0.5+rng.ExpFloat64())
		}
		if _, lo, hi, _ := shift(x, y, 0.95); lo <= 0.5 && 0.5 <= hi {
			held++
		}
	}
	if held < 930 || held > 985 {
		t.Errorf("%d of %d intervals hold the truth", held, n)
	}
}
