package plots

import (
	"fmt"

	"prabench/metrics/stat"
)

// power fits y = a·xᵇ to points, see [stat.Power].
func power(points []Point) (b stat.Estimate, ok bool) {
	var x, y []float64
	for _, p := range points {
		x, y = append(x, p.X), append(y, p.Y)
	}
	return stat.Power(x, y)
}

// exponents are the notes of a fitted line figure: one a series and panel.
func (c *chart) exponents() []string {
	var out []string
	for _, f := range c.facets() {
		points := pick(c.drawn, f)
		for _, g := range c.groups() {
			var own []Point
			for _, p := range points {
				if p.Series == g && !p.Hollow {
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
			b, ok := power(own)
			switch {
			case !ok:
				out = append(out, fmt.Sprintf("no exponent%s: it takes two values of %s", name, c.x.name))
			case b.N == 2:
				out = append(out, fmt.Sprintf("%s grows as %s to the %.2f (two points, no interval)%s", c.y.name, c.x.name, b.Value, name))
			default:
				out = append(out, fmt.Sprintf("%s grows as %s to the %.2f ± %.2f (%d points)%s", c.y.name, c.x.name, b.Value, (b.Hi-b.Lo)/2, b.N, name))
			}
		}
	}
	return out
}
