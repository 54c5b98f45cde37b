package plots

import (
	"fmt"
	"math"
	"strconv"

	"gonum.org/v1/plot/vg"

	"prabench/plots/layout"
)

// heatmapSheet draws one metric over two keys, its values written in the cells.
// A cell of the plan without a value is grey with its outcome; a combination
// that the plan does not have is left white with a dash.
func heatmapSheet(fig Figure, data Data) (*layout.Sheet, error) {
	sel, err := choose(fig, data)
	if err != nil {
		return nil, err
	}
	v, err := sel.metric("value", fig.Value)
	if err != nil {
		return nil, err
	}
	var dims [2]*dimension
	for i, name := range []string{fig.X, fig.Y} {
		role := []string{"x", "y"}[i]
		if name == "" {
			return nil, fmt.Errorf("%s is missing: a heatmap has a key of the experiment as x and one as y", role)
		}
		if dims[i], err = sel.category(role, name); err != nil {
			return nil, err
		}
	}
	x, y := dims[0], dims[1]
	facet, err := sel.category("facet", fig.Facet)
	if err != nil {
		return nil, err
	}
	if err := sel.distinct("heatmap", x, y, facet); err != nil {
		return nil, err
	}

	factor, unit := sel.unit(v)
	missing, absent := map[string]int{}, 0
	type tile struct {
		v   float64
		why string
	}
	tiles := map[string]tile{}
	id := func(f, x, y string) string { return f + "\x00" + x + "\x00" + y }
	var values []float64
	for _, c := range sel.cells {
		t := tile{v: math.NaN()}
		m, ok := c.Metrics[v.name]
		switch {
		case !ok && failed(c):
			t.why = c.Outcome
		case !ok:
			t.why = "no value"
		case math.IsNaN(m.Value) || math.IsInf(m.Value, 0):
			t.why = "not a number"
		default:
			t.v = m.Value * factor
			values = append(values, t.v)
		}
		if t.why != "" {
			missing[t.why]++
		}
		f := ""
		if facet != nil {
			f = show(sel.value(c, *facet))
		}
		tiles[id(f, show(sel.value(c, *x)), show(sel.value(c, *y)))] = t
	}
	if len(values) == 0 {
		return nil, fmt.Errorf("nothing to draw: none of the %d cells has a value of %s: %s", len(sel.cells), v.name, counted(missing))
	}
	lo, hi := values[0], values[0]
	for _, u := range values {
		lo, hi = math.Min(lo, u), math.Max(hi, u)
	}
	scale := &layout.Axis{Label: v.q.axisLabel(unit), Short: v.q.brief(unit), Min: lo, Max: hi, Log: layout.Decades(values) > 1.5}
	if fig.LogY != nil {
		scale.Log = *fig.LogY
	}
	if scale.Log && lo <= 0 {
		return nil, fmt.Errorf("log_y: %s has values that are not positive, so its colours cannot be on a log scale", v.name)
	}
	if layout.Same(lo, hi) { // a scale of one colour
		scale.Min, scale.Max = lo-0.5*math.Max(1, math.Abs(lo)), hi+0.5*math.Max(1, math.Abs(hi))
		if scale.Log {
			scale.Min, scale.Max = lo/2, hi*2
		}
	}

	s := &layout.Sheet{Title: fig.Title, Square: true, Bar: &layout.ColourBar{Axis: scale}, Source: sel.source(v.name)}
	s.X, s.Y = x.categories(), y.categories()
	s.Height = max(110, min(300, 28*vg.Length(len(y.names))))
	if len(sel.facets(facet)) > 1 {
		s.Height = max(90, min(220, 24*vg.Length(len(y.names))))
	}
	for _, f := range sel.facets(facet) {
		for _, xn := range x.names {
			for _, yn := range y.names {
				if _, ok := tiles[id(f, xn, yn)]; !ok {
					absent++
				}
			}
		}
		s.Panels = append(s.Panels, layout.Panel{Heading: heading(facet, f), Draw: func(p *layout.Painter, a layout.Area) {
			w, h := a.Frame.W()/vg.Length(len(x.names)), a.Frame.H()/vg.Length(len(y.names))
			for i, xn := range x.names {
				for j, yn := range y.names {
					r := layout.Rect{X0: a.Frame.X0 + vg.Length(i)*w, Y0: a.Frame.Y0 + vg.Length(j)*h, X1: 0, Y1: 0}
					r.X1, r.Y1 = r.X0+w, r.Y0+h
					t, planned := tiles[id(f, xn, yn)]
					cx, cy := r.X0+w/2, r.Y0+h/2
					switch {
					case !planned:
						p.Text(layout.Pen{Size: 8, Bold: false, Color: layout.Grey}, cx, cy, layout.Middle, layout.Middle, "–")
					case t.why != "":
						p.Fill(layout.Pale, r)
						failedTile(p, r, t.why)
					default:
						c := layout.Heat(scale.Norm(t.v))
						p.Fill(c, r)
						if pn, text := fitNumber(t.v, w-4, h-3); text != "" {
							pn.Color = layout.InkOn(c)
							p.Text(pn, cx, cy, layout.Middle, layout.Middle, text)
						}
					}
					p.Box(layout.White, 0.8, r)
				}
			}
		}})
	}
	if len(missing) > 0 {
		n := 0
		for _, k := range missing {
			n += k
		}
		s.Notes = append(s.Notes, fmt.Sprintf("× %d of %d cells without a value: %s.", n, len(sel.cells), counted(missing)))
	}
	if absent > 0 {
		s.Notes = append(s.Notes, fmt.Sprintf("– not part of the experiment: %d.", absent))
	}
	return s, nil
}

func (s *selection) facets(d *dimension) []string { return namesOf(d) }

// failedTile marks a cell by a cross, and by its outcome where there is room.
func failedTile(p *layout.Painter, r layout.Rect, why string) {
	pn := layout.Pen{Size: 7.5, Bold: false, Color: layout.Dark}
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
			if s := digitsOf(v, digits); pn.Capital() <= h && pn.Width(s) <= w {
				return pn, s
			}
			if size > 7 {
				break // smaller first, then fewer digits
			}
		}
	}
	return layout.Pen{}, ""
}

// digitsOf writes v with n significant digits and no exponent where it can.
func digitsOf(v float64, n int) string {
	if v == 0 {
		return "0"
	}
	e := int(math.Floor(math.Log10(math.Abs(v)) + 1e-12))
	if e >= 6 || e < -4 {
		return strconv.FormatFloat(v, 'e', n-1, 64)
	}
	return strconv.FormatFloat(v, 'f', max(0, n-1-e), 64)
}
