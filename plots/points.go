package plots

import (
	"fmt"
	"math"
	"slices"

	"prabench/plots/figure"
	"prabench/plots/layout"
)

// points are the cells of a figure with two axes: those that can be drawn, and
// crosses for those that cannot.
type points struct {
	x, y    dimension
	drawn   []Point
	crosses []Point
	endless int // ends of intervals that are no numbers
}

// coordinate is one cell's place on one axis; why is not empty when it has none.
func (c *chart) coordinate(cell CellData, d dimension, factor float64) (v float64, lo, hi *float64, why string) {
	if !d.metric {
		raw := c.value(cell, d)
		if d.numeric {
			f, _ := number(raw)
			return f, nil, nil, ""
		}
		return float64(d.index(raw)), nil, nil, ""
	}
	m, ok := cell.Metrics[d.name]
	switch {
	case !ok && failed(cell):
		return math.NaN(), nil, nil, cell.Outcome
	case !ok:
		return math.NaN(), nil, nil, "no " + d.name
	}
	if why = notPlaced(m.Value, factor); why != "" {
		return math.NaN(), nil, nil, why
	}
	scaled := func(p *float64) *float64 {
		if p == nil {
			return nil
		}
		f := *p * factor
		if notPlaced(*p, factor) != "" {
			c.endless++
			return nil
		}
		return &f
	}
	lo, hi = m.Lo, m.Hi
	switch {
	case c.fig.Band != figure.BandRange || d.name != c.y.name:
	case len(m.Values) < 2:
		lo, hi = nil, nil
	default:
		lo, hi = new(slices.Min(m.Values)), new(slices.Max(m.Values))
	}
	return m.Value * factor, scaled(lo), scaled(hi), ""
}

// notPlaced says why a value has no place on any axis.
func notPlaced(v, factor float64) string {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return "not a number"
	case math.Abs(v*factor) > layout.Largest:
		return "too large to draw"
	}
	return ""
}

// axes resolves the figure's x and y and puts every cell on them, or among the
// crosses. x may be made categorical.
func (c *chart) axes(categoricalX bool) error {
	c.points, c.shown, c.missing = points{}, nil, map[string]int{}
	var err error
	if c.x, err = c.dimension("x", c.fig.X); err != nil {
		return err
	}
	if c.y, err = c.dimension("y", c.fig.Y); err != nil {
		return err
	}
	for _, d := range []dimension{c.y, c.x} {
		if d.metric {
			c.shown = append(c.shown, d.name)
		}
	}
	for _, d := range []dimension{c.x, c.y} {
		if d.metric {
			if err := c.comparable(d); err != nil {
				return err
			}
		}
	}
	if categoricalX {
		c.x.numeric = false
	}
	xf, xUnit := c.shownUnit(c.x)
	yf, yUnit := c.shownUnit(c.y)
	for _, cell := range c.cells {
		p := Point{Label: c.called(c.label(cell)), N: cell.Seeds, Series: c.place(cell, c.series), Facet: c.place(cell, c.facet),
			Hollow: cell.hollow}
		var whyX, whyY string
		p.X, p.XLo, p.XHi, whyX = c.coordinate(cell, c.x, xf)
		p.Y, p.YLo, p.YHi, whyY = c.coordinate(cell, c.y, yf)
		p.Outcome = whyX
		if whyX == "" {
			p.Outcome = whyY
		}
		c.keep(p)
	}
	alongX := func(p Point) (float64, *float64, *float64) { return p.X, p.XLo, p.XHi }
	alongY := func(p Point) (float64, *float64, *float64) { return p.Y, p.YLo, p.YHi }
	if c.sheet.X, err = c.axis("log_x", c.x, xUnit, c.fig.LogX, alongX); err != nil {
		return err
	}
	if c.sheet.Y, err = c.axis("log_y", c.y, yUnit, c.fig.LogY, alongY); err != nil {
		return err
	}
	c.positive()
	c.sheet.Crosses = len(c.crosses) > 0
	if len(c.drawn) == 0 {
		return c.nothing("both " + c.x.name + " and " + c.y.name)
	}
	return nil
}

// shownUnit is the unit of an axis, and the factor to it.
func (c *chart) shownUnit(d dimension) (float64, string) {
	if !d.metric {
		return 1, ""
	}
	return c.unit(d)
}

// positive makes crosses of the points that a log axis cannot show.
func (c *chart) positive() {
	placed := c.drawn
	c.drawn = nil
	for _, p := range placed {
		if !c.sheet.X.Placeable(p.X) {
			p.X, p.Outcome = math.NaN(), "not positive on a log axis"
		}
		if !c.sheet.Y.Placeable(p.Y) {
			p.Y, p.Outcome = math.NaN(), "not positive on a log axis"
		}
		c.keep(p)
	}
}

// keep puts a point where it belongs: among those drawn, or among the crosses.
func (c *chart) keep(p Point) {
	if p.Outcome == "" {
		c.drawn = append(c.drawn, p)
		return
	}
	c.missing[p.Outcome]++
	c.crosses = append(c.crosses, p)
}

// axis makes the axis of a dimension for the points that are placed.
func (c *chart) axis(key string, d dimension, unit string, force *bool,
	of func(Point) (float64, *float64, *float64)) (*layout.Axis, error) {
	if !d.numeric {
		if force != nil && *force {
			return nil, fmt.Errorf("%s: %s has values that are no numbers (%s), so it cannot be on a log axis", key, d.name, listed(d.names))
		}
		return d.categories(), nil
	}
	var values, ends []float64
	for _, p := range c.drawn {
		v, lo, hi := of(p)
		values = append(values, v)
		for _, e := range []*float64{lo, hi} {
			if e != nil {
				ends = append(ends, *e)
			}
		}
	}
	a := &layout.Axis{Label: d.q.axisLabel(unit), Short: d.q.brief(unit), Log: layout.Decades(values) > 1.5}
	if force != nil {
		a.Log = *force
	}
	if !d.metric {
		for _, v := range d.values { // room for crosses at values where all cells failed
			f, _ := number(v)
			values = append(values, f)
			if len(d.values) <= 8 && !(a.Log && f <= 0) {
				a.At = append(a.At, f)
			}
		}
		slices.Sort(a.At)
	}
	if a.Log {
		if len(values) > 0 && slices.Max(values) < layout.Smallest {
			return nil, fmt.Errorf("%s: no value of %s is positive, so it cannot be on a log axis", key, d.name)
		}
		// an interval that reaches below zero would stretch the axis without end
		least := math.Inf(1)
		for _, v := range values {
			if v >= layout.Smallest {
				least = math.Min(least, v)
			}
		}
		kept := ends[:0]
		for _, e := range ends {
			if e > least/10 {
				kept = append(kept, e)
			}
		}
		ends = kept
	}
	a.Widen(append(values, ends...))
	return a, nil
}

// nowhere tells of crosses that have no place on the x axis either.
func (c *chart) nowhere() string {
	n := 0
	for _, p := range c.crosses {
		if math.IsNaN(p.X) {
			n++
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" At the right end: %d without %s.", n, c.x.name)
}

func pick(points []Point, facet string) []Point {
	var out []Point
	for _, p := range points {
		if p.Facet == facet {
			out = append(out, p)
		}
	}
	return out
}

// categories is the axis of a key's values as names.
func (d dimension) categories() *layout.Axis {
	return layout.Categories(d.q.axisLabel(""), d.q.short, d.names)
}
