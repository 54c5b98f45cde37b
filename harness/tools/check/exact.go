package check

import (
	"fmt"
	"math"
)

// exact compares the figures without noise. Every round gives them again; one
// that is not the same in all rounds of a program is not without noise.
func exact(rounds []round, chosen []Metric) []Comparison {
	if len(rounds) == 0 {
		return nil
	}
	var out []Comparison
	for _, m := range append(exactMetrics[:len(exactMetrics):len(exactMetrics)], chosen...) {
		if !m.Exact {
			continue
		}
		old, hasOld := rounds[0].Exact[Old][m.Name]
		newer, hasNew := rounds[0].Exact[New][m.Name]
		if !hasOld && !hasNew {
			continue
		}
		k := Comparison{Metric: m.Name, Unit: m.Unit, Exact: true, Old: old, New: newer, Threshold: m.Threshold, P: 1, Adjusted: 1,
			Rounds: len(rounds), metric: m}
		k.exactVerdict(hasOld && hasNew)
		for _, r := range rounds {
			for side, first := range [2]float64{old, newer} {
				if v := r.Exact[side][m.Name]; v != first {
					k.Verdict, k.Why = Inconclusive, fmt.Sprintf("the %v program gave %g in one round and %g in another: it is not deterministic",
						Side(side), first, v)
				}
			}
		}
		out = append(out, k)
	}
	return out
}

func (k *Comparison) exactVerdict(both bool) {
	k.Ratio = 1
	switch {
	case !both:
		k.Verdict, k.Why = Inconclusive, "only one of the programs gives it"
		return
	case k.Old == k.New:
		k.Verdict, k.Why = Pass, "equal"
	default:
		if k.Old != 0 {
			k.Ratio, k.Worse = k.New/k.Old, k.New/k.Old-1
		} else {
			k.Ratio, k.Worse = math.MaxFloat64, math.MaxFloat64
		}
		switch {
		case k.Worse > k.Threshold:
			k.Verdict, k.Why = Regression, "compared exactly"
		case k.Worse < -k.Threshold:
			k.Verdict, k.Why = Improvement, "compared exactly"
		default:
			k.Verdict, k.Why = Pass, "below the threshold"
		}
	}
	k.Lo, k.Hi = bound(k.Ratio), bound(k.Ratio)
}
