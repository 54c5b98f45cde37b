package stat

import (
	"math"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/optimize"
	"gonum.org/v1/gonum/stat/distuv"
)

// Factor is something that varies at random between values: the level that each
// value has of it.
type Factor struct {
	Name   string
	Levels []int
}

// Likelihood fits y = mean + a random effect for each factor's level + rest by
// restricted maximum likelihood (Patterson and Thompson 1971), which any design
// allows, balanced or not. It gives the variance of each factor, then that of the
// rest, with intervals of the profile likelihood.
func Likelihood(y []float64, factors []Factor) []Estimate {
	r := newREML(y, factors)
	best, most := r.maximum(r.start(), -1, 0)
	out := make([]Estimate, len(best))
	cut := distuv.ChiSquared{K: 1}.Quantile(Confidence) / 2
	for k, v := range best {
		e := Point(v, r.levels(k))
		from := best
		below := func(variance float64) float64 { // above 0 outside of the interval
			var l float64
			from, l = r.maximum(from, k, variance)
			return most - l - cut
		}
		lo := r.end(v, cut, below, false)
		from = best
		out[k] = e.with(lo, r.end(v, cut, below, true), 0, Variance)
	}
	return out
}

// reml is one fit. Values are scaled to variance 1.
type reml struct {
	y       []float64
	scale   float64
	factors []Factor
	same    [][]bool // by factor: whether two values share its level
}

func newREML(y []float64, factors []Factor) *reml {
	n := len(y)
	centre := mean(y)
	r := &reml{y: make([]float64, n), factors: factors}
	for i, v := range y {
		r.y[i] = v - centre
		r.scale += r.y[i] * r.y[i] / float64(n-1)
	}
	if r.scale == 0 {
		r.scale = 1
	}
	for i := range r.y {
		r.y[i] /= math.Sqrt(r.scale)
	}
	for _, f := range factors {
		same := make([]bool, n*n)
		for i := range n {
			for j := range n {
				same[i*n+j] = f.Levels[i] == f.Levels[j]
			}
		}
		r.same = append(r.same, same)
	}
	return r
}

// levels is how many levels a component has; the rest has one for each value.
func (r *reml) levels(k int) int {
	if k == len(r.factors) {
		return len(r.y)
	}
	seen := map[int]bool{}
	for _, l := range r.factors[k].Levels {
		seen[l] = true
	}
	return len(seen)
}

func (r *reml) start() []float64 {
	x := make([]float64, len(r.factors)+1)
	for k := range x {
		x[k] = r.scale / float64(len(x))
	}
	return x
}

// logLikelihood is the restricted one of some variances, up to a constant.
func (r *reml) logLikelihood(variances []float64) float64 {
	n := len(r.y)
	v := mat.NewSymDense(n, nil)
	for i := range n {
		for j := i; j < n; j++ {
			var s float64
			for k, same := range r.same {
				if same[i*n+j] {
					s += variances[k]
				}
			}
			if i == j {
				s += variances[len(r.same)]
			}
			v.SetSym(i, j, s/r.scale)
		}
	}
	var c mat.Cholesky
	if !c.Factorize(v) {
		return math.Inf(-1)
	}
	ones, y := mat.NewVecDense(n, nil), mat.NewVecDense(n, r.y)
	for i := range n {
		ones.SetVec(i, 1)
	}
	var solved, of mat.VecDense
	if c.SolveVecTo(&solved, ones) != nil || c.SolveVecTo(&of, y) != nil {
		return math.Inf(-1)
	}
	weight := mat.Dot(ones, &solved)
	centre := mat.Dot(ones, &of) / weight
	return -(c.LogDet() + math.Log(weight) + mat.Dot(y, &of) - centre*centre*weight) / 2
}

// maximum is where the likelihood is largest, with component held at a variance
// where it is not negative. Roots are searched, so that no variance is negative.
func (r *reml) maximum(from []float64, component int, held float64) ([]float64, float64) {
	const least = 1e-6 // of the rest, so that values never determine each other
	variances := func(x []float64) []float64 {
		out := make([]float64, len(from))
		at := 0
		for k := range out {
			if k == component {
				out[k] = held
				continue
			}
			out[k] = x[at] * x[at] * r.scale
			at++
		}
		if rest := len(out) - 1; out[rest] < least*r.scale {
			out[rest] = least * r.scale
		}
		return out
	}
	var x []float64
	for k, v := range from {
		if k != component {
			x = append(x, math.Sqrt(math.Max(v/r.scale, 1e-4)))
		}
	}
	if len(x) == 0 {
		v := variances(nil)
		return v, r.logLikelihood(v)
	}
	p := optimize.Problem{Func: func(x []float64) float64 { return -r.logLikelihood(variances(x)) }}
	settings := &optimize.Settings{Converger: &optimize.FunctionConverge{Absolute: 1e-5, Iterations: 12}, MajorIterations: 400}
	res, err := optimize.Minimize(p, x, settings, &optimize.NelderMead{})
	if res == nil || err != nil && math.IsInf(res.F, 0) {
		v := variances(x)
		return v, r.logLikelihood(v)
	}
	v := variances(res.X)
	return v, -res.F
}

// end is where the profile leaves the interval, above or below the maximum: found
// by false position (the Illinois method) between a variance inside and one outside.
func (r *reml) end(at, cut float64, outside func(float64) float64, up bool) float64 {
	in, out, fin, fout := at, 0.0, -cut, 0.0
	if up {
		out = math.Max(2*at, 0.05*r.scale)
		for fout = outside(out); fout <= 0; fout = outside(out) {
			if out > 1e4*r.scale { // one level tells nothing
				return out
			}
			in, fin, out = out, fout, 2*out
		}
	} else if at == 0 {
		return 0
	} else if fout = outside(0); fout <= 0 {
		return 0
	}
	for range 12 {
		if math.Abs(out-in) < 0.005*math.Max(out, in) {
			break
		}
		mid := (in*fout - out*fin) / (fout - fin)
		if f := outside(mid); f > 0 {
			out, fout, fin = mid, f, fin/2
		} else {
			in, fin, fout = mid, f, fout/2
		}
	}
	return (in + out) / 2
}
