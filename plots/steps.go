package plots

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"

	"prabench/plots/figure"
	"prabench/plots/layout"
)

var _ = register(figure.Steps, plotter{open: openSteps, plot: plotSteps})

const stepRatio = "block_error_ratio"

// stepLines are the lines of one cell's errors, with their names in a legend.
var stepLines = []struct{ name, label string }{
	{"block_error_free", "own inputs"},
	{"block_error_given", "real inputs"},
	{"block_error_real", "held-out images"},
}

// stepLine is one line, ready to be drawn.
type stepLine struct {
	facet  string
	look   layout.Look
	points []Point
	hollow bool // of a cell that a search gave up
}

func openSteps(fig *Figure) {
	if fig.Y == "" {
		fig.Y = "block_error"
	}
	if fig.Y == stepRatio && fig.Series == "" {
		fig.Series = cellLabel
	}
	if fig.Y != stepRatio && fig.Facet == "" {
		fig.Facet = cellLabel
	}
}

// plotSteps draws the error of each AR step. block_error shows it with its
// controls, a panel for each cell: in free sampling, given a real prefix, and of
// held-out images. block_error_ratio shows free sampling over the same step
// given a real prefix, a line for each cell; at 1 the model's own inputs do no
// harm.
func plotSteps(c *chart) error {
	ratio := c.fig.Y == stepRatio
	if !ratio && c.fig.Y != "block_error" {
		return fmt.Errorf("y: the errors of AR steps are block_error and block_error_ratio, not %q", c.fig.Y)
	}
	if err := c.distinct("line over AR steps", c.series, c.facet); err != nil {
		return err
	}
	lines := c.stepLines(ratio)
	if len(lines) == 0 {
		return c.nothing("errors of AR steps (metrics.exposure)")
	}
	if len(c.missing) > 0 { // in words of its own: there is no cross for them
		c.sheet.Notes = append(c.sheet.Notes, fmt.Sprintf("Not drawn: %s.", counted(c.missing)))
		c.missing = nil
	}
	c.stepAxes(lines, ratio)
	placed := make([]*stepLine, len(lines))
	for i := range lines {
		placed[i] = &lines[i]
	}
	if err := c.placeable(placed); err != nil {
		return err
	}
	c.legend(true, true)
	if c.series == nil {
		for i, l := range stepLines {
			c.sheet.Legend = append(c.sheet.Legend, layout.GlyphEntry(l.label, stepLook(l.name, layout.LookOf(i)), true, true))
		}
	}
	c.panel = func(f string, p *layout.Painter, a layout.Area) {
		if ratio {
			p.Segment(layout.Grey, 0.8, a.Frame.X0, a.Y(1), a.Frame.X1, a.Y(1))
		}
		for _, l := range lines {
			if l.facet == f {
				l.draw(p, a)
			}
		}
	}
	return nil
}

// stepLook is grey and dashed for the control, else as it is.
func stepLook(name string, l layout.Look) layout.Look {
	if name == "block_error_real" {
		l.Color, l.Dash = layout.Grey, layout.Dashes[1]
	}
	return l
}

// stepLines takes the lines of all cells; the foot names their intervals.
func (c *chart) stepLines(ratio bool) []stepLine {
	names := []string{stepRatio}
	if !ratio {
		names = nil
		for _, l := range stepLines {
			names = append(names, l.name)
		}
	}
	var lines []stepLine
	var intervals []string
	with := map[string][]string{} // interval → the lines that have it
	for _, cell := range c.cells {
		found := false
		for i, name := range names {
			at := slices.IndexFunc(cell.Steps, func(l StepLine) bool { return l.Name == name })
			if at < 0 {
				continue
			}
			found = true
			l := stepLine{look: layout.LookOf(i), points: cell.Steps[at].Points, facet: c.place(cell, c.facet),
				hollow: cell.hollow}
			if c.series != nil {
				l.look = c.look(c.place(cell, c.series))
			}
			l.look = stepLook(name, l.look)
			lines = append(lines, l)
			if t := cell.Steps[at].Interval; t != "" {
				intervals, with[t] = addDistinct(intervals, t), addDistinct(with[t], name)
			}
		}
		if !found {
			c.lacks(cell, "no errors of AR steps")
		}
	}
	if len(intervals) > 1 {
		for i, t := range intervals {
			intervals[i] = t + " (" + strings.Join(with[t], ", ") + ")"
		}
	}
	if len(intervals) > 0 {
		c.after = " · intervals: " + strings.Join(intervals, ", ")
	}
	return lines
}

