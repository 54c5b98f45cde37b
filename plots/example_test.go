package plots_test

import (
	"fmt"
	"strings"
	"testing"

	"gonum.org/v1/plot/cmpimg"

	"prabench/plots"
	"prabench/plots/figure"
)

// cell is a point of an experiment that sweeps two keys: a Fréchet distance over
// three training seeds, and a speed.
func cell(patch, depth int, distance, half, speed float64) plots.CellData {
	lo, hi := distance-half, distance+half
	slow, fast := 0.95*speed, 1.04*speed
	return plots.CellData{
		Params: map[string]any{"model.patch": patch, "train.rollout_depth": depth},
		Metrics: map[string]plots.MetricValue{
			"fid_proxy":  {Value: distance, Lo: &lo, Hi: &hi, Interval: "95 % over seeds", Protocol: "1c0b9a77e5d2"},
			"throughput": {Value: speed, Lo: &slow, Hi: &fast, Unit: "images/s", Interval: "95 % over seeds", Protocol: "batch=64"},
		},
		Seeds: 3,
	}
}

func tradeoff() plots.Data {
	return plots.Data{Experiment: "tradeoff", Cells: []plots.CellData{
		cell(14, 0, 31.2, 1.4, 620), cell(14, 1, 22.5, 0.9, 610), cell(14, 2, 21.9, 1.0, 605),
		cell(7, 0, 24.8, 1.2, 205), cell(7, 1, 15.1, 0.7, 203), cell(7, 2, 14.2, 0.6, 200),
		cell(4, 0, 19.7, 1.1, 71), cell(4, 1, 11.8, 0.5, 70),
		// A cell that failed is drawn as a cross and counted below the figure.
		{Params: map[string]any{"model.patch": 4, "train.rollout_depth": 2}, Outcome: "oom", Reason: "the worker passed its limit of 8 GiB"},
	}}
}

// A figure of quality against speed. What it draws is testdata/example_golden.png.
func ExampleDraw() {
	fig := figure.Figure{
		Kind: figure.Pareto, Name: "example", Title: "Quality against speed",
		X: "throughput", Y: "fid_proxy", Series: "train.rollout_depth",
	}
	files, err := plots.Draw(fig, tradeoff(), "testdata", []string{"png"})
	if err != nil {
		fmt.Println(err)
	}
	fmt.Println(files)
	// Output: [testdata/example.png]
}

func TestExampleDraw(t *testing.T) {
	cmpimg.CheckPlotApprox(ExampleDraw, t, 0.05, "example.png")
}

// Values carry their intervals and are rounded to them; what failed says why.
func ExampleTables() {
	fig := figure.Figure{
		Kind: figure.Table, Rows: []string{"train.rollout_depth"}, Columns: []string{"fid_proxy", "throughput"},
		Where: map[string]any{"model.patch": 4},
	}
	markdown, _, err := plots.Tables(fig, tradeoff())
	if err != nil {
		fmt.Println(err)
	}
	fmt.Print(markdown)
	// Output:
	// | rollout depth | FD (proxy) ↓ | throughput (images/s) ↑ |
	// | :-- | --: | --: |
	// | 0 | 19.7 ± 1.1 | **71.0** [67.5, 73.8] |
	// | 1 | **11.8** ± 0.5 | <u>70.0</u> [66.5, 72.8] |
	// | 2 | *oom* | *oom* |
	//
	// <sub>1 of 3 cells lack values: oom (1).</sub><br>
	// <sub>oom: the worker passed its limit of 8 GiB</sub><br>
	// <sub>Bold: best of its column. Underlined: not separated from it, the difference inside its 95 % interval (over pairs of seeds where both have them), corrected for the number of rows (Holm).</sub><br>
	// <sub>tradeoff · model.patch = 4 · 3 seeds · intervals: 95 % over seeds · protocol: 1c0b9a77e5d2 (fid\_proxy), batch=64 (throughput)</sub>
}

// Values that were measured under different protocols never share an axis.
func ExampleDraw_refused() {
	data := tradeoff()
	other := data.Cells[3].Metrics["fid_proxy"]
	other.Protocol = "77e5d21c0b9a"
	data.Cells[3].Metrics["fid_proxy"] = other
	fig := figure.Figure{Kind: figure.Line, Name: "distances", X: "model.patch", Y: "fid_proxy", Series: "train.rollout_depth"}
	_, err := plots.Draw(fig, data, "testdata", nil)
	fmt.Println(strings.ReplaceAll(err.Error(), "; ", ";\n"))
	// Output:
	// figure "distances": fid_proxy was measured in 2 different protocols, which never share an axis: 1c0b9a77e5d2 | 77e5d21c0b9a;
	// draw them apart with where, or measure again under one protocol
}
