package plots

import (
	"fmt"
	"math"
	"sort"

	"gonum.org/v1/plot/vg"

	"prabench/plots/figure"
	"prabench/plots/layout"
)

var _ = register(figure.Pareto, plotter{plot: plotPareto})

// plotPareto draws quality against speed: every cell a point with its intervals,
// and in each panel the frontier of cells that no other cell beats in both. The
// frontier is a staircase: between two cells nothing was measured, so no line
// claims that one can have what lies between.
func plotPareto(c *chart) error {
	if err := c.axes(false); err != nil {
		return err
	}
	betterX, betterY := c.x.q.better, c.y.q.better
	toward := betterX != 0 && betterY != 0
	c.legend(false, true)
	if toward {
		c.sheet.Legend = append(c.sheet.Legend, layout.Entry{Label: "Pareto frontier", Mark: func(p *layout.Painter, x, y vg.Length) {
			p.Stroke(layout.Grey, 1, frontierDash, vg.Point{X: x - layout.SampleW/2, Y: y}, vg.Point{X: x + layout.SampleW/2, Y: y})
		}})
	} else {
		c.sheet.Notes = append(c.sheet.Notes,
			fmt.Sprintf("No frontier: it is not known in which direction %s and %s are better.", c.x.name, c.y.name))
	}
	named := func(points []Point) bool {
		return c.named(c.series == nil && len(points) <= 16 && len(points)*len(c.facets()) > 1)
	}
	for _, f := range c.facets() {
		if points := pick(c.drawn, f); named(points) {
			c.writes(points)
		}
	}
	c.panel = func(f string, p *layout.Painter, a layout.Area) {
		points := pick(c.drawn, f)
		var stairs []vg.Point
		if toward {
			stairs = staircase(Frontier(solid(points), betterX, betterY), a, betterX, betterY)
			p.Stroke(layout.Grey, 1, frontierDash, stairs...)
		}
		for _, q := range points {
			whiskers(p, a, q, c.look(q.Series), 0)
		}
		for _, q := range points {
			mark(p, c.look(q.Series), a.X(q.X), a.Y(q.Y), q)
		}
		if named(points) {
			labelPoints(p, a, points, stairs, true)
		}
		c.drawCrosses(p, a, f)
	}
	return nil
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
