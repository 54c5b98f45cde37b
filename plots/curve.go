package plots

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"sort"

	"gonum.org/v1/plot/vg"

	"prabench/metrics/quantity"
	"prabench/metrics/stat"
	"prabench/plots/figure"
	"prabench/plots/layout"
)

var _ = register(figure.Curve, plotter{open: openCurve, plot: plotCurve})

// curves are the training curves of a figure.
type curves struct {
	*chart
	list    []curve
	broken  int // logged values that cannot be drawn
	stretch int // logged values that a drawn one stands for

	seeds map[string][]CellData // with a band: all seeds of each cell, by its training
	most  int                   // seeds behind a line
}

type curve struct {
	series, facet string
	points        []Point
	hollow        bool // of a cell that a search gave up: its end is marked
}

func openCurve(fig *Figure) {
	if fig.Series == "" {
		fig.Series = cellLabel
	}
}

// plotCurve draws a training curve: a logged value against the step, one line for
// each series. Long curves are averaged in equal stretches of steps, and the
// figure says so.
func plotCurve(c *chart) error {
	if c.fig.X != "" && c.fig.X != "step" {
		return fmt.Errorf("x: a curve runs over \"step\", not %q", c.fig.X)
	}
	var seeds map[string][]CellData
	if c.fig.Band != "" {
		seeds = c.bySeed()
	}
	if err := c.distinct("curve", c.series, c.facet); err != nil {
		return err
	}
	y, err := c.curveValue(c.fig.Y)
	if err != nil {
		return err
	}
	k := curves{chart: c, stretch: 1, seeds: seeds}
	c.sheet.Y = &layout.Axis{Label: describe(y).axisLabel(""), Short: describe(y).short, Log: layout.Decades(k.read(y)) > 1.5}
	if c.fig.LogY != nil {
		c.sheet.Y.Log = *c.fig.LogY
	}
	xs, ys := k.thin()
	if len(ys) == 0 {
		if len(k.list) > 0 {
			return fmt.Errorf("nothing to draw: no value of %s can be drawn (not a number, or not positive on a log axis)", y)
		}
		return c.nothing("a curve of " + y)
	}
	c.sheet.X = &layout.Axis{Label: describe("step").label, Short: "step"}
	if c.fig.LogX != nil {
		c.sheet.X.Log = *c.fig.LogX
	}
	c.sheet.X.Widen(xs)
	c.sheet.Y.Widen(ys)
	if k.broken > 0 {
		c.sheet.Notes = append(c.sheet.Notes, fmt.Sprintf("× Not drawn: %d logged values that are not numbers%s; the line is interrupted there.",
			k.broken, map[bool]string{true: ", or not positive on the log axis"}[c.sheet.Y.Log]))
		c.sheet.Crosses = true
	}
	if k.most > 1 {
		c.sheet.Notes = append(c.sheet.Notes, bandNote(c.fig.Band, k.most))
	}
	if k.stretch > 1 {
		c.after = fmt.Sprintf(" · each point is the mean of up to %d logged values", k.stretch)
	}
	if n := k.window(); n > 1 {
		c.after += fmt.Sprintf(" · smoothed: means of %d neighbouring logged values", n)
	}
	if len(c.series.names) > 1 {
		c.legend(true, false)
	}
	c.panel = k.draw
	return nil
}

// read takes the logged values of y, smoothed, and returns those that are numbers.
func (k *curves) read(y string) (numbers []float64) {
	for _, cell := range k.cells {
		one := curve{series: k.place(cell, k.series), facet: k.place(cell, k.facet), hollow: cell.hollow}
		all := [][]Point{k.smoothed(logged(cell, y))}
		if k.seeds != nil {
			all = nil
			for _, of := range k.seeds[without(cell, seedKey)] {
				if points := k.smoothed(logged(of, y)); len(points) > 0 {
					all = append(all, points)
				}
			}
		}
		if len(all) > 0 {
			one.points = k.overSeeds(all)
		}
		if len(one.points) == 0 {
			k.lacks(cell, "no curve")
			continue
		}
		for _, p := range one.points {
			if notPlaced(p.Y, 1) == "" {
				numbers = append(numbers, p.Y)
			}
		}
		k.list = append(k.list, one)
	}
	return numbers
}

