package report

import (
	"fmt"
	"strconv"

	"prabench/internal/page"
)

// chart is a picture that is drawn in the page, in units of its own.
type chart struct {
	ID, Title      string
	XLabel, YLabel string
	X, Y           []tick
	Stairs         string // the frontier, as a path
	Marks          []mark
	Lines          []line
	Legend         []key
	Caption        []string // sentences
	Missing        []string // what has no place here, and why
}

// The size of a chart, and the place of its axes.
const (
	chartWidth, chartHeight                      = 620, 400
	chartLeft, chartRight, chartTop, chartBottom = 66, 18, 34, 50
)

type tick struct {
	At   float64
	Text string
}

// mark is a point with its intervals. Tip is what its tooltip and a screen
// reader say, a line each.
type mark struct {
	Row, Find          string
	X, Y               float64
	Class, Shape       string
	XLo, XHi, YLo, YHi float64 // ends of the intervals; those of the point where there are none
	HasX, HasY         bool
	Tip                string
}

// line is one curve.
type line struct {
	Row, Find string
	Class     string
	Dash      string
	Points    string // "x,y x,y …"
	Tip       string
}

// key is an entry of a legend.
type key struct{ Name, Class, Shape, Dash string }

// Box is the size of the picture.
func (*chart) Box() string { return fmt.Sprintf("0 0 %d %d", chartWidth, chartHeight) }

// Left, RightEnd, Top and BottomEnd bound the axes.
func (*chart) Left() int      { return chartLeft }
func (*chart) RightEnd() int  { return chartWidth - chartRight }
func (*chart) Top() int       { return chartTop }
func (*chart) BottomEnd() int { return chartHeight - chartBottom }

// axes are those of a chart over some values.
func axes(xs, ys []float64, logX, logY bool) (x, y page.Axis) {
	span := func(v []float64) (low, high float64) {
		low, high = v[0], v[0]
		for _, f := range v {
			low, high = min(low, f), max(high, f)
		}
		return low, high
	}
	low, high := span(xs)
	x = page.NewAxis(low, high, 0.06, chartLeft, chartWidth-chartRight, logX)
	low, high = span(ys)
	return x, page.NewAxis(low, high, 0.06, chartHeight-chartBottom, chartTop, logY)
}

func ticks(a page.Axis, n int) []tick {
	var out []tick
	for _, v := range a.Ticks(n) {
		out = append(out, tick{a.At(v), tickText(v)})
	}
	return out
}

func tickText(v float64) string {
	if size := max(v, -v); size >= 1e6 || size > 0 && size < 1e-4 {
		return strconv.FormatFloat(v, 'g', 4, 64)
	}
	v, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'g', 6, 64), 64) // without the noise of sums
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// look is how one series is drawn: a colour and a second cue, a shape or a dash.
func look(i int) (class, shape, dash string) {
	return fmt.Sprintf("c%d", i%page.Colours), shapes[i%len(shapes)], dashes[i/page.Colours%len(dashes)]
}

// shapes are outlines around the origin: circle, square, triangle, diamond,
// triangle on its tip, plus, star.
var shapes = []string{
	"M-6,0a6,6 0 1,0 12,0a6,6 0 1,0 -12,0Z",
	"M-5.5,-5.5H5.5V5.5H-5.5Z",
	"M0,-7.5L6.8,5H-6.8Z",
	"M0,-7.6L7.6,0L0,7.6L-7.6,0Z",
	"M0,7.5L6.8,-5H-6.8Z",
	"M-2.3,-7H2.3V-2.3H7V2.3H2.3V7H-2.3V2.3H-7V-2.3H-2.3Z",
	"M0,-8L2.2,-2.8L7.8,-2.5L3.5,1.2L4.8,6.6L0,3.6L-4.8,6.6L-3.5,1.2L-7.8,-2.5L-2.2,-2.8Z",
}

var dashes = []string{"", "6 3", "2 2.5", "9 3 2 3"}
