package plots

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/recorder"
	"pgregory.net/rapid"

	"prabench/plots/figure"
	"prabench/plots/layout"
	"prabench/results/view"
)

// extremes are numbers that break axes: the largest and smallest, neighbours, zeros, and
// what is no number.
var extremes = []float64{1e300, -1e300, math.MaxFloat64, -math.MaxFloat64, 1e-300, 5e-324, -5e-324, 2e-310, 0, math.Copysign(0, -1), 1,
	math.Nextafter(1, 2), math.Nextafter(1e8, 0), 1e8, -3, 1e-5, 0.2, 12, 1e15, 123456789, math.Inf(1), math.Inf(-1), math.NaN()}

// extremeData gives every number that a figure draws an extreme value, with an interval of
// such.
func extremeData(d Data, draw func(what string) float64, interval func() bool) Data {
	ends := func() (lo, hi *float64) {
		if !interval() {
			return nil, nil
		}
		a, b := draw("end"), draw("end")
		return ptr(a), ptr(b)
	}
	d.Cells = slices.Clone(d.Cells)
	for i := range d.Cells {
		c := &d.Cells[i]
		own := map[string]MetricValue{}
		for _, name := range []string{"fid_proxy", "latency", "memory_peak", "precision", "throughput"} { // in one order
			m, ok := c.Metrics[name]
			if !ok {
				continue
			}
			m.Value = draw(name)
			m.Lo, m.Hi = ends()
			m.Values = slices.Clone(m.Values)
			for j := range m.Values {
				m.Values[j] = draw("of a seed")
			}
			own[name] = m
		}
		c.Metrics = own
		c.Curve = slices.Clone(c.Curve[:min(12, len(c.Curve))])
		for j := range c.Curve {
			c.Curve[j].Values = map[string]float64{"train_loss": draw("loss")}
		}
		c.Steps = slices.Clone(c.Steps)
		for j := range c.Steps {
			c.Steps[j].Points = slices.Clone(c.Steps[j].Points[:6])
			for k := range c.Steps[j].Points {
				q := &c.Steps[j].Points[k]
				q.Y = draw("step")
				q.YLo, q.YHi = ends()
			}
		}
		if c.Response != nil {
			r := view.Response{Metric: "fid_proxy", Chosen: c.Response.Chosen}
			for _, trial := range c.Response.Trials {
				trial.Score.Value, trial.Score.Lo, trial.Score.Hi = draw("trial"), draw("end"), draw("end")
				r.Trials = append(r.Trials, trial)
			}
			c.Response = &r
		}
	}
	return d
}

// kindsOfNumbers is a figure of each kind that draws numbers, with data for it.
func kindsOfNumbers() map[string]struct {
	fig  Figure
	data func() Data
} {
	return map[string]struct {
		fig  Figure
		data func() Data
	}{
		figure.Pareto:     {Figure{Kind: figure.Pareto, X: "throughput", Y: "fid_proxy", Series: "block"}, tradeoff},
		figure.Line:       {Figure{Kind: figure.Line, X: "latency", Y: "memory_peak", Series: "patch", Fit: true}, tradeoff},
		figure.Heatmap:    {Figure{Kind: figure.Heatmap, X: "patch", Y: "block", Facet: "rollout_depth", Value: "memory_peak"}, tradeoff},
		figure.Bars:       {Figure{Kind: figure.Bars, Y: "fid_proxy"}, methods},
		figure.Parallel:   {Figure{Kind: figure.Parallel, Axes: []string{"patch", "latency", "fid_proxy"}, Value: "throughput"}, tradeoff},
		figure.Curve:      {Figure{Kind: figure.Curve, Look: figure.Look{Smooth: 3}}, methods},
		figure.Steps:      {Figure{Kind: figure.Steps}, withSteps},
		figure.Responses:  {Figure{Kind: figure.Responses}, responses},
		figure.Noise:      {Figure{Kind: figure.Noise, Y: "fid_proxy"}, lottery},
		figure.Importance: {Figure{Kind: figure.Importance, Y: "fid_proxy"}, repeated},
		figure.Table:      {Figure{Kind: figure.Table, Columns: []string{"fid_proxy", "precision"}}, methods},
	}
}

// whole holds that a picture is made of numbers, inside its page, with few ticks that can
// be told apart.
func whole(t interface{ Errorf(string, ...any) }, s *layout.Sheet) {
	pg, canvas := s.Page(), new(recorder.Canvas)
	pg.Paint(layout.NewPainter(canvas))
	const room = 30 // marks and rotated text reach over the edge of what they stand for
	ok := func(v, most vg.Length) bool { return v >= -room && v <= most+room }
	for _, a := range canvas.Actions {
		var paths vg.Path
		switch a := a.(type) {
		case *recorder.Stroke:
			paths = a.Path
		case *recorder.Fill:
			paths = a.Path
		case *recorder.FillString:
			if len(a.String) > 400 {
				t.Errorf("a text of %d letters", len(a.String))
			}
		}
		for _, c := range paths {
			if !ok(c.Pos.X, pg.W) || !ok(c.Pos.Y, pg.H) {
				t.Errorf("a mark at %v on a page of %v × %v", c.Pos, pg.W, pg.H)
				return
			}
		}
	}
	for name, axis := range map[string]*layout.Axis{"x": s.X, "y": s.Y} {
		if axis == nil || axis.Categorical() {
			continue
		}
		labels := axis.TickLabels()
		seen := map[string]bool{}
		for _, l := range labels {
			if seen[l] || len(l) > 24 || strings.ContainsAny(l, "NI") {
				t.Errorf("the %s axis from %g to %g has the ticks %q", name, axis.Min, axis.Max, labels)
				break
			}
			seen[l] = true
		}
		if len(labels) < 1 || len(labels) > 40 {
			t.Errorf("the %s axis from %g to %g has %d labels", name, axis.Min, axis.Max, len(labels))
		}
	}
}

