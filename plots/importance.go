package plots

import (
	"fmt"
	"slices"

	"prabench/internal/numeral"
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
	for _, rest := range []struct {
		name  string
		share float64
	}{{"seeds", i.Blocks.Share}, {"error", i.Error.Share}} {
		if rest.share > 0 {
			bar(rest.name, rest.share, nil, nil)
		}
	}
	c.sheet.Notes = append(c.sheet.Notes, importanceNotes(i)...)
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

// importanceNotes say what the shares and their intervals are, and why the bars need not
// add up to 100 %.
func importanceNotes(i view.Importance) []string {
	note := fmt.Sprintf("%d points, one seed; shares of the variance", i.Points)
	if i.Seeds > 1 {
		note = fmt.Sprintf("%d points × %d seeds; shares of the variance", i.Points, i.Seeds)
	}
	tested := slices.ContainsFunc(i.Effects, func(e view.AxisEffect) bool { return e.Net.HasInterval() })
	switch {
	case tested:
		note += ", corrected for chance, with 95 % intervals"
	case i.Error.DF > 0:
		note += "; there is no noise between seeds, so there are no intervals"
	default:
		note += "; noise cannot be estimated, so there are no intervals"
	}
	const higher = "interactions of three or more axes"
	percent := numeral.Compact(100*i.Higher.Share, 2)
	if tested && i.ErrorIsHigher {
		note += "; " + higher + " (" + percent + " %) are taken as noise"
	}
	notes := []string{note + "."}
	if i.Higher.Share > 0 && !i.ErrorIsHigher {
		notes = append(notes, "No bar: "+higher+", "+percent+" %.")
	}
	if !i.Balanced {
		notes = append(notes, "Not all values meet all others with all seeds: shares (type II sums of squares) do not add up to 100 %.")
	}
	if i.Left > 0 {
		notes = append(notes, fmt.Sprintf("Left out: %d values that are not finite.", i.Left))
	}
	return notes
}