// logged are a cell's values of y along its steps.
func logged(c CellData, y string) (points []Point) {
	for _, p := range c.Curve {
		if v, ok := p.Values[y]; ok {
			points = append(points, Point{X: float64(p.Step), Y: v})
		}
	}
	return points
}

// overSeeds is the mean of several seeds at the steps that all of them logged, with the
// band that the figure asks for. One seed has no band.
func (k *curves) overSeeds(seeds [][]Point) []Point {
	k.most = max(k.most, len(seeds))
	if len(seeds) == 1 {
		return seeds[0]
	}
	at := map[float64][]float64{}
	for _, points := range seeds {
		for _, p := range points {
			at[p.X] = append(at[p.X], p.Y)
		}
	}
	var out []Point
	for _, step := range slices.Sorted(maps.Keys(at)) {
		values := at[step]
		if len(values) < len(seeds) {
			continue
		}
		if slices.ContainsFunc(values, func(v float64) bool { return notPlaced(v, float64(len(values))) != "" }) {
			out = append(out, Point{X: step, Y: math.NaN()})
			continue
		}
		e := stat.Student(values, stat.Seeds)
		p := Point{X: step, Y: e.Value, YLo: new(slices.Min(values)), YHi: new(slices.Max(values))}
		if k.fig.Band == figure.BandInterval {
			p.YLo, p.YHi = e.Bounds()
		}
		if p.YLo == nil || p.YHi == nil || notPlaced(*p.YLo, 1) != "" || notPlaced(*p.YHi, 1) != "" { // all the same
			p.YLo, p.YHi = new(p.Y), new(p.Y)
		}
		out = append(out, p)
	}
	return out
}

// seedKey names training seeds.
const seedKey = "seed"

// bySeed keeps one cell of each training of the figure, and gives all its seeds.
func (c *chart) bySeed() map[string][]CellData {
	of := map[string][]CellData{}
	var first []CellData
	for _, cell := range c.cells {
		name := without(cell, seedKey)
		if of[name] == nil {
			first = append(first, cell)
		}
		of[name] = append(of[name], cell)
	}
	for i := range first {
		first[i].Seeds = len(of[without(first[i], seedKey)])
	}
	c.cells = first
	return of
}

// window is how many logged values a smoothed one is the mean of: an odd number.
func (k *curves) window() int { return k.fig.Smooth | 1 }

// smoothed makes each value the mean of so many around it, of fewer at the ends, so
// that nothing moves along the steps. What is no number stays out of the means and
// remains one.
func (k *curves) smoothed(pts []Point) []Point {
	n := k.window()
	if n <= 1 {
		return pts
	}
	sort.SliceStable(pts, func(i, j int) bool { return pts[i].X < pts[j].X })
	out := make([]Point, len(pts))
	for j := range pts {
		out[j] = pts[j]
		half := min((n-1)/2, j, len(pts)-1-j)
		var own []float64
		for _, p := range pts[j-half : j+half+1] {
			if notPlaced(p.Y, 1) == "" {
				own = append(own, p.Y)
			}
		}
		if notPlaced(pts[j].Y, 1) == "" {
			out[j].Y = 0
			for _, v := range own {
				out[j].Y += v / float64(len(own)) // their sum may be too large for a number
			}
		}
	}
	return out
}

