package plots

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot/vg"

	"prabench/internal/numeral"
	"prabench/metrics/stat"
	"prabench/plots/layout"
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
				out = append(out, fmt.Sprintf("no exponent%s: at least two values of %s are needed", name, c.x.name))
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
		x, numeric := c.steps(cell, m)
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
				out[seeds[i]][x(i)] = v
			}
		}
	}
	return out
}

// steps gives a cell's place along x for each of the seeds of a value, ok false where it
// has none.
func (c *chart) steps(cell CellData, y MetricValue) (x func(seed int) float64, ok bool) {
	if !c.x.metric {
		v, numeric := number(c.value(cell, c.x))
		return func(int) float64 { return v }, numeric
	}
	m, ok := cell.Metrics[c.x.name]
	if !ok || len(m.Values) > 0 && !slices.Equal(m.Seeds, y.Seeds) {
		return nil, false
	}
	return func(i int) float64 {
		if i < len(m.Values) {
			return m.Values[i]
		}
		return m.Value
	}, notPlaced(m.Value, 1) == ""
}

// goals are where series reach a value of y.
type goals struct {
	at   float64 // as it is drawn
	list []reached
}

// reached is where one series did, over its seeds; of seeds that did not it is known only
// that it takes more than they were followed to.
type reached struct {
	series, facet string
	stat.Estimate
	seeds, of int
	beyond    float64 // the end of the seeds that did not; no meaning where all did
}

// goals finds where series reach the figure's goal: seed by seed, between the stops on
// both sides by a straight line.
func (c *chart) goals() (g goals, err error) {
	if c.fig.Goal == 0 {
		return g, nil
	}
	if !c.y.metric || !c.x.numeric || c.y.q.better == 0 {
		return g, fmt.Errorf("goal: %s is no metric with a better end, or %s no number: nothing reaches a goal", c.y.name, c.x.name)
	}
	xf, _ := c.shownUnit(c.x)
	yf, _ := c.shownUnit(c.y)
	g.at = c.fig.Goal * yf
	if y := c.sheet.Y; y.Log {
		y.Min, y.Max = math.Min(y.Min, g.at/1.2), math.Max(y.Max, g.at*1.2)
	} else {
		margin := (math.Max(y.Max, g.at) - math.Min(y.Min, g.at)) * 0.07
		y.Min, y.Max = math.Min(y.Min, g.at-margin), math.Max(y.Max, g.at+margin)
	}
	var texts []string
	for _, f := range c.facets() {
		for _, s := range c.groups() {
			r := reached{series: s, facet: f, beyond: math.Inf(1)}
			var at []float64
			for _, path := range c.bySeedAlong(f, s) {
				if len(path) == 0 {
					continue
				}
				r.of++
				x, ok := reach(path, c.fig.Goal, float64(c.y.q.better))
				if ok {
					at = append(at, x*xf)
				} else {
					r.beyond = math.Min(r.beyond, x*xf)
				}
			}
			if r.of == 0 {
				continue
			}
			slices.Sort(at)
			r.Estimate, r.seeds = stat.Student(at, stat.Seeds), len(at)
			g.list = append(g.list, r)
			name := c.called(s)
			if c.facet != nil {
				name = heading(c.facet, f, c.fig.Called) + " " + name
			}
			if name != "" {
				name += ": "
			}
			texts = append(texts, name+r.text())
		}
	}
	if len(texts) > 0 {
		c.sheet.Notes = append(c.sheet.Notes, fmt.Sprintf("%s reaches %s at (%s) %s.", c.y.q.short, brief(g.at), c.x.q.label,
			strings.Join(texts, "; ")))
	}
	return g, nil
}

// text is where the seeds got there, and how far those were followed that did not.
func (r reached) text() string {
	switch {
	case r.seeds == 0:
		return fmt.Sprintf("≥ %s, in none of %d seeds", brief(r.beyond), r.of)
	case r.seeds < r.of: // the mean of some says nothing of the mean of all
		return fmt.Sprintf("%s in %d of %d seeds, ≥ %s in the others", brief(r.Value), r.seeds, r.of, brief(r.beyond))
	case r.HasInterval():
		return brief(r.Value) + " [" + brief(r.Lo) + ", " + brief(r.Hi) + "]"
	}
	return brief(r.Value)
}

// brief writes a number in three digits, whole ones as they are.
func brief(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1e6 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return numeral.Compact(v, 3)
}

// reach is where a path first has the value or better, else where it ends.
func reach(path map[float64]float64, goal, better float64) (at float64, ok bool) {
	var x0, y0 float64
	for i, x := range slices.Sorted(maps.Keys(path)) {
		y := path[x]
		if (y-goal)*better >= 0 {
			if i == 0 || y == goal {
				return x, true
			}
			return x0 + (x-x0)*(goal-y0)/(y-y0), true
		}
		x0, y0 = x, y
	}
	return x0, false
}

// draw marks the goal: full where all seeds got there, and open, with ≥, at the end of
// those that did not.
func (g goals) draw(c *chart, facet string, p *layout.Painter, a layout.Area) {
	if len(g.list) == 0 {
		return
	}
	y := a.Y(g.at)
	p.Stroke(layout.Dark, 0.9, layout.Dashes[1], vg.Point{X: a.Frame.X0, Y: y}, vg.Point{X: a.Frame.X1, Y: y})
	diamond := func(r reached) layout.Look {
		l := c.look(r.series)
		l.Shape = goalShape
		return l
	}
	for _, r := range g.list {
		if l := diamond(r); r.facet == facet && r.seeds > 0 {
			q := Point{X: r.Value, Y: g.at}
			if r.HasInterval() && r.seeds == r.of {
				q.XLo, q.XHi = &r.Lo, &r.Hi
			}
			whiskers(p, a, q, l, 0)
			p.Glyph(l, a.X(q.X), y, layout.GlyphSize)
		}
	}
	ends := map[float64]int{}
	for _, r := range g.list {
		if r.facet == facet && r.seeds < r.of {
			up := vg.Length(ends[r.beyond]) * 9 // those that end together stand on each other
			ends[r.beyond]++
			p.Text(layout.Pen{Size: 9, Color: layout.Dark}, a.X(r.beyond)-6, y+up+2, layout.End, layout.Start, "≥")
			p.Hollow(diamond(r), a.X(r.beyond), y+up, layout.GlyphSize)
		}
	}
}

// goalShape is a diamond, whatever shape the series has.
const goalShape = 3

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
