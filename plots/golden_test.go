package plots

import (
	"flag"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/plot/cmpimg"

	"prabench/plots/figure"
)

var update = flag.Bool("update", false, "write the golden files again")

func TestMain(m *testing.M) {
	flag.Parse()
	*cmpimg.GenerateTestData = *update
	code := m.Run()
	drawn, _ := filepath.Glob("testdata/example*.png") // by examples, which cannot clean up
	for _, f := range drawn {
		if !strings.HasSuffix(f, "_golden.png") {
			os.Remove(f)
		}
	}
	os.Exit(code)
}

// goldens are figures that a person has looked at. Draw them again with
// go test ./plots -run Golden -update, and look at them again.
var goldens = append([]golden{
	{"pareto", Figure{Kind: figure.Pareto, X: "throughput", Y: "fid_proxy", Series: "model.block", Title: "Quality against speed"}, tradeoff},
	{"pareto_facets", Figure{Kind: figure.Pareto, X: "throughput", Y: "fid_proxy", Series: "model.block", Facet: "model.patch"}, tradeoff},
	{"pareto_labels", Figure{Kind: figure.Pareto, X: "train_seconds", Y: "fid_proxy"}, methods},
	{"line", Figure{Kind: figure.Line, X: "train.rollout_depth", Y: "fid_proxy", Series: "model.block", Facet: "model.patch"}, tradeoff},
	{"line_names", Figure{Kind: figure.Line, X: "rollout_depth", Y: "latency", Series: "block", Where: map[string]any{"patch": 7}}, withExact},
	{"line_many", Figure{Kind: figure.Line, X: "train.steps", Y: "fid_proxy", Series: "variant"}, func() Data {
		return sweep(48, 12, func(i int) float64 { return 40*math.Exp(-float64(i/12)) + float64(i%12) + 3 })
	}},
	{"heatmap", Figure{Kind: figure.Heatmap, X: "model.patch", Y: "model.block", Value: "fid_proxy", Facet: "train.rollout_depth"}, tradeoff},
	{"heatmap_one", Figure{Kind: figure.Heatmap, X: "train.rollout_depth", Y: "model.patch", Value: "memory_peak", Title: "Memory",
		Where: map[string]any{"model.block": 1}}, tradeoff},
	{"line_fit", Figure{Kind: figure.Line, X: "train.steps", Y: "fid_proxy", Series: "variant", LogX: new(true), LogY: new(true), Fit: true},
		func() Data {
			return sweep(16, 2, func(i int) float64 { return (30 + 12*float64(i%2)) * math.Pow(float64(i/2+1), -0.4-0.3*float64(i%2)) })
		}},
	{"goal", Figure{Kind: figure.Line, X: "train.until", Y: "fid_proxy", Series: "state", Goal: 4}, overtaking},
	{"dropped", Figure{Kind: figure.Heatmap, X: "train.lr", Y: "train.batch", Value: "fid_proxy",
		Where: map[string]any{"train.until": 600}}, halved},
	{"dropped_along", Figure{Kind: figure.Line, X: "train.until", Y: "fid_proxy", Series: "train.lr", Where: map[string]any{"train.batch": 8}},
		halved},
	{"bars", Figure{Kind: figure.Bars, Y: "fid_proxy", Title: "Methods at equal steps"}, methods},
	{"bars_groups", Figure{Kind: figure.Bars, X: "model.patch", Y: "throughput", Series: "model.block",
		Where: map[string]any{"rollout_depth": []any{int64(1)}}}, func() Data {
		d := tradeoff()
		d.Cells[1].Metrics, d.Cells[1].Outcome = nil, "crash"
		return d
	}},
	{"parallel", Figure{Kind: figure.Parallel, Title: "What a cell costs and gives", Series: "model.patch",
		Axes: []string{"model.patch", "model.block", "train.rollout_depth", "memory_peak", "throughput", "fid_proxy"}}, withExact},
	{"parallel_colour", Figure{Kind: figure.Parallel, Value: "fid_proxy",
		Axes: []string{"patch", "block", "rollout_depth", "memory_peak", "latency", "fid_proxy"}}, withExact},
	{"grid", Figure{Kind: figure.Grid, Where: map[string]any{"label": "PRA"}}, methods},
	{"grid_cells", Figure{Kind: figure.Grid, GridCols: 6, GridRows: 6,
		Where: map[string]any{"label": []any{"x-prediction", "PRA", "exact rollout"}}}, func() Data {
		d := methods()
		d.Cells[4].Grid = classes(10, 8, 32, 3, 7)
		d.Cells[7].Grid, d.Cells[7].Outcome = nil, "timeout"
		return d
	}},
	{"grid_many", Figure{Kind: figure.Grid, GridCols: 4, GridRows: 3, Width: 6.75}, methods},
	{"steps", Figure{Kind: figure.Steps, Where: map[string]any{"label": []any{"x-prediction", "PRA", "exact rollout"}}}, withSteps},
	{"steps_ratio", Figure{Kind: figure.Steps, Y: "block_error_ratio", Width: 3.25,
		Where: map[string]any{"label": []any{"x-prediction", "PRA", "exact rollout"}}}, withSteps},
	{"response", Figure{Kind: figure.Responses, Where: map[string]any{"label": []any{"teacher forcing, velocity", "PRA", "exact rollout"}}},
		responses},
	{"noise", Figure{Kind: figure.Noise, Y: "fid_proxy"}, lottery},
	{"importance", Figure{Kind: figure.Importance, Y: "fid_proxy"}, repeated},
	{"curve", Figure{Kind: figure.Curve, Title: "Training"}, func() Data {
		d := methods()
		c := d.Cells[1].Curve
		for i := 150; i < len(c); i++ {
			c[i].Values["train_loss"] = math.NaN()
		}
		return d
	}},
}, looked()...)

