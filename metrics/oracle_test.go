package metrics

import (
	"encoding/json"
	"math"
	"os"
	"testing"
)

// madeUp is made_up of testdata/oracle/oracle.py.
func madeUp(n, d int, seed uint32, shift float64) Features {
	f := Features{N: n, D: d, X: make([]float64, n*d)}
	x := seed
	for i := range n {
		before := 0.0
		for j := range d {
			x = 1664525*x + 1013904223
			before = float64(x>>16)/65536 + before/2 + shift
			f.X[i*d+j] = before
		}
	}
	return f
}

// The scores are those of SciPy with pytorch-fid's formula, of all pairs in
// float64, and of the package prdc on the same features. oracle.py wrote them.
func TestScoresAreThoseOfOthers(t *testing.T) {
	raw, err := os.ReadFile("testdata/oracle/oracle.json")
	if err != nil {
		t.Fatal(err)
	}
	var oracle struct {
		Cases []struct {
			Real, Generated, Features int
			Shift                     float64
			Frechet, KID              float64
			Precision, Recall         float64
			Density, Coverage         float64
		}
	}
	if err := json.Unmarshal(raw, &oracle); err != nil || len(oracle.Cases) < 5 {
		t.Fatal(len(oracle.Cases), err)
	}
	for _, c := range oracle.Cases {
		real, gen := madeUp(c.Real, c.Features, 1, 0), madeUp(c.Generated, c.Features, 2, c.Shift)
		frechet, err := FrechetEstimate(real, gen)
		if err != nil {
			t.Fatal(err)
		}
		kid, err := KIDEstimate(real, gen)
		if err != nil {
			t.Fatal(err)
		}
		precision, recall, err := PrecisionRecall(real, gen, Neighbours)
		if err != nil {
			t.Fatal(err)
		}
		density, coverage, err := DensityCoverage(real, gen, DensityNeighbours)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range []struct {
			name           string
			got, want, off float64
		}{
			{"Fréchet distance", frechet.Value, c.Frechet, 1e-6 * math.Abs(c.Frechet)},
			{"kernel distance", kid.Value, c.KID, 1e-9},
			{"precision", precision.Value, c.Precision, 0},
			{"recall", recall.Value, c.Recall, 0},
			{"density", density.Value, c.Density, 1e-12},
			{"coverage", coverage.Value, c.Coverage, 0},
		} {
			if !(math.Abs(v.got-v.want) <= v.off) {
				t.Errorf("%d against %d images of %d features: %s is %v, theirs %v", c.Real, c.Generated, c.Features, v.name, v.got, v.want)
			}
		}
	}
}
