package plots

import (
	"fmt"
	"math"

	"gonum.org/v1/plot/vg"

	"prabench/plots/figure"
	"prabench/plots/layout"
)

var _ = register(figure.Bars, plotter{open: openBars, plot: plotBars})

// openBars gives every cell a bar where the figure names no x.
func openBars(fig *Figure) {
	if fig.X == "" {
		fig.X = cellLabel
	}
	fig.LogX = nil
	if fig.LogY == nil {
		fig.LogY = new(bool)
	}
}

// plotBars draws one metric over categories, one bar for each series side by side.
func plotBars(c *chart) error {
	if err := c.axes(true); err != nil {
		return err
	}
	if c.x.metric || !c.y.metric {
		return fmt.Errorf("bars need a key as x and a metric as y, not %s and %s", c.x.name, c.y.name)
	}
	if err := c.distinct("bar", &c.x, c.series, c.facet); err != nil {
		if c.fig.X == namedLabel { // the default of experiment files
			c.fig.X = cellLabel
			return plotBars(c)
		}
		return err
	}
	c.bars()
	return nil
}

// bars draws the points as bars from zero, those of one x side by side.
func (c *chart) bars() {
	c.fromZero()
	c.sheet.Crosses = false // they stand where their bar would
	groups := c.groups()
	place := map[string]int{}
	for i, g := range groups {
		place[g] = i
		if c.series != nil {
			c.sheet.Legend = append(c.sheet.Legend, layout.Swatch(c.called(g), barLook(i)))
		}
	}
	c.panel = func(f string, p *layout.Painter, a layout.Area) {
		slot := a.Frame.W() / vg.Length(len(c.sheet.X.Names))
		w := min(34, slot*0.78/vg.Length(len(groups)))
		at := func(q Point) vg.Length {
			return a.X(q.X) + (vg.Length(place[q.Series])-vg.Length(len(groups)-1)/2)*w
		}
		zero := a.Y(0)
		for _, q := range pick(c.drawn, f) {
			x, y := at(q), a.Y(q.Y)
			bar := layout.Rect{X0: x - w*0.46, Y0: min(zero, y), X1: x + w*0.46, Y1: max(zero, y)}
			p.Fill(barLook(place[q.Series]).Color, bar)
			if q.Hollow {
				p.Fill(layout.White, bar.Grow(-min(1.6, w*0.15)))
			}
			barWhisker(p, a, q, x, min(2.5, w*0.3))
		}
		for _, q := range pick(c.crosses, f) {
			p.Cross(barLook(place[q.Series]).Color, at(q), zero+6)
		}
		p.Segment(layout.Dark, 0.7, a.Frame.X0, zero, a.Frame.X1, zero)
	}
}

// barLook is a series' colour; the eighth and later ones repeat it paler.
func barLook(i int) layout.Look {
	l := layout.LookOf(i)
	l.Color = layout.Blend(l.Color, layout.White, 0.4*float64(min(2, i/len(layout.Hues))))
	return l
}

// barWhisker draws the interval of a bar.
func barWhisker(p *layout.Painter, a layout.Area, q Point, x, half vg.Length) {
	if q.YLo == nil || q.YHi == nil {
		return
	}
	lo, hi := a.Y(*q.YLo), a.Y(*q.YHi)
	p.Segment(layout.Black, 0.9, x, lo, x, hi)
	for _, v := range []float64{*q.YLo, *q.YHi} {
		if !a.Beyond(math.NaN(), v) {
			p.Segment(layout.Black, 0.9, x-half, a.Y(v), x+half, a.Y(v))
		}
	}
}

// fromZero makes the y axis begin or end at zero.
func (c *chart) fromZero() {
	lo, hi := 0.0, 0.0
	for _, p := range c.drawn {
		lo, hi = math.Min(lo, p.Y), math.Max(hi, p.Y)
		if p.YLo != nil {
			lo = math.Min(lo, *p.YLo)
		}
		if p.YHi != nil {
			hi = math.Max(hi, *p.YHi)
		}
	}
	if hi-lo < layout.Smallest {
		lo, hi = 0, 1
	}
	c.sheet.Y.Min, c.sheet.Y.Max = lo, hi
	if hi > 0 {
		c.sheet.Y.Max = hi + 0.06*(hi-lo)
	}
	if lo < 0 {
		c.sheet.Y.Min = lo - 0.06*(hi-lo)
	}
}
