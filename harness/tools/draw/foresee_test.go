package draw

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"prabench/experiments"
	"prabench/harness/engine"
	"prabench/plots/figure"
)

// sweep is a file of 2 × 2 points with three seeds, with everything that figures show.
const sweep = `name = "f"
repeats = 3
[data]
set = "shapes"
size = 8
[train]
steps = 4
[sample]
count = 64
[metrics]
samples = 64
exposure = 64
[tune]
metric = "fid_proxy"
[tune.grid]
guidance = [0, 0.5]
[sweep]
"model.patch" = [2, 4]
"train.rollout_depth" = [0, 1]
`

// planned reads a file as plan and run do, with its text changed.
func planned(t *testing.T, text string, o engine.LoadOptions) (files []string, ls []engine.Loaded, with engine.LoadOptions) {
	t.Helper()
	o.Read = func(path string, opts experiments.Options) (*experiments.Experiment, error) {
		return experiments.Parse("f.toml", []byte(text), opts)
	}
	files = []string{"f.toml"}
	ls, err := engine.Load(files, o)
	if err != nil {
		t.Fatal(err)
	}
	return files, ls, o
}

// refusals are figures that no run of the sweep can draw, with what is said of them: for
// each kind everything that its plotter refuses and a plan can know.
var refusals = []struct{ kind, keys, want string }{
	{"pareto", `y = "seam_index"`, "none of the 4 cells has a value of seam_index"},
	{"pareto", `series = "model.block"
where = { "model.patch" = 14 }`, "where leaves none of the 4 cells: model.patch = 14 (there are 2, 4)"},
	{"pareto", `facet = "model.width"`, `facet: "model.width" is neither a metric`},
	{"pareto", `where = { "model.width" = 64 }`, `where: no cell has the key "model.width"`},
	{"pareto", `where = { seed = 2 }`, "shows means over all seeds"},
	{"pareto", `x_range = [-1, 5]
log_x = true`, "x_range: a log axis cannot begin at -1"},
	{"pareto", `reference = [{ x = -2, label = "paper" }]
log_x = true`, "reference: paper is not positive"},
	{"pareto", `reference = [{ y = 40, label = "paper" }]
y_range = [0, 30]`, "reference: paper lies outside of y_range"},
	{"pareto", `order = ["8"]
series = "patch"`, `order: no series, panel or name on an axis is "8"`},
	{"pareto", `names = { "16" = "large" }
series = "patch"`, `names: no series, panel or name on an axis is "16"`},
	{"line", `x = "model.width"`, `x: "model.width" is neither a metric`},
	{"line", `x = "patch"`, "differ in train.rollout_depth (0 and 1)"},
	{"line", `x = "label"
log_x = true`, "log_x: label has values that are no numbers"},
	{"line", `x = "rollout_depth"
series = "patch"
log_x = true
where = { "train.rollout_depth" = 0 }`, "log_x: no value of train.rollout_depth is positive"},
	{"line", `x = "label"
x_range = [0, 1]`, "x_range: the axis has names, no numbers"},
	{"line", `x = "label"
reference = [{ x = 1, label = "paper" }]`, "reference: paper: the axis has names, no numbers"},
	{"line", `x = "label"
goal = 3`, "goal: fid_proxy is no metric with a better end, or label no number"},
	{"heatmap", `x = "patch"
y = "model.width"`, `y: "model.width" is neither a metric`},
	{"heatmap", `x = "patch"
y = "patch"
where = { rollout_depth = 0 }`, "y: x and y are both model.patch"},
	{"heatmap", `x = "patch"
y = "block"`, "heatmap has one value at"},
	{"heatmap", `x = "patch"
y = "rollout_depth"
value = "vendi"`, "value: none of the 4 cells has a value of vendi"},
	{"bars", `log_y = true`, "log_y: bars start at zero"},
	{"bars", `x = "patch"`, "a bar has one value at"},
	{"bars", `y_range = [2, 5]`, "y_range: bars start at zero"},
	{"bars", `reference = [{ x = 1, label = "paper" }]`, "reference: the horizontal axis of bars has names"},
	{"parallel", `axes = ["patch", "vendi"]`, "axes: none of the 4 cells has a value of vendi"},
	{"parallel", `axes = ["patch", "fid_proxy"]
series = "patch"
value = "kid"`, "value: colour shows the series"},
	{"parallel", `axes = ["patch", "fid_proxy"]
value = "vendi"`, "value: none of the 4 cells has a value of vendi"},
	{"parallel", `axes = ["patch", "rollout_depth", "fid_proxy", "kid", "precision", "recall", "throughput", "latency", "memory_peak",
 "params", "nfe", "train_loss", "mfu"]`, "axes: 13 are named"},
	{"grid", `facet = "patch"`, "a grid has one value at model.patch = 2"},
	{"grid", `where = { seed = 9 }`, "where leaves none of the 12 cells: seed = 9"},
	{"curve", `facet = "model.width"`, `facet: "model.width" is neither`},
	{"curve", `where = { "train.until" = 2 }`, `where: no cell has the key "train.until"`},
	{"curve", `series = "patch"`, "a curve has one value at model.patch = 2"},
	{"steps", `series = "patch"`, "series: the lines of block_error are its controls"},
	{"steps", `y = "block_error_ratio"
series = "patch"`, "differ in train.rollout_depth"},
	{"response", `x = "flow_steps"`, "none of the 4 cells has a response to flow_steps"},
	{"noise", `log_y = true`, "log_y: bars start at zero"},
	{"noise", `y = "vendi"`, "y: none of the 4 cells has a value of vendi"},
	{"importance", `where = { patch = 2, rollout_depth = 0 }`, "no key takes two values"},
	{"importance", `y = "vendi"`, "y: none of the 4 cells has a value of vendi"},
	{"table", `rows = ["patch"]`, "a table has one value at model.patch = 2"},
	{"table", `rows = ["model.width"]`, `rows: "model.width" is neither`},
}

