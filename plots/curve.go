package plots

import (
	"fmt"
	"math"
	"sort"

	"gonum.org/v1/plot/vg"

	"prabench/metrics/quantity"
	"prabench/plots/figure"
	"prabench/plots/layout"
)

var _ = register(figure.Curve, plotter{open: openCurve, plot: plotCurve})

// curves are the training curves of a figure.
type curves struct {
	*chart
	list    []curve
	broken  int // logged values that cannot be drawn
	stretch int // logged values that a drawn one stands for
}

type curve struct {
	series, facet string
	points        []Point
	hollow        bool // of a cell that a search gave up: its end is marked
}

func openCurve(fig *Figure) {
	if fig.Series == "" {
		fig.Series = cellLabel
	}
}

// plotCurve draws a training curve: a logged value against the step, one line for
// each series. Long curves are averaged in equal stretches of steps, and the
// figure says so.
func plotCurve(c *chart) error {
	if c.fig.X != "" && c.fig.X != "step" {
		return fmt.Errorf("x: a curve runs over \"step\", not %q", c.fig.X)
	}
	if err := c.distinct("curve", c.series, c.facet); err != nil {
		return err
	}
	y, err := c.curveValue(c.fig.Y)
	if err != nil {
		return err
	}
	k := curves{chart: c, stretch: 1}
	c.sheet.Y = &layout.Axis{Label: describe(y).axisLabel(""), Short: describe(y).short, Log: layout.Decades(k.read(y)) > 1.5}
	if c.fig.LogY != nil {
		c.sheet.Y.Log = *c.fig.LogY
	}
	k.smooth()
	xs, ys := k.thin()
	if len(ys) == 0 {
		if len(k.list) > 0 {
			return fmt.Errorf("nothing to draw: no value of %s can be drawn (not a number, or not positive on a log axis)", y)
		}
		return c.nothing("a curve of " + y)
	}
	c.sheet.X = &layout.Axis{Label: describe("step").label, Short: "step"}
	if c.fig.LogX != nil {
		c.sheet.X.Log = *c.fig.LogX
	}
	c.sheet.X.Widen(xs)
	c.sheet.Y.Widen(ys)
	if k.broken > 0 {
		c.sheet.Notes = append(c.sheet.Notes, fmt.Sprintf("× %d logged values not drawn, and the line cut there: not a number%s.",
			k.broken, map[bool]string{true: ", or not positive on the log axis"}[c.sheet.Y.Log]))
		c.sheet.Crosses = true
	}
	if k.stretch > 1 {
		c.after = fmt.Sprintf(" · each drawn value is the mean of up to %d logged ones", k.stretch)
	}
	if n := k.window(); n > 1 {
		c.after += fmt.Sprintf(" · smoothed: means of %d neighbouring logged values", n)
	}
	if len(c.series.names) > 1 {
		c.legend(true, false)
	}
	c.panel = k.draw
	return nil
}

// read takes the logged values of y and returns those that are numbers.
func (k *curves) read(y string) (numbers []float64) {
	for _, cell := range k.cells {
		one := curve{series: k.place(cell, k.series), facet: k.place(cell, k.facet), hollow: cell.hollow}
		for _, p := range cell.Curve {
			if v, ok := p.Values[y]; ok {
				one.points = append(one.points, Point{X: float64(p.Step), Y: v})
				if notPlaced(v, 1) == "" {
					numbers = append(numbers, v)
				}
			}
		}
		if len(one.points) == 0 {
			k.lacks(cell, "no curve")
			continue
		}
		k.list = append(k.list, one)
	}
	return numbers
}

// window is how many logged values a smoothed one is the mean of: an odd number.
func (k *curves) window() int { return k.fig.Smooth | 1 }

// smooth makes each value the mean of so many around it, of fewer at the ends, so
// that nothing moves along the steps. What is no number stays out of the means and
// remains one.
func (k *curves) smooth() {
	n := k.window()
	if n <= 1 {
		return
	}
	for i := range k.list {
		pts := k.list[i].points
		sort.SliceStable(pts, func(i, j int) bool { return pts[i].X < pts[j].X })
		out := make([]Point, len(pts))
		for j := range pts {
			out[j] = pts[j]
			half := min((n-1)/2, j, len(pts)-1-j)
			var own []float64
			for _, p := range pts[j-half : j+half+1] {
				if notPlaced(p.Y, 1) == "" {
					own = append(own, p.Y)
				}
			}
			if notPlaced(pts[j].Y, 1) == "" {
				out[j].Y = 0
				for _, v := range own {
					out[j].Y += v / float64(len(own)) // their sum may be too large for a number
				}
			}
		}
		k.list[i].points = out
	}
}

// thin orders the points, takes out what cannot be drawn and averages the rest;
// it returns the coordinates that are left.
func (k *curves) thin() (xs, ys []float64) {
	for i := range k.list {
		one := &k.list[i]
		sort.SliceStable(one.points, func(i, j int) bool { return one.points[i].X < one.points[j].X })
		for j, p := range one.points {
			if !k.sheet.Y.Placeable(p.Y) || k.fig.LogX != nil && *k.fig.LogX && p.X <= 0 {
				k.broken++
				one.points[j].Y = math.NaN()
			}
		}
		var by int
		one.points, by = Thin(one.points, 400)
		k.stretch = max(k.stretch, by)
		for _, p := range one.points {
			if !math.IsNaN(p.Y) {
				xs, ys = append(xs, p.X), append(ys, p.Y)
			}
		}
	}
	return xs, ys
}

func (k *curves) draw(facet string, p *layout.Painter, a layout.Area) {
	for _, one := range k.list {
		if one.facet == facet {
			one.draw(k.look(one.series), p, a)
		}
	}
}

// draw cuts the line where values cannot be drawn, with a cross for each stretch
// of them.
func (k curve) draw(l layout.Look, p *layout.Painter, a layout.Area) {
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
	end := len(pts)
	if k.hollow && end > 0 {
		defer p.Hollow(l, pts[end-1].X, pts[end-1].Y, layout.GlyphSize)
	}
	cut()
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
	if loss := quantity.TrainLoss.Name; name == "" && names[loss] {
		return loss, nil
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
