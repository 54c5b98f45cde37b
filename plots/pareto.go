package plots

import (
	"fmt"
	"math"
	"sort"

	"gonum.org/v1/plot/vg"

	"prabench/plots/layout"
)

// paretoSheet draws quality against speed: every cell a point with its
// intervals, and in each panel the frontier of cells that no other cell beats in
// both. The frontier is a staircase: between two cells nothing was measured, so
// no line claims that one can have what lies between.
func paretoSheet(fig Figure, data Data) (*layout.Sheet, error) {
	c, err := newChart(fig, data, false)
	if err != nil {
		return nil, err
	}
	s := c.sheet(c.measured()...)
	toward := c.x.q.better != 0 && c.y.q.better != 0
	if !toward {
		s.Notes = append(s.Notes, fmt.Sprintf("No frontier: it is not known in which direction %s and %s are better.", c.x.name, c.y.name))
	}
	s.LegendTitle = seriesTitle(c.series)
	if c.series != nil {
		for _, g := range c.groups() {
			s.Legend = append(s.Legend, layout.GlyphEntry(g, c.look(g), false, true))
		}
	}
	if toward {
		s.Legend = append(s.Legend, layout.Entry{Label: "Pareto frontier", Mark: func(p *layout.Painter, x, y vg.Length) {
			p.Stroke(layout.Grey, 1, frontierDash, vg.Point{X: x - layout.SampleW/2, Y: y}, vg.Point{X: x + layout.SampleW/2, Y: y})
		}})
	}
	for _, f := range c.facets() {
		points := pick(c.points, f)
		s.Panels = append(s.Panels, layout.Panel{Heading: heading(c.facet, f), Draw: func(p *layout.Painter, a layout.Area) {
			var stairs []vg.Point
			if toward {
				stairs = staircase(Frontier(points, c.x.q.better, c.y.q.better), a, c.x.q.better, c.y.q.better)
				p.Stroke(layout.Grey, 1, frontierDash, stairs...)
			}
			for _, q := range points {
				whiskers(p, a, q, c.look(q.Series), 0)
			}
			for _, q := range points {
				p.Glyph(c.look(q.Series), a.X(q.X), a.Y(q.Y), layout.GlyphSize)
			}
			if c.series == nil && len(points) <= 16 && len(points)*len(c.facets()) > 1 {
				labelPoints(p, a, points, stairs)
			}
			c.drawCrosses(p, a, f)
		}})
	}
	return s, nil
}

var frontierDash = []vg.Length{4, 2.5}

// Frontier are the points that no other point beats in one coordinate and
// equals or beats in the other, by x. betterX and betterY are +1 or −1.
func Frontier(points []Point, betterX, betterY int) []Point {
	bx, by := float64(betterX), float64(betterY)
	sorted := append([]Point(nil), points...)
	sort.SliceStable(sorted, func(i, j int) bool { // best x first, then best y
		if sorted[i].X != sorted[j].X {
			return bx*sorted[i].X > bx*sorted[j].X
		}
		return by*sorted[i].Y > by*sorted[j].Y
	})
	var front []Point
	best := math.Inf(-1)
	for _, p := range sorted {
		if by*p.Y > best {
			best = by * p.Y
			front = append(front, p)
		}
	}
	sort.SliceStable(front, func(i, j int) bool { return front[i].X < front[j].X })
	return front
}

// staircase joins frontier points, sorted by x, along the border of what they
// dominate, and goes on to the frame at both ends.
func staircase(front []Point, a layout.Area, betterX, betterY int) []vg.Point {
	if len(front) == 0 {
		return nil
	}
	f := a.Frame
	f.Y1 -= a.Strip.H()
	var pts []vg.Point
	add := func(x, y vg.Length) { pts = append(pts, vg.Point{X: x, Y: y}) }
	worstY := f.Y0
	if betterY < 0 {
		worstY = f.Y1
	}
	first, last := front[0], front[len(front)-1]
	if betterX > 0 {
		add(f.X0, a.Y(first.Y)) // the slow side, at the best quality
	} else {
		add(a.X(first.X), worstY)
	}
	for i, p := range front {
		add(a.X(p.X), a.Y(p.Y))
		if i+1 < len(front) {
			next := front[i+1]
			if betterX > 0 { // up to this x one has this quality
				add(a.X(p.X), a.Y(next.Y))
			} else {
				add(a.X(next.X), a.Y(p.Y))
			}
		}
	}
	if betterX > 0 {
		add(a.X(last.X), worstY)
	} else {
		add(f.X1, a.Y(last.Y))
	}
	return pts
}

// whiskers draws a point's intervals, shifted to the right by dx.
func whiskers(p *layout.Painter, a layout.Area, q Point, l layout.Look, dx vg.Length) {
	c := layout.Blend(l.Color, layout.White, 0.35)
	const cap = 2.2
	x, y := a.X(q.X)+dx, a.Y(q.Y)
	if q.YLo != nil || q.YHi != nil {
		lo, hi := y, y
		if q.YLo != nil {
			lo = a.Y(*q.YLo)
			p.Segment(c, 0.9, x-cap, lo, x+cap, lo)
		}
		if q.YHi != nil {
			hi = a.Y(*q.YHi)
			p.Segment(c, 0.9, x-cap, hi, x+cap, hi)
		}
		p.Segment(c, 0.9, x, lo, x, hi)
	}
	if q.XLo != nil || q.XHi != nil {
		within := func(v float64) vg.Length { return max(a.Frame.X0, min(a.Frame.X1, a.X(v))) }
		lo, hi := x, x
		if q.XLo != nil {
			lo = within(*q.XLo)
			p.Segment(c, 0.9, lo, y-cap, lo, y+cap)
		}
		if q.XHi != nil {
			hi = within(*q.XHi)
			p.Segment(c, 0.9, hi, y-cap, hi, y+cap)
		}
		p.Segment(c, 0.9, lo, y, hi, y)
	}
}

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
