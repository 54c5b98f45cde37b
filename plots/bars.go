package plots

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/plot/vg"

	"prabench/plots/layout"
)

// barsSheet draws one metric over categories, one bar a series side by side.
// Bars start at zero, so there is no log axis for them.
func barsSheet(fig Figure, data Data) (*layout.Sheet, error) {
	if fig.LogY != nil && *fig.LogY {
		return nil, errors.New("log_y: bars start at zero, which a log axis does not have; use kind = \"line\"")
	}
	no := false
	fig.LogY, fig.LogX = &no, nil
	if fig.X == "" {
		fig.X = cellLabel
	}
	c, err := newChart(fig, data, true)
	if err != nil {
		return nil, err
	}
	if c.x.metric || !c.y.metric {
		return nil, fmt.Errorf("bars need a key as x and a metric as y, not %s and %s", c.x.name, c.y.name)
	}
	if err := c.distinct("bar", &c.x, c.series, c.facet); err != nil {
		if fig.X == namedLabel { // the default of experiment files
			fig.X = cellLabel
			return barsSheet(fig, data)
		}
		return nil, err
	}
	c.fromZero()
	s := c.sheet(c.y.name)
	s.Crosses = false // they stand where their bar would
	s.LegendTitle = seriesTitle(c.series)
	if c.series != nil {
		for i, g := range c.groups() {
			s.Legend = append(s.Legend, layout.Swatch(g, barLook(i)))
		}
	}
	groups := c.groups()
	place := map[string]int{}
	for i, g := range groups {
		place[g] = i
	}
	for _, f := range c.facets() {
		points, crosses := pick(c.points, f), pick(c.crosses, f)
		s.Panels = append(s.Panels, layout.Panel{Heading: heading(c.facet, f), Draw: func(p *layout.Painter, a layout.Area) {
			slot := a.Frame.W() / vg.Length(len(c.xAxis.Names))
			w := min(34, slot*0.78/vg.Length(len(groups)))
			at := func(q Point) vg.Length {
				return a.X(q.X) + (vg.Length(place[q.Series])-vg.Length(len(groups)-1)/2)*w
			}
			zero := a.Y(0)
			for _, q := range points {
				l := barLook(place[q.Series])
				x, y := at(q), a.Y(q.Y)
				p.Fill(l.Color, layout.Rect{X0: x - w*0.46, Y0: min(zero, y), X1: x + w*0.46, Y1: max(zero, y)})
				barWhisker(p, a, q, x, min(2.5, w*0.3))
			}
			for _, q := range crosses {
				p.Cross(barLook(place[q.Series]).Color, at(q), zero+6)
			}
			p.Segment(layout.Dark, 0.7, a.Frame.X0, zero, a.Frame.X1, zero)
		}})
	}
	return s, nil
}

// barLook is a series' colour; the eighth and later ones repeat it paler.
func barLook(i int) layout.Look {
	l := layout.LookOf(i)
	l.Color = layout.Blend(l.Color, layout.White, 0.4*float64(min(2, i/len(layout.Hues))))
	return l
}

// barWhisker draws the interval of a bar.
func barWhisker(p *layout.Painter, a layout.Area, q Point, x, cap vg.Length) {
	if q.YLo == nil || q.YHi == nil {
		return
	}
	lo, hi := a.Y(*q.YLo), a.Y(*q.YHi)
	p.Segment(layout.Black, 0.9, x, lo, x, hi)
	p.Segment(layout.Black, 0.9, x-cap, lo, x+cap, lo)
	p.Segment(layout.Black, 0.9, x-cap, hi, x+cap, hi)
}

// fromZero makes the y axis begin or end at zero.
func (c *chart) fromZero() {
	lo, hi := 0.0, 0.0
	for _, p := range c.points {
		lo, hi = math.Min(lo, p.Y), math.Max(hi, p.Y)
		if p.YLo != nil {
			lo = math.Min(lo, *p.YLo)
		}
		if p.YHi != nil {
			hi = math.Max(hi, *p.YHi)
		}
	}
	if lo == hi {
		hi = 1
	}
	c.yAxis.Min, c.yAxis.Max = lo, hi
	if hi > 0 {
		c.yAxis.Max = hi + 0.06*(hi-lo)
	}
	if lo < 0 {
		c.yAxis.Min = lo - 0.06*(hi-lo)
	}
}
