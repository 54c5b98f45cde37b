package stat

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// shuffles behind a p-value of a step.
const shuffles = 9999

// Pettitt gives the statistic of a series, and the number of values before the
// likeliest change. It is 0, 0 for fewer than two values.
func Pettitt(x []float64) (k float64, at int) {
	return largest(ranks(x))
}

// largest is max |U_k| over the cuts, with U_k = 2·Σ_{i≤k} rank_i − k(n+1).
func largest(rank []float64) (best float64, at int) {
	var sum float64
	n := float64(len(rank))
	for i := range len(rank) - 1 {
		sum += rank[i]
		if u := math.Abs(2*sum - float64(i+1)*(n+1)); u > best {
			best, at = u, i+1
		}
	}
	return best, at
}

// ranks gives equal values their mean rank.
func ranks(x []float64) []float64 {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(x[a], x[b]) })
	out := make([]float64, len(x))
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && x[order[j]] == x[order[i]] {
			j++
		}
		for _, o := range order[i:j] {
			out[o] = float64(i+j+1) / 2
		}
		i = j
	}
	return out
}

// Approximate is Pettitt's approximation of the two-sided p-value of a
// statistic of n values; it is good for p ≤ 0.5 and long series.
func Approximate(k float64, n int) float64 {
	m := float64(n)
	return min(1, 2*math.Exp(-6*k*k/(m*m*m+m*m)))
}

// shuffled is the share of shuffles of a series, itself among them, whose
// statistic is as large.
func shuffled(rank []float64) float64 {
	have, _ := largest(rank)
	r := slices.Clone(rank)
	rng := rand.New(rand.NewPCG(20, uint64(len(rank))))
	as := 1
	for range shuffles {
		rng.Shuffle(len(r), func(i, j int) { r[i], r[j] = r[j], r[i] })
		if k, _ := largest(r); k >= have {
			as++
		}
	}
	return float64(as) / (shuffles + 1)
}

// Step is a change between two values of a series.
type Step struct {
	At     int     // the first value after it
	Before float64 // median of the stretch before
	After  float64 // median of the stretch after
	P      float64 // chance of such a step where there is none
}

// Steps finds the steps of a series of positive values, in their order. level
// is the largest p-value of one; least is the smallest change, as a share. The
// series is cut where Pettitt's test is surest, and the parts are cut again, as
// long as a step is unlikely to be chance and as large as what matters. The test
// sees ranks only, so an outlier is one point and no more, and no unit matters.
// The p-value comes from shuffling the series, since the published approximation
// is for long ones; the shuffles are the same every time.
func Steps(x []float64, level, least float64) []Step {
	var cuts []Step
	split(x, 0, level, least, &cuts)
	slices.SortFunc(cuts, func(a, b Step) int { return a.At - b.At })
	// Medians are those of the whole stretches between steps.
	for i := range cuts {
		from, to := 0, len(x)
		if i > 0 {
			from = cuts[i-1].At
		}
		if i+1 < len(cuts) {
			to = cuts[i+1].At
		}
		cuts[i].Before, cuts[i].After = middle(x[from:cuts[i].At]), middle(x[cuts[i].At:to])
	}
	return cuts
}

func split(x []float64, offset int, level, least float64, out *[]Step) {
	if len(x) < 4 {
		return
	}
	rank := ranks(x)
	_, at := largest(rank)
	if at == 0 {
		return
	}
	if math.Abs(math.Log(middle(x[at:])/middle(x[:at]))) < math.Log1p(least) {
		return
	}
	p := shuffled(rank)
	if p > level {
		return
	}
	*out = append(*out, Step{At: offset + at, P: p})
	split(x[:at], offset, level, least, out)
	split(x[at:], offset+at, level, least, out)
}

// LeastValues is the length of a series below which no step can have so small a
// p-value: of n values in two perfect halves, 2·(n/2)!²/n! of all orders are as
// extreme.
func LeastValues(level float64) int {
	for n := 2; ; n++ {
		rarity := 2.0 // 2 / (n choose n/2)
		for i := 1; i <= n/2; i++ {
			rarity *= float64(i) / float64(n-n/2+i)
		}
		if n%2 == 1 {
			rarity *= 2 // either half may be the longer one
		}
		if rarity <= level {
			return n
		}
	}
}

// middle is the median of values.
func middle(x []float64) float64 {
	if len(x) == 0 {
		return math.NaN()
	}
	s := slices.Clone(x)
	slices.Sort(s)
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}
