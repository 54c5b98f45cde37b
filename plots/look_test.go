package plots

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg/recorder"

	"prabench/plots/figure"
	"prabench/plots/layout"
	"prabench/results/where"
)

// What a file says of a figure's looks and what cannot be, is refused with the
// key's name.
func TestLooksThatCannotBe(t *testing.T) {
	nan := math.NaN()
	yes := true
	for _, c := range []struct {
		want string
		fig  Figure
	}{
		{"x_range: the axis has names", Figure{Kind: figure.Line, X: "label", Y: "fid_proxy", Look: figure.Look{XRange: []float64{0, 1}}}},
		{"y_range: an axis has two ends", Figure{Kind: figure.Line, X: "patch", Y: "fid_proxy", Look: figure.Look{YRange: []float64{3, 3}}}},
		{"y_range: a log axis cannot begin at 0", Figure{Kind: figure.Line, X: "patch", Y: "fid_proxy", LogY: &yes,
			Look: figure.Look{YRange: []float64{0, 3}}}},
		{"y_range: bars start at zero", Figure{Kind: figure.Bars, Y: "fid_proxy", Look: figure.Look{YRange: []float64{5, 30}}}},
		{`order: no series, panel or name on an axis is "9"`, Figure{Kind: figure.Line, X: "patch", Y: "fid_proxy", Series: "block",
			Facet: "rollout_depth", Look: figure.Look{Order: []string{"4", "9"}}}},
		{`names: no series, panel or name on an axis is "five"`, Figure{Kind: figure.Line, X: "patch", Y: "fid_proxy", Series: "block",
			Facet: "rollout_depth", Look: figure.Look{Called: map[string]string{"five": "5"}}}},
		{"reference: published: the axis has names", Figure{Kind: figure.Line, X: "label", Y: "fid_proxy",
			Look: figure.Look{References: []figure.Reference{{X: 1, Y: nan, Label: "published"}}}}},
		{"reference: minus is not positive", Figure{Kind: figure.Line, X: "patch", Y: "fid_proxy", LogY: &yes,
			Look: figure.Look{References: []figure.Reference{{X: nan, Y: -1, Label: "minus"}}}}},
	} {
		_, err := sheetOf(c.fig, tradeoff())
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v", c.want, err)
		}
	}
}

// With ranges, what lies outside is counted and nothing but text is drawn outside
// of the frame; without a footer the note of what is missing stays.
func TestRangesCutAndCount(t *testing.T) {
	off := false
	fig := Figure{Kind: figure.Line, X: "train.rollout_depth", Y: "fid_proxy", Series: "model.block",
		Look: figure.Look{XRange: []float64{0.5, 1.5}, YRange: []float64{0, 1000}, Footer: &off}}
	fig.Where = map[string]any{"model.patch": 7}
	s, err := sheetOf(fig, tradeoff())
	if err != nil {
		t.Fatal(err)
	}
	notes := strings.Join(s.Notes, " ")
	if s.Source != "" || !strings.Contains(notes, "6 of 8 points lie outside the axes") || !strings.Contains(notes, "× 1 of 9 cells") {
		t.Errorf("source %q, notes %q", s.Source, notes)
	}
	if s.X.Min != 0.5 || s.X.Max != 1.5 || s.Y.Max != 1000 {
		t.Errorf("x %g to %g, y to %g", s.X.Min, s.X.Max, s.Y.Max)
	}
}

// Series stand in the order of the file, under its names, in the legend too.
func TestOrderAndNames(t *testing.T) {
	fig := Figure{Kind: figure.Line, X: "train.rollout_depth", Y: "fid_proxy", Series: "model.block", Facet: "model.patch",
		Look: figure.Look{Order: []string{"4", "14", "1"}, Called: map[string]string{"4": "four", "14": "coarse"}}}
	s, err := sheetOf(fig, tradeoff())
	if err != nil {
		t.Fatal(err)
	}
	var legend, heads []string
	for _, e := range s.Legend {
		legend = append(legend, e.Label)
	}
	for _, p := range s.Panels {
		heads = append(heads, p.Heading)
	}
	if got := strings.Join(legend, " "); got != "four 1 2" {
		t.Errorf("legend: %s", got)
	}
	if got := strings.Join(heads, ", "); got != "four, coarse, patch = 7" {
		t.Errorf("panels: %s", got)
	}
}

