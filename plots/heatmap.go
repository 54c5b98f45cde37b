package plots

import (
	"fmt"
	"math"
	"strconv"

	"gonum.org/v1/plot/vg"
)

// heatmapSheet draws one metric over two keys, its values written in the cells.
// A cell of the plan without a value is grey with its outcome; a combination
// that the plan does not have is left white with a dash.
func heatmapSheet(fig Figure, data Data) (*sheet, error) {
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
	scale := &axis{label: v.q.axisLabel(unit), short: v.q.brief(unit), min: lo, max: hi, log: decades(values) > 1.5}
	if fig.LogY != nil {
		scale.log = *fig.LogY
	}
	if scale.log && lo <= 0 {
		return nil, fmt.Errorf("log_y: %s has values that are not positive, so its colours cannot be on a log scale", v.name)
	}
	if same(lo, hi) { // a scale of one colour
		scale.min, scale.max = lo-0.5*math.Max(1, math.Abs(lo)), hi+0.5*math.Max(1, math.Abs(hi))
		if scale.log {
			scale.min, scale.max = lo/2, hi*2
		}
	}

	s := &sheet{title: fig.Title, square: true, bar: &colourBar{axis: scale}, source: sel.source(v.name)}
	s.x, s.y = categories(x.q, x.names), categories(y.q, y.names)
	s.height = max(110, min(300, 28*vg.Length(len(y.names))))
	if len(sel.facets(facet)) > 1 {
		s.height = max(90, min(220, 24*vg.Length(len(y.names))))
	}
	for _, f := range sel.facets(facet) {
		for _, xn := range x.names {
			for _, yn := range y.names {
				if _, ok := tiles[id(f, xn, yn)]; !ok {
					absent++
				}
			}
		}
		s.panels = append(s.panels, panel{heading(facet, f), func(p *painter, a area) {
			w, h := a.frame.w()/vg.Length(len(x.names)), a.frame.h()/vg.Length(len(y.names))
			for i, xn := range x.names {
				for j, yn := range y.names {
					r := rect{a.frame.x0 + vg.Length(i)*w, a.frame.y0 + vg.Length(j)*h, 0, 0}
					r.x1, r.y1 = r.x0+w, r.y0+h
					t, planned := tiles[id(f, xn, yn)]
					cx, cy := r.x0+w/2, r.y0+h/2
					switch {
					case !planned:
						p.text(pen{8, false, grey}, cx, cy, middle, middle, "–")
					case t.why != "":
						p.fill(pale, r)
						failedTile(p, r, t.why)
					default:
						c := heat(scale.norm(t.v))
						p.fill(c, r)
						if pn, text := fitNumber(t.v, w-4, h-3); text != "" {
							pn.color = inkOn(c)
							p.text(pn, cx, cy, middle, middle, text)
						}
					}
					p.box(white, 0.8, r)
				}
			}
		}})
	}
	if len(missing) > 0 {
		n := 0
		for _, k := range missing {
			n += k
		}
		s.notes = append(s.notes, fmt.Sprintf("× %d of %d cells without a value: %s.", n, len(sel.cells), counted(missing)))
	}
	if absent > 0 {
		s.notes = append(s.notes, fmt.Sprintf("– not part of the experiment: %d.", absent))
	}
	return s, nil
}

func (s *selection) facets(d *dimension) []string { return namesOf(d) }

// failedTile marks a cell by a cross, and by its outcome where there is room.
func failedTile(p *painter, r rect, why string) {
	pn := pen{7.5, false, dark}
	cx, cy := (r.x0+r.x1)/2, (r.y0+r.y1)/2
	if pn.width(why)+4 > r.w() || r.h() < 21 {
		p.cross(dark, cx, cy)
		return
	}
	p.cross(dark, cx, cy+4.5)
	p.text(pn, cx, cy-3.5, middle, end, why)
}

// fitNumber writes v in three digits, in fewer or smaller when w × h points are
// too small for them, and not at all when nothing readable fits.
func fitNumber(v float64, w, h vg.Length) (pen, string) {
	for _, size := range []vg.Length{9, 8, 7, 6} {
		for _, digits := range []int{3, 2} {
			pn := pen{size: size}
			if s := digitsOf(v, digits); pn.capital() <= h && pn.width(s) <= w {
				return pn, s
			}
			if size > 7 {
				break // smaller first, then fewer digits
			}
		}
	}
	return pen{}, ""
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

// colourBar stands to the right of a heatmap.
type colourBar struct {
	axis  *axis
	label []string
	w     vg.Length // of all: bar, tick labels, label
	ticks vg.Length
}

const barWidth = 11.0

// measure sets the ticks for a height and returns the width.
func (b *colourBar) measure(height vg.Length) vg.Length {
	b.axis.steps(max(2, int(height/30)))
	b.ticks = 0
	for _, t := range b.axis.ticks {
		b.ticks = max(b.ticks, tickWidth(tickPen, t.label))
	}
	b.label = b.axis.title(tickPen, height, 2)
	b.w = barWidth + tickSize + 2 + b.ticks + 5 + tickPen.height(len(b.label))
	return b.w
}

func (b *colourBar) draw(p *painter, x, y0, y1 vg.Length) {
	const n = 128
	for i := 0; i < n; i++ {
		lo := y0 + (y1-y0)*vg.Length(i)/n
		hi := min(y1, y0+(y1-y0)*(vg.Length(i)+1.5)/n) // overlap hides seams
		p.fill(heat((float64(i)+0.5)/n), rect{x, lo, x + barWidth, hi})
	}
	p.box(dark, 0.6, rect{x, y0, x + barWidth, y1})
	for _, t := range b.axis.ticks {
		y := y0 + vg.Length(b.axis.norm(t.v))*(y1-y0)
		d := vg.Length(tickSize)
		if t.label == "" {
			d /= 2
		}
		p.segment(dark, 0.6, x+barWidth, y, x+barWidth+d, y)
		p.tickText(tickPen, x+barWidth+tickSize+2, y, start, middle, t.label)
	}
	lx := x + barWidth + tickSize + 2 + b.ticks + 5
	for i, l := range b.label {
		p.upright(tickPen, lx+vg.Length(i)*tickPen.line(), (y0+y1)/2, middle, end, l)
	}
}
