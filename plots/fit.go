package plots

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"prabench/internal/numeral"
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

// crossings are the notes of a figure along training: from which step on one series is
// better than another that it was behind. A step is found between stops by a straight
// line, seed by seed, since a seed makes the same start and the same order of images in
// both; its interval is over the seeds.
func (c *chart) crossings() (notes []string) {
	const most = 6
	if c.series == nil || c.x.name != untilKey || !c.x.numeric || !c.y.metric {
		return nil
	}
	more := 0
	for _, f := range c.facets() {
		groups := c.groups()
		paths := map[string]map[uint64]map[float64]float64{} // series → seed → step → value
		for _, g := range groups {
			paths[g] = c.bySeedAlong(f, g)
		}
		for i, a := range groups {
			for _, b := range groups[i+1:] {
				text := c.crossing(a, b, paths[a], paths[b])
				switch {
				case text == "":
				case len(notes) == most:
					more++
				default:
					if c.facet != nil {
						text = heading(c.facet, f, c.fig.Called) + ": " + text
					}
					notes = append(notes, text)
				}
			}
		}
	}
	if more > 0 {
		notes = append(notes, fmt.Sprintf("%d more pairs cross.", more))
	}
	return notes
}

// bySeedAlong are the values of a series along training, seed by seed.
func (c *chart) bySeedAlong(facet, series string) map[uint64]map[float64]float64 {
	out := map[uint64]map[float64]float64{}
	for _, cell := range c.cells {
		m, ok := cell.Metrics[c.y.name]
		x, numeric := number(c.value(cell, c.x))
		if !ok || !numeric || c.place(cell, c.facet) != facet || c.place(cell, c.series) != series {
			continue
		}
		values, seeds := m.Values, m.Seeds
		if len(values) == 0 {
			values = []float64{m.Value}
		}
		if len(seeds) != len(values) {
			continue // nobody knows whose they are
		}
		for i, v := range values {
			if out[seeds[i]] == nil {
				out[seeds[i]] = map[float64]float64{}
			}
			if notPlaced(v, 1) == "" {
				out[seeds[i]][x] = v
			}
		}
	}
	return out
}

// crossing says from where on one of two series is the better one, where most seeds have
// it that they change places; "" where they do not.
func (c *chart) crossing(a, b string, of, over map[uint64]map[float64]float64) string {
	var steps []float64
	pairs, wins := 0, 0 // seeds of both; those in which a ends below b
	for _, seed := range slices.Sorted(maps.Keys(of)) {
		at, ends, ok := lastCrossing(of[seed], over[seed])
		if len(over[seed]) == 0 {
			continue
		}
		if pairs++; ok {
			steps = append(steps, at)
			if ends < 0 {
				wins++
			}
		}
	}
	if 2*len(steps) <= pairs || 2*wins == len(steps) {
		return ""
	}
	better := c.y.q.better
	if (2*wins > len(steps)) != (better < 0 || better == 0) {
		a, b = b, a
	}
	says := "is better than"
	if better == 0 {
		says = "lies below"
	}
	e := stat.Student(steps, stat.Seeds)
	from := numeral.Fixed(e.Value, 0)
	if e.HasInterval() {
		from += " [" + numeral.Fixed(e.Lo, 0) + ", " + numeral.Fixed(e.Hi, 0) + "]"
	}
	seeds := "1 seed"
	if pairs > 1 {
		seeds = fmt.Sprintf("%d of %d seeds, by pairs", len(steps), pairs)
	}
	return fmt.Sprintf("%s %s %s from step %s on (%s).", c.called(a), says, c.called(b), from, seeds)
}

// lastCrossing is where two paths cross for the last time, and the sign of their
// difference after it; ok is false where they end as they begin.
func lastCrossing(a, b map[float64]float64) (at float64, ends int, ok bool) {
	var first, before, x0 float64
	for _, x := range slices.Sorted(maps.Keys(a)) {
		other, both := b[x]
		d := a[x] - other
		if !both || d == 0 {
			continue
		}
		switch {
		case first == 0:
			first = d
		case (d < 0) != (before < 0):
			at = x0 + (x-x0)*math.Abs(before)/(math.Abs(before)+math.Abs(d))
		}
		before, x0 = d, x
	}
	ends = 1
	if before < 0 {
		ends = -1
	}
	return at, ends, first != 0 && (first < 0) != (before < 0)
}
