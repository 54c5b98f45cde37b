package stat

import (
	"math"
	"sync"

	"gonum.org/v1/gonum/stat/distuv"
)

// Wanted is the power that plans ask for: how often a test finds a difference that
// is there.
const Wanted = 0.8

// Spread is how differences of two settings scatter over training seeds.
type Spread struct {
	SD     float64 // of the differences of pairs; of each side where they are not in pairs
	Paired bool
}

// SpreadOf is the spread behind a difference of the means of n and m values, or of
// n pairs; 0 where there is no standard error.
func SpreadOf(d Difference, n, m int) Spread {
	if d.Method == Pairs {
		return Spread{d.SE * math.Sqrt(float64(n)), true}
	}
	return Spread{d.SE / math.Sqrt(1/float64(n)+1/float64(m)), false}
}

// error is the standard error of a difference of n seeds a side, with its degrees of freedom.
func (s Spread) error(n int) (se, df float64) {
	if s.Paired {
		return s.SD / math.Sqrt(float64(n)), float64(n - 1)
	}
	return s.SD * math.Sqrt(2/float64(n)), float64(2 * (n - 1))
}

// Finds is the power of the two-sided t test at a level: how often n seeds a side
// separate settings that differ by difference.
func (s Spread) Finds(difference float64, n int, level float64) float64 {
	if n < 2 {
		return 0
	}
	se, df := s.error(n)
	if se == 0 {
		return 1
	}
	t := distuv.StudentsT{Sigma: 1, Nu: df}.Quantile(1 - level/2)
	return beyond(math.Abs(difference)/se, t, df)
}

// beyond is the chance that a non-central t with df degrees of freedom lies outside
// [−t, t]: the mean over the distribution of the estimated spread, at the midpoints
// of equal shares of it.
func beyond(centre, t, df float64) float64 {
	var sum float64
	spreads := spreadsOf(df)
	for _, s := range spreads {
		sum += distuv.UnitNormal.CDF(centre-t*s) + distuv.UnitNormal.CDF(-centre-t*s)
	}
	return sum / float64(len(spreads))
}

var knownSpreads sync.Map // of whole degrees of freedom: their quantiles take long

// spreadsOf are estimated standard deviations of a true one of 1.
func spreadsOf(df float64) []float64 {
	if known, ok := knownSpreads.Load(df); ok {
		return known.([]float64)
	}
	const shares = 256
	chi := distuv.ChiSquared{K: df}
	out := make([]float64, shares)
	for i := range out {
		out[i] = math.Sqrt(chi.Quantile((float64(i)+0.5)/shares) / df)
	}
	knownSpreads.Store(df, out)
	return out
}

// Detectable is the difference that n seeds a side find in 80 of 100 cases at a
// level; +Inf below two.
func (s Spread) Detectable(n int, level float64) float64 {
	if n < 2 {
		return math.Inf(1)
	}
	se, _ := s.error(n)
	lo, hi := 0.0, se
	for s.Finds(hi, n, level) < Wanted {
		hi *= 2
		if math.IsInf(hi, 1) || se == 0 {
			return hi
		}
	}
	for hi-lo > 1e-4*hi {
		if mid := (lo + hi) / 2; s.Finds(mid, n, level) < Wanted {
			lo = mid
		} else {
			hi = mid
		}
	}
	return (lo + hi) / 2
}

// Seeds is how many seeds a side find a difference in 80 of 100 cases at a level, at
// most most; 0 where more are needed.
func (s Spread) Seeds(difference, level float64, most int) int {
	if difference == 0 || s.Finds(difference, most, level) < Wanted {
		return 0
	}
	lo, hi := 1, most // lo does not, hi does
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; s.Finds(difference, mid, level) < Wanted {
			lo = mid
		} else {
			hi = mid
		}
	}
	return hi
}
