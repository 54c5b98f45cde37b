package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sbinet/npyio/npz"

	"prabench/results"
	"prabench/results/record"
)

// exportable is a database with one cell and one value.
func exportable(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "r.db")
	db, err := results.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	plan := results.Plan{Experiment: "mine", Stages: []results.PlanStage{{Key: "s", Kind: record.Score}}, Cells: []results.PlanCell{{
		ID: "c", Seed: 3, Label: "patch=7", Patch: new(7), Block: new(1), RolloutDepth: new(0), State: new(0),
		Params: map[string]any{"model.patch": 7, "train.lr": 1e-3},
		Stages: map[string]string{record.Score: "s"}}}}
	at := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	a := record.Attempt{ID: "a", Stage: "s", Kind: record.Score, Outcome: record.OK, Started: at, Finished: at,
		Values: []record.Value{{Metric: "fid_proxy", Unit: "1", Value: 12.5, N: 10}}}
	if err := db.RecordPlan(context.Background(), plan); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Ingest(context.Background(), a); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestExportCommand(t *testing.T) {
	db, dir := exportable(t), t.TempDir()
	for _, c := range []struct {
		args  []string
		code  int
		file  string // that is written
		begin string // of the file, or of the output without one
		wrong string
	}{
		{nil, 0, "", "experiment,cell,seed,metric", ""},
		{[]string{"--json"}, 0, "", `{"experiment":"mine"`, ""},
		{[]string{"--out", "x.jsonl"}, 0, "x.jsonl", `{"experiment":"mine"`, ""},
		{[]string{"--out", "x.csv"}, 0, "x.csv", "experiment,cell,seed", ""},
		{[]string{"--out", "x.parquet"}, 0, "x.parquet", "PAR1", ""},
		{[]string{"--out", "x.csv", "--format", "parquet"}, 0, "x.csv", "PAR1", ""},
		{[]string{"--snapshot", "copy.db"}, 0, "copy.db", "SQLite format 3", "copy.db: "},
		{[]string{"--snapshot", "copy.db"}, exitHarness, "copy.db", "SQLite format 3", "a snapshot never replaces one"},
		{[]string{"--format", "sqlite", "--out", "other.db"}, 0, "other.db", "SQLite format 3", ""},
		{[]string{"--snapshot", "third.db", "--out", "x.csv"}, exitUsage, "", "", "neither --out nor --format"},
		{[]string{"--format", "xls"}, exitUsage, "", "", "parquet"},
	} {
		t.Chdir(dir)
		var out, wrong bytes.Buffer
		code := run(append([]string{"export", "--db", db}, c.args...), nil, &out, &wrong)
		content := out.Bytes()
		if c.file != "" {
			content, _ = os.ReadFile(c.file)
		}
		if code != c.code || !bytes.HasPrefix(content, []byte(c.begin)) || !strings.Contains(wrong.String(), c.wrong) {
			t.Errorf("export %q: code %d, %q, %.60q", c.args, code, wrong.String(), content)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestResultsOnly(t *testing.T) {
	db := exportable(t)
	for _, c := range []struct{ only, out, wrong string }{
		{"model.patch=7", "fid_proxy", ""},
		{"patch=7,seed=3", "fid_proxy", ""},
		{"patch=4,patch=7,label='patch=7'", "fid_proxy", ""},
		{"model.pach=7", "", "did you mean model.patch?"},
		{"train.rl=1", "", "did you mean train.lr?"},
		{"train.steps=1500", "", "no experiment in the database varies train.steps; allowed: label, model.patch, seed, train.lr"},
		{"model.patch=9", "", "no result matches"},
		{"model.patch", "", "neither key=value"},
	} {
		var out, wrong strings.Builder
		code := run([]string{"results", "--db", db, "--only", c.only}, nil, &out, &wrong)
		if !strings.Contains(out.String(), c.out) || !strings.Contains(wrong.String(), c.wrong) || (code == 0) != (c.wrong == "") || code != 0 &&
			code != exitUsage {
			t.Errorf("--only %s: code %d, %q, %q", c.only, code, out.String(), wrong.String())
		}
	}
}

// An experiment that no database has is refused beside one that is there, in each form.
func TestResultsOfUnknownExperiments(t *testing.T) {
	db, other := exportable(t), exportable(t)
	for _, form := range []string{"", " --metric fid_proxy", " --format csv", " --mean", " --cells"} {
		out, errs, code := prabench("results --db " + db + " --experiment mine,typo" + form)
		if code != exitUsage || out != "" || !strings.Contains(errs, "typo: the database has no such experiment, only: mine") {
			t.Errorf("results%s: exit code %d, %q, %q", form, code, out, errs)
		}
	}
	d, err := results.Open(other)
	if err != nil {
		t.Fatal(err)
	}
	plan := results.Plan{Experiment: "alone", Stages: []results.PlanStage{{Key: "s", Kind: record.Score}}, Cells: []results.PlanCell{{
		ID: "c", Seed: 3, Label: "patch=7", Patch: new(7), Block: new(1), RolloutDepth: new(0), State: new(0),
		Params: map[string]any{"model.patch": 7}, Stages: map[string]string{record.Score: "s"}}}}
	if err := d.RecordPlan(t.Context(), plan); err != nil {
		t.Fatal(err)
	}
	d.Close()
	for _, form := range []string{"", " --metric fid_proxy"} { // one of two databases has it
		if out := must(t, "results --db "+db+" --db "+other+" --experiment alone,mine"+form); strings.Count(out, "alone") != 1 ||
			strings.Count(out, "mine") != 2 {
			t.Errorf("results%s of two databases:\n%s", form, out)
		}
	}
}

// A link that --out names stays a link, and a device stays a device.
func TestExportWritesThroughLinks(t *testing.T) {
	db, dir := exportable(t), t.TempDir()
	t.Chdir(dir)
	if err := os.Symlink("there.csv", "link.csv"); err != nil {
		t.Skip(err)
	}
	if err := os.Symlink(os.DevNull, "null.csv"); err != nil {
		t.Skip(err)
	}
	for _, name := range []string{"link.csv", "null.csv"} {
		var out, wrong bytes.Buffer
		if code := run([]string{"export", "--db", db, "--out", name}, nil, &out, &wrong); code != 0 {
			t.Fatalf("%s: exit code %d: %s", name, code, wrong.String())
		}
		if info, err := os.Lstat(name); err != nil || info.Mode()&os.ModeSymlink == 0 {
			t.Errorf("%s is no link any more: %v, %v", name, info, err)
		}
	}
	if raw, err := os.ReadFile("there.csv"); err != nil || !strings.HasPrefix(string(raw), "experiment,cell,seed") {
		t.Errorf("the target of the link has %q, %v", raw, err)
	}
}

// The images that were scored, as ADM's .npz, and curves and results for TensorBoard.
func TestExportForPrograms(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a small experiment: some seconds")
	}
	here(t)
	const set = " --set sample.count=120 --set train.steps=4 --set measure.rounds=0 --set sample.flow_steps=[1,2]"
	fails := func(args, want string) {
		t.Helper()
		if _, errs, code := prabench(args); code != exitUsage || !strings.Contains(errs, want) {
			t.Errorf("%s: exit code %d, %s", args, code, errs)
		}
	}
	fails("export tiny.toml --samples out"+set, "no chosen cell of tiny has images yet")
	must(t, "run tiny.toml --no-figures --only train.rollout_depth=1"+set)
	if out := must(t, "export tiny.toml --samples images --tensorboard events"+set); !strings.Contains(out, "2 samplings") ||
		!strings.Contains(out, "2 cells have no images") || !strings.Contains(out, ": 2 event files") {
		t.Error(out)
	}
	index, err := os.ReadFile("images/samples.csv")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(index)).ReadAll()
	if err != nil || len(rows) != 3 {
		t.Fatalf("%v\n%s", err, index)
	}
	for _, r := range rows[1:] {
		if want := strings.ReplaceAll(r[2], " ", "-") + "-seed1-120.npz"; r[0] != want || r[3] != "1" || r[4] != "120" {
			t.Errorf("%q, want the file %s", r, want)
		}
		z, err := npz.Open(filepath.Join("images", r[0]))
		if err != nil {
			t.Fatal(err)
		}
		var pixels []uint8
		var labels []int64
		if err := errors.Join(z.Read("arr_0.npy", &pixels), z.Read("arr_1.npy", &labels)); err != nil || len(labels) != 120 || labels[9] != 1 {
			t.Errorf("%v, labels %v", err, labels)
		}
		kept, err := os.ReadFile(filepath.Join(".prabench/sample", r[5], "samples.npy"))
		if err != nil || len(pixels) != 120*8*8*3 || !bytes.HasSuffix(kept, pixels) {
			t.Errorf("%s does not have the images that were scored, %v", r[0], err)
		}
		raw, err := os.ReadFile(filepath.Join("events", r[2]+" seed 1", "events.out.tfevents.0.prabench"))
		for _, name := range []string{"brain.Event:2", "training/train_loss", "results/fid_proxy"} {
			if !bytes.Contains(raw, []byte(name)) {
				t.Errorf("the events of %s have no %s, %v", r[2], name, err)
			}
		}
	}
	before := contents(t, "events/*/*")
	must(t, "export tiny.toml --tensorboard events"+set)
	if after := contents(t, "events/*/*"); !slices.Equal(before, after) {
		t.Error("another export is another file")
	}
	fails("export tiny.toml --samples images"+set, "not empty")
	fails("export --samples images", "one experiment FILE")
	fails("export tiny.toml --samples more --out x.csv", "without --out")
	fails("export tiny.toml", "goes with --samples or --tensorboard")
}

// The lines of the documentation in Python print what is in the database.
func TestResultsInPython(t *testing.T) {
	python := os.Getenv("PRABENCH_PYTHON")
	if python == "" {
		python = "python3"
	}
	page, err := os.ReadFile("../../docs/reference/outside.md")
	if err != nil {
		t.Fatal(err)
	}
	db := exportable(t)
	t.Chdir(filepath.Dir(db))
	if err := os.Rename(db, "results.db"); err != nil {
		t.Fatal(err)
	}
	must(t, "export --db results.db --out results.parquet")
	blocks := regexp.MustCompile("(?s)```python\n(.*?)```").FindAllSubmatch(page, -1)
	if len(blocks) != 3 {
		t.Fatalf("%d blocks of Python in docs/reference/outside.md, want 3", len(blocks))
	}
	for i, needs := range []string{"pandas, pyarrow", "duckdb", "duckdb; duckdb.sql('LOAD sqlite')"} {
		t.Run(needs, func(t *testing.T) {
			if out, err := exec.Command(python, "-c", "import "+needs).CombinedOutput(); err != nil {
				t.Skipf("%s cannot import %s (PRABENCH_PYTHON names another): %v %.100s", python, needs, err, out)
			}
			out, err := exec.Command(python, "-c", string(blocks[i][1])).CombinedOutput()
			if want := []int{2, 1, 1}[i]; err != nil || strings.Count(string(out), "12.5") != want {
				t.Errorf("%v, want the value %d times:\n%s", err, want, out)
			}
		})
	}
}