// Labels in the spelling of earlier programs are those of today in order and names.
func TestOrderByOlderLabels(t *testing.T) {
	data := tradeoff()
	for i := range data.Cells {
		c := &data.Cells[i]
		c.Label = fmt.Sprintf("patch=%v block=%v rollout_depth=%v",
			c.Params["model.patch"], c.Params["model.block"], c.Params["train.rollout_depth"])
	}
	fig := Figure{Kind: figure.Bars, X: "cell", Y: "fid_proxy", Look: figure.Look{
		Order: []string{data.Cells[2].Label}, Called: map[string]string{where.Older(data.Cells[2].Label): "PRA"}}}
	if fig.Order[0] = where.Older(fig.Order[0]); fig.Order[0] == data.Cells[2].Label {
		t.Fatal("both spellings are one")
	}
	s, err := sheetOf(fig, data)
	if err != nil || s.X.Names[0] != "PRA" {
		t.Fatalf("%v, %v", s.X.Names, err)
	}
}

// References widen the axes so that they can be seen, and are said to be given.
func TestReferencesAreSeen(t *testing.T) {
	for _, log := range []bool{false, true} {
		fig := Figure{Kind: figure.Pareto, X: "throughput", Y: "fid_proxy", LogY: &log, Look: figure.Look{
			References: []figure.Reference{{X: math.NaN(), Y: 0.5, Label: "published"}, {X: 1e6, Y: 300, Label: "a point"}}}}
		s, err := sheetOf(fig, tradeoff())
		if err != nil {
			t.Fatal(err)
		}
		if s.Y.Min >= 0.5 || s.Y.Max <= 300 || s.X.Max <= 1e6 {
			t.Errorf("log %v: y %g to %g, x to %g", log, s.Y.Min, s.Y.Max, s.X.Max)
		}
		if n := len(s.Legend); n < 2 || s.Legend[n-1].Label != "a point" || !strings.Contains(strings.Join(s.Notes, " "), "not measured here") {
			t.Errorf("legend of %d, notes %q", n, s.Notes)
		}
	}
}

// A smoothed value is the mean of its neighbours and stays at its step; what is no
// number is none afterwards and spoils no other.
func TestSmooth(t *testing.T) {
	k := curves{chart: &chart{selection: &selection{fig: Figure{Look: figure.Look{Smooth: 4}}}, sheet: layout.Sheet{}}}
	smoothed := k.smoothed([]Point{
		{X: 1, Y: 1}, {X: 2, Y: 2}, {X: 3, Y: math.NaN()}, {X: 4, Y: 7}, {X: 6, Y: 100}, {X: 5, Y: 8}, {X: 7, Y: 9},
	})
	want := []float64{1, 1.5, math.NaN(), (2 + 7 + 8 + 100) / 4.0, (7 + 8 + 100 + 9) / 4.0, (8 + 100 + 9) / 3.0, 9}
	for i, p := range smoothed {
		if p.X != float64(i+1) || math.Abs(p.Y-want[i]) > 1e-12 || math.IsNaN(p.Y) != math.IsNaN(want[i]) {
			t.Errorf("step %g: %g, want %g", p.X, p.Y, want[i])
		}
	}
}

// A figure of what models learned names those whose training diverged; one of their speed
// does not.
func TestDivergedTrainingsAreNamed(t *testing.T) {
	d := tradeoff()
	rise := func(i int, values ...float64) {
		m := MetricValue{Value: values[0], Unit: "1"}
		if len(values) > 1 {
			m.Values = values
		}
		d.Cells[i].Metrics["loss_rise"] = m
	}
	for i := range d.Cells {
		d.Cells[i].Label = fmt.Sprint("cell ", i)
		if d.Cells[i].Metrics == nil {
			continue
		}
		rise(i, 1.2)
	}
	rise(3, 7)
	rise(7, 0.9, 33, 1)
	for y, want := range map[string]string{
		"fid_proxy":  "Training diverged (loss_rise above 2): cell 3, cell 7 (1 of 3 seeds).",
		"throughput": "",
	} {
		s, err := sheetOf(Figure{Kind: figure.Line, X: "rollout_depth", Y: y, Series: "block", Facet: "patch"}, d)
		if err != nil {
			t.Fatal(err)
		}
		if notes := strings.Join(s.Notes, " "); strings.Contains(notes, "diverged") != (want != "") || !strings.Contains(notes, want) {
			t.Errorf("%s: %q", y, notes)
		}
	}
	text, _, err := Tables(Figure{Kind: figure.Table, Columns: []string{"fid_proxy", "memory_peak"}}, d)
	if err != nil || !strings.Contains(string(text), "cell 3, cell 7 (1 of 3 seeds)") {
		t.Errorf("a table does not name them: %v\n%s", err, text)
	}
}

