package check

import (
	"math"
	"slices"

	"golang.org/x/perf/benchmath"
)

// signP is the two-sided p-value of the sign test that the median of x is 0;
// zeros say nothing and are left out.
func signP(x []float64) float64 {
	var plus, n int
	for _, v := range x {
		if v > 0 {
			plus++
		}
		if v != 0 {
			n++
		}
	}
	return binomialP(plus, n)
}

// binomialP is the two-sided p-value of k successes in n throws of a fair coin:
// twice the smaller tail, at most 1.
func binomialP(k, n int) float64 {
	k = min(k, n-k)
	var tail float64
	for i := 0; i <= k; i++ {
		tail += math.Exp(logChoose(n, i) - float64(n)*math.Ln2)
	}
	return min(1, 2*tail)
}

func logChoose(n, k int) float64 {
	a, _ := math.Lgamma(float64(n + 1))
	b, _ := math.Lgamma(float64(k + 1))
	c, _ := math.Lgamma(float64(n - k + 1))
	return a - b - c
}

// median is the median of x with the interval of the sign test: two order
// statistics, at least at the confidence asked for, infinite when x is too
// short for it.
func median(x []float64, confidence float64) (m, lo, hi float64) {
	if len(x) == 0 {
		return math.NaN(), math.Inf(-1), math.Inf(1)
	}
	s := benchmath.AssumeNothing.Summary(benchmath.NewSample(slices.Clone(x), &benchmath.DefaultThresholds), confidence)
	if math.IsInf(s.Lo, 0) || math.IsInf(s.Hi, 0) { // one end alone would pass for an interval
		return s.Center, math.Inf(-1), math.Inf(1)
	}
	return s.Center, s.Lo, s.Hi
}

// leastRounds is the number of rounds below which no result can be certain
// among so many comparisons, however large the difference.
func leastRounds(comparisons int) int {
	n := 1
	for binomialP(0, n) > levelAt(1)/float64(max(1, comparisons)) {
		n++
	}
	return n
}
