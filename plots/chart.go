package plots

import (
	"fmt"
	"image/color"
	"math"
	"slices"
	"sort"

	"gonum.org/v1/plot/vg"

	"prabench/plots/layout"
)

// chart is a figure with two axes: points that can be drawn, crosses for cells
// that cannot, and the axes that hold the points.
type chart struct {
	*selection
	x, y          dimension
	series, facet *dimension
	points        []Point
	crosses       []Point
	missing       map[string]int
	xAxis, yAxis  *layout.Axis
}

// newChart resolves the names of a figure with two axes and places its cells.
// names of the axes must be set.
func newChart(fig Figure, data Data, categoricalX bool) (*chart, error) {
	sel, err := choose(fig, data)
	if err != nil {
		return nil, err
	}
	c := &chart{selection: sel, missing: map[string]int{}}
	if c.x, err = sel.dimension("x", fig.X); err != nil {
		return nil, err
	}
	if c.y, err = sel.dimension("y", fig.Y); err != nil {
		return nil, err
	}
	for _, d := range []dimension{c.x, c.y} {
		if d.metric {
			if err := sel.comparable(d); err != nil {
				return nil, err
			}
		}
	}
	if c.series, err = sel.category("series", fig.Series); err != nil {
		return nil, err
	}
	if c.facet, err = sel.category("facet", fig.Facet); err != nil {
		return nil, err
	}
	if categoricalX {
		c.x.numeric = false
	}
	return c, c.place()
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
	case math.IsNaN(m.Value) || math.IsInf(m.Value, 0):
		return math.NaN(), nil, nil, "not a number"
	}
	scaled := func(p *float64) *float64 {
		if p == nil || math.IsNaN(*p) || math.IsInf(*p, 0) {
			return nil
		}
		f := *p * factor
		return &f
	}
	return m.Value * factor, scaled(m.Lo), scaled(m.Hi), ""
}

func (c *chart) place() error {
	xf, xUnit := c.unit(c.x)
	yf, yUnit := c.unit(c.y)
	if !c.x.metric {
		xf, xUnit = 1, ""
	}
	if !c.y.metric {
		yf, yUnit = 1, ""
	}
	for _, cell := range c.cells {
		p := Point{Label: c.label(cell), N: cell.Seeds}
		if c.series != nil {
			p.Series = show(c.value(cell, *c.series))
		}
		if c.facet != nil {
			p.Facet = show(c.value(cell, *c.facet))
		}
		var whyX, whyY string
		p.X, p.XLo, p.XHi, whyX = c.coordinate(cell, c.x, xf)
		p.Y, p.YLo, p.YHi, whyY = c.coordinate(cell, c.y, yf)
		p.Outcome = whyX
		if whyX == "" {
			p.Outcome = whyY
		}
		c.keep(p)
	}
	var err error
	if c.xAxis, err = c.axis("log_x", c.x, xUnit, c.fig.LogX, func(p Point) (float64, *float64, *float64) { return p.X, p.XLo, p.XHi }); err != nil {
		return err
	}
	if c.yAxis, err = c.axis("log_y", c.y, yUnit, c.fig.LogY, func(p Point) (float64, *float64, *float64) { return p.Y, p.YLo, p.YHi }); err != nil {
		return err
	}
	placed := c.points
	c.points = nil
	for _, p := range placed {
		if c.xAxis.Log && p.X <= 0 {
			p.X, p.Outcome = math.NaN(), "not positive on a log axis"
		}
		if c.yAxis.Log && p.Y <= 0 {
			p.Y, p.Outcome = math.NaN(), "not positive on a log axis"
		}
		c.keep(p)
	}
	if len(c.points) == 0 {
		return fmt.Errorf("nothing to draw: none of the %d cells has both %s and %s: %s", len(c.cells), c.x.name, c.y.name, counted(c.missing))
	}
	return nil
}

func (c *chart) keep(p Point) {
	if p.Outcome == "" {
		c.points = append(c.points, p)
		return
	}
	c.missing[p.Outcome]++
	c.crosses = append(c.crosses, p)
}