// Characters that no font here has are named; those that it has are drawn.
func TestCharactersTheFontLacksAreNamed(t *testing.T) {
	fig := Figure{Kind: figure.Line, X: "rollout_depth", Y: "fid_proxy", Series: "block", Facet: "patch", Title: "Abstand ε über λ",
		Look: figure.Look{Called: map[string]string{"1": "深さ", "2": "глубина"}, YLabel: "距離 深"}}
	data := tradeoff()
	var warned []string
	data.Warn = func(text string) { warned = append(warned, text) }
	s, err := sheetOf(fig, data)
	if err != nil {
		t.Fatal(err)
	}
	notes := strings.Join(s.Notes, " ")
	for _, want := range []string{"No font here has 距 (U+8DDD), 離 (U+96E2), 深 (U+6DF1), さ (U+3055): a box", "Debian: fonts-noto-cjk"} {
		if !strings.Contains(notes, want) || len(warned) != 1 || !strings.Contains(warned[0], want) {
			t.Errorf("notes %s\nwarned %q\nwant %q", notes, warned, want)
		}
	}
	if svg, err := Render(fig, data, "svg"); err != nil || strings.ContainsAny(string(svg), "距離深さ") || strings.Contains(string(svg), "??") ||
		!strings.Contains(string(svg), "□□ □") {
		t.Errorf("%v: a character without a font is in the picture", err)
	}
}

// Wherever a box is drawn in place of a character, a note and a warning name it: also
// where panels write their own texts. They advise of keys that the kind of figure has.
func TestEveryBoxIsNamed(t *testing.T) {
	const name = "日本"
	labels, steps := true, map[string]any{"model.patch": 7, "train.rollout_depth": int64(0)}
	named := func(d Data) Data {
		for i := range d.Cells {
			d.Cells[i].Label = fmt.Sprint(name, i)
		}
		return d
	}
	folder := methods()
	for i := range folder.Cells {
		folder.Cells[i].Grid.RowLabels[1] = name
	}
	variants := sweep(4, 2, func(i int) float64 { return float64(i) + 1 })
	for i := range variants.Cells {
		variants.Cells[i].Params["variant"] = fmt.Sprint(name, i%2)
	}
	diverged := named(tradeoff())
	diverged.Cells[1].Metrics["loss_rise"] = MetricValue{Value: 7, Unit: "1"}
	const byKeys, plain = "or give names without them with names, title, x_label and y_label.", "or use names without them."
	for what, c := range map[string]struct {
		fig    Figure
		data   Data
		advice string
	}{
		"rows of a grid":   {Figure{Kind: figure.Grid, Where: map[string]any{"method": int64(4)}}, folder, plain},
		"panels of a grid": {Figure{Kind: figure.Grid}, named(methods()), plain},
		"names of points":  {Figure{Kind: figure.Pareto, X: "train_seconds", Y: "fid_proxy"}, named(methods()), byKeys},
		"points of a line": {Figure{Kind: figure.Line, X: "block", Y: "fid_proxy", Where: steps, Look: figure.Look{Labels: &labels}},
			named(tradeoff()), byKeys},
		"bars":               {Figure{Kind: figure.Bars, Y: "fid_proxy"}, named(methods()), byKeys},
		"rows of a heatmap":  {Figure{Kind: figure.Heatmap, X: "train.steps", Y: "variant", Value: "fid_proxy"}, variants, byKeys},
		"axes of a parallel": {Figure{Kind: figure.Parallel, Axes: []string{"variant", "fid_proxy"}}, variants, plain},
		"a legend":           {Figure{Kind: figure.Line, X: "train.steps", Y: "fid_proxy", Series: "variant"}, variants, byKeys},
		"a note of divergence": {Figure{Kind: figure.Line, X: "block", Y: "fid_proxy", Series: "rollout_depth", Facet: "patch"}, diverged,
			byKeys},
	} {
		t.Run(what, func(t *testing.T) {
			var warned []string
			c.data.Warn = func(text string) { warned = append(warned, text) }
			s, err := sheetOf(c.fig, c.data)
			if err != nil {
				t.Fatal(err)
			}
			p := layout.NewPainter(new(recorder.Canvas))
			s.Page().Paint(p)
			boxed := func(x layout.Inked) bool { return strings.Contains(x.Text, "□") && !strings.Contains(x.Text, "U+") }
			if !slices.ContainsFunc(p.Texts, boxed) {
				t.Fatal("no box is drawn, so the test says nothing")
			}
			notes := strings.Join(s.Notes, " ")
			for _, want := range []string{"No font here has 日 (U+65E5), 本 (U+672C): a box", c.advice} {
				if len(warned) != 1 || !strings.Contains(warned[0], want) || !strings.Contains(notes, want) {
					t.Errorf("notes %s\nwarned %q\nwant %q", notes, warned, want)
				}
			}
		})
	}
	for labels, want := range map[bool]int{true: 1, false: 0} { // what is not written needs no font
		fig := Figure{Kind: figure.Pareto, X: "train_seconds", Y: "fid_proxy", Look: figure.Look{Labels: &labels}}
		n := 0
		data := named(methods())
		data.Warn = func(string) { n++ }
		if _, err := sheetOf(fig, data); err != nil || n != want {
			t.Errorf("labels = %v: %d warnings, %v", labels, n, err)
		}
	}
}

