package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"prabench/results"
	"prabench/results/record"
)

// Every command with a place to write at its end refuses one that cannot be written
// before it does anything.
func TestPlacesAreRefusedBefore(t *testing.T) {
	here(t)
	write(t, "file", "")
	write(t, "full/of.png", "")
	for args, flag := range map[string]string{
		"report tiny.toml --out none/r.html":                             "--out none/r.html: there is no folder none",
		"export --out none/x.csv":                                        "--out none/x.csv",
		"export --snapshot none/x.db":                                    "--snapshot none/x.db",
		"sample tiny.toml --out none/x.png":                              "--out none/x.png",
		"sample tiny.toml --out none/x.npz":                              "--out none/x.npz",
		"sample tiny.toml --out file/images":                             "file is a file, not a folder",
		"sample tiny.toml --out full":                                    "has files already",
		"bench --record none/x.jsonl":                                    "--record none/x.jsonl",
		"embedder train --set mnist --out none/w":                        "--out none/w",
		"data show tiny.toml --out none/x.png":                           "--out none/x.png",
		"data pack tiny.toml none/x.pack":                                "none/x.pack: there is no folder none",
		"paper tiny.toml --out file/paper":                               "--out file/paper",
		"run tiny.toml --figures file":                                   "--figures file: file is a file",
		"plot tiny.toml --figures file/x":                                "--figures file/x",
		"check tiny.toml --save x --output json=none/x.json":             "--output none/x.json: there is no folder none",
		"check tiny.toml --against-binary x --output markdown=none/":     "--output none/",
		"score none.npy --write-stats none/s.npz --experiment tiny.toml": "--write-stats none/s.npz: there is no folder none",
		"score --features none.npy --write-stats none/s.npz":             "--write-stats none/s.npz",
		"score --features none.npy --write-stats s.npy":                  "--write-stats s.npy: statistics are written to a file that ends",
	} {
		out, errs, code := prabench(args)
		if code != exitUsage || out != "" || !strings.Contains(errs, flag) || strings.Count(errs, "\n") != 1 {
			t.Errorf("%s: exit code %d, %q, %q", args, code, out, errs)
		}
	}
	if _, err := os.Stat(".prabench"); err == nil {
		t.Error("something was begun")
	}
	// A new flag of this kind is among those that are looked at.
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		for _, name := range []string{"outfile", "to", "dest", "write"} {
			if c.Flags().Lookup(name) != nil {
				t.Errorf("%s --%s: call it --out, or let checkOutputs look at it", c.CommandPath(), name)
			}
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk((&app{}).root())
}

// What is not there, and flags that do not go together, are mistakes that say what
// would do, and leave nothing behind.
func TestWhatIsNotThere(t *testing.T) {
	here(t)
	write(t, "empty/file", "")
	for args, want := range map[string]string{
		"score none.tar --label x --experiment tiny.toml": "none.tar: there is no such file or folder; images are",
		"ingest none":                    "none: there is no such folder; give the .prabench",
		"ingest empty":                   "empty: it has neither results",
		"ingest tiny.toml":               "tiny.toml: it is no folder",
		"report":                         "there is no database here",
		"run tiny.toml --jobs 0.5":       `invalid argument "0.5" for "--jobs" flag: it takes a whole number; see`,
		"noise tiny.toml --difference a": "it takes a number; see",
		"run tiny.toml --jobs 99999999999999999999":         "it is too large",
		"results --json=3":                                  "it takes true or false",
		"embedder train":                                    "at least one of the flags --set, --experiment is required",
		"embedder train --set mnist --experiment tiny.toml": "--experiment, --set were all set",
	} {
		_, errs, code := prabench(args)
		if code != exitUsage || !strings.Contains(errs, want) || strings.Contains(errs, "stat ") || strings.Contains(errs, "[") {
			t.Errorf("%s: exit code %d, %s", args, code, errs)
		}
	}
	if _, err := os.Stat("results.db"); err == nil {
		t.Error("a database was made")
	}
	db, err := results.Open("results.db")
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	if _, errs, code := prabench("report"); code != exitUsage || !strings.Contains(errs, "has no experiment to report on: run one first") {
		t.Errorf("a report on nothing: exit code %d, %s", code, errs)
	}
}

// stored makes a database of two cells, one of them sampled at its exact depth.
func stored(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	db, err := results.Open("results.db")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	plan := results.Plan{Experiment: "mine", Stages: []results.PlanStage{{Key: "s0", Kind: record.Score}, {Key: "s1", Kind: record.Score}}}
	at := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	for i, depth := range []any{0, "exact"} {
		plan.Cells = append(plan.Cells, results.PlanCell{ID: []string{"aaaa11111111", "aaaa22222222"}[i], Seed: 1,
			Label: []string{"depth=0", "depth=exact"}[i], Patch: new(7), Block: new(1), RolloutDepth: new(16 * i), State: new(4),
			Params: map[string]any{"train.rollout_depth": depth}, Stages: map[string]string{record.Score: []string{"s0", "s1"}[i]}})
	}
	if err := db.RecordPlan(t.Context(), plan); err != nil {
		t.Fatal(err)
	}
	for i, key := range []string{"s0", "s1"} {
		a := record.Attempt{ID: key, Stage: key, Kind: record.Score, Outcome: record.OK, Started: at, Finished: at,
			Values: []record.Value{{Metric: "fid_proxy", Unit: "1", Value: 12.5 + float64(i), N: 10}}}
		if _, err := db.Ingest(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
}

// What is printed of a cell chooses it in every command that reads a database, and
// what no cell is called is refused by each.
func TestPrintedNamesChoose(t *testing.T) {
	stored(t)
	for _, only := range []string{"depth=exact", "depth=16", "rollout_depth=exact", "rollout_depth=16", "train.rollout_depth=exact",
		"aaaa22222222", "aaaa22", "cell=aaaa22", "label=rollout_depth=exact", "label=depth=exact"} {
		for _, command := range []string{"results", "results mine", "results --cells", "results --mean", "results --format csv", "status",
			"status --json", "export"} {
			out := must(t, command+" --only "+only)
			if strings.Contains(out, "aaaa11111111") || strings.Contains(out, "rollout_depth=0") || !strings.Contains(out, "exact") {
				t.Errorf("%s --only %s:\n%s", command, only, out)
			}
		}
		if out := must(t, "compare rollout_depth=0 "+only); !strings.Contains(out, "fid_proxy") {
			t.Errorf("compare: %s", out)
		}
	}
	_, errs, code := prabench("results --metric kid")
	if code != exitUsage || !strings.Contains(errs, "no result has it; there are fid_proxy") {
		t.Errorf("exit code %d, %s", code, errs)
	}
	if out := must(t, "results --only depth=exact,seed=1 --format csv"); !strings.Contains(out, "aaaa22222222") {
		t.Error(out)
	}
	for args, wrong := range map[string]string{
		"--only aaaa": "is the beginning of 2 ids", "--only rollout_depth=3": "no result matches", "--only data.size=3": "varies data.size",
		"--only bbbbbb": "neither key=value nor", "--only bach=3": "did you mean"} {
		for _, command := range []string{"results", "results --cells", "results --mean", "status", "status --json", "export"} {
			out, errs, code := prabench(command + " " + args)
			if code != exitUsage || out != "" || !strings.Contains(errs, wrong) {
				t.Errorf("%s %s: exit code %d, %q, %q", command, args, code, out, errs)
			}
		}
	}
	for args, wrong := range map[string]string{
		"results --metric fid_proxi,fid_proxy":                         "no such metric; did you mean fid_proxy?",
		"export --metric throughputt":                                  "did you mean throughput?",
		"results --metric x":                                           "--metric x: there is no such metric",
		"compare rollout_depth=0 rollout_depth=exact --metric fid":     "did you mean fid_proxy?",
		"results --across codee":                                       "--across codee: there is no such difference",
		"results --mean --across weather":                              "--across weather",
		"export --across weather":                                      "--across weather",
		"report --across weather":                                      "--across weather",
		"compare rollout_depth=0 rollout_depth=exact --across weather": "--across weather",
	} {
		if out, errs, code := prabench(args); code != exitUsage || out != "" || !strings.Contains(errs, wrong) {
			t.Errorf("%s: exit code %d, %q, %q", args, code, out, errs)
		}
	}
	if _, errs, _ := prabench("results --metric fid_proxy,kid"); !strings.Contains(errs, "note: no result has kid") {
		t.Error(errs)
	}
}

// Flags that contradict each other, and numbers that are none, are refused by run.
func TestRunRefusesContradictions(t *testing.T) {
	here(t)
	write(t, "plain.toml", small)
	for args, wrong := range map[string]string{
		"run plain.toml --jobs -1":                                      "--jobs -1: a number of stages side by side",
		"paper plain.toml --jobs -3":                                    "--jobs -3",
		"run plain.toml --only rollout_depth=1 --force rollout_depth=0": "--force rollout_depth=0: --only leaves this cell out",
		"run plain.toml --force rollout_depth=7":                        "no cell has this id",
	} {
		if _, errs, code := prabench(args); code != exitUsage || !strings.Contains(errs, wrong) {
			t.Errorf("%s: exit code %d, %q", args, code, errs)
		}
	}
	must(t, "run plain.toml --no-figures")
	var sheet struct {
		File            string
		Images, Classes int
	}
	if err := json.Unmarshal([]byte(must(t, "sample plain.toml --columns 2 --json")), &sheet); err != nil || sheet.File != "samples.png" ||
		sheet.Images != 2*sheet.Classes || sheet.Classes < 2 {
		t.Errorf("%+v, %v", sheet, err)
	}
	if err := json.Unmarshal([]byte(must(t, "sample plain.toml --count 5 --json --out x.npz")), &sheet); err != nil || sheet.Images != 5 {
		t.Errorf("%+v, %v", sheet, err)
	}
	var drawn struct {
		Files  []string
		Failed int
	}
	if err := json.Unmarshal([]byte(must(t, "plot plain.toml --json")), &drawn); err != nil || len(drawn.Files) == 0 || drawn.Failed != 0 {
		t.Errorf("%+v, %v", drawn, err)
	}
	for _, f := range drawn.Files {
		if _, err := os.Stat(f); err != nil {
			t.Error(err)
		}
	}
	if out := must(t, "status plain.toml --only rollout_depth=1"); strings.Contains(out, "rollout_depth=0") ||
		!strings.Contains(out, "1 done") {
		t.Error(out)
	}
	for args, wrong := range map[string]string{"noise plain.toml --metric kidd": "did you mean kid?",
		"importance plain.toml --metric fidd": "fidd"} {
		if _, errs, code := prabench(args); code != exitUsage || !strings.Contains(errs, "there is no such metric") ||
			!strings.Contains(errs, wrong) {
			t.Errorf("%s: exit code %d, %q", args, code, errs)
		}
	}
	_, errs, code := prabench("run plain.toml --no-figures --only depth=1 --force depth=1")
	if code != exitOK || !strings.Contains(errs, "4 stages done") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}

// small is an experiment of two cells without timings.
const small = `name = "plain"
[data]
set = "shapes"
size = 8
limit = 64
[model]
patch = 4
state = 4
width = 16
depth = 1
heads = 2
head_width = 16
head_depth = 1
coder_width = 16
[train]
steps = 2
batch = 8
[sample]
count = 40
flow_steps = 2
[metrics]
samples = 60
[measure]
rounds = 0
threads = 1
[sweep]
"train.rollout_depth" = [0, 1]
[[figure]]
kind = "table"
`
