package stat

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"
)

// Effect is a term of an analysis of variance: one factor, or two together beyond
// what each does alone.
type Effect struct {
	Factors []int    // places of the factors
	Squares float64  // sum of squares
	DF      int      // degrees of freedom
	Share   float64  // of the total sum of squares (η²)
	Net     Estimate // share without what noise alone would give (ω²), with its interval
	F, P    float64  // against the error; NaN where there is none
}

// Analysis is an analysis of variance of fixed factors.
type Analysis struct {
	Effects []Effect // each factor, then each pair that the design tells apart
	Total   float64  // sum of squares about the mean
	Blocks  Effect   // what blocks do to all points alike; no DF without them
	Higher  Effect   // what points differ by beyond factors and pairs
	Error   Effect   // what values of one point differ by, blocks taken out
	// ErrorIsHigher says that no point repeats, so interactions of three factors and
	// more stand for the error.
	ErrorIsHigher bool
}

// Anova splits the variance of values by factors and pairs of factors, each against
// the models that hold it no more (type II sums of squares: with a complete, balanced
// crossing they are the exact split, and add up). block is the block that each value
// belongs to, such as its seed; nil for none. Values of equal levels are one point.
func Anova(y []float64, factors []Factor, block []int) Analysis {
	a := newAnova(y, factors, block)
	out := Analysis{Total: a.rest(nil).squares}
	if out.Total == 0 {
		return out
	}
	all := a.rest(a.every)
	points := a.rest([]*columns{a.points, a.blocks})
	out.Higher = effect(all.squares-points.squares, all.df-points.df)
	out.Blocks = a.beyond(a.every, a.blocks)
	out.Error = effect(points.squares, points.df)
	against := out.Error
	if against.DF == 0 {
		against, out.ErrorIsHigher = out.Higher, out.Higher.DF > 0
	}
	for _, t := range a.terms {
		e := a.beyond(a.without(t), t)
		if e.DF == 0 {
			continue // another term says the same
		}
		e.Factors = t.factors
		out.Effects = append(out.Effects, e)
	}
	for _, e := range []*Effect{&out.Higher, &out.Blocks, &out.Error} {
		e.Share = e.Squares / out.Total
	}
	for i := range out.Effects {
		out.Effects[i].test(against, out.Total)
	}
	return out
}

func effect(squares float64, df int) Effect {
	if df == 0 {
		squares = 0
	}
	return Effect{Squares: math.Max(0, squares), DF: df, F: math.NaN(), P: math.NaN()}
}

// test fills in what an effect is against the error.
func (e *Effect) test(against Effect, total float64) {
	e.Share = e.Squares / total
	e.Net = Point(e.Share, e.DF+1)
	if against.DF == 0 || against.Squares <= 1e-12*total {
		return
	}
	noise, df := against.Squares/float64(against.DF), float64(e.DF)
	e.F = e.Squares / df / noise
	e.P = 1 - distuv.F{D1: df, D2: float64(against.DF)}.CDF(e.F)
	rest := (total - e.Squares) / noise // of everything else, in units of the noise
	share := func(lambda float64) float64 { return lambda / (lambda + rest) }
	e.Net.Value = math.Max(0, e.Squares-df*noise) / (total + noise)
	lo, hi := noncentral(e.F, df, float64(against.DF))
	e.Net = e.Net.with(math.Min(share(lo), e.Net.Value), math.Max(share(hi), e.Net.Value), 0, Variance)
}

// noncentral are the ends of the 95 % interval of the parameter of non-centrality
// behind a value of F (Steiger 2004).
func noncentral(f, df1, df2 float64) (lo, hi float64) {
	end := func(below float64) float64 {
		if noncentralF(f, df1, df2, 0) <= below {
			return 0
		}
		a, b := 0.0, 1.0
		for noncentralF(f, df1, df2, b) > below {
			if a, b = b, 2*b; b > 1e9 {
				return b
			}
		}
		for b-a > 1e-6*b {
			if m := (a + b) / 2; noncentralF(f, df1, df2, m) > below {
				a = m
			} else {
				b = m
			}
		}
		return (a + b) / 2
	}
	return end(1 - tail), end(tail)
}

