package stat

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The data of Pettitt's table 1: K = 232, p = 0.0146, change after the 17th
// value.
func TestPettittAgainstHisOwnData(t *testing.T) {
	x := []float64{-1.05, 0.96, 1.22, 0.58, -0.98, -0.03, -1.54, -0.71, -0.35, 0.66, 0.44, 0.91, -0.02, -1.42, 1.26, -1.02, -0.81,
		1.66, 1.05, 0.97,
		2.14, 1.22, -0.24, 1.60, 0.72, -0.12, 0.44, 0.03, 0.66, 0.56, 1.37, 1.66, 0.10, 0.80, 1.29, 0.49, -0.07, 1.18, 3.29, 1.84}
	k, at := Pettitt(x)
	if k != 232 || at != 17 {
		t.Errorf("K = %g after value %d", k, at)
	}
	if p := Approximate(k, len(x)); math.Abs(p-0.0146) > 5e-5 {
		t.Errorf("p = %.5f", p)
	}
	// The approximation is said to be good to 0.01.
	if p := shuffled(ranks(x)); math.Abs(p-0.0146) > 0.01 {
		t.Errorf("by shuffling p = %.4f", p)
	}
}

// Four against four in perfect order: 2·4!·4!/8! of all orders are as extreme.
func TestShufflingAgainstCounting(t *testing.T) {
	want := 2.0 * 24 * 24 / 40320
	if p := shuffled(ranks([]float64{1, 2, 3, 4, 5, 6, 7, 8})); math.Abs(p-want) > 0.005 {
		t.Errorf("p = %.4f, want %.4f", p, want)
	}
}

func TestTiesHaveTheirMeanRank(t *testing.T) {
	got := ranks([]float64{3, 1, 3, 2, 3})
	for i, want := range []float64{4, 1, 4, 2, 4} {
		if got[i] != want {
			t.Fatalf("%v", got)
		}
	}
	if k, at := Pettitt([]float64{5, 5, 5, 5}); k != 0 || at != 0 {
		t.Errorf("a constant series changes after %d (K = %g)", at, k)
	}
}

func TestStepsAreFoundWhereTheyAre(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var x []float64
	for i := range 60 {
		level := 100.0
		if i >= 20 {
			level = 94
		}
		if i >= 42 {
			level = 112
		}
		x = append(x, level*(1+0.01*rng.NormFloat64()))
	}
	x[10] = 300 // an outlier is no step
	got := Steps(x, 0.05, 0.03)
	if len(got) != 2 || got[0].At != 20 || got[1].At != 42 {
		t.Fatalf("%+v", got)
	}
	if math.Abs(got[0].After/got[0].Before-0.94) > 0.01 || math.Abs(got[1].After/got[1].Before-112.0/94) > 0.02 {
		t.Errorf("%+v", got)
	}
	if small := Steps(x, 0.05, 0.5); len(small) != 0 {
		t.Errorf("steps of more than 50 %%: %+v", small)
	}
}

// Without a step, no more than the level's share of series has one.
func TestNoStepsInNoise(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	found := 0
	const n = 120
	for range n {
		var x []float64
		for range 20 {
			x = append(x, 100*math.Exp(0.02*rng.NormFloat64()))
		}
		if len(Steps(x, 0.05, 0)) > 0 {
			found++
		}
	}
	if found > n*10/100 {
		t.Errorf("%d of %d series without a step have one", found, n)
	}
}

func TestLeastValues(t *testing.T) {
	// Eight in order: 2/70 = 0.0286; ten: 2/252 = 0.0079; nine: 4/126 = 0.0317.
	for level, want := range map[float64]int{0.05: 8, 0.03: 8, 0.0125: 10} {
		if n := LeastValues(level); n != want {
			t.Errorf("level %g: %d values, want %d", level, n, want)
		}
	}
}
