package plots

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// power fits y = a·xᵇ by least squares on the logarithms and gives b with the
// half-width of its 95 % interval (Student, n − 2 degrees of freedom), infinite
// for two points. ok is false where fewer than two different x are positive, as
// the y must be.
func power(points []Point) (b, half float64, n int, ok bool) {
	var x, y []float64
	for _, p := range points {
		if p.X > 0 && p.Y > 0 && !math.IsInf(p.X, 0) && !math.IsInf(p.Y, 0) {
			x, y = append(x, math.Log(p.X)), append(y, math.Log(p.Y))
		}
	}
	n = len(x)
	if n < 2 || stat.Variance(x, nil) == 0 {
		return 0, 0, n, false
	}
	a, b := stat.LinearRegression(x, y, nil, false)
	if n == 2 {
		return b, math.Inf(1), n, true
	}
	mean, sxx, rest := stat.Mean(x, nil), 0.0, 0.0
	for i := range x {
		sxx += (x[i] - mean) * (x[i] - mean)
		e := y[i] - a - b*x[i]
		rest += e * e
	}
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(n - 2)}.Quantile(0.975)
	return b, t * math.Sqrt(rest/float64(n-2)/sxx), n, true
}

// exponents are the notes of a fitted line figure: one a series and panel.
func (c *chart) exponents() []string {
	var out []string
	for _, f := range c.facets() {
		points := pick(c.drawn, f)
		for _, g := range c.groups() {
			var own []Point
			for _, p := range points {
				if p.Series == g {
					own = append(own, p)
				}
			}
			if len(own) == 0 {
				continue
			}
			name := ""
			if c.series != nil {
				name = " for " + c.series.name + " = " + g
			}
			if c.facet != nil {
				name += ", " + c.facet.name + " = " + f
			}
			b, half, n, ok := power(own)
			switch {
			case !ok:
				out = append(out, fmt.Sprintf("no exponent%s: it takes two values of %s", name, c.x.name))
			case math.IsInf(half, 1):
				out = append(out, fmt.Sprintf("%s grows as %s to the %.2f (two points, no interval)%s", c.y.name, c.x.name, b, name))
			default:
				out = append(out, fmt.Sprintf("%s grows as %s to the %.2f ± %.2f (%d points)%s", c.y.name, c.x.name, b, half, n, name))
			}
		}
	}
	return out
}