// Every figure that cannot be drawn is refused by its file, place and key before
// anything runs, and there is no kind of which nothing is refused.
func TestFiguresAreForeseen(t *testing.T) {
	var kinds []string
	for i, c := range refusals {
		t.Run(fmt.Sprintf("%s %d", c.kind, i), func(t *testing.T) {
			files, ls, o := planned(t, sweep+"[[figure]]\nname = \"one\"\nkind = \""+c.kind+"\"\n"+c.keys, engine.LoadOptions{})
			err := Foresee(files, ls, o, nil, func(text string) { t.Errorf("a warning: %s", text) })
			if err == nil {
				t.Fatal("it can be drawn")
			}
			if !engine.IsMistake(err) {
				t.Error("it is not the user's to mend")
			}
			for _, want := range []string{`f.toml:`, `figure "one" cannot be drawn`, c.want, "Nothing was started"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v\ndoes not say %q", err, want)
				}
			}
		})
		kinds = append(kinds, c.kind)
	}
	for _, k := range figure.KindNames() {
		if !slices.Contains(kinds, k) {
			t.Errorf("nothing is refused of a %s", k)
		}
	}
}

// What a plan cannot rule out is planned: each kind in its plainest form.
func TestFiguresThatCanBeDrawnArePlanned(t *testing.T) {
	plain := map[string]string{
		"line": "x = \"patch\"\nseries = \"rollout_depth\"", "heatmap": "x = \"patch\"\ny = \"rollout_depth\"",
		"parallel": "axes = [\"patch\", \"throughput\", \"fid_proxy\"]\nvalue = \"kid\"",
		"grid":     "where = { seed = 2 }", "curve": "y = \"grad_norm\"",
	}
	text := sweep
	for _, k := range figure.KindNames() {
		text += fmt.Sprintf("[[figure]]\nkind = %q\n%s\n", k, plain[k])
	}
	files, ls, o := planned(t, text, engine.LoadOptions{})
	if err := Foresee(files, ls, o, nil, func(text string) { t.Error(text) }); err != nil {
		t.Error(err)
	}
	for name, at := range map[string]string{ // what an axis has or lacks by the settings alone
		"rounds = 0": `none of the 4 cells has a value of throughput`, "rounds = 2": "",
	} {
		measured := strings.Replace(sweep, "[sweep]", "[measure]\n"+name+"\n[sweep]", 1)
		files, ls, o := planned(t, measured+"[[figure]]\nkind = \"pareto\"", engine.LoadOptions{})
		err := Foresee(files, ls, o, nil, func(text string) { t.Error(text) })
		if (err == nil) != (at == "") || err != nil && !strings.Contains(err.Error(), at) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A key that changes how a value is measured cannot be hidden on an axis, and a plan
// knows it.
func TestMixedProtocolsAreForeseen(t *testing.T) {
	for _, c := range []struct{ axis, figure, want string }{
		{`"measure.batch" = [1, 8]`, `kind = "pareto"`, "throughput was measured in 2 different protocols"},
		{`"measure.batch" = [1, 8]`, "kind = \"line\"\nx = \"measure.batch\"\ny = \"throughput\"\nfacet = \"label\"", ""},
		{`"sample.count" = [64, 128]`, "kind = \"bars\"\nseries = \"sample.count\"", "fid_proxy was measured in 2 different protocols"},
	} {
		files, ls, o := planned(t, sweep+c.axis+"\n[[figure]]\n"+c.figure, engine.LoadOptions{})
		err := Foresee(files, ls, o, nil, func(text string) { t.Error(text) })
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s, %s: %v, want %q", c.axis, c.figure, err, c.want)
		}
	}
}

// What only --set or --only takes away is a warning: the run goes on, and the figure is
// drawn of the whole file.
func TestNarrowedFiguresAreWarnedOf(t *testing.T) {
	const figures = "[[figure]]\nname = \"one\"\nkind = \"pareto\"\n"
	for _, o := range []engine.LoadOptions{
		{Set: []string{"measure.rounds=0"}}, {Set: []string{"model.patch=4", "train.rollout_depth=1", "measure.rounds=0"}},
	} {
		files, ls, o := planned(t, sweep+figures, o)
		var warned []string
		if err := Foresee(files, ls, o, nil, func(text string) { warned = append(warned, text) }); err != nil {
			t.Errorf("%v: %v", o.Set, err)
		}
		if len(warned) != 1 || !strings.Contains(warned[0], `f.toml:`) || !strings.Contains(warned[0], `figure "one"`) {
			t.Errorf("%v: warned of %q", o.Set, warned)
		}
	}
	// Cells that are left out, and have nothing yet.
	files, ls, o := planned(t, sweep+figures+"where = { patch = 2 }\n", engine.LoadOptions{Only: "model.patch=4"})
	p := engine.NewPlan(engine.Experiments(identified(t, ls))...)
	var warned []string
	if err := Foresee(files, ls, o, p, func(text string) { warned = append(warned, text) }); err != nil || len(warned) != 1 {
		t.Errorf("%v, %q", err, warned)
	}
}

// identified gives cells the chains of their stages.
func identified(t *testing.T, ls []engine.Loaded) []engine.Loaded {
	t.Helper()
	_, _, err := engine.Foresee(t.Context(), engine.Places{DB: filepath.Join(t.TempDir(), "r.db"), Artifacts: t.TempDir()},
		engine.Experiments(ls)...)
	if err != nil {
		t.Fatal(err)
	}
	return ls
}

// The files that are shipped can all be drawn.
func TestShippedFiguresCanBeDrawn(t *testing.T) {
	n := 0
	for _, pattern := range []string{"*.toml", "paper/*.toml", "presets/*.toml", "paper/large/*.toml"} {
		files, err := filepath.Glob(filepath.Join("../../../experiments", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if _, err := os.Stat(file); err != nil || testing.Short() && strings.Contains(file, "large") {
				continue
			}
			ls, err := engine.Load([]string{file}, engine.LoadOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if err := Foresee([]string{file}, ls, engine.LoadOptions{}, nil, func(text string) { t.Error(text) }); err != nil {
				t.Error(err)
			}
			n += len(ls[0].File.Figures)
		}
	}
	if n < 30 {
		t.Errorf("only %d figures", n)
	}
}
