package plots

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"

	"prabench/plots/layout"
)

// stepLines are the lines of one cell's errors, with their names in a legend.
var stepLines = []struct{ name, label string }{
	{"block_error_free", "own inputs"},
	{"block_error_given", "real inputs"},
	{"block_error_real", "held-out images"},
}

// stepsSheet draws the error of each AR step. block_error shows it with its
// controls, a panel a cell: in free sampling, given a real prefix, and of
// held-out images. block_error_ratio shows free sampling over the same step
// given a real prefix, a line a cell; at 1 the model's own inputs do no harm.
func stepsSheet(fig Figure, data Data) (*layout.Sheet, error) {
	if fig.Y == "" {
		fig.Y = "block_error"
	}
	ratio := fig.Y == "block_error_ratio"
	if !ratio && fig.Y != "block_error" {
		return nil, fmt.Errorf("y: the errors of AR steps are block_error and block_error_ratio, not %q", fig.Y)
	}
	if !ratio && fig.Series != "" {
		return nil, fmt.Errorf("series: the lines of block_error are its controls; make %s the facet", fig.Series)
	}
	sel, err := choose(fig, data)
	if err != nil {
		return nil, err
	}
	if ratio && fig.Series == "" {
		fig.Series = cellLabel
	}
	if !ratio && fig.Facet == "" {
		fig.Facet = cellLabel
	}
	c := &chart{selection: sel, missing: map[string]int{}}
	if c.series, err = sel.category("series", fig.Series); err != nil {
		return nil, err
	}
	if c.facet, err = sel.category("facet", fig.Facet); err != nil {
		return nil, err
	}
	if err := sel.distinct("line over AR steps", c.series, c.facet); err != nil {
		return nil, err
	}
	if err := sel.alike("the error of AR steps", func(c CellData) bool { return c.Steps != nil }); err != nil {
		return nil, err
	}
	names := []string{"block_error_ratio"}
	if !ratio {
		names = nil
		for _, l := range stepLines {
			names = append(names, l.name)
		}
	}
	var lines []stepLine
	var intervals []string
	with := map[string][]string{} // interval → the lines that have it
	for _, cell := range sel.cells {
		found := false
		for i, name := range names {
			at := slices.IndexFunc(cell.Steps, func(l StepLine) bool { return l.Name == name })
			if at < 0 {
				continue
			}
			found = true
			l := stepLine{look: layout.LookOf(i), points: cell.Steps[at].Points}
			if c.facet != nil {
				l.facet = show(sel.value(cell, *c.facet))
			}
			if c.series != nil {
				l.look = c.look(show(sel.value(cell, *c.series)))
			}
			if name == "block_error_real" {
				l.look.Color, l.look.Dash = layout.Grey, layout.Dashes[1]
			}
			lines = append(lines, l)
			if t := cell.Steps[at].Interval; t != "" {
				intervals, with[t] = addDistinct(intervals, t), addDistinct(with[t], names[i])
			}
		}
		if !found {
			why := "no errors of AR steps"
			if failed(cell) {
				why = cell.Outcome
			}
			c.missing[why]++
		}
	}
	if len(lines) == 0 {
		return nil, fmt.Errorf("nothing to draw: none of the %d cells has errors of AR steps (metrics.exposure): %s", len(sel.cells), counted(c.missing))
	}
	c.stepAxes(fig, lines, ratio)
	s := &layout.Sheet{Title: fig.Title, X: c.xAxis, Y: c.yAxis, Source: sel.source()}
	for i, t := range intervals {
		if i == 0 {
			s.Source += " · intervals: "
		} else {
			s.Source += ", "
		}
		if s.Source += t; len(intervals) > 1 {
			s.Source += " (" + strings.Join(with[t], ", ") + ")"
		}
	}
	if len(c.missing) > 0 {
		s.Notes = append(s.Notes, fmt.Sprintf("Not drawn: %s.", counted(c.missing)))
	}
	s.LegendTitle = seriesTitle(c.series)
	switch {
	case c.series != nil:
		for _, g := range c.groups() {
			s.Legend = append(s.Legend, layout.GlyphEntry(g, c.look(g), true, true))
		}
	default:
		for i, l := range stepLines {
			look := layout.LookOf(i)
			if l.name == "block_error_real" {
				look.Color, look.Dash = layout.Grey, layout.Dashes[1]
			}
			s.Legend = append(s.Legend, layout.GlyphEntry(l.label, look, true, true))
		}
	}
	for _, f := range c.facets() {
		s.Panels = append(s.Panels, layout.Panel{Heading: heading(c.facet, f), Draw: func(p *layout.Painter, a layout.Area) {
			if ratio {
				p.Segment(layout.Grey, 0.8, a.Frame.X0, a.Y(1), a.Frame.X1, a.Y(1))
			}
			for _, l := range lines {
				if l.facet == f {
					l.draw(p, a)
				}
			}
		}})
	}
	return s, nil
}

// stepLine is one line, ready to be drawn.
type stepLine struct {
	facet  string
	look   layout.Look
	points []Point
}

func (l stepLine) draw(p *layout.Painter, a layout.Area) {
	var pts []vg.Point
	for _, q := range l.points {
		whiskers(p, a, q, l.look, 0)
		pts = append(pts, vg.Point{X: a.X(q.X), Y: a.Y(q.Y)})
	}
	p.Stroke(l.look.Color, 1.2, l.look.Dash, pts...)
	for _, q := range pts {
		p.Glyph(l.look, q.X, q.Y, layout.GlyphSize*0.7)
	}
}

// stepAxes makes the axes that hold all lines; errors start at zero, unless
// their axis is log.
func (c *chart) stepAxes(fig Figure, lines []stepLine, ratio bool) {
	var xs, ys []float64
	for _, l := range lines {
		for _, q := range l.points {
			xs, ys = append(xs, q.X), append(ys, q.Y)
			for _, end := range []*float64{q.YLo, q.YHi} {
				if end != nil && !math.IsNaN(*end) && !math.IsInf(*end, 0) {
					ys = append(ys, *end)
				}
			}
		}
	}
	q := describe(fig.Y)
	c.xAxis = &layout.Axis{Label: describe("ar_step").label, Short: describe("ar_step").short}
	c.yAxis = &layout.Axis{Label: q.axisLabel(""), Short: q.brief("")}
	if fig.LogY != nil {
		c.yAxis.Log = *fig.LogY
	}
	switch {
	case ratio:
		ys = append(ys, 1)
	case !c.yAxis.Log:
		ys = append(ys, 0)
	}
	if c.yAxis.Log {
		ys = slices.DeleteFunc(ys, func(v float64) bool { return v <= 0 })
	}
	c.xAxis.Widen(xs)
	c.yAxis.Widen(ys)
	if !ratio && !c.yAxis.Log {
		c.yAxis.Min = 0
	}
}
