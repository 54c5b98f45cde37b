package layout

import "gonum.org/v1/plot/vg"

// ColourBar stands to the right of a heatmap.
type ColourBar struct {
	Axis  *Axis
	label []string
	w     vg.Length // of all: bar, tick labels, label
	ticks vg.Length
}

const barWidth = 11.0

// measure sets the ticks for a height and returns the width.
func (b *ColourBar) measure(height vg.Length) vg.Length {
	b.Axis.steps(max(2, int(height/30)))
	b.ticks = 0
	for _, t := range b.Axis.ticks {
		b.ticks = max(b.ticks, tickWidth(TickPen, t.label))
	}
	b.label = b.Axis.title(TickPen, height, 2)
	b.w = barWidth + tickSize + 2 + b.ticks + 5 + TickPen.Height(len(b.label))
	return b.w
}

func (b *ColourBar) draw(p *Painter, x, y0, y1 vg.Length) {
	const n = 128
	for i := 0; i < n; i++ {
		lo := y0 + (y1-y0)*vg.Length(i)/n
		hi := min(y1, y0+(y1-y0)*(vg.Length(i)+1.5)/n) // overlap hides seams
		p.Fill(Heat((float64(i)+0.5)/n), Rect{x, lo, x + barWidth, hi})
	}
	p.Box(Dark, 0.6, Rect{x, y0, x + barWidth, y1})
	for _, t := range b.Axis.ticks {
		y := y0 + vg.Length(b.Axis.Norm(t.v))*(y1-y0)
		d := vg.Length(tickSize)
		if t.label == "" {
			d /= 2
		}
		p.Segment(Dark, 0.6, x+barWidth, y, x+barWidth+d, y)
		p.tickText(TickPen, x+barWidth+tickSize+2, y, Start, Middle, t.label)
	}
	lx := x + barWidth + tickSize + 2 + b.ticks + 5
	for i, l := range b.label {
		p.upright(TickPen, lx+vg.Length(i)*TickPen.line(), (y0+y1)/2, Middle, End, l)
	}
}