// Tests draw with the embedded faces, whatever fonts the machine has.
var _ = layout.UseFonts()

// What a font of the system has is drawn as outlines, in every format, with the width
// that the font gives it, and nothing is warned of.
func TestCharactersOfOtherFontsAreDrawn(t *testing.T) {
	dir := t.TempDir()
	out, err := exec.Command("go", "list", "-f", "{{.Dir}}", "codeberg.org/go-pdf/fpdf").Output()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "font", "DejaVuSansCondensed.ttf"))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"DejaVu.ttf": raw, "broken.ttf": []byte("no font"), "a-cut.ttf": raw[:2000], "read.me": raw} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	fig := Figure{Kind: figure.Line, X: "rollout_depth", Y: "fid_proxy", Series: "block", Title: "სიღრმე ⋈ depth",
		Where: map[string]any{"patch": 7}, Look: figure.Look{Called: map[string]string{"1": "մեկ"}, YLabel: "მანძილი ☃", XLabel: "☃ x"}}
	// Without a font for them they are boxes, with one they are not.
	lacking, err := Render(fig, tradeoff(), "svg")
	if err != nil || strings.Count(string(lacking), "□") < 10 {
		t.Fatalf("%v: the embedded faces have them, so the test says nothing", err)
	}
	defer layout.UseFonts(filepath.Join(dir, "nowhere"), dir)()
	s, err := sheetOf(fig, tradeoff())
	if err != nil {
		t.Fatal(err)
	}
	if notes := strings.Join(s.Notes, " "); strings.Contains(notes, "No font") {
		t.Error(notes)
	}
	if narrow, wide := (layout.Pen{Size: 10}).Width("სი"), (layout.Pen{Size: 10}).Width("სიღრმე"); narrow <= 0 || wide <= 2*narrow {
		t.Errorf("widths %v and %v", narrow, wide)
	}
	tidy(t, fig, tradeoff())
	for _, format := range []string{"svg", "pdf", "png"} {
		with, err := Render(fig, tradeoff(), format)
		if err != nil {
			t.Fatal(err)
		}
		fig2 := fig
		fig2.Title = "      depth"
		without, err := Render(fig2, tradeoff(), format)
		if err != nil || bytes.Equal(with, without) {
			t.Errorf("%s: %v: the title makes no difference", format, err)
		}
		if again, err := Render(fig, tradeoff(), format); err != nil || !bytes.Equal(with, again) {
			t.Errorf("%s: %v: two drawings differ", format, err)
		}
		if format == "svg" && strings.ContainsAny(string(with), "სიღრმე⋈□մեկ☃") {
			t.Error("a character is text, which a reader may have no font for")
		}
	}
}

// More series than there are looks are reported.
func TestSeriesThatLookAlikeAreTold(t *testing.T) {
	for n, told := range map[int]bool{35: false, 36: true} {
		s, err := sheetOf(Figure{Kind: figure.Line, X: "train.steps", Y: "fid_proxy", Series: "variant"},
			sweep(n*2, n, func(i int) float64 { return float64(i) + 1 }))
		if err != nil {
			t.Fatal(err)
		}
		if len(s.Legend) != n || strings.Contains(strings.Join(s.Notes, " "), "from the 36th on they look like earlier ones") != told {
			t.Errorf("%d series, legend of %d: %q", n, len(s.Legend), s.Notes)
		}
	}
}