type golden struct {
	name string
	fig  Figure
	data func() Data
}

// looked are figures for the keys of their looks, each named after its key.
func looked() (list []golden) {
	off, on := false, true
	nan := math.NaN()
	line := Figure{Kind: figure.Line, X: "train.rollout_depth", Y: "fid_proxy", Series: "model.block",
		Width: 3.25, Look: figure.Look{Height: 1.2},
		Where: map[string]any{"model.patch": 7}}
	for key, change := range map[string]func(*Figure){
		"height":    func(f *Figure) { f.Height = 2.2 },
		"x_range":   func(f *Figure) { f.XRange = []float64{0.5, 2.5} },
		"y_range":   func(f *Figure) { f.YRange = []float64{12, 17} },
		"x_label":   func(f *Figure) { f.XLabel = "depth of the rollout in training" },
		"y_label":   func(f *Figure) { f.YLabel = "distance (lower is better)" },
		"legend":    func(f *Figure) { f.Legend = figure.LegendNone },
		"font":      func(f *Figure) { f.Font = figure.FontSerif },
		"font_size": func(f *Figure) { f.FontSize = 11 },
		"footer":    func(f *Figure) { f.Footer = &off },
		"order":     func(f *Figure) { f.Order = []string{"4", "1"} },
		"names":     func(f *Figure) { f.Called = map[string]string{"1": "one token", "4": "four tokens"} },
		"labels":    func(f *Figure) { f.Labels = &on },
		"reference": func(f *Figure) {
			f.References = []figure.Reference{{X: nan, Y: 8.5, Label: "published, line"}, {X: 1.5, Y: nan, Label: "where it bends"},
				{X: 2, Y: 24, Label: "published, point"}}
		},
	} {
		g := golden{"look_" + key, line, tradeoff}
		change(&g.fig)
		list = append(list, g)
	}
	slices.SortFunc(list, func(a, b golden) int { return strings.Compare(a.name, b.name) })
	smooth := golden{"look_smooth", Figure{Kind: figure.Curve, Width: 3.25, Look: figure.Look{Height: 1.2}}, methods}
	smooth.fig.Smooth = 25
	band := golden{"look_band", Figure{Kind: figure.Curve, Width: 3.25, Series: "model.state", Look: figure.Look{Height: 1.4}}, seeded}
	band.fig.Band = figure.BandInterval
	return append(list, smooth, band)
}

// Every key of figures has a picture that a person has looked at; those of looks have one
// of their own.
func TestEveryKeyHasAPicture(t *testing.T) {
	for _, k := range figure.Kinds() {
		if k.Text {
			continue
		}
		for _, f := range append(figure.Common(), k.Fields...) {
			if f.Key != "name" && !slices.ContainsFunc(goldens, func(g golden) bool {
				fig := g.fig
				return !reflect.ValueOf(f.To(&fig)).Elem().IsZero()
			}) {
				t.Errorf("no picture has %s", f.Key)
			}
		}
	}
}

// Every key of a figure's looks has a picture.
func TestEveryLookHasAPicture(t *testing.T) {
	drawn := map[string]bool{}
	for _, g := range looked() {
		drawn[strings.TrimPrefix(g.name, "look_")] = true
	}
	for _, k := range figure.Kinds() {
		for _, f := range k.Looks() {
			if !drawn[f.Key] {
				t.Errorf("%s has the key %s, which no picture shows", k.Name, f.Key)
			}
		}
	}
}

func TestGolden(t *testing.T) {
	for _, g := range goldens {
		t.Run(g.name, func(t *testing.T) {
			cmpimg.CheckPlotApprox(func() {
				fig := g.fig
				fig.Name = g.name
				if _, err := Draw(fig, g.data(), "testdata", []string{"png"}); err != nil {
					t.Fatal(err)
				}
			}, t, 0.05, g.name+".png")
			os.Remove(filepath.Join("testdata", g.name+".png"))
		})
	}
}
