package check

import (
	"math"

	"prabench/metrics/stat"
)

// estimate is what the rounds of one block say of one metric, in logarithms of
// how much worse the new program is.
type estimate struct {
	stat.Estimate           // the median of x
	x             []float64 // a round each
	p             float64   // sign test of no change
	adjusted      float64   // for the number of comparisons of the block
	level         float64   // adjusted must not be above, see levelAt
	disturbed     int
	old, newer    []float64 // values
}

func estimated(m Metric, rounds []round, disturbed int) estimate {
	e := estimate{disturbed: disturbed}
	for _, r := range rounds {
		o, n := r.Value[Old][m.Name], r.Value[New][m.Name]
		if o <= 0 || n <= 0 {
			continue
		}
		e.old, e.newer = append(e.old, o), append(e.newer, n)
		e.x = append(e.x, m.worse(o, n))
	}
	e.Estimate = stat.Median(e.x, stat.Processes)
	e.p = stat.SignTest(e.x)
	e.adjusted = e.p
	return e
}

// correct adjusts the p-values of the estimates of one block.
func correct(es []*estimate) {
	p := make([]float64, len(es))
	for i, e := range es {
		p[i] = e.p
	}
	for i, q := range stat.Holm(p) {
		es[i].adjusted = q
	}
}

// certain says that there is a change at all.
func (e estimate) certain() bool { return e.adjusted <= e.level && e.Excludes(0) }

// flags says that the block shows a change that matters; +1 for the worse, -1
// for the better.
func (e estimate) flags(m Metric) int {
	switch {
	case !e.certain() || math.Abs(e.Value) < m.limit():
		return 0
	case e.Value > 0:
		return 1
	}
	return -1
}

// decided says that more rounds are not needed: there is a change that
// matters, or surely none for the worse.
func (e estimate) decided(m Metric) bool { return e.flags(m) != 0 || e.below(m.limit()) }

// below says that the interval excludes a change for the worse beyond the limit.
func (e estimate) below(limit float64) bool { return e.HasInterval() && e.Hi < limit }

// fill puts the estimate into the comparison.
func (k *Comparison) fill(e estimate) {
	k.Rounds, k.Disturbed = len(e.x), e.disturbed
	k.OldRounds, k.NewRounds = e.old, e.newer
	k.Lo, k.Hi = nil, nil
	if len(e.x) == 0 {
		return
	}
	k.Old, k.New = stat.Median(e.old, stat.Processes).Value, stat.Median(e.newer, stat.Processes).Value
	k.Worse = math.Expm1(e.Value)
	lo, hi := math.Exp(e.Lo), math.Exp(e.Hi)
	k.Ratio = math.Exp(e.Value)
	if k.metric.Higher {
		k.Ratio = 1 / k.Ratio
		lo, hi = 1/hi, 1/lo
	}
	if e.HasInterval() {
		k.Lo, k.Hi = bound(lo), bound(hi)
	}
}

// bound is the end of an interval in a report; nil, null in JSON, where it
// cannot be written as a number.
func bound(x float64) *float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return &x
}