// axis makes the axis of a dimension for the points that are placed.
func (c *chart) axis(key string, d dimension, unit string, force *bool, of func(Point) (float64, *float64, *float64)) (*layout.Axis, error) {
	if !d.numeric {
		if force != nil && *force {
			return nil, fmt.Errorf("%s: %s has values that are no numbers (%s), so it cannot be on a log axis", key, d.name, listed(d.names))
		}
		return d.categories(), nil
	}
	var values, ends []float64
	for _, p := range c.points {
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
	}
	if a.Log {
		if len(values) > 0 && slices.Max(values) <= 0 {
			return nil, fmt.Errorf("%s: no value of %s is positive, so it cannot be on a log axis", key, d.name)
		}
		// an interval that reaches below zero would stretch the axis without end
		least := math.Inf(1)
		for _, v := range values {
			if v > 0 {
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

// sheet is the chart without panels' contents: title, axes, legend, notes.
func (c *chart) sheet(metrics ...string) *layout.Sheet {
	s := &layout.Sheet{Title: c.fig.Title, X: c.xAxis, Y: c.yAxis}
	s.Source = c.source(metrics...)
	s.Crosses = len(c.crosses) > 0
	if s.Crosses {
		note := fmt.Sprintf("× %d of %d cells not drawn: %s.", len(c.crosses), len(c.cells), counted(c.missing))
		nowhere := 0
		for _, p := range c.crosses {
			if math.IsNaN(p.X) {
				nowhere++
			}
		}
		if nowhere > 0 {
			note += fmt.Sprintf(" At the right end: %d without %s.", nowhere, c.x.name)
		}
		s.Notes = append(s.Notes, note)
	}
	return s
}

// measured are the metrics among the axes.
func (c *chart) measured() []string {
	var m []string
	for _, d := range []dimension{c.y, c.x} {
		if d.metric {
			m = append(m, d.name)
		}
	}
	return m
}

func (c *chart) facets() []string { return namesOf(c.facet) }
func (c *chart) groups() []string { return namesOf(c.series) }

func namesOf(d *dimension) []string {
	if d == nil {
		return []string{""}
	}
	return d.names
}

// heading is the title of a panel.
func heading(d *dimension, name string) string {
	switch {
	case d == nil:
		return ""
	case isLabel(d.name):
		return name
	}
	return d.q.short + " = " + name
}

// look of a series by its place among the series.
func (c *chart) look(series string) layout.Look {
	for i, g := range c.groups() {
		if g == series {
			return layout.LookOf(i)
		}
	}
	return layout.LookOf(0)
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

// drawCrosses puts the panel's cells without values into the strip at its top:
// at their place on the x axis where that is known, else from the right.
func (c *chart) drawCrosses(p *layout.Painter, a layout.Area, facet string) {
	list := pick(c.crosses, facet)
	if len(list) == 0 {
		return
	}
	const room = 7.5
	left, right := a.Strip.X0+4, a.Strip.X1-4
	step := min(vg.Length(room), (right-left)/vg.Length(max(1, len(list)-1)))
	beside := map[float64]int{} // crosses at one place stand side by side around it
	for _, q := range list {
		beside[q.X]++
	}
	type mark struct {
		x     vg.Length
		color color.RGBA
	}
	var marks []mark
	nth := map[float64]int{}
	for _, q := range list {
		x := right
		if !math.IsNaN(q.X) {
			x = a.X(q.X) + (vg.Length(nth[q.X])-vg.Length(beside[q.X]-1)/2)*step
			nth[q.X]++
		}
		marks = append(marks, mark{x, c.look(q.Series).Color})
	}
	sort.SliceStable(marks, func(i, j int) bool { return marks[i].x < marks[j].x })
	for i := range marks { // away from the left, then back from the right
		least := left
		if i > 0 {
			least = marks[i-1].x + step
		}
		marks[i].x = max(marks[i].x, least)
	}
	for i := len(marks) - 1; i >= 0; i-- {
		most := right
		if i+1 < len(marks) {
			most = marks[i+1].x - step
		}
		marks[i].x = min(marks[i].x, most)
	}
	for _, m := range marks {
		p.Cross(m.color, m.x, (a.Strip.Y0+a.Strip.Y1)/2)
	}
}

// seriesTitle heads the legend.
func seriesTitle(d *dimension) string {
	if d == nil || isLabel(d.name) {
		return ""
	}
	return d.q.short
}

// categories is the axis of a key's values as names.
func (d dimension) categories() *layout.Axis {
	return layout.Categories(d.q.axisLabel(""), d.q.short, d.names)
}
