package plots

import (
	"fmt"
	"image/color"
	"math"
	"sort"

	"gonum.org/v1/plot/vg"

	"prabench/plots/figure"
	"prabench/plots/layout"
)

// whiskers draws a point's intervals, shifted to the right by dx.
func whiskers(p *layout.Painter, a layout.Area, q Point, l layout.Look, dx vg.Length) {
	c := layout.Blend(l.Color, layout.White, 0.35)
	const half = 2.2
	x, y := a.X(q.X)+dx, a.Y(q.Y)
	if q.YLo != nil || q.YHi != nil {
		end := func(v *float64) vg.Length {
			if v == nil {
				return y
			}
			if at := a.Y(*v); !a.Beyond(math.NaN(), *v) {
				p.Segment(c, 0.9, x-half, at, x+half, at)
			}
			return a.Y(*v)
		}
		p.Segment(c, 0.9, x, end(q.YLo), x, end(q.YHi))
	}
	if q.XLo != nil || q.XHi != nil {
		end := func(v *float64) vg.Length {
			if v == nil {
				return x
			}
			at := max(a.Frame.X0, min(a.Frame.X1, a.X(*v)))
			if !a.Beyond(*v, math.NaN()) {
				p.Segment(c, 0.9, at, y-half, at, y+half)
			}
			return at
		}
		p.Segment(c, 0.9, end(q.XLo), y, end(q.XHi), y)
	}
}

// shade draws the bands of a line's points: pale, with their edges, so that bands that
// overlap can be told apart. Where a point has no interval the band ends.
func shade(p *layout.Painter, a layout.Area, l layout.Look, points []Point) {
	var low, high []vg.Point
	end := func() {
		p.Band(layout.Blend(l.Color, layout.White, 0.8), low, high)
		edge := layout.Blend(l.Color, layout.White, 0.45)
		p.Stroke(edge, 0.5, nil, low...)
		p.Stroke(edge, 0.5, nil, high...)
		low, high = nil, nil
	}
	for _, q := range points {
		if q.YLo == nil || q.YHi == nil || math.IsNaN(q.Y) {
			end()
			continue
		}
		low = append(low, vg.Point{X: a.X(q.X), Y: a.Y(*q.YLo)})
		high = append(high, vg.Point{X: a.X(q.X), Y: a.Y(*q.YHi)})
	}
	end()
}

// bandNote says what is shaded.
func bandNote(band string, seeds int) string {
	if band == figure.BandRange {
		return fmt.Sprintf("Shaded: range of %d training seeds; the line is their mean.", seeds)
	}
	return fmt.Sprintf("Shaded: the 95 %% interval of the mean of %d training seeds (Student t).", seeds)
}

// mark draws a point.
func mark(p *layout.Painter, l layout.Look, x, y vg.Length, q Point) {
	if q.Hollow {
		p.Hollow(l, x, y, layout.GlyphSize)
		return
	}
	p.Glyph(l, x, y, layout.GlyphSize)
}

// solid are the points of cells that no search gave up.
func solid(points []Point) (out []Point) {
	for _, p := range points {
		if !p.Hollow {
			out = append(out, p)
		}
	}
	return out
}

// drawCrosses puts the panel's cells without values into the strip at its top:
// at their place on the x axis where that is known, else from the right.
func (c *chart) drawCrosses(p *layout.Painter, a layout.Area, facet string) {
	list := pick(c.crosses, facet)
	if len(list) == 0 {
		return
	}
	const room = 7.5
	left, right := a.Strip.X0+4, a.Strip.X1-4
	step := min(vg.Length(room), (right-left)/vg.Length(max(1, len(list)-1)))
	beside := map[float64]int{} // crosses at one place stand side by side around it
	for _, q := range list {
		beside[q.X]++
	}
	type mark struct {
		x     vg.Length
		color color.RGBA
	}
	var marks []mark
	nth := map[float64]int{}
	for _, q := range list {
		x := right
		if !math.IsNaN(q.X) {
			x = a.X(q.X) + (vg.Length(nth[q.X])-vg.Length(beside[q.X]-1)/2)*step
			nth[q.X]++
		}
		marks = append(marks, mark{x, c.look(q.Series).Color})
	}
	sort.SliceStable(marks, func(i, j int) bool { return marks[i].x < marks[j].x })
	for i := range marks { // away from the left, then back from the right
		least := left
		if i > 0 {
			least = marks[i-1].x + step
		}
		marks[i].x = max(marks[i].x, least)
	}
	for i := len(marks) - 1; i >= 0; i-- {
		most := right
		if i+1 < len(marks) {
			most = marks[i+1].x - step
		}
		marks[i].x = min(marks[i].x, most)
	}
	for _, m := range marks {
		p.Cross(m.color, m.x, (a.Strip.Y0+a.Strip.Y1)/2)
	}
}

// labelPoints names points where there is room: around the point, clear of
// every mark and of the labels so far, and of lines: joined, from each point to the next,
// or dense points of them. A point without room stays unnamed.
func labelPoints(p *layout.Painter, a layout.Area, points []Point, lines []vg.Point, joined bool) {
	var taken []layout.Rect
	thin := func(x0, y0, x1, y1 vg.Length) {
		taken = append(taken, layout.Rect{X0: min(x0, x1), Y0: min(y0, y1), X1: max(x0, x1), Y1: max(y0, y1)}.Grow(2))
	}
	for i, q := range lines {
		from := q
		if joined && i > 0 {
			from = lines[i-1]
		}
		thin(from.X, from.Y, q.X, q.Y)
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
