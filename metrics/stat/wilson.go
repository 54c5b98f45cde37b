package stat

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Proportion is the share of hits among n with Wilson's score interval. It
// stays honest near 0 and 1, where others collapse to a point: 0 of 100 is
// [0, 0.037]. Without trials there is no interval.
func Proportion(hits, n int) Estimate {
	if n == 0 {
		return Estimate{}
	}
	total := float64(n)
	p, z := float64(hits)/total, distuv.UnitNormal.Quantile(1-(1-Confidence)/2)
	mid := (p + z*z/(2*total)) / (1 + z*z/total)
	half := z / (1 + z*z/total) * math.Sqrt(p*(1-p)/total+z*z/(4*total*total))
	e := Point(p, n).with(mid-half, mid+half, math.Sqrt(p*(1-p)/total), Wilson)
	// Rounding must not leave a share of 0 or 1 outside of its own interval.
	e.Lo, e.Hi = min(e.Lo, p), max(e.Hi, p)
	return e.Within(0, 1)
}