// Whatever numbers there are, each kind draws a picture of numbers or says why it cannot.
func TestAnyNumberIsDrawnOrNamed(t *testing.T) {
	if testing.Short() {
		t.Skip("draws a thousand figures")
	}
	scales := []*bool{nil, new(bool), new(bool)}
	*scales[2] = true
	kinds := kindsOfNumbers()
	for _, kind := range figure.KindNames() {
		k, numbers := kinds[kind]
		if !numbers {
			continue
		}
		t.Run(kind, func(t *testing.T) {
			drawn, plain := 0, k.data()
			rapid.Check(t, func(t *rapid.T) {
				pool := rapid.SliceOfN(rapid.SampledFrom(extremes), 1, 6).Draw(t, "values")
				data := extremeData(plain, func(what string) float64 { return rapid.SampledFrom(pool).Draw(t, what) },
					func() bool { return rapid.Bool().Draw(t, "interval") })
				fig := k.fig
				if kk, _ := figure.Of(kind); true {
					if _, has := kk.Field("log_y"); has {
						fig.LogY = rapid.SampledFrom(scales).Draw(t, "log_y")
					}
					if _, has := kk.Field("log_x"); has && kind != figure.Curve {
						fig.LogX = rapid.SampledFrom(scales).Draw(t, "log_x")
					}
				}
				if fig.Text() {
					md, _, err := Tables(fig, data)
					if err != nil || strings.Contains(md, "NaN") || strings.Contains(md, "Inf") {
						t.Errorf("%v\n%s", err, md)
					}
					for _, line := range strings.Split(md, "\n") {
						if len(line) > 300 && !strings.HasPrefix(line, "<sub>") {
							t.Errorf("a row of %d letters: %s", len(line), line)
						}
					}
					drawn++
					return
				}
				s, err := sheetOf(fig, data)
				if err != nil {
					if !strings.Contains(err.Error(), ":") || strings.Contains(err.Error(), "%!") {
						t.Errorf("%v", err)
					}
					return
				}
				drawn++
				whole(t, s)
			})
			if drawn == 0 {
				t.Error("nothing was drawn")
			}
		})
	}
	for _, kind := range figure.KindNames() {
		if _, has := kinds[kind]; !has && kind != figure.Grid {
			t.Errorf("%s is not tried", kind)
		}
	}
}

// Intervals that reach beyond an axis are cut without an end mark, and counted.
func TestCutIntervalsAreCounted(t *testing.T) {
	yes := true
	d := sweep(5, 1, func(i int) float64 { return float64(i + 1) })
	for i, ends := range [][2]float64{{-2, 5}, {0.5, 4}, {0, 9}, {2, math.Inf(1)}, {4, 6}} {
		m := d.Cells[i].Metrics["fid_proxy"]
		m.Lo, m.Hi = ptr(ends[0]), ptr(ends[1])
		d.Cells[i].Metrics["fid_proxy"] = m
	}
	for _, c := range []struct {
		fig  Figure
		want string
	}{
		{Figure{Kind: figure.Line, X: "train.steps", Y: "fid_proxy", LogY: &yes},
			"Intervals of 2 of 5 points extend beyond the axes (zero has no place on a log axis)"},
		{Figure{Kind: figure.Line, X: "train.steps", Y: "fid_proxy", Look: figure.Look{YRange: []float64{0, 8}}},
			"Intervals of 2 of 5 points extend beyond the axes"},
		{Figure{Kind: figure.Bars, X: "train.steps", Y: "fid_proxy"}, "1 ends of intervals are not numbers"},
	} {
		s, err := sheetOf(c.fig, d)
		if err != nil {
			t.Fatal(err)
		}
		if notes := strings.Join(s.Notes, "\n"); !strings.Contains(notes, c.want) {
			t.Errorf("%s: notes %q, want %q", c.fig.Kind, notes, c.want)
		}
		whole(t, s)
	}
}

// The shares of a history of any values.
func TestHistoryOfAnyNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := HistoryFigure{Name: "h", Metric: "throughput", Revisions: []string{"a", "b", "c"}}
		for range 2 {
			c := HistoryCell{Label: "cell"}
			for r := range 3 {
				v := rapid.SampledFrom(extremes).Draw(t, "value")
				c.Points = append(c.Points, HistoryPoint{Revision: r, Value: v, Lo: ptr(v), Hi: ptr(v)})
			}
			h.Cells = append(h.Cells, c)
		}
		pg, err := h.page()
		if err != nil {
			return
		}
		canvas := new(recorder.Canvas)
		pg.Paint(layout.NewPainter(canvas))
		for _, a := range canvas.Actions {
			if s, ok := a.(*recorder.Stroke); ok {
				for _, c := range s.Path {
					if math.IsNaN(float64(c.Pos.Y)) || math.Abs(float64(c.Pos.Y)) > 1e4 {
						t.Fatalf("%v of %v", c.Pos, fmt.Sprint(h.Cells))
					}
				}
			}
		}
	})
}
