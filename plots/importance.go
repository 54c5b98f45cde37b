package plots

import (
	"fmt"

	"prabench/plots/figure"
	"prabench/results/view"
)

var _ = register(figure.Importance, plotter{plot: plotImportance})

// plotImportance draws how much of a metric's variance each axis of a sweep explains,
// alone and in pairs, largest first, beside what seeds do.
func plotImportance(c *chart) error {
	var err error
	if c.y, err = c.metric("y", c.fig.Y); err != nil {
		return err
	}
	c.shown, c.split = []string{c.y.name}, true
	i, ok := view.ImportanceOf(drawsOf(c.cells, c.y.name), nil)
	if !ok {
		return fmt.Errorf("nothing to draw: no key takes two values at which %s differs", c.y.name)
	}
	for _, e := range append(i.Effects, view.AxisEffect{Effect: i.Error}, view.AxisEffect{Effect: i.Blocks}) {
		if notPlaced(e.Share, 100) != "" {
			return fmt.Errorf("nothing to draw: values of %s are too large for their variance to be a number", c.y.name)
		}
	}
	c.x = dimension{name: "effect", q: called{label: "axis of the sweep", short: "axis"}}
	bar := func(name string, share float64, lo, hi *float64) {
		p := Point{X: float64(len(c.x.names)), Y: 100 * share, Label: name}
		if lo != nil && hi != nil && notPlaced(*lo, 100) == "" && notPlaced(*hi, 100) == "" {
			l, h := 100**lo, 100**hi
			p.YLo, p.YHi = &l, &h
		}
		c.x.names = append(c.x.names, name)
		c.drawn = append(c.drawn, p)
	}
	for _, e := range i.Effects {
		value := e.Share
		if e.Net.HasInterval() {
			value = e.Net.Value
		}
		lo, hi := e.Net.Bounds()
		bar(e.Name, value, lo, hi)
	}
	total := 0.0
	for _, rest := range []struct {
		name  string
		share float64
	}{{"seeds", i.Blocks.Share}, {"error", i.Error.Share}} {
		if total += rest.share; rest.share > 0 {
			bar(rest.name, rest.share, nil, nil)
		}
	}
	note := fmt.Sprintf("%d points × %d seeds; shares of the variance, corrected for chance, with 95 %% intervals.",
		i.Points, i.Seeds)
	switch {
	case i.ErrorIsHigher:
		note = fmt.Sprintf("%d points, one seed: interactions of three or more axes are taken as noise.", i.Points)
	case total == 0:
		note = fmt.Sprintf("%d points, one seed: noise cannot be estimated.", i.Points)
	}
	c.sheet.Notes = append(c.sheet.Notes, note)
	c.sheet.X = c.x.categories()
	along := func(p Point) (float64, *float64, *float64) { return p.Y, p.YLo, p.YHi }
	y := c.y
	y.q.label, y.q.better = "share of the variance of "+y.q.short, 0
	y.q.short = y.q.label
	if c.sheet.Y, err = c.axis("log_y", y, "%", new(bool), along); err != nil {
		return err
	}
	c.bars()
	return nil
}
