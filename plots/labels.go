package plots

import (
	"gonum.org/v1/plot/vg"

	"prabench/plots/layout"
)

// labelPoints names points where there is room: around the point, clear of
// every mark and of the labels so far. A point without room stays unnamed.
func labelPoints(p *layout.Painter, a layout.Area, points []Point, stairs []vg.Point) {
	var taken []layout.Rect
	thin := func(x0, y0, x1, y1 vg.Length) {
		taken = append(taken, layout.Rect{X0: min(x0, x1), Y0: min(y0, y1), X1: max(x0, x1), Y1: max(y0, y1)}.Grow(2))
	}
	for i := 1; i < len(stairs); i++ {
		thin(stairs[i-1].X, stairs[i-1].Y, stairs[i].X, stairs[i].Y)
	}
	for _, q := range points {
		x, y := a.X(q.X), a.Y(q.Y)
		taken = append(taken, layout.Rect{X0: x, Y0: y, X1: x, Y1: y}.Grow(layout.GlyphSize+1))
		if q.YLo != nil && q.YHi != nil {
			thin(x, a.Y(*q.YLo), x, a.Y(*q.YHi))
		}
		if q.XLo != nil && q.XHi != nil {
			thin(a.X(*q.XLo), y, a.X(*q.XHi), y)
		}
	}
	room := a.Frame
	room.Y1 -= a.Strip.H()
	room = room.Grow(-2)
	pn := layout.Pen{Size: 7.5, Bold: false, Color: layout.Dark}
	for _, q := range points {
		text := pn.Short(q.Label, 130)
		w, x, y := pn.Width(text), a.X(q.X), a.Y(q.Y)
		for _, at := range labelSpots {
			x0, y0 := x+at.dx-at.h*w, y+at.dy-at.v*pn.Capital()
			box := layout.Rect{X0: x0 - 1, Y0: y0 - pn.Descent(), X1: x0 + w + 1, Y1: y0 + pn.Capital() + 1}
			free := room.Holds(box)
			for _, t := range taken {
				free = free && !t.Meets(box)
			}
			if !free {
				continue
			}
			if at.far {
				p.Segment(layout.Grey, 0.4, x+at.dx*0.35, y+at.dy*0.35, x+at.dx*0.92, y+at.dy*0.92)
			}
			p.Text(pn, x0, y0, layout.Start, layout.Start, text)
			taken = append(taken, box)
			break
		}
	}
}

// spot is a place for a label: an offset from the point and an anchor.
type spot struct {
	dx, dy, h, v vg.Length
	far          bool // needs a line to its point
}

// labelSpots are tried in order: beside the point, then further away.
var labelSpots = func() []spot {
	var spots []spot
	for _, d := range []vg.Length{6, 14, 22, 32, 44} {
		for _, at := range [][4]vg.Length{
			{1, 0, 0, 0.5}, {-1, 0, 1, 0.5}, {0, 1, 0.5, 0}, {0, -1, 0.5, 1},
			{0.8, 0.8, 0, 0}, {0.8, -0.8, 0, 1}, {-0.8, 0.8, 1, 0}, {-0.8, -0.8, 1, 1},
			{0.35, 1, 0, 0}, {-0.35, 1, 1, 0}, {0.35, -1, 0, 1}, {-0.35, -1, 1, 1},
		} {
			spots = append(spots, spot{at[0] * d, at[1] * d, at[2], at[3], d > 6})
		}
	}
	return spots
}()
