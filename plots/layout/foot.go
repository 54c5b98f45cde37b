package layout

import (
	"strings"

	"gonum.org/v1/plot/vg"
)

// xFoot is the row of labels under a frame: numbers side by side, names side by
// side, wrapped, or upright when nothing else fits.
type xFoot struct {
	pen     Pen
	h       vg.Length
	upright bool
	labels  []footLabel
}

type footLabel struct {
	v     float64
	lines []string
}

// foot sets the axis' ticks for a frame of the given width and lays out their
// labels so that none meets its neighbour.
func (a *Axis) foot(width vg.Length) xFoot {
	if a.Categorical() {
		return a.nameFoot(width)
	}
	f := xFoot{h: tickSize + 3 + TickPen.Height(1), pen: TickPen}
	for n := max(2, int(width/38)); ; n-- {
		a.steps(n)
		if n <= 2 || !a.crowded(width) {
			break
		}
	}
	edge := -vg.Length(1e9)
	for i, t := range a.ticks {
		if t.label == "" {
			continue
		}
		w := tickWidth(TickPen, t.label)
		x := vg.Length(a.Norm(t.v)) * width
		if x-w/2 < edge+5 {
			a.ticks[i].label = "" // a minor tick from now on
			continue
		}
		edge = x + w/2
		f.labels = append(f.labels, footLabel{t.v, []string{t.label}})
	}
	return f
}

// crowded tells whether labels would come closer than their neighbours bear.
func (a *Axis) crowded(width vg.Length) bool {
	edge := -vg.Length(1e9)
	for _, t := range a.ticks {
		if t.label == "" {
			continue
		}
		w, x := tickWidth(TickPen, t.label), vg.Length(a.Norm(t.v))*width
		if x-w/2 < edge+9 {
			return true
		}
		edge = x + w/2
	}
	return false
}

func (a *Axis) nameFoot(width vg.Length) xFoot {
	a.steps(0)
	slot := width / vg.Length(len(a.Names))
	smaller := TickPen
	smaller.Size = 8
	for _, pn := range []Pen{TickPen, smaller} {
		f := xFoot{pen: pn}
		most, fits := 0, true
		for _, t := range a.ticks {
			lines := pn.Wrap(t.label, slot-5)
			for _, l := range lines {
				fits = fits && pn.Width(l) <= slot-4
			}
			// a word that had to be cut is worse to read than an upright one
			fits = fits && len(lines) <= 4 && len(lines) <= len(strings.FieldsFunc(legible(t.label), breakable))
			f.labels = append(f.labels, footLabel{t.v, lines})
			most = max(most, len(lines))
		}
		if fits {
			f.h = tickSize + 3 + pn.Height(most)
			return f
		}
	}
	f := xFoot{pen: TickPen, upright: true}
	const longest = 120
	every := 1
	for vg.Length(every)*slot < TickPen.line() {
		every++
	}
	var reach vg.Length
	for i, t := range a.ticks {
		if i%every != 0 {
			continue
		}
		n := max(1, min(3, int(slot*vg.Length(every)/TickPen.line())))
		lines := TickPen.Elide(t.label, longest, n)
		for _, l := range lines {
			reach = max(reach, TickPen.Width(l))
		}
		f.labels = append(f.labels, footLabel{t.v, lines})
	}
	f.h = tickSize + 3 + reach
	return f
}

func breakable(r rune) bool { return r == ' ' || r == '-' || r == '/' }

func (f xFoot) draw(p *Painter, a Area) {
	top := a.Frame.Y0 - tickSize - 3
	for _, l := range f.labels {
		x := a.X(l.v)
		if !f.upright {
			for i, line := range l.lines {
				p.tickText(f.pen, x, top-vg.Length(i)*f.pen.line(), Middle, End, line)
			}
			continue
		}
		for i, line := range l.lines {
			shift := (vg.Length(i) - vg.Length(len(l.lines)-1)/2) * TickPen.line()
			p.upright(TickPen, x+shift, top, End, Middle, line)
		}
	}
}
