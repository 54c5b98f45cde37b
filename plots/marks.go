package plots

import (
	"image/color"
	"math"
	"sort"

	"gonum.org/v1/plot/vg"

	"prabench/plots/layout"
)

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
