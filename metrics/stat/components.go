package stat

import (
	"math"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// meanSquare is one of an analysis of variance, with its degrees of freedom.
type meanSquare struct{ value, df float64 }

// tail is what an interval leaves out at each end.
const tail = (1 - Confidence) / 2

// scaled is the variance a·m, with the interval of χ².
func (m meanSquare) scaled(a float64) Estimate {
	e := Point(a*m.value, int(m.df)+1)
	if m.df < 1 || m.value == 0 {
		return e
	}
	chi := distuv.ChiSquared{K: m.df}
	return e.with(e.Value*m.df/chi.Quantile(1-tail), e.Value*m.df/chi.Quantile(tail), 0, Variance)
}

// minus is the variance a·(m − o), not below 0, with the modified large-sample
// interval of Ting et al. (1990); o estimates what of m is not the component.
func (m meanSquare) minus(o meanSquare, a float64) Estimate {
	e := Point(math.Max(0, a*(m.value-o.value)), int(m.df)+1)
	if m.df < 1 || o.df < 1 || m.value == 0 && o.value == 0 {
		return e
	}
	f := distuv.F{D1: m.df, D2: o.df}
	high, low := f.Quantile(1-tail), f.Quantile(tail)
	g := func(df float64) float64 { return 1 - df/distuv.ChiSquared{K: df}.Quantile(1-tail) }
	h := func(df float64) float64 { return df/distuv.ChiSquared{K: df}.Quantile(tail) - 1 }
	g1, g2, h1, h2 := g(m.df), g(o.df), h(m.df), h(o.df)
	both := m.value * o.value
	below := g1*g1*m.value*m.value + h2*h2*o.value*o.value + ((high-1)*(high-1)-g1*g1*high*high-h2*h2)/high*both
	above := h1*h1*m.value*m.value + g2*g2*o.value*o.value + ((1-low)*(1-low)-h1*h1*low*low-g2*g2)/low*both
	lo := a*(m.value-o.value) - a*math.Sqrt(math.Max(0, below))
	hi := a*(m.value-o.value) + a*math.Sqrt(math.Max(0, above))
	return e.with(math.Max(0, lo), math.Max(hi, e.Value), 0, Variance)
}

// Crossing is an analysis of variance of rows crossed with columns, one value for
// each pair: the variances between rows, between columns, and of what is left, the
// interaction with all that no repetition tells from it.
type Crossing struct {
	Rows, Columns, Rest Estimate
	rows, rest          meanSquare
}

// Crossed splits values [row][column], of as many columns in every row. With one
// column all variance is between rows, and nothing is left.
func Crossed(y [][]float64) Crossing {
	r, c := float64(len(y)), float64(len(y[0]))
	rowMeans, columnMeans := make([]float64, len(y)), make([]float64, len(y[0]))
	for i, row := range y {
		for j, v := range row {
			rowMeans[i] += v / c
			columnMeans[j] += v / r
		}
	}
	grand := mean(rowMeans)
	var rest float64
	for i, row := range y {
		for j, v := range row {
			d := v - rowMeans[i] - columnMeans[j] + grand
			rest += d * d
		}
	}
	square := func(means []float64, each float64) meanSquare {
		if len(means) < 2 {
			return meanSquare{}
		}
		return meanSquare{each * stat.Variance(means, nil), float64(len(means) - 1)}
	}
	out := Crossing{rows: square(rowMeans, c)}
	columns := square(columnMeans, r)
	if df := (r - 1) * (c - 1); df > 0 {
		out.rest = meanSquare{rest / df, df}
	}
	switch {
	case c == 1:
		out.Rows = out.rows.scaled(1)
		return out
	case r == 1:
		out.Columns = columns.scaled(1)
		return out
	}
	out.Rows, out.Columns, out.Rest = out.rows.minus(out.rest, 1/c), columns.minus(out.rest, 1/r), out.rest.scaled(1)
	return out
}

// Nested are readings inside cells of a crossing, [row][column][reading]: the
// variances between rows, between the cells of a row, and between the readings of
// a cell. Columns are fixed: what they differ by is no noise.
type Nested struct{ Rows, Cells, Within Estimate }

// NestedIn splits readings, of which each cell has one or more.
func NestedIn(y [][][]float64) Nested {
	means := make([][]float64, len(y))
	var inside, df, inverse float64
	for i, row := range y {
		for _, of := range row {
			m := mean(of)
			means[i] = append(means[i], m)
			for _, v := range of {
				inside += (v - m) * (v - m)
			}
			df += float64(len(of) - 1)
			inverse += 1 / float64(len(of)) / float64(len(y)*len(row))
		}
	}
	c := Crossed(means)
	out := Nested{Rows: c.Rows}
	cells := c.rest
	if len(means[0]) == 1 { // one column: what rows have in common cannot be told from its cells
		out.Rows, cells = Estimate{}, c.rows
	}
	if df > 0 {
		within := meanSquare{inside / df, df}
		out.Within = within.scaled(1)
		out.Cells = cells.minus(meanSquare{within.value * inverse, df}, 1)
		return out
	}
	out.Cells = cells.scaled(1)
	return out
}

// Root is a variance as the standard deviation that it is the square of.
func Root(variance Estimate) Estimate {
	e := Point(math.Sqrt(math.Max(0, variance.Value)), variance.N)
	if !variance.HasInterval() {
		return e
	}
	return e.with(math.Sqrt(math.Max(0, variance.Lo)), math.Sqrt(math.Max(0, variance.Hi)), 0, variance.Method)
}

// Sum is the variance of independent components together. Its ends are as far from
// it as those of the components, added in squares.
func Sum(variances ...Estimate) Estimate {
	var value, below, above float64
	n, all := 0, true
	for _, v := range variances {
		value += v.Value
		n = max(n, v.N)
		if !v.HasInterval() {
			all = all && v.Value == 0
			continue
		}
		below += (v.Value - v.Lo) * (v.Value - v.Lo)
		above += (v.Hi - v.Value) * (v.Hi - v.Value)
	}
	e := Point(value, n)
	if !all || above == 0 {
		return e
	}
	return e.with(math.Max(0, value-math.Sqrt(below)), value+math.Sqrt(above), 0, Variance)
}
