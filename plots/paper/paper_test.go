package paper

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"prabench/internal/latex"
	mean "prabench/metrics/stat"
	"prabench/plots"
	"prabench/plots/figure"
	"prabench/results/view"

	_ "prabench/experiments" // declares the keys, which figures call by their labels
)

var update = flag.Bool("update", false, "write the golden files again")

const (
	revision = "0123456789abcdef0123456789abcdef01234567"
	later    = "fedcba9876543210fedcba9876543210fedcba98"
	machine  = "cpu Some Processor"
)

// seeds is a mean over seeds, as results give it.
func seeds(unit string, values ...float64) plots.MetricValue {
	m := plots.MetricValue{N: len(values), Unit: unit, Protocol: "embedder=e; samples=100", Device: machine, Code: revision + " + " + later,
		Values: values}
	mean, deviation := stat.MeanStdDev(values, nil)
	n := float64(len(values))
	m.Value = mean
	if n < 2 {
		m.Values = nil
		return m
	}
	half := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: n - 1}.Quantile(0.975) * deviation / sqrt(n)
	lo, hi := mean-half, mean+half
	m.Lo, m.Hi, m.Interval = &lo, &hi, "95 % over seeds"
	return m
}

func sqrt(x float64) float64 {
	y := x
	for range 60 {
		y = (y + x/y) / 2
	}
	return y
}

// methods are three methods × two patches with three seeds, one of them failed,
// with names that every format has to escape.
func methods() plots.Data {
	r := rand.New(rand.NewPCG(5, 6))
	d := plots.Data{Experiment: "methods"}
	for i, name := range []string{"teacher forcing", "PRA <b>&_50 %</b>", "exact | *rollout*"} {
		for _, patch := range []int64{4, 7} {
			c := plots.CellData{Label: fmt.Sprintf("%s, %d", name, patch), Outcome: "ok", Seeds: 3, Code: revision, Device: machine,
				Params:  map[string]any{"label": name, "model.patch": patch, "patch": patch, "method": name},
				Metrics: map[string]plots.MetricValue{}}
			var fid, speed []float64
			for range 3 {
				fid = append(fid, []float64{25, 15, 14.8}[i]+float64(patch)+0.5*r.NormFloat64())
				speed = append(speed, float64(patch)*[]float64{100, 99, 98}[i]*(1+0.01*r.NormFloat64()))
			}
			c.Metrics["fid_proxy"], c.Metrics["throughput"] = seeds("1", fid...), seeds("images/s", speed...)
			paired := c.Metrics["fid_proxy"]
			paired.Seeds = []uint64{1, 2, 3}
			c.Metrics["fid_proxy"] = paired
			c.Response = &view.Response{Metric: "fid_proxy", Chosen: 1, Ends: []string{"guidance"}}
			for k, w := range []float64{0, 0.5} {
				score := mean.FromBounds(20-float64(k), new(19-float64(k)), new(21-float64(k)), 100, mean.Jackknife)
				c.Response.Trials = append(c.Response.Trials, view.Trial{Settings: map[string]any{"guidance": w}, Score: score})
			}
			params := seeds("1", 1.3e6, 1.3e6, 1.3e6)
			c.Metrics["params"] = params
			for s := range 3 {
				c.IDs = append(c.IDs, fmt.Sprintf("c%d%d%d", i, patch, s))
			}
			for step := 1; step <= 50; step++ {
				c.Curve = append(c.Curve,
					plots.CurvePoint{Step: step, Values: map[string]float64{"train_loss": 3 / float64(step), "flow_loss": 2 / float64(step)}})
			}
			for _, name := range []string{"block_error_free", "block_error_given", "block_error_real", "block_error_ratio"} {
				line := plots.StepLine{Name: name, Interval: "95 % over seeds"}
				for k := 1; k <= 4; k++ {
					lo, hi := float64(k), float64(k)+1
					line.Points = append(line.Points, plots.Point{X: float64(k), Y: lo + 0.5, YLo: &lo, YHi: &hi})
				}
				c.Steps = append(c.Steps, line)
			}
			g := &plots.Grid{Rows: 2, Cols: 3, Size: 8, Channels: 1, RowLabels: []string{"a & b", "c"}}
			for range 2 * 3 * 64 {
				g.Images = append(g.Images, uint8(r.Uint32()))
			}
			c.Grid = g
			if i == 2 && patch == 4 {
				c.Metrics, c.Outcome, c.Reason, c.Seeds = nil, "oom", "passed 8 GiB & more", 0
			}
			d.Cells = append(d.Cells, c)
		}
	}
	return d
}

