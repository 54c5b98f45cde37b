package metrics

import (
	"math"
	"slices"
	"testing"

	"prabench/metrics/stat"
)

// byDefinition is density and coverage as Naeem et al. (2020) write them, with
// no more thought than that.
func byDefinition(real, gen Features, k int) (density, coverage float64) {
	dist := func(x, y []float64) float64 {
		var s float64
		for i := range x {
			s += (x[i] - y[i]) * (x[i] - y[i])
		}
		return math.Sqrt(s)
	}
	for i := range real.N {
		var d []float64
		for j := range real.N {
			if j != i {
				d = append(d, dist(real.row(i), real.row(j)))
			}
		}
		slices.Sort(d)
		inside := 0
		for j := range gen.N {
			if dist(real.row(i), gen.row(j)) <= d[k-1] {
				inside++
			}
		}
		density += float64(inside) / float64(k*gen.N)
		if inside > 0 {
			coverage += 1 / float64(real.N)
		}
	}
	return density, coverage
}

func TestDensityAndCoverageEqualTheirDefinition(t *testing.T) {
	real, gen := normal(1, 97, 4, 1, 0), normal(2, 130, 4, 1.4, .4)
	for _, k := range []int{1, 3, 5} {
		d, c, err := DensityCoverage(real, gen, k)
		if err != nil {
			t.Fatal(err)
		}
		var left [2][2][]float64 // [density, coverage][side]
		for side, f := range []Features{real, gen} {
			block, g := deal(f)
			for out := range g {
				var keep []int
				for i := range f.N {
					if block[i] != out {
						keep = append(keep, i)
					}
				}
				sets := []Features{real, gen}
				sets[side] = f.pick(keep)
				a, b := byDefinition(sets[0], sets[1], k)
				left[0][side], left[1][side] = append(left[0][side], a), append(left[1][side], b)
			}
		}
		a, b := byDefinition(real, gen, k)
		for what, x := range []struct {
			got  stat.Estimate
			want float64
		}{{d, a}, {c, b}} {
			ref := stat.DeleteGroup(x.want, gen.N, left[what][0], left[what][1]).Within(0, []float64{math.Inf(1), 1}[what])
			if math.Abs(x.got.Value-x.want) > 1e-12 || math.Abs(x.got.SE-ref.SE) > 1e-12 || math.Abs(x.got.Lo-ref.Lo) > 1e-9 ||
				math.Abs(x.got.Hi-ref.Hi) > 1e-9 {
				t.Errorf("k=%d, quantity %d: %+v, want %+v", k, what, x.got, ref)
			}
		}
	}
}

// line is points on a line.
func line(x ...float64) Features { return Features{N: len(x), D: 1, X: x} }

func TestDensityAndCoverageOfKnownSets(t *testing.T) {
	// Real images at 0, 1, …, 9; with k = 1 every ball reaches 1 to either side.
	var at, near []float64
	for i := range 10 {
		at, near = append(at, float64(i)), append(near, 4.5)
	}
	for _, c := range []struct {
		name              string
		gen               Features
		density, coverage float64
	}{
		// An inner point lies in its own ball and its two neighbours', an end in two.
		{"the real images themselves", line(at...), 2.8, 1},
		// All lie in the balls of 4 and 5.
		{"one image, repeated", line(near...), 2, 0.2},
		{"far away", line(100, 101, 102, 103, 104, 105, 106, 107, 108, 109), 0, 0},
	} {
		d, cov, err := DensityCoverage(line(at...), c.gen, 1)
		if err != nil || math.Abs(d.Value-c.density) > 1e-12 || math.Abs(cov.Value-c.coverage) > 1e-12 {
			t.Errorf("%s: %+v, %+v, %v; want %g, %g", c.name, d, cov, err, c.density, c.coverage)
		}
	}
	// Two samples of one distribution: density is 1 on average, coverage
	// 1 − (N−1)…(N−k) / (2N−1)…(2N−k) for equal counts (Naeem et al., appendix A).
	d, cov, err := DensityCoverage(normal(3, 1000, 8, 1, 0), normal(4, 1000, 8, 1, 0), DensityNeighbours)
	expected := 1.0
	for j := 1.0; j <= DensityNeighbours; j++ {
		expected *= (1000 - j) / (2000 - j)
	}
	if err != nil || math.Abs(d.Value-1) > 0.1 || math.Abs(cov.Value-(1-expected)) > 0.03 {
		t.Errorf("real against real: %+v, %+v, %v; want about 1 and %g", d, cov, err, 1-expected)
	}
	if d.Lo > 1 || d.Hi < 1 || d.Method != stat.Jackknife || cov.Lo > 1-expected || cov.Hi < 1-expected {
		t.Errorf("intervals of real against real: %+v, %+v", d, cov)
	}
	if _, _, err := DensityCoverage(normal(1, 6, 3, 1, 0), normal(2, 6, 3, 1, 0), 5); err == nil {
		t.Error("6 images with k=5 were accepted")
	}
}