func (l stepLine) draw(p *layout.Painter, a layout.Area) {
	var part []vg.Point
	for _, q := range append(l.points[:len(l.points):len(l.points)], Point{Y: math.NaN()}) {
		if !math.IsNaN(q.Y) {
			whiskers(p, a, q, l.look, 0)
			part = append(part, vg.Point{X: a.X(q.X), Y: a.Y(q.Y)})
			continue
		}
		p.Stroke(l.look.Color, 1.2, l.look.Dash, part...)
		for _, q := range part {
			if l.hollow {
				p.Hollow(l.look, q.X, q.Y, layout.GlyphSize*0.8)
			} else {
				p.Glyph(l.look, q.X, q.Y, layout.GlyphSize*0.7)
			}
		}
		part = nil
	}
}

// placeable makes gaps of the points of lines that the axes cannot show, counts them, and
// takes the ends of intervals that are no numbers away. The points join the others of the
// figure, whose cut intervals the notes count.
func (c *chart) placeable(lines []*stepLine) error {
	left, n := 0, 0
	for _, l := range lines {
		points := slices.Clone(l.points)
		for i := range points {
			q := &points[i]
			for _, end := range []**float64{&q.YLo, &q.YHi} {
				if *end != nil && notPlaced(**end, 1) != "" {
					*end = nil
					c.endless++
				}
			}
			if n++; c.sheet.X.Placeable(q.X) && c.sheet.Y.Placeable(q.Y) {
				c.points.drawn = append(c.points.drawn, *q)
				continue
			}
			q.Y = math.NaN()
			left++
		}
		l.points = points
	}
	if left == n {
		return fmt.Errorf("nothing to draw: none of %d values has a place on the axes (not a number, or not positive on a log axis)", n)
	}
	if left > 0 {
		c.sheet.Notes = append(c.sheet.Notes, fmt.Sprintf(
			"Not drawn: %d of %d values, which are not numbers%s; the line is interrupted there.", left, n,
			map[bool]string{true: ", or not positive on the log axis"}[c.sheet.Y.Log || c.sheet.X.Log]))
	}
	return nil
}

// stepAxes makes the axes that hold all lines; errors start at zero, unless
// their axis is log.
func (c *chart) stepAxes(lines []stepLine, ratio bool) {
	var xs, ys []float64
	for _, l := range lines {
		for _, q := range l.points {
			xs, ys = append(xs, q.X), append(ys, q.Y)
			for _, end := range []*float64{q.YLo, q.YHi} {
				if end != nil {
					ys = append(ys, *end)
				}
			}
		}
	}
	q := describe(c.fig.Y)
	c.sheet.X = &layout.Axis{Label: describe("ar_step").label, Short: describe("ar_step").short}
	c.sheet.Y = &layout.Axis{Label: q.axisLabel(""), Short: q.brief("")}
	if c.fig.LogY != nil {
		c.sheet.Y.Log = *c.fig.LogY
	}
	switch {
	case ratio:
		ys = append(ys, 1)
	case !c.sheet.Y.Log:
		ys = append(ys, 0)
	}
	c.sheet.X.Widen(xs)
	c.sheet.Y.Widen(ys)
	if !ratio && !c.sheet.Y.Log && c.sheet.Y.Max > 0 {
		c.sheet.Y.Min = math.Min(0, c.sheet.Y.Min)
		if !slices.ContainsFunc(ys, func(v float64) bool { return v < 0 }) {
			c.sheet.Y.Min = 0
		}
	}
}
