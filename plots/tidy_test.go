package plots

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg/recorder"
	"pgregory.net/rapid"

	"prabench/plots/figure"
	"prabench/plots/layout"
)

// tidy paints a figure on paper that keeps notes and checks what a reader's eye
// would: no text on text, none off the page, none on the data but the labels and
// values that belong there.
func tidy(t interface {
	Helper()
	Errorf(string, ...any)
	Fatalf(string, ...any)
}, fig Figure, data Data) {
	t.Helper()
	g, err := pageOf(fig, data)
	if err != nil {
		t.Fatalf("%v", err)
	}
	p := layout.NewPainter(new(recorder.Canvas))
	g.Paint(p)
	paper := layout.Rect{X0: 0, Y0: 0, X1: g.W, Y1: g.H}
	for i, a := range p.Texts {
		if !paper.Holds(a.Box) {
			t.Errorf("%q lies off the page: %v not in %v", a.Text, a.Box, paper)
		}
		for _, b := range p.Texts[:i] {
			if a.Box.Grow(-0.3).Meets(b.Box.Grow(-0.3)) {
				t.Errorf("%q and %q overlap: %v, %v", a.Text, b.Text, a.Box, b.Box)
			}
		}
		for _, f := range p.Frames {
			if fig.Kind != figure.Heatmap && fig.Kind != figure.Grid && fig.Kind != figure.Pareto && fig.Kind != figure.Parallel &&
				fig.Labels == nil && a.Text != "≥" && a.Box.Meets(f) { // of an open mark
				t.Errorf("%q lies on the data", a.Text)
			}
			if a.Box.Meets(f) && !f.Holds(a.Box) && fig.Kind != figure.Grid {
				t.Errorf("%q crosses the border of the data", a.Text)
			}
		}
	}
	for i, a := range p.Frames {
		for _, b := range p.Frames[:i] {
			if a.Meets(b) {
				t.Errorf("panels overlap: %v %v", a, b)
			}
		}
	}
}

func pageOf(fig Figure, data Data) (*layout.Page, error) {
	s, err := sheetOf(fig, data)
	if err != nil {
		return nil, err
	}
	return s.Page(), nil
}

func TestGoldensAreTidy(t *testing.T) {
	for _, g := range goldens {
		t.Run(g.name, func(t *testing.T) { tidy(t, g.fig, g.data()) })
	}
}

// Figures of one column and of two are tidy as well.
func TestPrintedWidthsAreTidy(t *testing.T) {
	for _, g := range goldens {
		for _, inches := range []float64{2.5, 3.25, 6.75} {
			t.Run(fmt.Sprint(g.name, " ", inches), func(t *testing.T) {
				fig := g.fig
				fig.Width = inches
				tidy(t, fig, g.data())
				pg, err := pageOf(fig, g.data())
				if err != nil {
					t.Fatal(err)
				}
				if w := pg.W.Points() * pg.Scale(); math.Abs(w-72*inches) > 0.01 {
					t.Errorf("printed %g pt wide, want %g", w, 72*inches)
				}
			})
		}
	}
}

// long gives every name in the data the length of a paragraph.
func long(d Data) Data {
	for i := range d.Cells {
		c := &d.Cells[i]
		c.Label = fmt.Sprintf("a method whose label somebody wrote as half a sentence, %d, "+
			"with_a_very_long_identifier_that_has_no_space_in_it_at_all=%d", i, i)
		if v, ok := c.Params["variant"]; ok {
			c.Params["variant"] = fmt.Sprintf("%v of the method whose label somebody wrote as half a sentence without a thought", v)
		}
	}
	d.Experiment = strings.Repeat("an-experiment-with-a-long-name ", 9)
	return d
}

