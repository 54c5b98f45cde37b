package main

import (
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// values are the results by cell's label and metric.
func values(t *testing.T, args string) map[string]string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(must(t, "results --format csv"+args))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	out := map[string]string{}
	for _, r := range rows[1:] {
		name := r[column["outside"]]
		if name == "" {
			name = "depth=" + r[column["train.rollout_depth"]]
		}
		key := name + " seed " + r[column["seed"]] + " " + r[column["metric"]]
		if _, twice := out[key]; twice {
			t.Errorf("%s is there twice", key)
		}
		out[key] = r[column["value"]] + " [" + r[column["lo"]] + ", " + r[column["hi"]] + "] " + r[column["protocol"]]
	}
	return out
}

// A cell's own images, given from outside, have the cell's scores to the digit;
// the rows stay when the experiment is planned anew.
func TestScore(t *testing.T) {
	if testing.Short() {
		t.Skip("trains two small models: some seconds")
	}
	here(t)
	const set = " --set sample.count=120 --set train.steps=4 --set metrics.also=['density','kid_class','duplicates','sliced','mmd_rbf']"
	must(t, "run tiny.toml --no-figures"+set)
	found, _ := filepath.Glob(".prabench/sample/*/samples.npy")
	if len(found) != 2 {
		t.Fatalf("%d sample artifacts", len(found))
	}
	for i, name := range []string{"a.npy", "b.npy"} {
		raw, err := os.ReadFile(found[i])
		if err != nil {
			t.Fatal(err)
		}
		write(t, name, string(raw))
	}
	must(t, "score a.npy --label theirs --experiment tiny.toml"+set)
	must(t, "score b.npy --label theirs --seed 2 --experiment tiny.toml"+set)
	must(t, "score a.npy --label theirs --experiment tiny.toml"+set) // again: nothing new
	must(t, "sample tiny.toml --only train.rollout_depth=0 --count 120 --out again.npz"+set)
	must(t, "score again.npz --label again --experiment tiny.toml"+set)
	got := values(t, "")
	for _, m := range []string{"fid_proxy", "kid", "precision", "density", "kid_class", "sliced_wasserstein"} { // with classes: intervals too
		if a, b := got["again seed 1 "+m], got["depth=0 seed 1 "+m]; a == "" || a != b {
			t.Errorf("%s of images drawn again is %q, that of the cell %q", m, a, b)
		}
	}
	for _, m := range []string{"precision", "recall", "fid_proxy", "kid", "density", "coverage", "fid_proxy_floor", "density_floor"} {
		// Which of the two cells the file is of does not matter. The intervals differ:
		// the blocks of images with classes are dealt by them.
		own := func(cell string) float64 {
			text, _, _ := strings.Cut(got[cell+" seed 1 "+m], " ")
			v, err := strconv.ParseFloat(text, 64)
			if err != nil {
				t.Errorf("%s of %s: %v", m, cell, err)
			}
			return v
		}
		near := func(a, b float64) bool { return math.Abs(a-b) <= 1e-12*math.Abs(b) } // sums in another order
		if a := own("theirs"); !near(a, own("depth=0")) && !near(a, own("depth=1")) {
			t.Errorf("%s is %v from outside, %q and %q of the cells", m, a, got["depth=0 seed 1 "+m], got["depth=1 seed 1 "+m])
		}
	}
	if got["theirs seed 1 kid_class"] != "" { // an .npy has no classes
		t.Errorf("images without classes have the score by class %s", got["theirs seed 1 kid_class"])
	}
	if got["theirs seed 2 fid_proxy"] == "" || got["theirs seed 1 fid_proxy"] == got["theirs seed 2 fid_proxy"] {
		t.Error("the second file has no row of its own")
	}
	if out := must(t, "results tiny.toml"+set); !strings.Contains(out, "theirs (outside)  2") {
		t.Errorf("no point of two seeds:\n%s", out)
	}
	must(t, "run tiny.toml --set sample.flow_steps=1 --no-figures"+set) // another plan
	again := values(t, "")
	for key, v := range got {
		if strings.HasPrefix(key, "theirs") && again[key] != v {
			t.Errorf("after another plan %s is %q, was %q", key, again[key], v)
		}
	}
	if out := must(t, "gc"); strings.Contains(out, "score/") && strings.Count(out, "score/") != 2 {
		t.Errorf("scores from outside would be removed:\n%s", out)
	}
	tiny, err := os.ReadFile("tiny.toml")
	if err != nil {
		t.Fatal(err)
	}
	write(t, "tiny.toml", string(tiny)+`
[[claim]]
text = "theirs are nearer"
metric = "fid_proxy"
of = { outside = "theirs" }
over = { "train.rollout_depth" = 1 }
expect = "better"
`)
	must(t, "paper tiny.toml --draw-only --across code --set sample.flow_steps=1"+set)
	if page, err := os.ReadFile("paper/index.md"); err != nil || !strings.Contains(string(page), "expected lower: theirs (outside): ") {
		t.Errorf("no claim of it (%v):\n%s", err, page)
	}
	must(t, "report tiny.toml --set sample.flow_steps=1"+set)
	if page, err := os.ReadFile("report.html"); err != nil || !strings.Contains(string(page), "theirs (outside)") {
		t.Errorf("the report does not have it: %v", err)
	}
	for args, want := range map[string]string{
		"score a.npy --experiment tiny.toml":                                        "--label",
		"score a.npy --label x --experiment tiny.toml --range 1..2" + set:           "choose one of",
		"score a.npy --label x --experiment tiny.toml --set sample.count=121" + "":  "has 120 images, the experiment scores 121",
		"score a.npy --label x --experiment tiny.toml --set sample.count=30":        "are not more than the",
		"score a.npy --label x --experiment tiny.toml --set sample.count=100":       "another version",
		"score a.npy --label x --experiment tiny.toml --set sample.count=[100,110]": "different protocols",
		"score nothing.npy --label x --experiment tiny.toml --set sample.count=100": "nothing.npy",
	} {
		if _, errs, code := prabench(args); code != exitUsage || !strings.Contains(errs, want) {
			t.Errorf("%s: exit code %d, %s", args, code, errs)
		}
	}
}
