package stat

import (
	"math"
	"slices"

	"golang.org/x/perf/benchmath"
	"gonum.org/v1/gonum/stat/distuv"
)

// Shift is by how much b lies above a, whatever the two scatter like: the
// Hodges–Lehmann estimate, the median of all differences, with the interval that
// belongs to the Mann–Whitney test (normal approximation) and that test's
// p-value. There is no interval where there are too few values for one.
func Shift(a, b []float64, over Method) Difference {
	if len(a) == 0 || len(b) == 0 {
		return Difference{P: math.NaN()}
	}
	d := make([]float64, 0, len(a)*len(b))
	for _, x := range a {
		for _, y := range b {
			d = append(d, y-x)
		}
	}
	slices.Sort(d)
	n := len(d)
	out := Difference{Estimate: Point((d[(n-1)/2]+d[n/2])/2, len(a)+len(b)), P: benchmath.AssumeNothing.Compare(sample(a), sample(b)).P}
	z := distuv.UnitNormal.Quantile(1 - (1-Confidence)/2)
	m, k := float64(len(a)), float64(len(b))
	if c := int(math.Floor(m*k/2 - z*math.Sqrt(m*k*(m+k+1)/12))); c >= 1 {
		out.Estimate = out.with(d[c-1], d[n-c], 0, over)
	}
	return out
}
