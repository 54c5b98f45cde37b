package stat_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"prabench/metrics/stat"
)

// A crossing by hand: rows 1 2 3, 2 4 6, 3 6 9 have the means 2, 4, 6, as have the
// columns; both mean squares are 12 and that of the rest is 1.
func TestCrossedByHand(t *testing.T) {
	c := stat.Crossed([][]float64{{1, 2, 3}, {2, 4, 6}, {3, 6, 9}})
	for what, v := range map[string][2]float64{"rows": {c.Rows.Value, 11.0 / 3}, "columns": {c.Columns.Value, 11.0 / 3},
		"rest": {c.Rest.Value, 1}} {
		if math.Abs(v[0]-v[1]) > 1e-12 {
			t.Errorf("%s: %g, want %g", what, v[0], v[1])
		}
	}
	// χ² with 4 degrees of freedom: 0.4844 and 11.1433.
	if math.Abs(c.Rest.Lo-4/11.1433) > 1e-4 || math.Abs(c.Rest.Hi-4/0.48442) > 1e-3 {
		t.Errorf("the rest: %+v", c.Rest)
	}
	one := stat.Crossed([][]float64{{1}, {2}, {4}})
	if math.Abs(one.Rows.Value-7.0/3) > 1e-12 || one.Rest.HasInterval() || one.Columns.HasInterval() {
		t.Errorf("one column: %+v", one)
	}
}

// The variances that values were drawn with lie in their intervals in 93 to 97.5 of
// 100 crossings, which also means that the intervals are not far too wide.
func TestCrossedCovers(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 2))
	const draws, rows, columns = 2000, 30, 5
	truth := [3]float64{4, 0.5, 1}
	var held [3]int
	for range draws {
		a, b := normals(r, rows, 2), normals(r, columns, math.Sqrt(0.5))
		y := make([][]float64, rows)
		for i := range y {
			for j := range columns {
				y[i] = append(y[i], 100+a[i]+b[j]+r.NormFloat64())
			}
		}
		c := stat.Crossed(y)
		for k, e := range []stat.Estimate{c.Rows, c.Columns, c.Rest} {
			if !e.Excludes(truth[k]) {
				held[k]++
			}
		}
	}
	for k, n := range held {
		if share := float64(n) / draws; share < 0.93 || share > 0.975 {
			t.Errorf("component %d: %.3f of the intervals hold the truth", k, share)
		}
	}
	t.Log(held)
}

func normals(r *rand.Rand, n int, deviation float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = deviation * r.NormFloat64()
	}
	return out
}

// Rounds, processes and readings of known variances are told apart.
func TestNestedCovers(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 2))
	const draws, rounds, cells = 500, 12, 4
	truth := [3]float64{0.09, 0.04, 0.01}
	var held [3]int
	for range draws {
		var y [][][]float64
		for _, drift := range normals(r, rounds, 0.3) {
			var row [][]float64
			for c := range cells {
				process := float64(c) + drift + 0.2*r.NormFloat64()
				var readings []float64
				for range 2 + c { // cells are read differently often
					readings = append(readings, process+0.1*r.NormFloat64())
				}
				row = append(row, readings)
			}
			y = append(y, row)
		}
		n := stat.NestedIn(y)
		for k, e := range []stat.Estimate{n.Rows, n.Cells, n.Within} {
			if !e.Excludes(truth[k]) {
				held[k]++
			}
		}
	}
	for k, n := range held {
		if share := float64(n) / draws; share < 0.92 || share > 0.985 {
			t.Errorf("component %d: %.3f of the intervals hold the truth", k, share)
		}
	}
	t.Log(held)
}

