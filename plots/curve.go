package plots

import (
	"fmt"
	"math"
	"sort"

	"gonum.org/v1/plot/vg"

	"prabench/plots/layout"
)

// curveSheet draws a training curve: a logged value against the step, one line a
// series. Long curves are averaged in equal stretches of steps, and the figure
// says so.
func curveSheet(fig Figure, data Data) (*layout.Sheet, error) {
	if fig.X != "" && fig.X != "step" {
		return nil, fmt.Errorf("x: a curve runs over \"step\", not %q", fig.X)
	}
	sel, err := choose(fig, data)
	if err != nil {
		return nil, err
	}
	name := cellLabel
	if fig.Series != "" {
		name = fig.Series
	}
	series, err := sel.category("series", name)
	if err != nil {
		return nil, err
	}
	facet, err := sel.category("facet", fig.Facet)
	if err != nil {
		return nil, err
	}
	if err := sel.distinct("curve", series, facet); err != nil {
		return nil, err
	}
	if err := sel.alike("the training curve", func(c CellData) bool { return c.Curve != nil }); err != nil {
		return nil, err
	}
	y, err := sel.curveValue(fig.Y)
	if err != nil {
		return nil, err
	}

	c := &chart{selection: sel, series: series, facet: facet, missing: map[string]int{}}
	var curves []curve
	var xs, ys []float64
	broken, stretch := 0, 1
	for _, cell := range sel.cells {
		k := curve{series: show(sel.value(cell, *series))}
		if facet != nil {
			k.facet = show(sel.value(cell, *facet))
		}
		for _, p := range cell.Curve {
			if v, ok := p.Values[y]; ok {
				k.points = append(k.points, Point{X: float64(p.Step), Y: v})
				if !math.IsNaN(v) && !math.IsInf(v, 0) {
					ys = append(ys, v)
				}
			}
		}
		if len(k.points) == 0 {
			why := "no curve"
			if failed(cell) {
				why = cell.Outcome
			}
			c.missing[why]++
			continue
		}
		curves = append(curves, k)
	}
	log := layout.Decades(ys) > 1.5
	if fig.LogY != nil {
		log = *fig.LogY
	}
	ys = nil
	for i := range curves {
		k := &curves[i]
		sort.SliceStable(k.points, func(i, j int) bool { return k.points[i].X < k.points[j].X })
		kept := k.points[:0]
		for _, p := range k.points {
			if math.IsNaN(p.Y) || math.IsInf(p.Y, 0) || log && p.Y <= 0 {
				broken++
				p.Y = math.NaN()
			}
			kept = append(kept, p)
		}
		var by int
		k.points, by = Thin(kept, 400)
		stretch = max(stretch, by)
		for _, p := range k.points {
			if !math.IsNaN(p.Y) {
				xs, ys = append(xs, p.X), append(ys, p.Y)
			}
		}
	}
	if len(ys) == 0 {
		if len(curves) > 0 {
			return nil, fmt.Errorf("nothing to draw: no value of %s can be drawn (not a number, or not positive on a log axis)", y)
		}
		return nil, fmt.Errorf("nothing to draw: none of the %d cells has a curve of %s: %s", len(sel.cells), y, counted(c.missing))
	}
	c.xAxis = &layout.Axis{Label: describe("step").label, Short: "step"}
	if fig.LogX != nil {
		c.xAxis.Log = *fig.LogX
	}
	c.xAxis.Widen(xs)
	c.yAxis = &layout.Axis{Label: describe(y).axisLabel(""), Short: describe(y).short, Log: log}
	c.yAxis.Widen(ys)

	s := &layout.Sheet{Title: fig.Title, X: c.xAxis, Y: c.yAxis, Source: sel.source()}
	if len(c.missing) > 0 {
		n := 0
		for _, k := range c.missing {
			n += k
		}
		s.Notes = append(s.Notes, fmt.Sprintf("× %d of %d cells not drawn: %s.", n, len(sel.cells), counted(c.missing)))
	}
	if broken > 0 {
		s.Notes = append(s.Notes, fmt.Sprintf("× %d logged values not drawn, and the line cut there: not a number%s.", broken, map[bool]string{true: ", or not positive on the log axis"}[log]))
		s.Crosses = true
	}
	if stretch > 1 {
		s.Source += fmt.Sprintf(" · each drawn value is the mean of up to %d logged ones", stretch)
	}
	s.LegendTitle = seriesTitle(series)
	if len(series.names) > 1 {
		for _, g := range series.names {
			s.Legend = append(s.Legend, layout.GlyphEntry(g, c.look(g), true, false))
		}
	}
	for _, f := range c.facets() {
		s.Panels = append(s.Panels, layout.Panel{Heading: heading(facet, f), Draw: func(p *layout.Painter, a layout.Area) {
			for _, k := range curves {
				if k.facet != f {
					continue
				}
				l := c.look(k.series)
				var pts []vg.Point
				cut := func() {
					if len(pts) == 1 {
						p.Glyph(l, pts[0].X, pts[0].Y, layout.GlyphSize*0.7)
					}
					p.Stroke(l.Color, 1.2, l.Dash, pts...)
					pts = nil
				}
				ended := false
				for _, q := range k.points {
					if math.IsNaN(q.Y) {
						if !ended {
							p.Cross(l.Color, max(a.Frame.X0+4, min(a.Frame.X1-4, a.X(q.X))), (a.Strip.Y0+a.Strip.Y1)/2)
						}
						ended = true
						cut()
						continue
					}
					ended = false
					pts = append(pts, vg.Point{X: a.X(q.X), Y: a.Y(q.Y)})
				}
				cut()
			}
		}})
	}
	return s, nil
}

type curve struct {
	series, facet string
	points        []Point
}

// curveValue resolves what the curve shows; empty is the training loss.
func (s *selection) curveValue(name string) (string, error) {
	names := map[string]bool{}
	for _, c := range s.cells {
		for _, p := range c.Curve {
			for n := range p.Values {
				names[n] = true
			}
		}
	}
	if names[name] {
		return name, nil
	}
	if name == "" && names["train_loss"] {
		return "train_loss", nil
	}
	if len(names) == 0 {
		return "", fmt.Errorf("nothing to draw: none of the %d cells has a training curve%s", len(s.cells), s.outcomes())
	}
	list := make([]string, 0, len(names))
	for n := range names {
		list = append(list, n)
	}
	sort.Strings(list)
	return "", fmt.Errorf("y: no curve has %q; logged are %s", name, listed(list))
}

// Thin averages equal numbers of neighbouring points until at most so many are
// left and returns how many each stands for. A stretch with a value that cannot
// be drawn cannot be drawn.
func Thin(points []Point, most int) ([]Point, int) {
	by := (len(points) + most - 1) / most
	if by <= 1 {
		return points, 1
	}
	var out []Point
	for i := 0; i < len(points); i += by {
		var p Point
		part := points[i:min(i+by, len(points))]
		for _, q := range part {
			p.X += q.X / float64(len(part))
			p.Y += q.Y / float64(len(part))
		}
		out = append(out, p)
	}
	return out, by
}
