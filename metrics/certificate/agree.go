package certificate

import (
	"math/rand/v2"
	"slices"
)

// fewestCells are needed for an interval of a rank correlation.
const fewestCells = 8

// Kendall is the rank correlation of two lists (τ-a without ties; pairs that tie in
// either list count for neither side), with a bootstrap interval over their places
// where there are enough of them. A pair of the same place, which a resample may
// have, says nothing and is left out.
func Kendall(a, b []float64) (tau, lo, hi float64, interval bool) {
	at := make([]int, len(a))
	for i := range at {
		at[i] = i
	}
	tau, _ = kendall(a, b, at)
	if len(a) < fewestCells {
		return tau, 0, 0, false
	}
	r := rand.New(rand.NewPCG(19, uint64(len(a))))
	var all []float64
	for range resamples {
		for i := range at {
			at[i] = r.IntN(len(a))
		}
		if t, ok := kendall(a, b, at); ok {
			all = append(all, t)
		}
	}
	slices.Sort(all)
	return tau, all[int(float64(len(all))*(1-confidence)/2)], all[min(int(float64(len(all))*(1+confidence)/2), len(all)-1)], true
}

func kendall(a, b []float64, at []int) (tau float64, ok bool) {
	sign := func(d float64) int {
		switch {
		case d > 0:
			return 1
		case d < 0:
			return -1
		}
		return 0
	}
	sum, pairs := 0, 0
	for i, p := range at {
		for _, q := range at[:i] {
			if p != q {
				sum += sign(a[p]-a[q]) * sign(b[p]-b[q])
				pairs++
			}
		}
	}
	if pairs == 0 {
		return 0, false
	}
	return float64(sum) / float64(pairs), true
}
