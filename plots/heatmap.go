package plots

import (
	"fmt"
	"math"

	"gonum.org/v1/plot/vg"

	"prabench/internal/numeral"
	"prabench/plots/figure"
	"prabench/plots/layout"
)

var _ = register(figure.Heatmap, plotter{plot: plotHeatmap})

// heatmap is a metric over two keys.
type heatmap struct {
	*chart
	x, y  *dimension
	tiles map[[3]string]tile // by facet, x and y
	scale *layout.Axis
}

// tile is one cell: its value, or why it has none.
type tile struct {
	v      float64
	why    string
	hollow bool
}

// plotHeatmap draws one metric over two keys, its values written in the cells. A
// cell of the plan without a value is grey with its outcome; a combination that
// the plan does not have is left white with a dash.
func plotHeatmap(c *chart) error {
	metric, err := c.metric("value", c.fig.Value)
	if err != nil {
		return err
	}
	h := heatmap{chart: c, tiles: map[[3]string]tile{}}
	if h.x, err = h.key("x", c.fig.X); err != nil {
		return err
	}
	if h.y, err = h.key("y", c.fig.Y); err != nil {
		return err
	}
	if err := c.distinct("heatmap", h.x, h.y, c.facet); err != nil {
		return err
	}
	c.shown, c.lack = []string{metric.name}, "without a value"
	if err := h.read(metric); err != nil {
		return err
	}
	s := &c.sheet
	s.Square, s.Bar = true, &layout.ColourBar{Axis: h.scale}
	s.X, s.Y = h.x.categories(), h.y.categories()
	s.Height = max(110, min(300, 28*vg.Length(len(h.y.names))))
	if len(c.facets()) > 1 {
		s.Height = max(90, min(220, 24*vg.Length(len(h.y.names))))
	}
	if n := len(c.facets())*len(h.x.names)*len(h.y.names) - len(h.tiles); n > 0 {
		s.Notes = append(s.Notes, fmt.Sprintf("– not part of the experiment: %d.", n))
	}
	c.panel = h.draw
	return nil
}

// key is the dimension of an axis.
func (h *heatmap) key(role, name string) (*dimension, error) {
	if name == "" {
		return nil, fmt.Errorf("%s is missing: a heatmap has a key of the experiment as x and one as y", role)
	}
	return h.category(role, name)
}

// read takes the cells' values and makes the scale of colours for them.
func (h *heatmap) read(metric dimension) error {
	factor, unit := h.unit(metric)
	var values []float64
	for _, c := range h.cells {
		t := tile{v: math.NaN(), hollow: c.hollow}
		m, ok := c.Metrics[metric.name]
		switch {
		case !ok:
			t.why = h.lacks(c, "no value")
		case notPlaced(m.Value, factor) != "":
			t.why = notPlaced(m.Value, factor)
			h.missing[t.why]++
		default:
			t.v = m.Value * factor
			values = append(values, t.v)
		}
		h.tiles[[3]string{h.place(c, h.facet), h.place(c, h.x), h.place(c, h.y)}] = t
	}
	if len(values) == 0 {
		return h.nothing("a value of " + metric.name)
	}
	var err error
	h.scale, err = colourScale(metric, unit, h.fig.LogY, values)
	return err
}

// colourScale is the axis of a metric whose values are colours.
func colourScale(metric dimension, unit string, force *bool, values []float64) (*layout.Axis, error) {
	lo, hi := values[0], values[0]
	for _, u := range values {
		lo, hi = math.Min(lo, u), math.Max(hi, u)
	}
	scale := &layout.Axis{Label: metric.q.axisLabel(unit), Short: metric.q.brief(unit), Min: lo, Max: hi, Log: layout.Decades(values) > 1.5}
	if force != nil {
		scale.Log = *force
	}
	if scale.Log && lo < layout.Smallest {
		return nil, fmt.Errorf("log_y: %s has values that are not positive, so its colours cannot be on a log scale", metric.name)
	}
	if layout.Same(lo, hi) || hi-lo < layout.Smallest { // a scale of one colour
		scale.Min, scale.Max = lo-0.5*math.Max(1, math.Abs(lo)), hi+0.5*math.Max(1, math.Abs(hi))
		if scale.Log {
			scale.Min, scale.Max = lo/2, hi*2
		}
	}
	return scale, nil
}

func (h *heatmap) draw(facet string, p *layout.Painter, a layout.Area) {
	width, height := a.Frame.W()/vg.Length(len(h.x.names)), a.Frame.H()/vg.Length(len(h.y.names))
	for i, xn := range h.x.names {
		for j, yn := range h.y.names {
			r := layout.Rect{X0: a.Frame.X0 + vg.Length(i)*width, Y0: a.Frame.Y0 + vg.Length(j)*height}
			r.X1, r.Y1 = r.X0+width, r.Y0+height
			cx, cy := r.X0+width/2, r.Y0+height/2
			t, planned := h.tiles[[3]string{facet, xn, yn}]
			switch {
			case !planned:
				p.Text(layout.Pen{Size: 8, Color: layout.Grey}, cx, cy, layout.Middle, layout.Middle, "–")
			case t.why != "":
				p.Fill(layout.Pale, r)
				failedTile(p, r, t.why)
			default:
				c := layout.Heat(h.scale.Norm(t.v))
				p.Fill(c, r)
				if t.hollow {
					c = layout.White
					p.Fill(c, r.Grow(-min(4, min(width, height)*0.2)))
				}
				if pn, text := fitNumber(t.v, width-4, height-3); text != "" {
					pn.Color = layout.InkOn(c)
					p.Text(pn, cx, cy, layout.Middle, layout.Middle, text)
				}
			}
			p.Box(layout.White, 0.8, r)
		}
	}
}

// failedTile marks a cell by a cross, and by its outcome where there is room.
func failedTile(p *layout.Painter, r layout.Rect, why string) {
	pn := layout.Pen{Size: 7.5, Color: layout.Dark}
	cx, cy := (r.X0+r.X1)/2, (r.Y0+r.Y1)/2
	if pn.Width(why)+4 > r.W() || r.H() < 21 {
		p.Cross(layout.Dark, cx, cy)
		return
	}
	p.Cross(layout.Dark, cx, cy+4.5)
	p.Text(pn, cx, cy-3.5, layout.Middle, layout.End, why)
}

// fitNumber writes v in three digits, in fewer or smaller when w × h points are
// too small for them, and not at all when nothing readable fits.
func fitNumber(v float64, w, h vg.Length) (layout.Pen, string) {
	for _, size := range []vg.Length{9, 8, 7, 6} {
		for _, digits := range []int{3, 2} {
			pn := layout.Pen{Size: size}
			if s := numeral.Compact(v, digits); pn.Capital() <= h && pn.Width(s) <= w {
				return pn, s
			}
			if size > 7 {
				break // smaller first, then fewer digits
			}
		}
	}
	return layout.Pen{}, ""
}
