package plots

import (
	"fmt"
	"math"
	"sort"

	"gonum.org/v1/plot/vg"
)

// paretoSheet draws quality against speed: every cell a point with its
// intervals, and in each panel the frontier of cells that no other cell beats in
// both. The frontier is a staircase: between two cells nothing was measured, so
// no line claims that one can have what lies between.
func paretoSheet(fig Figure, data Data) (*sheet, error) {
	c, err := newChart(fig, data, false)
	if err != nil {
		return nil, err
	}
	s := c.sheet(c.measured()...)
	toward := c.x.q.better != 0 && c.y.q.better != 0
	if !toward {
		s.notes = append(s.notes, fmt.Sprintf("No frontier: it is not known in which direction %s and %s are better.", c.x.name, c.y.name))
	}
	s.legendTitle = seriesTitle(c.series)
	if c.series != nil {
		for _, g := range c.groups() {
			s.legend = append(s.legend, glyphEntry(g, c.look(g), false, true))
		}
	}
	if toward {
		s.legend = append(s.legend, entry{"Pareto frontier", func(p *painter, x, y vg.Length) {
			p.stroke(grey, 1, frontierDash, vg.Point{X: x - sampleW/2, Y: y}, vg.Point{X: x + sampleW/2, Y: y})
		}})
	}
	for _, f := range c.facets() {
		points := pick(c.points, f)
		s.panels = append(s.panels, panel{heading(c.facet, f), func(p *painter, a area) {
			var stairs []vg.Point
			if toward {
				stairs = staircase(Frontier(points, c.x.q.better, c.y.q.better), a, c.x.q.better, c.y.q.better)
				p.stroke(grey, 1, frontierDash, stairs...)
			}
			for _, q := range points {
				whiskers(p, a, q, c.look(q.Series), 0)
			}
			for _, q := range points {
				p.glyph(c.look(q.Series), a.x(q.X), a.y(q.Y), glyphSize)
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
func staircase(front []Point, a area, betterX, betterY int) []vg.Point {
	if len(front) == 0 {
		return nil
	}
	f := a.frame
	f.y1 -= a.strip.h()
	var pts []vg.Point
	add := func(x, y vg.Length) { pts = append(pts, vg.Point{X: x, Y: y}) }
	worstY := f.y0
	if betterY < 0 {
		worstY = f.y1
	}
	first, last := front[0], front[len(front)-1]
	if betterX > 0 {
		add(f.x0, a.y(first.Y)) // the slow side, at the best quality
	} else {
		add(a.x(first.X), worstY)
	}
	for i, p := range front {
		add(a.x(p.X), a.y(p.Y))
		if i+1 < len(front) {
			next := front[i+1]
			if betterX > 0 { // up to this x one has this quality
				add(a.x(p.X), a.y(next.Y))
			} else {
				add(a.x(next.X), a.y(p.Y))
			}
		}
	}
	if betterX > 0 {
		add(a.x(last.X), worstY)
	} else {
		add(f.x1, a.y(last.Y))
	}
	return pts
}

// whiskers draws a point's intervals, shifted to the right by dx.
func whiskers(p *painter, a area, q Point, l look, dx vg.Length) {
	c := blend(l.color, white, 0.35)
	const cap = 2.2
	x, y := a.x(q.X)+dx, a.y(q.Y)
	if q.YLo != nil || q.YHi != nil {
		lo, hi := y, y
		if q.YLo != nil {
			lo = a.y(*q.YLo)
			p.segment(c, 0.9, x-cap, lo, x+cap, lo)
		}
		if q.YHi != nil {
			hi = a.y(*q.YHi)
			p.segment(c, 0.9, x-cap, hi, x+cap, hi)
		}
		p.segment(c, 0.9, x, lo, x, hi)
	}
	if q.XLo != nil || q.XHi != nil {
		within := func(v float64) vg.Length { return max(a.frame.x0, min(a.frame.x1, a.x(v))) }
		lo, hi := x, x
		if q.XLo != nil {
			lo = within(*q.XLo)
			p.segment(c, 0.9, lo, y-cap, lo, y+cap)
		}
		if q.XHi != nil {
			hi = within(*q.XHi)
			p.segment(c, 0.9, hi, y-cap, hi, y+cap)
		}
		p.segment(c, 0.9, lo, y, hi, y)
	}
}

// labelPoints names points where there is room: around the point, clear of
// every mark and of the labels so far. A point without room stays unnamed.
func labelPoints(p *painter, a area, points []Point, stairs []vg.Point) {
	var taken []rect
	thin := func(x0, y0, x1, y1 vg.Length) {
		taken = append(taken, rect{min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)}.grow(2))
	}
	for i := 1; i < len(stairs); i++ {
		thin(stairs[i-1].X, stairs[i-1].Y, stairs[i].X, stairs[i].Y)
	}
	for _, q := range points {
		x, y := a.x(q.X), a.y(q.Y)
		taken = append(taken, rect{x, y, x, y}.grow(glyphSize+1))
		if q.YLo != nil && q.YHi != nil {
			thin(x, a.y(*q.YLo), x, a.y(*q.YHi))
		}
		if q.XLo != nil && q.XHi != nil {
			thin(a.x(*q.XLo), y, a.x(*q.XHi), y)
		}
	}
	room := a.frame
	room.y1 -= a.strip.h()
	room = room.grow(-2)
	pn := pen{7.5, false, dark}
	for _, q := range points {
		text := pn.short(q.Label, 130)
		w, x, y := pn.width(text), a.x(q.X), a.y(q.Y)
		for _, at := range labelSpots {
			x0, y0 := x+at.dx-at.h*w, y+at.dy-at.v*pn.capital()
			box := rect{x0 - 1, y0 - pn.descent(), x0 + w + 1, y0 + pn.capital() + 1}
			free := room.holds(box)
			for _, t := range taken {
				free = free && !t.meets(box)
			}
			if !free {
				continue
			}
			if at.far {
				p.segment(grey, 0.4, x+at.dx*0.35, y+at.dy*0.35, x+at.dx*0.92, y+at.dy*0.92)
			}
			p.text(pn, x0, y0, start, start, text)
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
