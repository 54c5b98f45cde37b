package plots

import (
	"fmt"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot/vg"

	"prabench/plots/figure"
	"prabench/plots/layout"
)

// HistoryFigure is one metric of some cells over the program's revisions, a
// panel a cell. Values are drawn as shares of the cell's first stretch, so that
// a small and a large cell share an axis.
type HistoryFigure struct {
	Name, Title string
	Metric      string
	Revisions   []string // short names, in the order of time
	Cells       []HistoryCell
	Notes       []string
	Source      string // where it came from
}

// HistoryCell is one panel.
type HistoryCell struct {
	Label  string
	Points []HistoryPoint // in the order of time
	Steps  []HistoryStep
}

// HistoryPoint is one measurement.
type HistoryPoint struct {
	Revision int     // place in Revisions
	Value    float64 // in the metric's unit
	Lo, Hi   *float64
}

// HistoryStep is a change between two points.
type HistoryStep struct {
	At    int // the first point after it
	Worse bool
	Text  string // "−5.2 %"
}

// DrawHistory draws the figure into dir and returns the files it wrote: png,
// svg and pdf, or those named.
func DrawHistory(h HistoryFigure, dir string, formats []string) ([]string, error) {
	wanted, err := formatsFor(figure.Line, formats)
	if err != nil {
		return nil, err
	}
	pg, err := h.page()
	if err != nil {
		return nil, fmt.Errorf("figure %q: %w", h.Name, err)
	}
	return save(h.Name, dir, wanted, pg.Encode)
}

func (h HistoryFigure) page() (*layout.Page, error) {
	var values []float64
	if n := len(h.Cells); n > 0 {
		if h.Cells = slices.DeleteFunc(slices.Clone(h.Cells), HistoryCell.endless); len(h.Cells) < n {
			h.Notes = append(slices.Clone(h.Notes), fmt.Sprintf("%d of %d cells are not drawn: their first stretch is zero, or a value is "+
				"not a number or too large.", n-len(h.Cells), n))
		}
	}
	for _, c := range h.Cells {
		base := c.base()
		for _, p := range c.Points {
			values = append(values, 100*p.Value/base)
			for _, end := range []*float64{p.Lo, p.Hi} {
				if end != nil {
					values = append(values, 100**end/base)
				}
			}
		}
	}
	if len(values) == 0 {
		return nil, fmt.Errorf("nothing to draw: no cell has a value of %s", h.Metric)
	}
	q := describe(h.Metric)
	y := &layout.Axis{Label: q.label + " (% of the first stretch)", Short: q.label + " (%)"}
	y.Widen(values)
	room := (y.Max - y.Min) * 0.12 // for the texts of steps
	y.Max += room
	y.At = roundPercents(y.Min, y.Max)
	s := &layout.Sheet{Title: h.Title, X: layout.Categories("revision", "", h.Revisions), Y: y, Columns: 1, Height: 130,
		Notes: h.Notes, Source: h.Source}
	s.Legend = []layout.Entry{
		{Label: "measured, with its interval", Mark: func(p *layout.Painter, x, y vg.Length) {
			p.Glyph(layout.LookOf(0), x, y, layout.GlyphSize)
		}},
		{Label: "median of a stretch", Mark: func(p *layout.Painter, x, y vg.Length) { p.Segment(layout.Grey, 1.2, x-8, y, x+8, y) }},
		{Label: "step for the worse", Mark: func(p *layout.Painter, x, y vg.Length) { drawStep(p, x, y-5, y+5, true) }},
		{Label: "step for the better", Mark: func(p *layout.Painter, x, y vg.Length) { drawStep(p, x, y-5, y+5, false) }},
	}
	for _, c := range h.Cells {
		s.Panels = append(s.Panels, layout.Panel{Heading: c.Label, Draw: func(p *layout.Painter, a layout.Area) { c.draw(p, a, h.dodge(c, a)) }})
	}
	if text := boxes(textsOf(s), nil); text != "" {
		s.Notes = append(slices.Clone(s.Notes), text)
	}
	return s.Page(), nil
}

