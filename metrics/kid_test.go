package metrics

import (
	"math"
	"testing"

	"prabench/metrics/stat"
)

// pairwiseKID is the definition, pair by pair.
func pairwiseKID(a, b Features) float64 {
	k := func(x, y []float64) float64 {
		u := dot(x, y)/float64(len(x)) + 1
		return u * u * u
	}
	var aa, bb, ab float64
	for i := range a.N {
		for j := range a.N {
			if i != j {
				aa += k(a.row(i), a.row(j))
			}
		}
		for j := range b.N {
			ab += k(a.row(i), b.row(j))
		}
	}
	for i := range b.N {
		for j := range b.N {
			if i != j {
				bb += k(b.row(i), b.row(j))
			}
		}
	}
	n, m := float64(a.N), float64(b.N)
	return aa/(n*(n-1)) + bb/(m*(m-1)) - 2*ab/(n*m)
}

func TestKIDEqualsItsDefinition(t *testing.T) {
	for _, d := range []int{1, 2, 3, 7, 20} {
		a, b := normal(5, 43, d, 1, .3), normal(6, 61, d, 1.3, 0)
		for i := range a.X { // zeros take their own path
			a.X[i] = max(a.X[i], 0)
		}
		want := pairwiseKID(a, b)
		got, err := KID(a, b)
		if err != nil || math.Abs(got-want) > 1e-11*(1+math.Abs(want)) {
			t.Errorf("d=%d: %.14g (%v), want %.14g", d, got, err, want)
		}
		e, err := KIDEstimate(a, b)
		if err != nil || math.Abs(e.Value-want) > 1e-11*(1+math.Abs(want)) {
			t.Errorf("d=%d: estimate %+v (%v), want %.14g", d, e, err, want)
		}
		// The interval must come from values without each block.
		var left [2][]float64
		for side, f := range []Features{a, b} {
			block, g := deal(f)
			for out := range g {
				var keep []int
				for i := range f.N {
					if block[i] != out {
						keep = append(keep, i)
					}
				}
				pair := []Features{a, b}
				pair[side] = f.pick(keep)
				left[side] = append(left[side], pairwiseKID(pair[0], pair[1]))
			}
		}
		if ref := stat.DeleteGroup(want, b.N, left[0], left[1]); math.Abs(ref.SE-e.SE) > 1e-9*(1+ref.SE) {
			t.Errorf("d=%d: standard error %g, want %g", d, e.SE, ref.SE)
		}
	}
}

func TestKIDIsUnbiased(t *testing.T) {
	var sum, squares float64
	const rounds = 60
	for seed := range uint64(rounds) {
		v, err := KID(normal(2*seed, 40, 6, 1, 0), normal(2*seed+1, 30, 6, 1, 0))
		if err != nil {
			t.Fatal(err)
		}
		sum += v
		squares += v * v
	}
	mean := sum / rounds
	if se := math.Sqrt(squares/rounds-mean*mean) / math.Sqrt(rounds); math.Abs(mean) > 3.5*se {
		t.Errorf("mean over equal distributions %g, standard error %g", mean, se)
	}
}

func BenchmarkKIDEstimate(b *testing.B) {
	real, gen := normal(1, 10000, 64, 1, 0), normal(2, 2000, 64, 1, .1)
	for b.Loop() {
		if _, err := KIDEstimate(real, gen); err != nil {
			b.Fatal(err)
		}
	}
}
