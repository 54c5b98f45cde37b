package report

import (
	"fmt"
	"math"
	"strings"

	"prabench/metrics/quantity"
	"prabench/plots"
)

// lossName is what the training curves show.
var lossName = quantity.TrainLoss.Name

// mostPoints is how many points of a curve are drawn.
const mostPoints = 160

// curves is the chart of training losses; nil when there are none.
func (e *experiment) curves() *chart {
	type drawn struct {
		at     int
		points []plots.Point
		last   float64
		step   int
	}
	var all []drawn
	var xs, ys []float64
	cut, by := 0, 1
	for i, cell := range e.Data.Cells {
		d := drawn{at: i}
		for _, p := range cell.Curve {
			v, ok := p.Values[lossName]
			if !ok {
				continue
			}
			if math.IsNaN(v) || math.IsInf(v, 0) {
				cut++
				continue
			}
			d.points = append(d.points, plots.Point{X: float64(p.Step), Y: v})
			d.last, d.step = v, p.Step
		}
		if len(d.points) == 0 {
			continue
		}
		var each int
		d.points, each = plots.Thin(d.points, mostPoints)
		by = max(by, each)
		for _, p := range d.points {
			xs, ys = append(xs, p.X), append(ys, p.Y)
		}
		all = append(all, d)
	}
	if len(all) == 0 {
		return nil
	}
	least, most := ys[0], ys[0]
	for _, v := range ys {
		least, most = min(least, v), max(most, v)
	}
	log := least > 0 && most > least
	c := &chart{ID: e.ID + "-curves", Title: "Training loss over steps", XLabel: "training step", YLabel: plots.Describe(lossName).Label}
	if log {
		c.YLabel += " (log scale)"
	}
	x, y := axes(append(xs, 0), ys, false, log)
	c.X, c.Y = ticks(x, 6), ticks(y, 5)
	s := e.series(e.Pareto.Series)
	for _, d := range all {
		var b strings.Builder
		for i, p := range d.points {
			if i > 0 {
				b.WriteByte(' ')
			}
			fmt.Fprintf(&b, "%g,%g", x.At(p.X), y.At(p.Y))
		}
		class, _, dash := look(s.of[d.at])
		r := e.points.Rows[d.at]
		c.Lines = append(c.Lines, line{Row: r.ID, Find: r.Find, Class: class, Dash: dash, Points: b.String(),
			Tip: fmt.Sprintf("%s\nloss %.4g after step %d", r.Name, d.last, d.step)})
	}
	c.Legend = s.legend()
	for i := range c.Legend {
		c.Legend[i].Shape = ""
	}
	if e.severalSeeds() {
		c.Caption = append(c.Caption, "The first seed of each point.")
	}
	if by > 1 {
		c.Caption = append(c.Caption, fmt.Sprintf("Each point is the mean of up to %d logged values.", by))
	}
	if cut > 0 {
		c.Caption = append(c.Caption, fmt.Sprintf("× %d logged values are not numbers and are left out.", cut))
	}
	return c
}