func attempts(d plots.Data) []Attempt {
	var out []Attempt
	for _, c := range d.Cells {
		for i, id := range c.IDs {
			for _, kind := range []string{"train", "sample", "score", "time"} {
				code := revision
				if kind == "score" {
					code = later
				}
				out = append(out, Attempt{Cell: id, Label: c.Label, Seed: uint64(i), Kind: kind, Stage: kind + id, ID: "20260101T000000000Z-" + kind +
					id, Device: machine, Code: code, Environment: "e1"})
			}
		}
	}
	return out
}

// whole has every kind of figure, claims of every verdict and parts of every state.
func whole() Paper {
	d := methods()
	fig := func(f figure.Figure) Figure { return Figure{f, d} }
	return Paper{Command: "prabench paper", Parts: []Part{{
		Name: "methods", Description: "methods <at> equal | steps", Command: "prabench paper --only methods",
		Source: []byte("name = \"methods\"\n"),
		Points: 6, Seeds: 3, Data: d, Attempts: attempts(d), Notes: []string{"left out: a mean"},
		Environments: []Environment{{ID: "e1", Facts: [][2]string{{"CPU", "Some <Processor>"}, {"cores", "2"}}}},
		Figures: []Figure{
			fig(figure.Figure{Kind: figure.Pareto, Name: "pareto", X: "throughput", Y: "fid_proxy", Series: "label", Width: 3.25,
				Title: "Quality & speed"}),
			fig(figure.Figure{Kind: figure.Line, Name: "line", X: "model.patch", Y: "fid_proxy", Series: "method"}),
			fig(figure.Figure{Kind: figure.Heatmap, Name: "heatmap", X: "model.patch", Y: "method", Value: "fid_proxy"}),
			fig(figure.Figure{Kind: figure.Bars, Name: "bars", X: "method", Y: "fid_proxy", Facet: "model.patch", Width: 6.75}),
			fig(figure.Figure{Kind: figure.Parallel, Name: "parallel", Axes: []string{"method", "model.patch", "throughput", "fid_proxy"},
				Series: "method"}),
			fig(figure.Figure{Kind: figure.Grid, Name: "samples"}),
			fig(figure.Figure{Kind: figure.Curve, Name: "curve", Y: "flow_loss"}),
			fig(figure.Figure{Kind: figure.Steps, Name: "steps", Width: 6.75}),
			fig(figure.Figure{Kind: figure.Responses, Name: "response"}),
			fig(figure.Figure{Kind: figure.Noise, Name: "noise", Y: "fid_proxy"}),
			fig(figure.Figure{Kind: figure.Importance, Name: "importance", Y: "fid_proxy"}),
			fig(figure.Figure{Kind: figure.Table, Name: "table", Title: "All | of <it>"}),
			fig(figure.Figure{Kind: figure.Bars, Name: "refused", X: "method", Y: "fid_proxy"}),
		},
		Claims: []Claim{
			{Text: "PRA beats teacher forcing.", Metric: "fid_proxy", Of: map[string]any{"method": "PRA <b>&_50 %</b>"},
				Over: map[string]any{"method": "teacher forcing"}, Match: []string{"model.patch"}, Sign: -1, Figure: "bars"},
			{Text: "teacher forcing beats PRA", Metric: "fid_proxy", Of: map[string]any{"method": "teacher forcing", "model.patch": 7},
				Over: map[string]any{"method": "PRA <b>&_50 %</b>"}, Match: []string{"model.patch"}, Sign: -1},
			{Text: "exact rollout beats PRA", Metric: "fid_proxy", Of: map[string]any{"method": "exact | *rollout*"},
				Over: map[string]any{"method": "PRA <b>&_50 %</b>"}, Match: []string{"model.patch"}, Sign: -1},
			{Text: "nothing has it", Metric: "kid", Of: map[string]any{"model.patch": 4}, Over: map[string]any{"model.patch": 7},
				Match: []string{"method"}, Sign: -1},
		},
	}, {Name: "absent", Command: "prabench paper --only absent", Problem: "the database has nothing of it"}}}
}