// thin orders the points, takes out what cannot be drawn and averages the rest;
// it returns the coordinates that are left.
func (k *curves) thin() (xs, ys []float64) {
	for i := range k.list {
		one := &k.list[i]
		sort.SliceStable(one.points, func(i, j int) bool { return one.points[i].X < one.points[j].X })
		for j, p := range one.points {
			if !k.sheet.Y.Placeable(p.Y) || k.fig.LogX != nil && *k.fig.LogX && p.X <= 0 {
				k.broken++
				one.points[j].Y = math.NaN()
			}
		}
		var by int
		one.points, by = Thin(one.points, 400)
		k.stretch = max(k.stretch, by)
		for _, p := range one.points {
			if math.IsNaN(p.Y) {
				continue
			}
			xs, ys = append(xs, p.X), append(ys, p.Y)
			for _, end := range []*float64{p.YLo, p.YHi} {
				if end != nil {
					ys = append(ys, *end)
				}
			}
		}
	}
	return xs, ys
}

func (k *curves) draw(facet string, p *layout.Painter, a layout.Area) {
	for _, one := range k.list {
		if one.facet == facet {
			shade(p, a, k.look(one.series), one.points)
		}
	}
	for _, one := range k.list {
		if one.facet == facet {
			one.draw(k.look(one.series), p, a)
		}
	}
}

// draw cuts the line where values cannot be drawn, with a cross for each stretch
// of them.
func (k curve) draw(l layout.Look, p *layout.Painter, a layout.Area) {
	var pts []vg.Point
	cut := func() {
		if len(pts) == 1 {
			p.Glyph(l, pts[0].X, pts[0].Y, layout.GlyphSize*0.7)
		}
		p.Stroke(l.Color, 1.2, l.Dash, pts...)
		pts = nil
	}
	ended := false
	for _, q := range k.points {
		if math.IsNaN(q.Y) {
			if !ended {
				p.Cross(l.Color, max(a.Frame.X0+4, min(a.Frame.X1-4, a.X(q.X))), (a.Strip.Y0+a.Strip.Y1)/2)
			}
			ended = true
			cut()
			continue
		}
		ended = false
		pts = append(pts, vg.Point{X: a.X(q.X), Y: a.Y(q.Y)})
	}
	end := len(pts)
	if k.hollow && end > 0 {
		defer p.Hollow(l, pts[end-1].X, pts[end-1].Y, layout.GlyphSize)
	}
	cut()
}

// curveValue resolves what the curve shows; empty is the training loss.
func (s *selection) curveValue(name string) (string, error) {
	names := map[string]bool{}
	for _, c := range s.cells {
		for _, p := range c.Curve {
			for n := range p.Values {
				names[n] = true
			}
		}
	}
	if names[name] {
		return name, nil
	}
	if loss := quantity.TrainLoss.Name; name == "" && names[loss] {
		return loss, nil
	}
	if len(names) == 0 {
		return "", fmt.Errorf("nothing to draw: none of the %d cells has a training curve%s", len(s.cells), s.outcomes())
	}
	list := make([]string, 0, len(names))
	for n := range names {
		list = append(list, n)
	}
	sort.Strings(list)
	return "", fmt.Errorf("y: no curve has %q; logged are %s", name, listed(list))
}

// Thin averages equal numbers of neighbouring points until at most so many are
// left and returns how many each stands for. A stretch with a value that cannot
// be drawn cannot be drawn.
func Thin(points []Point, most int) ([]Point, int) {
	by := (len(points) + most - 1) / most
	if by <= 1 {
		return points, 1
	}
	var out []Point
	for i := 0; i < len(points); i += by {
		var p Point
		part := points[i:min(i+by, len(points))]
		for _, q := range part {
			p.X += q.X / float64(len(part))
			p.Y += q.Y / float64(len(part))
			p.YLo, p.YHi = more(p.YLo, q.YLo, len(part)), more(p.YHi, q.YHi, len(part))
		}
		out = append(out, p)
	}
	return out, by
}

// more adds the part of an end to the mean of ends.
func more(sum, end *float64, of int) *float64 {
	if end == nil {
		return sum
	}
	if sum == nil {
		sum = new(float64)
	}
	return new(*sum + *end/float64(of))
}
