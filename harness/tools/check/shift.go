package check

import (
	"math"
	"slices"

	"golang.org/x/perf/benchmath"
	"gonum.org/v1/gonum/stat/distuv"
)

// shift is by how much y lies above x: the Hodges–Lehmann estimate, the median
// of all differences, with the interval that belongs to the Mann–Whitney test
// (Hollander and Wolfe, chapter 4, normal approximation), and that test's
// p-value. It is infinite where there are too few values for an interval.
func shift(x, y []float64, confidence float64) (mid, lo, hi, p float64) {
	if len(x) == 0 || len(y) == 0 {
		return math.NaN(), math.Inf(-1), math.Inf(1), 1
	}
	d := make([]float64, 0, len(x)*len(y))
	for _, a := range x {
		for _, b := range y {
			d = append(d, b-a)
		}
	}
	slices.Sort(d)
	n := len(d)
	mid = (d[(n-1)/2] + d[n/2]) / 2
	lo, hi = math.Inf(-1), math.Inf(1)
	z := distuv.UnitNormal.Quantile(1 - (1-confidence)/2)
	m, k := float64(len(x)), float64(len(y))
	if c := int(math.Floor(m*k/2 - z*math.Sqrt(m*k*(m+k+1)/12))); c >= 1 {
		lo, hi = d[c-1], d[n-c]
	}
	sample := func(v []float64) *benchmath.Sample {
		return benchmath.NewSample(slices.Clone(v), &benchmath.DefaultThresholds)
	}
	return mid, lo, hi, benchmath.AssumeNothing.Compare(sample(x), sample(y)).P
}
