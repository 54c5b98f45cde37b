package stat

import (
	"cmp"
	"math"
	"slices"
)

// Holm corrects p-values for their number by Holm's step-down method: each is
// the smallest level at which its comparison would be rejected with all
// comparisons considered. A corrected value of at most α keeps the chance of any
// false alarm among them at most α, however they hang together. NaN, a
// comparison without a test, stays and does not count.
func Holm(p []float64) []float64 {
	out := slices.Clone(p)
	var order []int
	for i, v := range p {
		if !math.IsNaN(v) {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(p[i], p[j]) })
	var reached float64
	for rank, i := range order {
		reached = max(reached, min(1, float64(len(order)-rank)*p[i]))
		out[i] = reached
	}
	return out
}