// noncentralF is the chance that a non-central F lies below f: central ones of more
// degrees of freedom, weighted as Poisson has it, from the largest weight outwards.
func noncentralF(f, df1, df2, lambda float64) float64 {
	x := df1 * f / (df1*f + df2)
	if x <= 0 {
		return 0
	}
	if lambda == 0 {
		return mathext.RegIncBeta(df1/2, df2/2, x)
	}
	poisson := distuv.Poisson{Lambda: lambda / 2}
	at := math.Floor(lambda / 2)
	var sum, weights float64
	for _, step := range []float64{1, -1} {
		for j := at + math.Min(0, step); j >= 0; j += step {
			w := poisson.Prob(j)
			sum += w * mathext.RegIncBeta(df1/2+j, df2/2, x)
			if weights += w; w < 1e-12 {
				break
			}
		}
	}
	return sum / weights
}

// columns are what a term adds to a design matrix.
type columns struct {
	factors []int
	values  [][]float64
}

type anova struct {
	y      []float64 // about its mean
	terms  []*columns
	blocks *columns
	points *columns
	every  []*columns
}

// residual is what a model leaves.
type residual struct {
	squares float64
	df      int
}

func newAnova(y []float64, factors []Factor, block []int) *anova {
	a := &anova{blocks: &columns{}, points: &columns{}}
	m := mean(y)
	for _, v := range y {
		a.y = append(a.y, v-m)
	}
	contrasts := make([][][]float64, len(factors))
	for i, f := range factors {
		contrasts[i] = contrastsOf(f.Levels)
		a.terms = append(a.terms, &columns{[]int{i}, contrasts[i]})
	}
	for i := range factors {
		for j := range i {
			pair := &columns{factors: []int{j, i}}
			for _, p := range contrasts[j] {
				for _, q := range contrasts[i] {
					product := make([]float64, len(y))
					for k := range product {
						product[k] = p[k] * q[k]
					}
					pair.values = append(pair.values, product)
				}
			}
			a.terms = append(a.terms, pair)
		}
	}
	if block != nil {
		a.blocks.values = contrastsOf(block)
	}
	a.points.values = contrastsOf(pointsOf(factors, len(y)))
	a.every = append(slices.Clone(a.terms), a.blocks)
	return a
}

// pointsOf numbers the combinations of levels.
func pointsOf(factors []Factor, n int) []int {
	place := map[string]int{}
	out := make([]int, n)
	for k := range out {
		var name []byte
		for _, f := range factors {
			name = append(name, byte(f.Levels[k]), byte(f.Levels[k]>>8), byte(f.Levels[k]>>16))
		}
		if _, ok := place[string(name)]; !ok {
			place[string(name)] = len(place)
		}
		out[k] = place[string(name)]
	}
	return out
}

// contrastsOf are columns of a factor that sum to 0 over its levels.
func contrastsOf(levels []int) [][]float64 {
	last := slices.Max(levels)
	out := make([][]float64, last)
	for l := range out {
		out[l] = make([]float64, len(levels))
		for k, of := range levels {
			switch of {
			case l:
				out[l][k] = 1
			case last:
				out[l][k] = -1
			}
		}
	}
	return out
}

// without are the terms that do not hold t, and blocks.
func (a *anova) without(t *columns) []*columns {
	out := []*columns{a.blocks}
	for _, o := range a.terms {
		if o != t && (len(t.factors) > 1 || !slices.Contains(o.factors, t.factors[0])) {
			out = append(out, o)
		}
	}
	return out
}

// beyond is what a term adds to a model.
func (a *anova) beyond(model []*columns, t *columns) Effect {
	if t == a.blocks {
		model = slices.DeleteFunc(slices.Clone(model), func(o *columns) bool { return o == t })
	}
	before, after := a.rest(model), a.rest(append(slices.Clone(model), t))
	return effect(before.squares-after.squares, before.df-after.df)
}

// rest is what a model of a mean and some terms leaves. Columns that others span
// already add nothing.
func (a *anova) rest(model []*columns) residual {
	n := len(a.y)
	design := []float64{}
	width := 1
	for _, t := range model {
		width += len(t.values)
	}
	for k := range n {
		design = append(design, 1)
		for _, t := range model {
			for _, c := range t.values {
				design = append(design, c[k])
			}
		}
	}
	var svd mat.SVD
	if !svd.Factorize(mat.NewDense(n, width, design), mat.SVDThinU) {
		return residual{math.NaN(), 0}
	}
	var u mat.Dense
	svd.UTo(&u)
	sizes := svd.Values(nil)
	out := residual{df: n}
	for _, v := range a.y {
		out.squares += v * v
	}
	whole := out.squares
	for i, s := range sizes {
		if s <= 1e-10*sizes[0]*math.Sqrt(float64(n)) {
			break
		}
		out.df--
		d := mat.Dot(u.ColView(i), mat.NewVecDense(n, a.y))
		out.squares -= d * d
	}
	if out.squares < 1e-12*whole {
		out.squares = 0
	}
	return out
}