func TestExtremes(t *testing.T) {
	exp := func(i int) float64 { return math.Exp(float64(i%12)) / 3 }
	yes := true
	for name, c := range map[string]struct {
		fig  Figure
		data Data
	}{
		"one point":       {Figure{Kind: figure.Pareto, X: "throughput", Y: "fid_proxy"}, sweep(1, 1, exp)},
		"one point, line": {Figure{Kind: figure.Line, X: "train.steps", Y: "fid_proxy"}, sweep(1, 1, exp)},
		"one point, log":  {Figure{Kind: figure.Line, X: "train.steps", Y: "fid_proxy", LogX: &yes, LogY: &yes}, sweep(1, 1, exp)},
		"one bar":         {Figure{Kind: figure.Bars, Y: "fid_proxy"}, sweep(1, 1, exp)},
		"one tile":        {Figure{Kind: figure.Heatmap, X: "train.steps", Y: "variant", Value: "fid_proxy"}, sweep(1, 1, exp)},
		"40 points":       {Figure{Kind: figure.Pareto, X: "throughput", Y: "fid_proxy", Series: "variant"}, sweep(40, 12, exp)},
		"40 bars":         {Figure{Kind: figure.Bars, X: "train.steps", Y: "fid_proxy", Series: "variant"}, sweep(40, 12, exp)},
		"40 named bars":   {Figure{Kind: figure.Bars, Y: "fid_proxy"}, long(sweep(40, 12, exp))},
		"120 named bars":  {Figure{Kind: figure.Bars, Y: "fid_proxy"}, long(sweep(120, 12, exp))},
		"long legend":     {Figure{Kind: figure.Line, X: "train.steps", Y: "fid_proxy", Series: "variant"}, long(sweep(40, 12, exp))},
		"long headings":   {Figure{Kind: figure.Line, X: "train.steps", Y: "fid_proxy", Facet: "variant"}, long(sweep(40, 12, exp))},
		"long rows":       {Figure{Kind: figure.Heatmap, X: "variant", Y: "train.steps", Value: "fid_proxy"}, long(sweep(48, 12, exp))},
		"long columns":    {Figure{Kind: figure.Heatmap, Y: "variant", X: "train.steps", Value: "fid_proxy"}, long(sweep(48, 12, exp))},
		"long curves":     {Figure{Kind: figure.Curve, Y: "flow_loss"}, long(methods())},
		"long sheets":     {Figure{Kind: figure.Grid}, long(methods())},
		"long labels":     {Figure{Kind: figure.Pareto, X: "precision", Y: "fid_proxy"}, long(methods())},
		"long title": {Figure{Kind: figure.Line, X: "train.steps", Y: "fid_proxy", Series: "variant",
			Title: strings.Repeat("a title of many words ", 20)}, sweep(12, 3, exp)},
		"long parallels": {Figure{Kind: figure.Parallel, Axes: []string{"variant", "fid_proxy", "throughput"}, Series: "variant"},
			long(sweep(40, 12, exp))},
		"many parallels": {Figure{Kind: figure.Parallel, Axes: strings.Fields(strings.Repeat("train.steps fid_proxy variant throughput ", 3)),
			Width: 6.75}, long(sweep(40, 12, exp))},
		"parallel panels": {Figure{Kind: figure.Parallel, Axes: []string{"train.steps", "fid_proxy", "throughput"}, Facet: "variant",
			Value: "fid_proxy"}, broken(sweep(24, 3, exp), 3)},
		"one parallel": {Figure{Kind: figure.Parallel, Axes: []string{"train.steps", "fid_proxy"}}, sweep(1, 1, exp)},
		"equal parallels": {Figure{Kind: figure.Parallel, Axes: []string{"train.steps", "fid_proxy"}, Value: "fid_proxy"},
			sweep(5, 1, func(int) float64 { return 0 })},
		"many panels":  {Figure{Kind: figure.Pareto, X: "throughput", Y: "fid_proxy", Facet: "train.steps"}, sweep(40, 4, exp)},
		"equal values": {Figure{Kind: figure.Line, X: "train.steps", Y: "fid_proxy"}, sweep(5, 1, func(int) float64 { return 7 })},
		"one rounding apart": {Figure{Kind: figure.Line, X: "train.steps", Y: "fid_proxy"},
			sweep(2, 1, func(i int) float64 { return math.Nextafter(1e8, float64(i)*1e9) })},
		"all zero": {Figure{Kind: figure.Bars, X: "train.steps", Y: "fid_proxy"}, sweep(5, 1, func(int) float64 { return 0 })},
		"equal tiles": {Figure{Kind: figure.Heatmap, X: "train.steps", Y: "variant", Value: "fid_proxy"},
			sweep(6, 2, func(int) float64 { return 0 })},
		"negative": {Figure{Kind: figure.Bars, X: "train.steps", Y: "fid_proxy"},
			sweep(5, 1, func(i int) float64 { return float64(i) - 2 })},
		"twelve decades": {Figure{Kind: figure.Line, X: "train.steps", Y: "fid_proxy"},
			sweep(13, 1, func(i int) float64 { return math.Pow(10, float64(i-6)) })},
		"tiny": {Figure{Kind: figure.Line, X: "train.steps", Y: "fid_proxy"},
			sweep(4, 1, func(i int) float64 { return 1e-9 * float64(i+1) })},
		"huge": {Figure{Kind: figure.Line, X: "train.steps", Y: "fid_proxy"},
			sweep(4, 1, func(i int) float64 { return 1e12 + 3e11*float64(i) })},
		"zero on log": {Figure{Kind: figure.Line, X: "train.steps", Y: "fid_proxy", LogY: &yes},
			sweep(5, 1, func(i int) float64 { return float64(i) - 1 })},
		"not a number": {Figure{Kind: figure.Pareto, X: "throughput", Y: "fid_proxy", Series: "variant"},
			sweep(24, 6, func(i int) float64 { return []float64{1, math.NaN(), math.Inf(1)}[i%3] })},
		"mostly failed": {Figure{Kind: figure.Pareto, X: "throughput", Y: "fid_proxy", Series: "variant", Facet: "train.steps"},
			broken(sweep(40, 8, exp), 7)},
		"nearly all crossed": {Figure{Kind: figure.Line, X: "train.steps", Y: "fid_proxy", Series: "variant"}, broken(sweep(48, 12, exp), 40)},
	} {
		t.Run(name, func(t *testing.T) {
			tidy(t, c.fig, c.data)
			if _, err := Draw(c.fig, c.data, t.TempDir(), []string{"pdf"}); err != nil {
				t.Error(err)
			}
		})
	}
}