// contents reads all files of a folder.
func contents(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		all[filepath.ToSlash(name)], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestSameBytes writes every kind of figure in every format several times, with
// other numbers of threads: all files are the same.
func TestSameBytes(t *testing.T) {
	var first map[string][]byte
	for round := range 3 {
		if round == 2 {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
		}
		dir := t.TempDir()
		files, problems, err := whole().Write(dir)
		if err != nil {
			t.Fatal(err)
		}
		if len(problems) != 2 || problems[0].Figure != "refused" || problems[1].Part != "absent" {
			t.Errorf("problems %v", problems)
		}
		got := contents(t, dir)
		if len(files) != len(got) {
			t.Errorf("told of %d files, wrote %d", len(files), len(got))
		}
		for _, f := range files {
			if got[f] == nil {
				t.Errorf("%s was announced and is not there", f)
			}
		}
		if first == nil {
			first = got
			continue
		}
		for name, b := range first {
			if !bytes.Equal(b, got[name]) {
				t.Errorf("%s differs between two drawings", name)
			}
		}
	}
	for _, k := range figure.KindNames() {
		if !slices.ContainsFunc(whole().Parts[0].Figures, func(f Figure) bool { return f.Kind == k }) {
			t.Errorf("no figure of kind %s was drawn twice", k)
		}
	}
	kinds := map[string]int{}
	for name := range first {
		kinds[filepath.Ext(name)]++
	}
	if d := cmp.Diff(map[string]int{".pdf": 11, ".svg": 11, ".png": 11, ".md": 2, ".tex": 1, ".html": 1, ".csv": 10, ".toml": 1, ".txt": 1,
		"": 1}, kinds); d != "" {
		t.Error(d)
	}
}

// TestIndexGolden holds both pages; look at them after -update.
func TestIndexGolden(t *testing.T) {
	dir := t.TempDir()
	if _, _, err := whole().Write(dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"index.html", "index.md", "methods/table.tex", "methods/bars.values.csv", "methods/attempts.csv"} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		golden := filepath.Join("testdata", filepath.Base(name)+".golden")
		if *update {
			if err := os.WriteFile(golden, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), string(got)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

// TestIndexIsComplete: for each figure the picture, the command, attempts,
// environment, code and protocol; links lead to files; nothing is fetched.
func TestIndexIsComplete(t *testing.T) {
	dir := t.TempDir()
	p := whole()
	files, _, err := p.Write(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := contents(t, dir)
	page := string(all["index.html"])
	for _, bad := range []string{"http://", "https://", "<script", "<b>&_50"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	for _, f := range files {
		if strings.HasPrefix(f, "methods/") && f != "methods/"+EnvironmentsFile && !strings.Contains(page, `"`+f+`"`) {
			t.Errorf("the page does not lead to %s", f)
		}
	}
	sections := strings.Split(page, "<h3 id=")[1:]
	for i, fig := range p.Parts[0].Figures {
		s := sections[i]
		if !strings.HasPrefix(s, `"methods/`+fig.Name+`"`) {
			t.Fatalf("section %d is not %s", i, fig.Name)
		}
		want := []string{"prabench paper --only methods", "20260101T000000000Z-train", "environment e1", "01234567", machine}
		switch fig.Kind {
		case figure.Curve, figure.Grid, figure.Steps, figure.Responses:
			want = append(want, `<img src="methods/`+fig.Name+`.svg"`)
		case figure.Table:
			want = append(want, "<table>", "embedder=e; samples=100", "fedcba98")
		default:
			want = append(want, `<img src="methods/`+fig.Name+`.svg"`, "embedder=e; samples=100", "fedcba98", "attempts; code fedcba98")
		}
		if fig.Name == "refused" {
			want = []string{"Not drawn: ", "differ in"}
		}
		for _, w := range want {
			if !strings.Contains(s, w) {
				t.Errorf("%s does not say %q", fig.Name, w)
			}
		}
	}
}

func TestTableCompiles(t *testing.T) {
	_, tex, err := plots.Tables(figure.Figure{Kind: figure.Table, Title: "All | of <it>"}, methods())
	if err != nil {
		t.Fatal(err)
	}
	if ok, why := latex.Available(); !ok {
		t.Skip("not compiled: " + why)
	}
	if _, err := latex.Compile(t.TempDir(), tex); err != nil {
		t.Error(err)
	}
}

// TestOldFiguresLeave: a folder drawn over another one is as if drawn again, but
// for what people put or changed there.
func TestOldFiguresLeave(t *testing.T) {
	dir := t.TempDir()
	old := whole()
	old.Parts[0].Name, old.Parts[0].Figures[0].Name = "earlier", "renamed"
	if _, _, err := old.Write(dir); err != nil {
		t.Fatal(err)
	}
	changed := filepath.Join(dir, "earlier", "bars.svg")
	for _, f := range []string{changed, filepath.Join(dir, "mine.txt")} {
		if err := os.WriteFile(f, []byte("by hand"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	files, _, err := whole().Write(dir)
	if err != nil {
		t.Fatal(err)
	}
	got := contents(t, dir)
	for name := range got {
		if !slices.Contains(files, name) && name != "earlier/bars.svg" && name != "mine.txt" {
			t.Errorf("%s was left", name)
		}
	}
	if string(got["mine.txt"]) != "by hand" || string(got["earlier/bars.svg"]) != "by hand" {
		t.Error("a file of the user's is gone")
	}
}
