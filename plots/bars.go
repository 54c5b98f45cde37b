package plots

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/plot/vg"
)

// barsSheet draws one metric over categories, one bar a series side by side.
// Bars start at zero, so there is no log axis for them.
func barsSheet(fig Figure, data Data) (*sheet, error) {
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
	s.crosses = false // they stand where their bar would
	s.legendTitle = seriesTitle(c.series)
	if c.series != nil {
		for i, g := range c.groups() {
			s.legend = append(s.legend, swatch(g, barLook(i)))
		}
	}
	groups := c.groups()
	place := map[string]int{}
	for i, g := range groups {
		place[g] = i
	}
	for _, f := range c.facets() {
		points, crosses := pick(c.points, f), pick(c.crosses, f)
		s.panels = append(s.panels, panel{heading(c.facet, f), func(p *painter, a area) {
			slot := a.frame.w() / vg.Length(len(c.xAxis.names))
			w := min(34, slot*0.78/vg.Length(len(groups)))
			at := func(q Point) vg.Length {
				return a.x(q.X) + (vg.Length(place[q.Series])-vg.Length(len(groups)-1)/2)*w
			}
			zero := a.y(0)
			for _, q := range points {
				l := barLook(place[q.Series])
				x, y := at(q), a.y(q.Y)
				p.fill(l.color, rect{x - w*0.46, min(zero, y), x + w*0.46, max(zero, y)})
				barWhisker(p, a, q, x, min(2.5, w*0.3))
			}
			for _, q := range crosses {
				p.cross(barLook(place[q.Series]).color, at(q), zero+6)
			}
			p.segment(dark, 0.7, a.frame.x0, zero, a.frame.x1, zero)
		}})
	}
	return s, nil
}

// barLook is a series' colour; the eighth and later ones repeat it paler.
func barLook(i int) look {
	l := lookOf(i)
	l.color = blend(l.color, white, 0.4*float64(min(2, i/len(hues))))
	return l
}

// barWhisker draws the interval of a bar.
func barWhisker(p *painter, a area, q Point, x, cap vg.Length) {
	if q.YLo == nil || q.YHi == nil {
		return
	}
	lo, hi := a.y(*q.YLo), a.y(*q.YHi)
	p.segment(black, 0.9, x, lo, x, hi)
	p.segment(black, 0.9, x-cap, lo, x+cap, lo)
	p.segment(black, 0.9, x-cap, hi, x+cap, hi)
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
	c.yAxis.min, c.yAxis.max = lo, hi
	if hi > 0 {
		c.yAxis.max = hi + 0.06*(hi-lo)
	}
	if lo < 0 {
		c.yAxis.min = lo - 0.06*(hi-lo)
	}
}
