package plots

import (
	"math"

	"prabench/metrics/quantity"
	"prabench/metrics/stat"
)

// Difference is that of two values, a − b, with what can be said about it.
type Difference struct {
	stat.Difference
	Exact bool   // both values are the same for every seed: there is no chance in it
	Why   string // why there is neither an interval nor certainty; empty when there is one
}

// Separated says that the interval leaves out zero, or that no chance is in it.
func (d Difference) Separated() bool { return d.Difference.Separated() || d.Exact && d.Value != 0 }

// Compare gives the difference of two values. Seeds are taken as independent:
// the same number in two settings starts two different trainings.
func Compare(a, b MetricValue) Difference {
	d := Difference{Difference: stat.Welch(b.Values, a.Values, stat.Seeds)}
	switch {
	case len(a.Values) < 2 || len(b.Values) < 2:
		d.Estimate = stat.Point(a.Value-b.Value, 0)
		d.Why = "one training seed has no interval over seeds"
	case !d.HasInterval():
		d.Exact, d.P = true, 1
		if d.Value != 0 {
			d.P = 0
		}
	}
	return d
}

// best is the place of the value that is better than every other by more than
// their noise, with all comparisons considered, −1 where there is none. better
// is +1 where higher is.
func best(metric string, better int, values []MetricValue) int {
	if len(values) < 2 || better == 0 {
		return -1
	}
	top := 0
	for i, v := range values {
		if (v.Value-values[top].Value)*float64(better) > 0 {
			top = i
		}
	}
	p := make([]float64, len(values))
	for i, v := range values {
		p[i] = math.NaN()
		if i == top {
			continue
		}
		if p[i] = chance(metric, values[top], v); math.IsNaN(p[i]) {
			return -1
		}
	}
	for _, v := range stat.Holm(p) {
		if v > stat.Level {
			return -1
		}
	}
	return top
}

// chance is the p-value of no difference between two values: by the seeds where
// there are several; 0 for what is counted, and where their own intervals, which
// a test was not made of, do not meet; NaN where nothing tells them apart.
func chance(metric string, a, b MetricValue) float64 {
	switch {
	case a.Value == b.Value:
		return math.NaN()
	case len(a.Values) > 1 && len(b.Values) > 1:
		if d := Compare(a, b); d.Separated() {
			return d.P
		}
	case a.Lo != nil && a.Hi != nil && b.Lo != nil && b.Hi != nil:
		if *a.Hi < *b.Lo || *b.Hi < *a.Lo {
			return 0
		}
	case isCounted(metric):
		return 0
	}
	return math.NaN()
}

// isCounted tells the metrics that follow from the configuration alone.
func isCounted(metric string) bool {
	m := quantity.Find(metric)
	return m != nil && m.Nature == quantity.Counted
}