// broken leaves the values of one cell in n.
func broken(d Data, n int) Data {
	for i := range d.Cells {
		if i%n != 0 {
			d.Cells[i].Metrics, d.Cells[i].Outcome = nil, []string{"oom", "crash", "timeout"}[i%3]
		}
	}
	return d
}

// TestTidyForAnyData draws whatever values, names and failures there may be.
func TestTidyForAnyData(t *testing.T) {
	if testing.Short() {
		t.Skip("draws a hundred figures")
	}
	rapid.Check(t, func(t *rapid.T) {
		n, s := rapid.IntRange(1, 30).Draw(t, "cells"), rapid.IntRange(1, 9).Draw(t, "series")
		scale := math.Pow(10, float64(rapid.IntRange(-8, 8).Draw(t, "scale")))
		spread := rapid.Float64Range(0, 6).Draw(t, "spread")
		d := sweep(n, s, func(i int) float64 { return scale * math.Pow(10, spread*float64(i*7%n)/float64(n)) })
		words := rapid.StringOfN(rapid.RuneFrom([]rune("abcdefg -_/é≥λ世")), 0, 60, -1)
		for i := range d.Cells {
			d.Cells[i].Params["variant"] = words.Draw(t, "name") + fmt.Sprint(i%s)
			if i > 0 && rapid.IntRange(0, 3).Draw(t, "fails") == 0 {
				d.Cells[i].Metrics, d.Cells[i].Outcome = nil, "oom"
			}
		}
		kind := rapid.SampledFrom([]string{figure.Pareto, figure.Bars, figure.Heatmap}).Draw(t, "kind")
		fig := Figure{Kind: kind, X: "throughput", Y: "fid_proxy", Series: "variant"}
		if kind != figure.Pareto {
			for i := range d.Cells {
				d.Cells[i].Params["variant"] = fmt.Sprint(d.Cells[i].Params["variant"], i)
			}
			fig = Figure{Kind: kind, X: "variant", Y: "fid_proxy"}
		}
		if kind == figure.Heatmap {
			fig.Y, fig.Value = "train.steps", "fid_proxy"
		}
		tidy(t, fig, d)
	})
}

// An × for every cell that is not drawn, and a sentence that counts them.
func TestNothingIsSilentlyLeftOut(t *testing.T) {
	fig := Figure{Kind: figure.Pareto, X: "throughput", Y: "fid_proxy", Series: "variant"}
	d := broken(sweep(20, 4, func(i int) float64 { return float64(i + 1) }), 3)
	c, _, err := newChart(fig, d)
	if err != nil {
		t.Fatal(err)
	}
	if err := plotPareto(c); err != nil {
		t.Fatal(err)
	}
	if len(c.drawn)+len(c.crosses) != len(d.Cells) || len(c.crosses) != 13 {
		t.Errorf("%d points and %d crosses for %d cells", len(c.drawn), len(c.crosses), len(d.Cells))
	}
	if got, want := c.finish().Notes[0],
		"× 13 of 20 cells not drawn: crash (7), timeout (6). At the right end: 13 without throughput."; got != want {
		t.Errorf("note %q, want %q", got, want)
	}
}