// endless says that some share of the first stretch has no place on an axis.
func (c HistoryCell) endless() bool {
	base := c.base()
	return slices.ContainsFunc(c.Points, func(p HistoryPoint) bool {
		for _, v := range []*float64{&p.Value, p.Lo, p.Hi} {
			if v != nil && notPlaced(*v/base, 100) != "" {
				return true
			}
		}
		return false
	})
}

// roundPercents are ticks between two percentages, 100 among them.
func roundPercents(lo, hi float64) []float64 {
	for _, step := range []float64{0.5, 1, 2, 5, 10, 20, 50, 100, 500, 1000} {
		var at []float64
		if (hi-lo)/step > 12 {
			continue
		}
		for v := 100 + step*math.Ceil((lo-100)/step); v <= hi; v += step {
			at = append(at, v)
		}
		if len(at) <= 6 {
			return at
		}
	}
	return nil // the axis finds its own
}

// base is the median of the first stretch.
func (c HistoryCell) base() float64 {
	to := len(c.Points)
	if len(c.Steps) > 0 {
		to = c.Steps[0].At
	}
	return c.median(0, to)
}

func (c HistoryCell) median(from, to int) float64 {
	var v []float64
	for _, p := range c.Points[from:to] {
		v = append(v, p.Value)
	}
	return middleOf(v)
}

// dodge gives each point its place: those of one revision lie side by side.
func (h HistoryFigure) dodge(c HistoryCell, a layout.Area) []vg.Length {
	count, seen := map[int]int{}, map[int]int{}
	for _, p := range c.Points {
		count[p.Revision]++
	}
	width := a.Frame.W() / vg.Length(len(h.Revisions))
	out := make([]vg.Length, len(c.Points))
	for i, p := range c.Points {
		n := count[p.Revision]
		step := min(8, 0.8*width/vg.Length(n))
		out[i] = a.X(float64(p.Revision)) + step*(vg.Length(seen[p.Revision])-vg.Length(n-1)/2)
		seen[p.Revision]++
	}
	return out
}

func (c HistoryCell) draw(p *layout.Painter, a layout.Area, x []vg.Length) {
	base := c.base()
	y := func(v float64) vg.Length { return a.Y(100 * v / base) }
	from := 0
	for i := 0; i <= len(c.Steps); i++ {
		to := len(c.Points)
		if i < len(c.Steps) {
			to = c.Steps[i].At
		}
		if from < to {
			m := y(c.median(from, to))
			p.Segment(layout.Grey, 1.2, x[from]-5, m, x[to-1]+5, m)
		}
		from = to
	}
	for _, s := range c.Steps {
		at := (x[s.At-1] + x[s.At]) / 2
		drawStep(p, at, a.Frame.Y0, a.Frame.Y1, s.Worse)
		pn := layout.TickPen
		pn.Color = stepColour(s.Worse)
		h, dx := layout.Start, vg.Length(3)
		if at > a.Frame.X1-pn.Width(s.Text)-6 {
			h, dx = layout.End, -3
		}
		p.Text(pn, at+dx, a.Frame.Y1-4, h, layout.End, s.Text)
	}
	for i, q := range c.Points {
		if q.Lo != nil && q.Hi != nil {
			p.Segment(layout.LookOf(0).Color, 0.9, x[i], y(*q.Lo), x[i], y(*q.Hi))
		}
	}
	for i, q := range c.Points {
		p.Glyph(layout.LookOf(0), x[i], y(q.Value), layout.GlyphSize)
	}
}

func stepColour(worse bool) color.RGBA {
	if worse {
		return layout.Hues[1]
	}
	return layout.Hues[2]
}

// drawStep is dashed for the worse and dotted for the better.
func drawStep(p *layout.Painter, x, y0, y1 vg.Length, worse bool) {
	dash := layout.Dashes[2]
	if worse {
		dash = layout.Dashes[1]
	}
	p.Stroke(stepColour(worse), 1.3, dash, vg.Point{X: x, Y: y0}, vg.Point{X: x, Y: y1})
}

func middleOf(v []float64) float64 {
	if len(v) == 0 {
		return math.NaN()
	}
	s := append([]float64{}, v...)
	slices.Sort(s)
	return s[(len(s)-1)/2]/2 + s[len(s)/2]/2
}
