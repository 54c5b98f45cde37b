package stat

import (
	"math"
	"slices"

	"golang.org/x/perf/benchmath"
)

// Median is the median of values with the interval of the sign test: two order
// statistics, at least at 95 %. It assumes nothing of how they scatter, and so
// needs six values for an interval; of six equal ones, that has no width.
func Median(values []float64, over Method) Estimate {
	if len(values) == 0 {
		return Estimate{}
	}
	s := benchmath.AssumeNothing.Summary(sample(values), Confidence)
	e := Point(s.Center, len(values))
	// One end alone would pass for an interval.
	if math.IsInf(s.Lo, 0) || math.IsInf(s.Hi, 0) {
		return e
	}
	return e.with(s.Lo, s.Hi, 0, over)
}

// SignTest is the two-sided p-value that the median of values is 0; zeros say
// nothing and are left out.
func SignTest(values []float64) float64 {
	var plus, n int
	for _, v := range values {
		if v > 0 {
			plus++
		}
		if v != 0 {
			n++
		}
	}
	return Coin(plus, n)
}

// Coin is the two-sided p-value of k successes in n throws of a fair coin:
// twice the smaller tail, at most 1.
func Coin(k, n int) float64 {
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

// sample is a copy of values for benchmath, which sorts its own.
func sample(values []float64) *benchmath.Sample {
	return benchmath.NewSample(slices.Clone(values), &benchmath.DefaultThresholds)
}
