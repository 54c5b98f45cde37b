package check

import (
	"math"
	"slices"
)

// estimate is what the rounds of one block say of one metric, in logarithms of
// how much worse the new program is.
type estimate struct {
	x          []float64 // a round each
	mid        float64   // median
	lo, hi     float64   // 95 %
	p          float64   // sign test of no change
	adjusted   float64   // for the number of comparisons of the block
	level      float64   // adjusted must not be above, see levelAt
	disturbed  int
	old, newer []float64 // values
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
	e.mid, e.lo, e.hi = median(e.x, Confidence)
	e.p = signP(e.x)
	e.adjusted = e.p
	return e
}

// correct adjusts the p-values of the estimates of one block.
func correct(es []*estimate) {
	p := make([]float64, len(es))
	for i, e := range es {
		p[i] = e.p
	}
	for i, q := range holm(p) {
		es[i].adjusted = q
	}
}

// certain says that there is a change at all.
func (e estimate) certain() bool { return e.adjusted <= e.level && (e.lo > 0 || e.hi < 0) }

// flags says that the block shows a change that matters; +1 for the worse, -1
// for the better.
func (e estimate) flags(m Metric) int {
	switch {
	case !e.certain() || math.Abs(e.mid) < m.limit():
		return 0
	case e.mid > 0:
		return 1
	}
	return -1
}

// decided says that more rounds are not needed: there is a change that
// matters, or surely none for the worse.
func (e estimate) decided(m Metric) bool { return e.flags(m) != 0 || e.hi < m.limit() }

// fill puts the estimate into the comparison.
func (c *Comparison) fill(e estimate) {
	c.Rounds, c.Disturbed = len(e.x), e.disturbed
	c.OldRounds, c.NewRounds = e.old, e.newer
	if len(e.x) == 0 {
		c.Lo, c.Hi = Bound(math.Inf(-1)), Bound(math.Inf(1))
		return
	}
	c.Old, _, _ = median(e.old, Confidence)
	c.New, _, _ = median(e.newer, Confidence)
	c.Worse = math.Expm1(e.mid)
	ends := []float64{math.Exp(e.lo), math.Exp(e.hi)}
	c.Ratio = math.Exp(e.mid)
	if c.metric.Higher {
		c.Ratio = 1 / c.Ratio
		ends[0], ends[1] = 1/ends[1], 1/ends[0]
	}
	slices.Sort(ends)
	c.Lo, c.Hi = Bound(ends[0]), Bound(ends[1])
	if math.IsInf(e.lo, 0) || math.IsInf(e.hi, 0) {
		c.Lo, c.Hi = Bound(math.Inf(-1)), Bound(math.Inf(1))
	}
}
