package live

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"prabench/harness"
)

// The picture of the losses, in units of its own.
const (
	chartWidth, chartHeight                      = 640, 260
	chartLeft, chartRight, chartTop, chartBottom = 52, 12, 10, 34
	plotWidth                                    = chartWidth - chartLeft - chartRight
	plotHeight                                   = chartHeight - chartTop - chartBottom
	chartColours                                 = 6 // classes c0 … c5 of the style sheet
)

// chart is training losses over steps: what runs now, in colour, over what is
// finished, in grey.
type chart struct {
	Running  []line
	Finished []line
	X, Y     []tick
	Log      bool // the loss axis
}

// line is one curve as the page draws it.
type line struct {
	Label  string
	Class  string
	Points string // "x,y x,y …"
	Last   string // the newest loss
	Step   int64
	EndX   float64 // where it ends
	EndY   float64
}

type tick struct {
	At   float64
	Text string
}

// Box is the size of the picture, Inside the place of the axes.
func (*chart) Box() string { return fmt.Sprintf("0 0 %d %d", chartWidth, chartHeight) }

// Left, RightEnd, Top and BottomEnd bound the axes.
func (*chart) Left() int      { return chartLeft }
func (*chart) RightEnd() int  { return chartLeft + plotWidth }
func (*chart) Top() int       { return chartTop }
func (*chart) BottomEnd() int { return chartTop + plotHeight }

// newChart draws what trains now over finished trainings; nil when there is
// nothing to draw.
func newChart(marks []harness.Running, finished []curve) *chart {
	var now []curve
	for _, m := range marks {
		if c := (curve{Label: m.Label, Points: finite(m.Curve)}); len(c.Points) > 0 {
			now = append(now, c)
		}
	}
	slices.SortFunc(now, func(a, b curve) int { return strings.Compare(a.Label, b.Label) })
	var before []curve
	for _, c := range finished {
		if c.Points = finite(c.Points); len(c.Points) > 1 {
			before = append(before, c)
		}
	}
	all := append(slices.Clone(now), before...)
	if len(all) == 0 {
		return nil
	}
	lowest, highest, steps := math.Inf(1), math.Inf(-1), int64(1)
	for _, c := range all {
		for _, p := range c.Points {
			lowest, highest, steps = min(lowest, p.Loss), max(highest, p.Loss), max(steps, p.Step)
		}
	}
	c := &chart{Log: lowest > 0 && highest > lowest}
	scale := func(x float64) float64 { return x }
	if c.Log {
		scale = math.Log
	}
	bottom, top := scale(lowest), scale(highest)
	if room := (top - bottom) * 0.05; room > 0 {
		bottom, top = bottom-room, top+room
	} else {
		bottom, top = bottom-1, top+1
	}
	x := func(step int64) float64 { return round(chartLeft + float64(step)/float64(steps)*plotWidth) }
	y := func(loss float64) float64 { return round(chartTop + (top-scale(loss))/(top-bottom)*plotHeight) }
	draw := func(c curve, class string) line {
		var b strings.Builder
		for i, p := range c.Points {
			if i > 0 {
				b.WriteByte(' ')
			}
			fmt.Fprintf(&b, "%g,%g", x(p.Step), y(p.Loss))
		}
		end := c.Points[len(c.Points)-1]
		return line{Label: c.Label, Class: class, Points: b.String(), Last: strconv.FormatFloat(end.Loss, 'g', 4, 64), Step: end.Step, EndX: x(end.Step), EndY: y(end.Loss)}
	}
	for i, s := range now {
		c.Running = append(c.Running, draw(s, fmt.Sprintf("c%d", i%chartColours)))
	}
	for _, s := range before {
		c.Finished = append(c.Finished, draw(s, "before"))
	}
	for _, step := range linearTicks(0, float64(steps), 5) {
		c.X = append(c.X, tick{x(int64(step)), strconv.FormatFloat(step, 'f', -1, 64)})
	}
	ticks := linearTicks(lowest, highest, 4)
	if c.Log {
		ticks = logTicks(lowest, highest)
	}
	for _, loss := range ticks {
		c.Y = append(c.Y, tick{y(loss), strconv.FormatFloat(loss, 'g', 3, 64)})
	}
	return c
}

func round(x float64) float64 { return math.Round(x*10) / 10 }

// finite leaves out what cannot be drawn.
func finite(points []harness.LossPoint) []harness.LossPoint {
	var out []harness.LossPoint
	for _, p := range points {
		if !math.IsNaN(p.Loss) && !math.IsInf(p.Loss, 0) && p.Step >= 0 {
			out = append(out, p)
		}
	}
	return out
}

// linearTicks are round numbers between two others, about n of them.
func linearTicks(from, to float64, n int) []float64 {
	if !(to > from) {
		return []float64{from}
	}
	raw := (to - from) / float64(n)
	size := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, m := range []float64{1, 2, 5, 10} {
		if size*m >= raw {
			size *= m
			break
		}
	}
	var out []float64
	first := math.Ceil(from/size-1e-9) + 0 // no negative zero
	for i := first; i*size <= to*(1+1e-9); i++ {
		out = append(out, i*size)
	}
	return out
}

// logTicks are 1, 2 and 5 times powers of ten between two positive numbers, or
// powers alone when there would be many; where there would be fewer than two,
// linear ones.
func logTicks(from, to float64) []float64 {
	collect := func(factors ...float64) (out []float64) {
		for e := math.Floor(math.Log10(from)); e <= math.Ceil(math.Log10(to)); e++ {
			for _, f := range factors {
				if x := f * math.Pow(10, e); x >= from && x <= to {
					out = append(out, x)
				}
			}
		}
		return out
	}
	ticks := collect(1, 2, 5)
	switch {
	case len(ticks) > 6:
		ticks = collect(1)
	case len(ticks) < 2:
		ticks = linearTicks(from, to, 4)
	}
	return ticks
}
