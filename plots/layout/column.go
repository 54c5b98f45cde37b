package layout

import (
	"math"

	"gonum.org/v1/plot/vg"
)

// Column draws the axis as a vertical line inside a panel, at x from y0 up to y1.
// Its labels stand on a white ground, since what is drawn before may pass there:
// to the left for [End], to the right for [Start], cut to the room. A label that
// would touch the one before is left out, and one that does not fit.
func (a *Axis) Column(p *Painter, x, y0, y1 vg.Length, anchor float64, room vg.Length) {
	p.Segment(Dark, 0.9, x, y0, x, y1)
	side := vg.Length(1)
	if anchor == End {
		side = -1
	}
	a.steps(max(2, int((y1-y0)/32)))
	last := vg.Length(math.Inf(-1))
	for _, t := range a.ticks {
		y := y0 + vg.Length(a.Norm(t.v))*(y1-y0)
		d := side * tickSize
		label := t.label
		if a.Categorical() && TickPen.Width(label) > room {
			label = TickPen.Short(label, room)
		}
		if tickWidth(TickPen, label) > room { // half a number is another number
			label = ""
		}
		if label == "" || vg.Length(math.Abs(float64(y-last))) < TickPen.line() {
			p.Segment(Dark, 0.6, x, y, x+d/2, y)
			continue
		}
		last = y
		p.Segment(Dark, 0.6, x, y, x+d, y)
		at, w := x+d+side*2, side*tickWidth(TickPen, label)
		h := TickPen.Capital() / 2
		p.Fill(White, Rect{min(at, at+w) - 1, y - h - 1.5, max(at, at+w) + 1, y + h + 1.5})
		p.tickText(TickPen, at, y, anchor, Middle, label)
	}
}
