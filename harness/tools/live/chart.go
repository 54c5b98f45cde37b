package live

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"prabench/harness/engine"
	"prabench/internal/page"
)

// The picture of the losses, in units of its own.
const (
	chartWidth, chartHeight                      = 640, 260
	chartLeft, chartRight, chartTop, chartBottom = 52, 12, 10, 34
	plotWidth                                    = chartWidth - chartLeft - chartRight
	plotHeight                                   = chartHeight - chartTop - chartBottom
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
	Class  string // of its colour
	Dash   string // as SVG has it; "" is a whole line
	Mark   string // a path around 0,0, at its end and in the legend
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

// Curves differ in dash and mark as well as in colour, from each to the next, and all
// three come again together only after 60 of them.
var (
	lineDashes = []string{"", "7 4", "2 3", "10 3 2 3"}
	endMarks   = []string{"M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z", "M-3.6-3.6h7.2v7.2h-7.2z", "M0-4.8 4.4 3.4h-8.8z", "M0-5 5 0 0 5-5 0z",
		"M0 4.8-4.4-3.4h8.8z"}
)

// newChart draws what trains now over finished trainings; nil when there is
// nothing to draw.
func newChart(marks []engine.Running, finished []curve) *chart {
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
	x := page.NewAxis(0, float64(steps), 0, chartLeft, chartLeft+plotWidth, false)
	y := page.NewAxis(lowest, highest, 0.05, chartTop+plotHeight, chartTop, c.Log)
	draw := func(c curve, class string) line {
		var b strings.Builder
		for i, p := range c.Points {
			if i > 0 {
				b.WriteByte(' ')
			}
			fmt.Fprintf(&b, "%g,%g", x.At(float64(p.Step)), y.At(p.Loss))
		}
		end := c.Points[len(c.Points)-1]
		return line{Label: c.Label, Class: class, Points: b.String(), Last: strconv.FormatFloat(end.Loss, 'g', 4, 64), Step: end.Step,
			EndX: x.At(float64(end.Step)), EndY: y.At(end.Loss)}
	}
	for i, s := range now {
		l := draw(s, fmt.Sprintf("c%d", i%page.Colours))
		l.Dash, l.Mark = lineDashes[i%len(lineDashes)], endMarks[i%len(endMarks)]
		c.Running = append(c.Running, l)
	}
	for _, s := range before {
		c.Finished = append(c.Finished, draw(s, "before"))
	}
	for _, step := range x.Ticks(5) {
		c.X = append(c.X, tick{x.At(step), strconv.FormatFloat(step, 'f', -1, 64)})
	}
	for _, loss := range y.Ticks(4) {
		c.Y = append(c.Y, tick{y.At(loss), strconv.FormatFloat(loss, 'g', 3, 64)})
	}
	return c
}

// finite leaves out what cannot be drawn.
func finite(points []engine.LossPoint) []engine.LossPoint {
	var out []engine.LossPoint
	for _, p := range points {
		if !math.IsNaN(p.Loss) && !math.IsInf(p.Loss, 0) && p.Step >= 0 {
			out = append(out, p)
		}
	}
	return out
}
