package plots

import (
	"fmt"
	"reflect"
	"slices"
	"sort"
	"strings"

	"prabench/plots/figure"
	"prabench/plots/layout"
	"prabench/results/view"
)

// response is the line of one cell, and its choice.
type response struct {
	stepLine
	chosen Point
}

var _ = register(figure.Responses, plotter{open: openResponse, plot: plotResponse})

func openResponse(fig *Figure) {
	if fig.X == "" {
		fig.X = "guidance"
	}
	if fig.Series == "" {
		fig.Series = cellLabel
	}
}

// plotResponse draws how the score that cells chose their sampling by responds to one
// of its settings, the others as chosen: a line for each cell, its choice marked.
func plotResponse(c *chart) error {
	if err := c.distinct("response", c.series, c.facet); err != nil {
		return err
	}
	var lines []response
	var xs, ys []float64
	metric := ""
	for _, cell := range c.cells {
		r := cell.Response
		if r == nil {
			c.lacks(cell, "no choice of sampling (tune.metric)")
			continue
		}
		if metric != "" && r.Metric != metric {
			return fmt.Errorf("cells chose by %s and by %s: draw them apart with where", metric, r.Metric)
		}
		metric = r.Metric
		l := response{stepLine: stepLine{facet: c.place(cell, c.facet), look: c.look(c.place(cell, c.series)), hollow: cell.hollow}}
		l.points, l.chosen = alongSetting(r, c.fig.X)
		if len(l.points) == 0 {
			c.lacks(cell, "no "+c.fig.X+" among what it tried")
			continue
		}
		for _, p := range l.points {
			xs, ys = append(xs, p.X), append(ys, p.Y)
			for _, end := range []*float64{p.YLo, p.YHi} {
				if end != nil {
					ys = append(ys, *end)
				}
			}
		}
		if slices.Contains(r.Ends, c.fig.X) {
			c.sheet.Notes = append(c.sheet.Notes, fmt.Sprintf("%s: the best %s that was tried, %s, is at an end of the grid: the optimum may lie "+
				"beyond.", c.label(cell), strings.ReplaceAll(c.fig.X, "_", " "), show(l.chosen.X)))
		}
		lines = append(lines, l)
	}
	if len(lines) == 0 {
		return c.nothing("a response to " + c.fig.X)
	}
	if len(c.missing) > 0 {
		c.sheet.Notes = append(c.sheet.Notes, fmt.Sprintf("Not drawn: %s.", counted(c.missing)))
		c.missing = nil
	}
	c.sheet.Notes = append(c.sheet.Notes, "Large: the choice of each cell, made on noise of its own. Other settings are as chosen.")
	key, q := describe("sample."+c.fig.X), describe(metric)
	c.sheet.X = &layout.Axis{Label: key.axisLabel(""), Short: key.brief("")}
	c.sheet.Y = &layout.Axis{Label: q.axisLabel(""), Short: q.brief("")}
	if c.fig.LogX != nil {
		c.sheet.X.Log = *c.fig.LogX
	}
	c.sheet.X.Widen(xs)
	c.sheet.Y.Widen(ys)
	c.after = " · intervals: 95 % jackknife"
	placed := make([]*stepLine, len(lines))
	for i := range lines {
		placed[i] = &lines[i].stepLine
	}
	if err := c.placeable(placed); err != nil {
		return err
	}
	if len(c.series.names) > 1 {
		c.legend(true, true)
	}
	c.panel = func(f string, p *layout.Painter, a layout.Area) {
		for _, l := range lines {
			if l.facet == f {
				l.draw(p, a)
				if c.sheet.X.Placeable(l.chosen.X) && c.sheet.Y.Placeable(l.chosen.Y) {
					p.Glyph(l.look, a.X(l.chosen.X), a.Y(l.chosen.Y), layout.GlyphSize*1.6)
				}
			}
		}
	}
	return nil
}

// alongSetting are the trials that differ from the chosen one in one setting alone, in
// its order, and the chosen one.
func alongSetting(r *view.Response, key string) (points []Point, chosen Point) {
	best := r.Trials[r.Chosen]
	for i, t := range r.Trials {
		x, numeric := number(t.Settings[key])
		if !numeric || !reflect.DeepEqual(others(t.Settings, key), others(best.Settings, key)) {
			continue
		}
		p := Point{X: x, Y: t.Score.Value}
		p.YLo, p.YHi = t.Score.Bounds()
		points = append(points, p)
		if i == r.Chosen {
			chosen = p
		}
	}
	sort.Slice(points, func(i, j int) bool { return points[i].X < points[j].X })
	return points, chosen
}

func others(settings map[string]any, key string) map[string]any {
	out := map[string]any{}
	for k, v := range settings {
		if k != key {
			out[k] = v
		}
	}
	return out
}
