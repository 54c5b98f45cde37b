package plots

import (
	"fmt"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg/recorder"

	"prabench/plots/figure"
	"prabench/plots/layout"
	"prabench/results/view"
)

// halved is six recipes at two stops, of which a search gave up four after the first.
func halved() Data {
	d := Data{Experiment: "halved"}
	for i := range 6 {
		for _, until := range []int64{100, 600} {
			c := CellData{Params: map[string]any{"train.lr": float64(i%3+1) / 1000, "train.batch": int64(8 << (i / 3)), "train.until": until},
				Outcome: "ok", Seeds: 1, IDs: []string{fmt.Sprintf("%d-%d", i, until)}}
			if until == 600 && i > 1 {
				c.Dropped, c.Outcome, c.Reason = true, "blocked", "dropped by the search: fid_proxy 23.1 after 100 steps is 3 of 6, and 2 go on"
			} else {
				v := 20 + float64(i) - 0.01*float64(until)
				if until == 600 {
					v = 12 + float64(i)
				}
				c.Metrics = map[string]MetricValue{"fid_proxy": fid(v, 1), "throughput": measured(100+10*float64(i), 3, "images/s")}
				c.Grid = classes(2, 2, 8, 1, uint64(i))
				c.Curve = []CurvePoint{{1, map[string]float64{"train_loss": 2}}, {90, map[string]float64{"train_loss": 1}}}
				c.Steps = []StepLine{{Name: "block_error_free", Points: []Point{{X: 1, Y: 1}, {X: 2, Y: 3}}}}
				c.Response = &view.Response{Metric: "fid_proxy", Trials: []view.Trial{{Settings: map[string]any{"guidance": 0.5}}}}
			}
			d.Cells = append(d.Cells, c)
		}
	}
	return d
}

// What a search gave up is hollow in every kind that shows cells, and the note says how
// many; where nothing was given up, nothing is.
func TestDroppedCellsAreHollow(t *testing.T) {
	end := map[string]any{"train.until": 600}
	for _, fig := range []Figure{
		{Kind: figure.Pareto, X: "throughput", Y: "fid_proxy", Where: end},
		{Kind: figure.Line, X: "train.lr", Y: "fid_proxy", Series: "train.batch", Where: end},
		{Kind: figure.Bars, Y: "fid_proxy", Where: end},
		{Kind: figure.Heatmap, X: "train.lr", Y: "train.batch", Value: "fid_proxy", Where: end},
		{Kind: figure.Parallel, Axes: []string{"train.lr", "throughput", "fid_proxy"}, Where: end},
		{Kind: figure.Grid, Where: end},
		{Kind: figure.Curve, Where: end},
		{Kind: figure.Steps, Where: end},
		{Kind: figure.Responses, Where: end},
	} {
		t.Run(fig.Kind, func(t *testing.T) {
			data, whole := halved(), halved()
			for i := range whole.Cells { // the same pictures of cells that all went to the end
				if c := &whole.Cells[i]; c.Dropped {
					was := whole.Cells[i-1]
					was.Params, was.IDs = c.Params, c.IDs
					*c = was
				}
			}
			s, err := sheetOf(fig, data)
			if err != nil {
				t.Fatal(err)
			}
			const note = "Hollow: the last value of 4 of 6 cells that the search stopped there."
			if got := strings.Join(s.Notes, "\n"); !strings.Contains(got, note) || strings.Contains(got, "×") {
				t.Errorf("notes %q", got)
			}
			plain, err := sheetOf(fig, whole)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(plain.Notes, "\n"); strings.Contains(got, "Hollow") {
				t.Errorf("without a search: %q", got)
			}
			if fig.Kind == figure.Grid {
				return // named in its heading
			}
			if drawn, all := fills(s), fills(plain); drawn < all+4 {
				t.Errorf("%d filled shapes, %d without a search: want at least 4 more, white inside", drawn, all)
			}
		})
	}
	// Where the stop of the last value is shown, that one is hollow, and none in its place.
	s, err := sheetOf(Figure{Kind: figure.Line, X: "train.until", Y: "fid_proxy", Series: "train.lr", Facet: "train.batch"}, halved())
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(s.Notes, "\n"); !strings.Contains(got, "× 4 of 12 cells not drawn: dropped (4).") ||
		!strings.Contains(got, "Hollow: the last value of 4 of 12 cells") {
		t.Errorf("along training: %q", got)
	}
	md, _, err := Tables(Figure{Kind: figure.Table, Where: end}, halved())
	if err != nil || strings.Count(md, "*dropped*") < 4 || !strings.Contains(md, "4 of 6 cells lack values: dropped (4)") {
		t.Errorf("%v\n%s", err, md)
	}
	// The frontier is of cells that were trained to the end.
	c, _, err := newChart(Figure{Kind: figure.Pareto, X: "throughput", Y: "fid_proxy", Where: end}, halved())
	if err == nil {
		err = c.axes(false)
	}
	if err != nil || len(c.drawn) != 6 || len(solid(c.drawn)) != 2 {
		t.Errorf("%v: %d points, %d of them solid", err, len(c.drawn), len(solid(c.drawn)))
	}
}

func fills(s *layout.Sheet) (n int) {
	canvas := new(recorder.Canvas)
	s.Page().Paint(layout.NewPainter(canvas))
	for _, a := range canvas.Actions {
		if _, ok := a.(*recorder.Fill); ok {
			n++
		}
	}
	return n
}
