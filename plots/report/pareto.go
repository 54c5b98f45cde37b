package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"prabench/internal/page"
	"prabench/metrics/quantity"
	"prabench/plots"
)

// The axes that are tried when nobody says which.
var (
	speeds    = []*quantity.Metric{quantity.Throughput, quantity.Latency, quantity.TrainThroughput, quantity.FLOPsImage, quantity.Params}
	qualities = []*quantity.Metric{quantity.FIDProxy, quantity.KID, quantity.ClassAccuracy, quantity.TrainLoss}
)

// paretos are charts of quality against speed: one for each pair of protocols,
// kinds of hardware and revisions, since values that differ in these never
// share an axis.
func (e *experiment) paretos() []*chart {
	x, y := e.Pareto.X, e.Pareto.Y
	if x == "" || y == "" {
		x, y = e.pair()
	}
	if x == "" {
		return nil
	}
	s := e.series(e.Pareto.Series)
	groups, order := map[circumstances][]int{}, []circumstances{}
	for i, c := range e.Data.Cells {
		mx, okX := c.Metrics[x]
		my, okY := c.Metrics[y]
		if !okX || !okY {
			continue
		}
		g := circumstances{mx.Protocol, my.Protocol, mx.Device, my.Device, mx.Code, my.Code}
		if groups[g] == nil {
			order = append(order, g)
		}
		groups[g] = append(groups[g], i)
	}
	var out []*chart
	for n, g := range order {
		c := e.pareto(x, y, s, groups[g])
		c.ID = fmt.Sprintf("%s-pareto%d", e.ID, n)
		if len(order) > 1 {
			c.Caption = append(c.Caption,
				fmt.Sprintf("Chart %d of %d: values of different protocols, hardware or revisions never share an axis. Here: %s.",
					n+1, len(order), g.apart(order, plots.Describe(x).Short, plots.Describe(y).Short)))
		}
		if n == 0 {
			c.Missing = e.missing(x, y)
		}
		out = append(out, c)
	}
	return out
}

// circumstances are the protocols, hardware and revisions of the values of both
// axes, in turns.
type circumstances [6]string

// apart says what tells these circumstances from others.
func (g circumstances) apart(all []circumstances, x, y string) string {
	var out []string
	for i, v := range g {
		if !slices.ContainsFunc(all, func(other circumstances) bool { return other[i] != v }) {
			continue
		}
		of := x
		if i%2 == 1 {
			of = y
		}
		switch i / 2 {
		case 0:
			out = append(out, of+" under protocol "+plots.ShortProtocol(v))
		case 1:
			out = append(out, of+" on "+v)
		case 2:
			out = append(out, of+" by revision "+v)
		}
	}
	return strings.Join(out, ", ")
}

// pair is the first pair of axes that some point has values on.
func (e *experiment) pair() (x, y string) {
	for _, y := range qualities {
		for _, x := range speeds {
			for _, c := range e.Data.Cells {
				_, okX := c.Metrics[x.Name]
				_, okY := c.Metrics[y.Name]
				if okX && okY {
					return x.Name, y.Name
				}
			}
		}
	}
	return "", ""
}

// missing lists the points that have no place in the chart, and why.
func (e *experiment) missing(x, y string) []string {
	var out []string
	for _, c := range e.Data.Cells {
		var lacks []string
		for _, m := range []string{x, y} {
			if _, ok := c.Metrics[m]; !ok {
				lacks = append(lacks, plots.Describe(m).Short)
			}
		}
		if len(lacks) == 0 {
			continue
		}
		why := "no " + strings.Join(lacks, ", no ")
		if c.Outcome != "" && c.Outcome != "ok" {
			why = c.Outcome
			if c.Reason != "" {
				why += ": " + c.Reason
			}
		}
		out = append(out, nameOf(c.Label, e.Name)+" ("+why+")")
	}
	return out
}

// scaled is a metric of some points as it is shown.
type scaled struct {
	metric, unit string
	factor       float64
	better       int
	log          bool
}

func (e *experiment) scaled(metric string, at []int, asked *bool) scaled {
	q := plots.Describe(metric)
	s := scaled{metric: metric, better: q.Better}
	largest, least := 0.0, math.Inf(1)
	stored := ""
	for _, i := range at {
		m := e.Data.Cells[i].Metrics[metric]
		stored = m.Unit
		largest, least = max(largest, math.Abs(m.Value)), min(least, m.Value)
	}
	s.factor, s.unit = plots.ShownUnit(metric, stored, largest)
	s.log = least > 0 && math.Log10(largest/least) > 1.5
	if asked != nil {
		s.log = *asked && least > 0
	}
	return s
}

// label is that of an axis.
func (s scaled) label() string {
	q := plots.Describe(s.metric)
	var in []string
	for _, w := range []string{s.unit, q.Direction()} {
		if w != "" {
			in = append(in, w)
		}
	}
	if s.log {
		in = append(in, "log scale")
	}
	if len(in) == 0 {
		return q.Label
	}
	return q.Label + " (" + strings.Join(in, ", ") + ")"
}

// say is a value with its interval in words.
func (s scaled) say(m plots.MetricValue) string {
	text, interval := shown(m.Value, m.Lo, m.Hi, s.factor)
	out := plots.Describe(s.metric).Short + " " + text
	if interval != "" {
		out += " " + strings.Replace(interval, "±", "± ", 1)
	}
	if s.unit != "" {
		out += " " + s.unit
	}
	return out
}

