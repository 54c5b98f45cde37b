package plots

import (
	"fmt"
	"slices"

	"prabench/metrics/stat"
	"prabench/plots/figure"
	"prabench/results/view"
)

var _ = register(figure.Noise, plotter{open: openNoise, plot: plotNoise})

func openNoise(fig *Figure) {
	if fig.LogY == nil {
		fig.LogY = new(bool)
	}
}

// plotNoise draws where the noise of a metric comes from: the standard deviation of
// each component, with its interval, of each point that repeats.
func plotNoise(c *chart) error {
	var err error
	if c.y, err = c.metric("y", c.fig.Y); err != nil {
		return err
	}
	c.shown, c.split = []string{c.y.name}, true
	ledgers := view.Ledgers(drawsOf(c.cells, c.y.name))
	if len(ledgers) == 0 {
		return fmt.Errorf("nothing to draw: no point has three trainings that differ in seeds alone and have %s", c.y.name)
	}
	factor, unit := c.unit(c.y)
	c.x = dimension{name: "component", q: called{label: "source of noise", short: "source of noise"}}
	series := &dimension{name: cellLabel}
	for _, l := range ledgers {
		series.names = append(series.names, l.Point)
		for _, k := range l.Components {
			if !contains(c.x.names, k.Name) {
				c.x.names = append(c.x.names, k.Name)
			}
		}
	}
	if len(ledgers) > 1 {
		c.series = series
	}
	left := 0
	for _, l := range ledgers {
		for _, k := range l.Components {
			root := stat.Root(k.Variance)
			if notPlaced(root.Value, factor) != "" {
				left++
				continue
			}
			p := Point{X: float64(slices.Index(c.x.names, k.Name)), Y: root.Value * factor, Label: k.Name}
			if c.series != nil {
				p.Series = l.Point
			}
			if root.HasInterval() && notPlaced(root.Lo, factor) == "" && notPlaced(root.Hi, factor) == "" {
				lo, hi := root.Lo*factor, root.Hi*factor
				p.YLo, p.YHi = &lo, &hi
			}
			c.drawn = append(c.drawn, p)
		}
		note := fmt.Sprintf("%d trainings × %d sampling seeds; standard deviations with 95 %% intervals", l.Trainings, l.Samplings)
		if r := l.Ratio(); r > 0 {
			note += fmt.Sprintf("; training seeds move it %.2g times as much as sampling seeds", r)
		}
		if l.Point != "" {
			note = l.Point + ": " + note
		}
		c.sheet.Notes = append(c.sheet.Notes, note+".")
	}
	if len(c.drawn) == 0 {
		return fmt.Errorf("nothing to draw: the variances of %s are not numbers or too large", c.y.name)
	}
	if left > 0 {
		c.sheet.Notes = append(c.sheet.Notes, fmt.Sprintf("%d deviations are not numbers or too large to draw; they are left out.", left))
	}
	c.sheet.X = c.x.categories()
	along := func(p Point) (float64, *float64, *float64) { return p.Y, p.YLo, p.YHi }
	y := c.y
	y.q.label, y.q.short, y.q.better = "standard deviation of "+y.q.short, "deviation of "+y.q.short, 0
	if c.sheet.Y, err = c.axis("log_y", y, unit, c.fig.LogY, along); err != nil {
		return err
	}
	c.bars()
	return nil
}

// drawsOf are the values behind means: one for each training seed.
func drawsOf(cells []CellData, metric string) (draws []view.Draw) {
	for _, cell := range cells {
		m, ok := cell.Metrics[metric]
		if !ok {
			continue
		}
		values := m.Values
		if len(values) < 2 {
			values = []float64{m.Value}
		}
		if len(m.Seeds) != len(values) {
			continue
		}
		for i, v := range values {
			draws = append(draws, view.Draw{Label: cell.Label, Params: cell.Params, Seed: m.Seeds[i], Value: v})
		}
	}
	return draws
}
