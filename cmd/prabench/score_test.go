package main

import (
	"bytes"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"prabench/harness/outside"
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
			name = "rollout_depth=" + r[column["train.rollout_depth"]]
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
// the rows stay when the experiment is planned again.
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
	if out, errs, code := prabench("score a.npy --label theirs --experiment tiny.toml" + set); code != exitOK ||
		!strings.Contains(errs, "note: sample.count = 120 images of 96 features, fewer than 4800") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	must(t, "score b.npy --label theirs --seed 2 --experiment tiny.toml"+set)
	must(t, "score a.npy --label theirs --experiment tiny.toml"+set) // again: nothing new
	must(t, "sample tiny.toml --only train.rollout_depth=0 --count 120 --out again.npz"+set)
	must(t, "score again.npz --label again --experiment tiny.toml"+set)
	got := values(t, "")
	for _, m := range []string{"fid_proxy", "kid", "precision", "density", "kid_class", "sliced_wasserstein"} { // with classes: intervals too
		if a, b := got["again seed 1 "+m], got["rollout_depth=0 seed 1 "+m]; a == "" || a != b {
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
		if a := own("theirs"); !near(a, own("rollout_depth=0")) && !near(a, own("rollout_depth=1")) {
			t.Errorf("%s is %v from outside, %q and %q of the cells", m, a, got["rollout_depth=0 seed 1 "+m], got["rollout_depth=1 seed 1 "+m])
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

// Features of another program are compared with those of real images or with
// published statistics; images, in the features of an experiment's extractor.
func TestScoreFeatures(t *testing.T) {
	testdata, err := filepath.Abs("../../harness/outside/testdata")
	if err != nil {
		t.Fatal(err)
	}
	here(t)
	theirs := filepath.Join(testdata, "features.npy")
	out := must(t, "score --features "+theirs+" --stats "+filepath.Join(testdata, "stats.npz")+" --write-stats ours.npz --json")
	var found struct {
		Images, Features int
		Values           []struct {
			Metric string
			Value  float64
			Lo, Hi *float64
			N      int
		}
		Notes []string
	}
	if err := json.Unmarshal([]byte(out), &found); err != nil {
		t.Fatal(err)
	}
	if v := found.Values; len(v) != 1 || v[0].Metric != "fid_proxy" || math.Abs(v[0].Value-2.355764296728509) > 1e-9 ||
		v[0].Lo == nil || v[0].N != 150 {
		t.Errorf("%s", out)
	}
	if notes := strings.Join(found.Notes, " "); !strings.Contains(notes, "fewer than 300 (50 per feature)") {
		t.Errorf("no note of few images: %s", notes)
	}
	nothing := func(args string) {
		t.Helper()
		out := must(t, args+" --json")
		if err := json.Unmarshal([]byte(out), &found); err != nil || len(found.Values) != 1 || found.Values[0].Value > 1e-9 {
			t.Errorf("%s: a distance from its own statistics (%v):\n%s", args, err, out)
		}
	}
	nothing("score --features " + theirs + " --stats ours.npz")
	if os.Symlink("/dev/full", "full.npz") == nil { // what cannot be known before: the scores are printed all the same
		out, errs, code := prabench("score --features " + theirs + " --stats ours.npz --write-stats full.npz")
		if code != exitHarness || !strings.Contains(out, "fid_proxy") || !strings.Contains(errs, "/dev/full") {
			t.Errorf("a full disk: exit code %d, %s%s", code, out, errs)
		}
	}
	out = must(t, "score --features "+theirs+" --reference-features "+theirs+" --held-out-features "+theirs)
	for _, m := range []string{"kid", "coverage", "fd_inf", "sliced_wasserstein", "mmd_rbf", "duplicates", "real images"} {
		if !strings.Contains(out, m) {
			t.Errorf("no %s:\n%s", m, out)
		}
	}
	features := func(name string, n, d int) {
		var b bytes.Buffer
		b.Write(outside.Header("<f4", n, d))
		x := make([]float32, n*d)
		for i := range x {
			x[i] = float32(i * i % 97)
		}
		_ = binary.Write(&b, binary.LittleEndian, x)
		write(t, name, b.String())
	}
	features("few.npy", 6, 6)
	features("wide.npy", 200, 7)
	features("short.npy", 100, 6)
	// Images by an experiment's extractor: 300 shapes are more than its 96 features.
	images := append(outside.Header("|u1", 300, 8, 8, 3), make([]byte, 300*8*8*3)...)
	for i := range images[len(images)-300*8*8*3:] {
		images[len(images)-1-i] = byte(i * i >> 4)
	}
	write(t, "images.npy", string(images))
	const size = " --experiment tiny.toml"
	must(t, "score images.npy --write-stats images.npz"+size)
	nothing("score images.npy --stats images.npz" + size)
	if out := must(t, "score images.npy --stats images.npz"+size); !strings.Contains(out, "ternary") {
		t.Errorf("the extractor is not named:\n%s", out)
	}
	for args, want := range map[string]string{
		"score":                                                        "images of another program, or their --features",
		"score --features " + theirs:                                   "give --reference-features R.npy or --stats",
		"score x.png --stats s.npz":                                    "give --experiment FILE",
		"score x --features f.npy":                                     "give IMAGES or --features",
		"score --features few.npy --stats ours.npz":                    "has 6 images of 6 features: a covariance of so few is singular",
		"score --features wide.npy --stats ours.npz":                   "is of 6 features, wide.npy has 7",
		"score --features wide.npy --stats " + theirs:                  "is no .npz file",
		"score images.npy --stats ours.npz" + size:                     "has 96: statistics and features must come from the same extractor",
		"score --features wide.npy --reference-features " + theirs:     "has 6 features an image, the scored ones have 7",
		"score --features " + theirs + " --reference-features few.npy": "few.npy has 6 images of 6 features",
		"score --features " + theirs + " --reference-features " + theirs + " --held-out-features short.npy": "has 100 images, 150 are scored",
		"score --features " + theirs + " --stats ours.npz --held-out-features short.npy":                    "for floors",
	} {
		if _, errs, code := prabench(args); code != exitUsage || !strings.Contains(errs, want) {
			t.Errorf("%s: exit code %d, %s, want %q", args, code, errs, want)
		}
	}
}