func (e *experiment) pareto(x, y string, s series, at []int) *chart {
	sx, sy := e.scaled(x, at, e.Pareto.LogX), e.scaled(y, at, e.Pareto.LogY)
	c := &chart{Title: plots.Describe(y).Label + " against " + plots.Describe(x).Label, XLabel: sx.label(), YLabel: sy.label()}
	var points []plots.Point
	var xs, ys []float64
	cut := 0 // intervals that reach to where a log axis has no place
	for _, i := range at {
		mx, my := e.Data.Cells[i].Metrics[x], e.Data.Cells[i].Metrics[y]
		points = append(points, plots.Point{X: mx.Value * sx.factor, Y: my.Value * sy.factor, N: i})
		xs, ys = append(xs, points[len(points)-1].X), append(ys, points[len(points)-1].Y)
		for _, of := range []struct {
			m   plots.MetricValue
			s   scaled
			all *[]float64
		}{{mx, sx, &xs}, {my, sy, &ys}} { // whole intervals are shown
			for _, end := range []*float64{of.m.Lo, of.m.Hi} {
				switch {
				case end == nil || math.IsNaN(*end) || math.IsInf(*end, 0):
				case of.s.log && *end <= 0:
					cut++
				default:
					*of.all = append(*of.all, *end*of.s.factor)
				}
			}
		}
	}
	if cut > 0 {
		c.Caption = append(c.Caption, fmt.Sprintf("%d intervals reach zero or below, where a log axis has no place: they are cut at the frame.",
			cut))
	}
	ax, ay := axes(xs, ys, sx.log, sy.log)
	c.X, c.Y = ticks(ax, 6), ticks(ay, 5)
	front := map[int]bool{}
	if sx.better != 0 && sy.better != 0 {
		stairs := plots.Frontier(points, sx.better, sy.better)
		for _, p := range stairs {
			front[p.N] = true
		}
		c.Stairs = staircase(stairs, ax, ay, sx.better, sy.better)
		c.Caption = append(c.Caption, "Dashed: the frontier, beyond which no point is better in both.")
	}
	slices.SortStableFunc(points, func(a, b plots.Point) int { // the order in which arrow keys visit them
		switch {
		case a.X < b.X:
			return -1
		case a.X > b.X:
			return 1
		}
		return 0
	})
	for _, p := range points {
		cell := e.Data.Cells[p.N]
		class, shape, _ := look(s.of[p.N])
		m := mark{Row: e.points.Rows[p.N].ID, Find: e.points.Rows[p.N].Find, X: ax.At(p.X), Y: ay.At(p.Y), Class: class, Shape: shape}
		m.XLo, m.XHi, m.HasX = whisker(cell.Metrics[x], sx, ax, chartLeft, chartWidth-chartRight)
		m.YLo, m.YHi, m.HasY = whisker(cell.Metrics[y], sy, ay, chartTop, chartHeight-chartBottom)
		tip := []string{nameOf(cell.Label, e.Name), sx.say(cell.Metrics[x]), sy.say(cell.Metrics[y])}
		if cell.Seeds == 1 {
			tip = append(tip, "1 seed")
		} else {
			tip = append(tip, fmt.Sprintf("%d seeds", cell.Seeds))
		}
		if front[p.N] {
			tip[len(tip)-1] += ", on the frontier"
		}
		m.Tip = strings.Join(tip, "\n")
		c.Marks = append(c.Marks, m)
	}
	c.Legend = s.legend()
	return c
}

// whisker is the ends of an interval, cut at the frame.
func whisker(m plots.MetricValue, s scaled, a page.Axis, from, to float64) (lo, hi float64, ok bool) {
	if m.Lo == nil || m.Hi == nil {
		return 0, 0, false
	}
	at := func(v float64) float64 {
		if s.log && v <= 0 {
			v = math.SmallestNonzeroFloat64
		}
		return min(to, max(from, a.At(v*s.factor)))
	}
	return at(*m.Lo), at(*m.Hi), true
}

// staircase joins the frontier along the border of what it dominates: between
// two points nothing was measured.
func staircase(front []plots.Point, ax, ay page.Axis, betterX, betterY int) string {
	if len(front) == 0 {
		return ""
	}
	left, right, top, bottom := float64(chartLeft), float64(chartWidth-chartRight), float64(chartTop), float64(chartHeight-chartBottom)
	worstY := bottom
	if betterY < 0 {
		worstY = top
	}
	var b strings.Builder
	to := func(x, y float64) {
		if b.Len() == 0 {
			fmt.Fprintf(&b, "M%g,%g", x, y)
		} else {
			fmt.Fprintf(&b, "L%g,%g", x, y)
		}
	}
	first, last := front[0], front[len(front)-1]
	if betterX > 0 {
		to(left, ay.At(first.Y))
	} else {
		to(ax.At(first.X), worstY)
	}
	for i, p := range front {
		to(ax.At(p.X), ay.At(p.Y))
		if i+1 == len(front) {
			break
		}
		if betterX > 0 {
			to(ax.At(p.X), ay.At(front[i+1].Y))
		} else {
			to(ax.At(front[i+1].X), ay.At(p.Y))
		}
	}
	if betterX > 0 {
		to(ax.At(last.X), worstY)
	} else {
		to(right, ay.At(last.Y))
	}
	return b.String()
}
