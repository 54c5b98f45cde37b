package plots

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"gonum.org/v1/plot/vg"

	"prabench/plots/figure"
	"prabench/plots/layout"
)

var _ = register(figure.Parallel, plotter{plot: plotParallel})

// parallel are cells as lines across vertical axes.
type parallel struct {
	*chart
	axes  []upright
	lines []polyline
	scale *layout.Axis // of the metric that colours; nil when the series do
}

// upright is one axis: a metric, or a key with its values at equal distances.
type upright struct {
	dimension
	*layout.Axis
	title  string
	factor float64
}

// polyline is one cell.
type polyline struct {
	at            []float64 // by axis
	colour        float64
	series, facet string
	hollow        bool
}

// plotParallel draws cells as lines across one vertical axis for each metric or
// key (parallel coordinates, Inselberg 1985). Where it is known which end of a
// metric is better, that end is up. Lines through the same value of a key stand
// side by side, so that none hides another.
func plotParallel(c *chart) error {
	k := parallel{chart: c}
	if err := k.read(); err != nil {
		return err
	}
	c.legend(true, true)
	s := &c.sheet
	s.Columns, s.Height = 1, 230
	if len(c.facets()) > 1 {
		s.Height = 180
	}
	if k.scale != nil {
		s.Bar = &layout.ColourBar{Axis: k.scale}
	}
	s.Notes = append(s.Notes, "A line is one cell, at the means of its values; their intervals are not drawn.")
	for _, u := range k.axes {
		c.written = append(append(c.written, u.title), u.Names...)
	}
	c.panel = k.draw
	return nil
}

// read resolves the axes and takes the cells that have a value on each of them.
func (k *parallel) read() error {
	const most = 12
	if n := len(k.fig.Axes); n < 2 || n > most {
		return fmt.Errorf("axes: %d are named; a figure of kind parallel has room for 2 to %d", n, most)
	}
	for _, name := range k.fig.Axes {
		d, err := k.dimension("axes", name)
		if err != nil {
			return err
		}
		u := upright{dimension: d, title: d.q.short, factor: 1}
		if d.metric {
			var unit string
			if err := k.comparable(d); err != nil {
				return err
			}
			if u.factor, unit = k.unit(d); unit != "" {
				u.title += " (" + unit + ")"
			}
			k.shown = append(k.shown, name)
		}
		const few = 8
		u.numeric = d.metric || d.numeric && len(d.values) > few
		k.axes = append(k.axes, u)
	}
	var colour *dimension
	var factor float64
	var unit string
	if k.fig.Value != "" {
		d, err := k.metric("value", k.fig.Value)
		if err != nil {
			return err
		}
		colour = &d
		factor, unit = k.unit(d)
		if !slices.Contains(k.shown, d.name) {
			k.shown = append(k.shown, d.name)
		}
	}
	k.take(colour, factor)
	if len(k.lines) == 0 {
		return k.nothing("a value on every axis")
	}
	k.missing = nil // the note of take names them
	return k.scales(colour, unit)
}

// take makes lines of the cells, and a note that names those without one.
func (k *parallel) take(colour *dimension, factor float64) {
	without := map[string][]string{}
	for _, cell := range k.cells {
		l := polyline{series: k.place(cell, k.series), facet: k.place(cell, k.facet), hollow: cell.hollow}
		var why string
		for _, u := range k.axes {
			v, _, _, lacks := k.coordinate(cell, u.dimension, u.factor)
			l.at = append(l.at, v)
			if why == "" {
				why = lacks
			}
		}
		if colour != nil && why == "" {
			l.colour, _, _, why = k.coordinate(cell, *colour, factor)
		}
		if why != "" {
			k.missing[why]++
			without[why] = append(without[why], k.label(cell))
			continue
		}
		k.lines = append(k.lines, l)
	}
	if len(without) == 0 {
		return
	}
	const most = 4
	var parts []string
	for why, labels := range without {
		text := why + " (" + strings.Join(labels[:min(most, len(labels))], "; ")
		if more := len(labels) - most; more > 0 {
			text += fmt.Sprintf("; and %d more", more)
		}
		parts = append(parts, text+")")
	}
	slices.Sort(parts)
	k.sheet.Notes = append(k.sheet.Notes,
		fmt.Sprintf("%d of %d cells are not drawn: %s.", len(k.cells)-len(k.lines), len(k.cells), strings.Join(parts, ", ")))
}

// scales makes the axes hold the lines, and orders the lines so that the best
// are drawn last.
func (k *parallel) scales(colour *dimension, unit string) error {
	for i := range k.axes {
		u := &k.axes[i]
		if !u.numeric {
			u.Axis = u.categories()
			continue
		}
		var values []float64
		for _, l := range k.lines {
			values = append(values, l.at[i])
		}
		u.Axis = &layout.Axis{Log: layout.Decades(values) > 1.5, Down: u.q.better < 0}
		u.Widen(values)
	}
	if colour == nil {
		return nil
	}
	var values []float64
	for _, l := range k.lines {
		values = append(values, l.colour)
	}
	down := colour.q.better < 0
	sort.SliceStable(k.lines, func(i, j int) bool { return (k.lines[i].colour < k.lines[j].colour) != down })
	var err error
	k.scale, err = colourScale(*colour, unit, nil, values)
	return err
}

