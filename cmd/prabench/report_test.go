package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"prabench/harness/tools/draw"
	"prabench/internal/browser"
	"prabench/results"
	"prabench/results/resultstest"
)

// reported writes the reports of tiny.toml as it was run here: with the file
// and without, and the same bytes twice.
func reported(t *testing.T) {
	t.Helper()
	read := func(name string) string {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	if out := must(t, "report tiny.toml"); out != "report.html\n" {
		t.Errorf("report says %q", out)
	}
	must(t, "report tiny.toml -o again.html")
	page := read("report.html")
	if page != read("again.html") {
		t.Error("the same database gives another report")
	}
	for _, want := range []string{"<h1>tiny</h1>", "rollout_depth=0", "rollout_depth=1",
		`data-metric="fid_proxy"`, "Figure speed", "Figure samples",
		"Figure training", "LaTeX", `class="mark c0"`, "data:image/png;base64,", "one training seed"} {
		if !strings.Contains(page, want) {
			t.Errorf("the report has no %q", want)
		}
	}
	if out := must(t, "report -o -"); !strings.Contains(out, "<h1>tiny</h1>") || strings.Contains(out, "Figure speed") {
		t.Error("without a file the report tells of the database, without figures of a file")
	}
	must(t, "report --samples 0 -o none.html")
	if page := read("none.html"); strings.Contains(page, "data:image/png") || !strings.Contains(page, "2 more sheets") {
		t.Error("--samples 0 shows samples, or does not say how many it leaves out")
	}
	// A lost artifact is named, and the numbers stay.
	models, _ := filepath.Glob(".prabench/train/*/curve.jsonl")
	for _, m := range models {
		write(t, m, "damaged")
	}
	if len(models) == 0 {
		t.Error("no training curves were found to damage")
	}
	if page := must(t, "report -o -"); !strings.Contains(page, "--force CELL makes them again") ||
		!strings.Contains(page, `data-metric="fid_proxy"`) {
		t.Error("a damaged curve is not told")
	}
}

var from = flag.String("from", "", "with -update: a copy of a `folder` where quick.toml was run; otherwise it is run first")

func TestReportMistakes(t *testing.T) {
	here(t)
	for args, says := range map[string]string{
		"report":                              "there is no database here",
		"report nofile.toml":                  "nofile.toml",
		"report tiny.toml":                    "there is no database here",
		"report --only model.patch=4":         "the filter on the page",
		"report --samples -1":                 "--samples -1",
		"report tiny.toml --set model.pach=4": "model.patch",
	} {
		if _, errs, code := prabench(args); code != exitUsage || !strings.Contains(errs, says) {
			t.Errorf("prabench %s: exit code %d, %s", args, code, errs)
		}
	}
	db, err := results.Open("results.db")
	if err != nil {
		t.Fatal(err)
	}
	p := results.Plan{Experiment: "many"}
	for i := range draw.MostReported + 1 {
		p.Cells = append(p.Cells, results.PlanCell{ID: fmt.Sprint("c", i), Seed: uint64(i), Params: map[string]any{}})
	}
	if err := errors.Join(db.RecordPlan(t.Context(), p), db.Close()); err != nil {
		t.Fatal(err)
	}
	if _, errs, code := prabench("report"); code != exitUsage || !strings.Contains(errs, "10001 cells would be too large") {
		t.Errorf("too many cells: exit code %d, %s", code, errs)
	}
	if _, err := os.Stat("report.html"); err == nil {
		t.Error("a report was written")
	}
}

// BenchmarkReport writes the report of 1,000 cells with twenty values each.
func BenchmarkReport(b *testing.B) {
	db := resultstest.Large(b, 1, 1000)
	for b.Loop() {
		if _, errs, code := prabench("report -o " + filepath.Join(b.TempDir(), "r.html") + " --db " + db); code != exitOK {
			b.Fatal(errs)
		}
	}
}

// TestReportPicture takes the pictures of docs/reference/running.md, light and dark, from a
// real run of quick.toml.
func TestReportPicture(t *testing.T) {
	pictured(t)
	docs, err := filepath.Abs("../../docs/reference")
	if err != nil {
		t.Fatal(err)
	}
	quick, err := os.ReadFile("../../experiments/quick.toml")
	if err != nil {
		t.Fatal(err)
	}
	b := browser.Open(t)
	t.Chdir(t.TempDir())
	write(t, "experiments/quick.toml", string(quick))
	file := "experiments/quick.toml --set train.steps=300 --set repeats=2 --set measure.repeat_disturbed=0"
	if *from == "" {
		must(t, "run "+file)
	} else {
		file += " --db " + filepath.Join(*from, "results.db") + " --artifacts " + filepath.Join(*from, ".prabench")
	}
	must(t, "report "+file)
	path, err := filepath.Abs("report.html")
	if err != nil {
		t.Fatal(err)
	}
	b.Look(1280, 1560, 1, "light")
	b.Go("file://" + path)
	for _, shot := range []struct {
		name          string
		width, height int64
		scale         float64
		scheme        string
	}{
		{"report.png", 1280, 1640, 1, "light"}, {"report-dark.png", 1280, 1640, 1, "dark"}, {"report-phone.png", 390, 844, 2, "light"},
		{"report-phone-dark.png", 390, 844, 2, "dark"},
	} {
		b.Look(shot.width, shot.height, shot.scale, shot.scheme)
		into := docs
		if strings.Contains(shot.name, "phone") {
			into = filepath.Join(os.TempDir(), "prabench-report") // to look at
		}
		write(t, filepath.Join(into, shot.name), string(b.Picture()))
		t.Log(filepath.Join(into, shot.name))
	}
	write(t, filepath.Join(os.TempDir(), "prabench-report", "report.pdf"), string(b.Print()))
	b.Quiet()
}