// Restricted likelihood of one balanced factor is its analysis of variance.
func TestLikelihoodIsTheAnalysisOfVariance(t *testing.T) {
	y := []float64{11, 12, 13, 21, 22, 23, 5, 6, 8, 14, 15, 17}
	levels := []int{0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3}
	var within, between float64
	means := []float64{12, 22, 19.0 / 3, 46.0 / 3}
	grand := (means[0] + means[1] + means[2] + means[3]) / 4
	for i, v := range y {
		within += (v - means[levels[i]]) * (v - means[levels[i]]) / 8
	}
	for _, m := range means {
		between += 3 * (m - grand) * (m - grand) / 3
	}
	got := stat.Likelihood(y, []stat.Factor{{Name: "group", Levels: levels}})
	for k, want := range []float64{(between - within) / 3, within} {
		if math.Abs(got[k].Value-want) > 0.005*want {
			t.Errorf("component %d: %g, want %g", k, got[k].Value, want)
		}
		if !(got[k].Lo < want && want < got[k].Hi) {
			t.Errorf("component %d: %+v", k, got[k])
		}
	}
}

// Known variances of parts that vary one at a time and all together lie within their
// intervals, the one that is nothing too.
func TestLikelihoodRecoversVariances(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	r := rand.New(rand.NewPCG(6, 2))
	truth := []float64{4, 1, 0, 0.5}
	const draws = 5
	held := make([]int, len(truth))
	for range draws {
		var factors [3]stat.Factor
		var y []float64
		effects := [3][]float64{normals(r, 60, 2), normals(r, 60, 1), make([]float64, 60)}
		one := func(levels ...int) {
			v := math.Sqrt(0.5) * r.NormFloat64()
			for k, l := range levels {
				factors[k].Levels = append(factors[k].Levels, l)
				v += effects[k][l]
			}
			y = append(y, v)
		}
		for i := range 12 {
			one(i, 0, 0)
			one(0, i+1, 0)
			one(0, 0, i+1)
			one(20+i, 20+i, 20+i)
		}
		for k, e := range stat.Likelihood(y, factors[:]) {
			if !e.Excludes(truth[k]) {
				held[k]++
			}
		}
	}
	t.Log(held)
	for k, n := range held {
		if n < draws-1 { // of 5, one may miss
			t.Errorf("component %d: %d of %d intervals hold the truth %g", k, n, draws, truth[k])
		}
	}
}

// foundInPairs is the share of simulated sets of pairs in which the test finds the
// difference.
func foundInPairs(n int, difference, deviation float64) float64 {
	r := rand.New(rand.NewPCG(7, 2))
	const draws = 40000
	found := 0
	zero := make([]float64, n)
	for range draws {
		d := normals(r, n, deviation)
		for i := range d {
			d[i] += difference
		}
		if stat.Paired(zero, d, stat.Pairs).P <= 0.05 {
			found++
		}
	}
	return float64(found) / draws
}

// R's own example, power.t.test(n = 20, delta = 1, sd = 1), has the power 0.8689528, and
// power.t.test(power = .90, delta = 1) needs n = 22.02; of pairs the power is simulated.
func TestPowerOfSeeds(t *testing.T) {
	for _, c := range []struct {
		s    stat.Spread
		n    int
		want float64
	}{{stat.Spread{SD: 0.5, Paired: true}, 5, foundInPairs(5, 1, 0.5)}, {stat.Spread{SD: 1}, 20, 0.8689528}} {
		if got := c.s.Finds(1, c.n, 0.05); math.Abs(got-c.want) > 0.004 {
			t.Errorf("%+v, %d seeds: power %.4f, want %.4f", c.s, c.n, got, c.want)
		}
		d := c.s.Detectable(c.n, 0.05)
		if got := c.s.Finds(d, c.n, 0.05); math.Abs(got-stat.Wanted) > 0.001 {
			t.Errorf("%g is found in %.3f", d, got)
		}
		if n := c.s.Seeds(d*1.001, 0.05, 100); n != c.n {
			t.Errorf("%d seeds for the difference that %d find", n, c.n)
		}
	}
	if power := (stat.Spread{SD: 1}).Finds(1, 22, 0.05); math.Abs(power-0.9) > 0.004 {
		t.Errorf("22 seeds a side: %.4f", power)
	}
	if n := (stat.Spread{SD: 1}).Seeds(0, 0.05, 100); n != 0 || !math.IsInf((stat.Spread{SD: 1}).Detectable(1, 0.05), 1) {
		t.Error("nothing is found of no difference, nor by one seed")
	}
}