// titlePen is the largest of a few that breaks no word of the titles in a width.
func (k *parallel) titlePen(width vg.Length) layout.Pen {
	pn := layout.Pen{Bold: true, Color: layout.Black}
	for _, pn.Size = range []vg.Length{9, 8, 7} {
		whole := true
		for _, u := range k.axes {
			for _, word := range layout.Words(u.title) {
				whole = whole && pn.Width(word) <= width
			}
		}
		if whole {
			break
		}
	}
	return pn
}

// draw sets titles over the axes and axes over the lines.
func (k *parallel) draw(facet string, p *layout.Painter, a layout.Area) {
	x, pn, titles := k.places(a.Frame)
	lines := 0
	for _, t := range titles {
		lines = max(lines, len(t))
	}
	hint := layout.Pen{Size: 7.5, Color: layout.Grey}
	y0, y1 := a.Frame.Y0+6, a.Frame.Y1-pn.Height(lines)-hint.Height(1)-11
	for _, l := range k.heights(facet, y0, y1) {
		look, width := k.look(l.series), vg.Length(1.4)
		pts := make([]vg.Point, len(x))
		for i := range x {
			pts[i] = vg.Point{X: x[i], Y: l.y[i]}
		}
		if k.scale != nil { // the light end of the scale needs a rim on white paper
			look = layout.Look{Color: layout.Heat(k.scale.Norm(l.colour))}
			p.Stroke(layout.Dark, width+0.6, nil, pts...)
		}
		p.Stroke(look.Color, width, look.Dash, pts...)
		for i, q := range pts {
			if (k.series != nil || l.hollow) && k.axes[i].metric {
				if l.hollow {
					p.Hollow(look, q.X, q.Y, layout.GlyphSize*0.8)
				} else {
					p.Glyph(look, q.X, q.Y, layout.GlyphSize*0.8)
				}
			}
		}
	}
	for i, u := range k.axes {
		anchor, room := layout.End, 0.65*(x[1]-x[0])
		switch i {
		case 0:
			room = x[0] - a.Frame.X0 - 8
		case len(x) - 1:
			anchor, room = layout.Start, a.Frame.X1-x[i]-8
		}
		u.Column(p, x[i], y0, y1, anchor, room)
		if u.metric && u.q.better != 0 {
			p.Text(hint, x[i], y1+7, layout.Middle, layout.Start, "better")
		}
		p.Lines(pn, x[i], y1+hint.Height(1)+9+pn.Height(len(titles[i])), layout.Middle, titles[i])
	}
}

// places are the axes' places and titles: the outer ones leave room for their
// labels and titles.
func (k *parallel) places(f layout.Rect) (x []vg.Length, pn layout.Pen, titles [][]string) {
	n := vg.Length(len(k.axes))
	slot := f.W() / n
	pn = k.titlePen(slot - 8)
	edge := func(i int) vg.Length {
		w := vg.Length(34) // of numbers
		for _, name := range k.axes[i].Names {
			w = max(w, layout.TickPen.Width(name))
		}
		w = min(w+8, 0.7*slot)
		for _, line := range titles[i] {
			w = max(w, pn.Width(line)/2)
		}
		return w
	}
	for _, u := range k.axes {
		titles = append(titles, pn.Elide(u.title, slot-8, 3))
	}
	left := edge(0)
	pitch := (f.W() - left - edge(len(k.axes)-1)) / (n - 1)
	for i := range k.axes {
		x = append(x, f.X0+left+vg.Length(i)*pitch)
	}
	return x, pn, titles
}

// raised is a line with its heights on the page.
type raised struct {
	polyline
	y []vg.Length
}

// heights places the lines of a panel. Those through one value of a key are
// spread around it, in the order in which they come from and go to the axes
// beside.
func (k *parallel) heights(facet string, y0, y1 vg.Length) []raised {
	var out []raised
	for _, l := range k.lines {
		if l.facet != facet {
			continue
		}
		r := raised{polyline: l, y: make([]vg.Length, len(k.axes))}
		for i, u := range k.axes {
			r.y[i] = y0 + vg.Length(u.Norm(l.at[i]))*(y1-y0)
		}
		out = append(out, r)
	}
	for i, u := range k.axes {
		if !u.Categorical() {
			continue
		}
		same := map[float64][]int{}
		for j, r := range out {
			same[r.at[i]] = append(same[r.at[i]], j)
		}
		room := 0.55 * (y1 - y0) / vg.Length(len(u.Names))
		for _, list := range same {
			beside := func(j int) (sum float64) {
				for _, n := range []int{i - 1, i + 1} {
					if n >= 0 && n < len(k.axes) {
						sum += k.axes[n].Norm(out[j].at[n])
					}
				}
				return sum
			}
			sort.SliceStable(list, func(a, b int) bool { return beside(list[a]) < beside(list[b]) })
			step := min(2.6, room/vg.Length(max(1, len(list)-1)))
			for nth, j := range list {
				out[j].y[i] += (vg.Length(nth) - vg.Length(len(list)-1)/2) * step
			}
		}
	}
	return out
}
