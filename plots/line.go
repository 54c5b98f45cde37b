package plots

import (
	"math"
	"sort"

	"gonum.org/v1/plot/vg"

	"prabench/plots/figure"
	"prabench/plots/layout"
)

var _ = register(figure.Line, plotter{plot: plotLine})

// plotLine draws one metric against a key or a metric: a line with error bars for
// each series. A line stops where a cell has no value and goes on after it.
func plotLine(c *chart) error {
	if err := c.axes(false); err != nil {
		return err
	}
	if !c.x.metric {
		if err := c.distinct("line", &c.x, c.series, c.facet); err != nil {
			return err
		}
	}
	c.legend(true, true)
	if n := c.mostSeeds(); c.fig.Band != "" && n > 1 {
		c.sheet.Notes = append(c.sheet.Notes, bandNote(c.fig.Band, n))
	}
	if c.fig.Fit {
		c.sheet.Notes = append(c.sheet.Notes, c.exponents()...)
	}
	c.sheet.Notes = append(c.sheet.Notes, c.crossings()...)
	goals, err := c.goals()
	if err != nil {
		return err
	}
	if c.named(false) {
		c.writes(c.drawn)
	}
	c.panel = func(f string, p *layout.Painter, a layout.Area) {
		points, crosses := pick(c.drawn, f), pick(c.crosses, f)
		shift := c.sideBySide(a)
		banded := c.fig.Band != "" && !c.sheet.X.Categorical()
		if banded {
			for _, g := range c.groups() {
				for _, run := range runs(points, crosses, g) {
					shade(p, a, c.look(g), run)
				}
			}
		}
		var lines []vg.Point
		for _, g := range c.groups() {
			l, dx := c.look(g), shift[g]
			for _, run := range runs(points, crosses, g) {
				var pts []vg.Point
				for _, q := range run {
					pts = append(pts, vg.Point{X: a.X(q.X) + dx, Y: a.Y(q.Y)})
				}
				p.Stroke(l.Color, 1.4, l.Dash, pts...)
				lines = append(lines, along(pts)...)
			}
		}
		for _, q := range points {
			if banded {
				q.YLo, q.YHi = nil, nil
			}
			whiskers(p, a, q, c.look(q.Series), shift[q.Series])
		}
		for _, q := range points {
			mark(p, c.look(q.Series), a.X(q.X)+shift[q.Series], a.Y(q.Y), q)
		}
		if c.named(false) {
			labelPoints(p, a, points, lines, false)
		}
		goals.draw(c, f, p, a)
		c.drawCrosses(p, a, f)
	}
	return nil
}

// mostSeeds is the largest number of seeds behind a value of y.
func (c *chart) mostSeeds() (n int) {
	for _, cell := range c.cells {
		n = max(n, len(cell.Metrics[c.y.name].Values))
	}
	return n
}

// along are points on a line, close enough that a box around each keeps labels off
// it.
func along(line []vg.Point) (pts []vg.Point) {
	for i := 1; i < len(line); i++ {
		p, q := line[i-1], line[i]
		n := max(1, int(math.Hypot(float64(q.X-p.X), float64(q.Y-p.Y))/3))
		for k := range n {
			t := vg.Length(k) / vg.Length(n)
			pts = append(pts, vg.Point{X: p.X + t*(q.X-p.X), Y: p.Y + t*(q.Y-p.Y)})
		}
	}
	return pts
}

// sideBySide moves the series apart where the x axis has names: these have no
// distance.
func (c *chart) sideBySide(a layout.Area) map[string]vg.Length {
	shift := map[string]vg.Length{}
	if c.sheet.X.Categorical() {
		n := len(c.groups())
		step := min(7, a.Frame.W()/vg.Length(len(c.sheet.X.Names))*0.7/vg.Length(n))
		for i, g := range c.groups() {
			shift[g] = (vg.Length(i) - vg.Length(n-1)/2) * step
		}
	}
	return shift
}

// runs are a series' points by x, cut where a cell without a value lies between.
func runs(points, crosses []Point, series string) [][]Point {
	var own []Point
	for _, p := range points {
		if p.Series == series {
			own = append(own, p)
		}
	}
	sort.SliceStable(own, func(i, j int) bool { return own[i].X < own[j].X })
	var out [][]Point
	for i, p := range own {
		cut := i == 0
		if !cut {
			for _, x := range crosses {
				if x.Series == series && !math.IsNaN(x.X) && own[i-1].X < x.X && x.X < p.X {
					cut = true
				}
			}
		}
		if cut {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], p)
	}
	return out
}
