package main

import (
	"encoding/csv"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"prabench/harness/engine"
)

// artifacts are the files that stages left.
func artifacts(t *testing.T) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	for _, kind := range []string{"reference", "train", "sample", "score", "time"} {
		err := filepath.WalkDir(filepath.Join(".prabench", kind), func(path string, e fs.DirEntry, err error) error {
			if err == nil && !e.IsDir() {
				out[path] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func wants(t *testing.T, what, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%s does not say %q:\n%s", what, p, text)
		}
	}
}

// A narrowed run of a file and gc after it take nothing from the run before, and
// both can be asked for; what was removed by name alone is garbage.
func TestRunsAreKept(t *testing.T) {
	if testing.Short() {
		t.Skip("trains small models: some seconds")
	}
	here(t)
	must(t, "run tiny.toml")
	first, rows := artifacts(t), must(t, "results --format csv")
	figures := must(t, "plot tiny.toml --format svg")
	const small = "run tiny.toml --set train.steps=3 --only train.rollout_depth=1"
	out, errs, code := prabench(small)
	if code != exitOK {
		t.Fatal(errs)
	}
	wants(t, "the narrowed run", errs, "this is version 2 of tiny (--set train.steps=3)", "version 1 (the whole file, 2 cells) stays",
		"prabench results tiny@2")
	wants(t, "its table", out, "tiny@2", "kept beside it: tiny@1 (the whole file, 2 cells)", filepath.FromSlash("figures/tiny@2/"))
	wants(t, "gc", must(t, "gc --yes"), "nothing to remove")
	both := artifacts(t)
	for path := range first {
		if !both[path] {
			t.Errorf("%s is gone", path)
		}
	}
	got, errs, _ := prabench("results --format csv")
	if got != rows {
		t.Error("the narrowed run changed what results shows")
	}
	wants(t, "results", errs, "this is version 1 (the whole file)", "tiny@2 (--set train.steps=3, 2 cells)")
	if again := must(t, "plot tiny.toml --format svg"); again != figures {
		t.Errorf("plot: %s", again)
	}
	second := must(t, "results tiny@2 --format csv")
	if of := must(t, "results tiny.toml --set train.steps=3 --format csv"); of != second || second == rows ||
		!strings.Contains(second, "tiny@2") {
		t.Errorf("of the version:\n%s\nof the file:\n%s", second, of)
	}
	wants(t, "results of two", must(t, "results tiny tiny@2"), "tiny\n", "tiny@2\n")
	wants(t, "report", must(t, "report --out -"), "kept beside it: tiny@2")
	wants(t, "status", must(t, "status"), "tiny: this is version 1 of 2")

	must(t, "experiments tag tiny@2 small")
	if of := must(t, "results tiny@small --format csv"); strings.ReplaceAll(of, "tiny@small", "tiny@2") != second {
		t.Errorf("of the tag:\n%s", of)
	}
	var all []engine.KeptVersion
	if err := json.Unmarshal([]byte(must(t, "experiments --json")), &all); err != nil || len(all) != 2 || !all[0].Shown ||
		all[1].Tag != "small" ||
		all[1].Of != "--set train.steps=3" || all[0].Alone == 0 || all[0].Bytes <= all[0].Alone || all[0].Missing != 0 ||
		filepath.Base(all[0].Source) != "tiny.toml" {
		t.Errorf("%+v %v", all, err)
	}
	wants(t, "the list", must(t, "experiments tiny"), "tiny@1", "the whole file", "small")

	if _, errs, code := prabench("experiments remove tiny@2"); code != exitUsage { // nobody says yes
		t.Errorf("exit code %d: %s", code, errs)
	}
	wants(t, "gc", must(t, "gc"), "nothing to remove")
	must(t, "experiments remove tiny@2 --yes")
	wants(t, "gc", must(t, "gc --yes"), "tiny@2", "no version of an experiment needs it")
	if left := artifacts(t); len(left) != len(first) {
		t.Errorf("%d files are left of %d", len(left), len(first))
	}
	if _, errs, code := prabench("results tiny@2"); code != exitUsage || !strings.Contains(errs, "no such version, only 1") {
		t.Errorf("exit code %d: %s", code, errs)
	}
	// It comes back with its number, and its training is made again.
	_, errs, _ = prabench(small + " --no-figures")
	wants(t, "the run after", errs, "this is version 2 of tiny")
}

// Two files of one name are told apart, and neither takes the other's place
// unasked.
func TestTwoFilesOfOneName(t *testing.T) {
	if testing.Short() {
		t.Skip("trains small models: some seconds")
	}
	here(t)
	raw, err := os.ReadFile("tiny.toml")
	if err != nil {
		t.Fatal(err)
	}
	const quick = " --no-figures --only train.rollout_depth=0"
	must(t, "run tiny.toml"+quick)
	rows := must(t, "results --format csv")
	os.Mkdir("other", 0o755)
	write(t, "other/tiny.toml", string(raw)) // a copy is the same experiment
	_, errs, code := prabench("run other/tiny.toml" + quick)
	if code != exitOK || !strings.Contains(errs, "nothing to do") {
		t.Errorf("a copy: exit code %d, %s", code, errs)
	}
	write(t, "other/tiny.toml", strings.Replace(string(raw), "[train]", "[train]\nlr = 0.003", 1))
	if _, errs, code = prabench("run other/tiny.toml" + quick); code != exitOK { // other is the source since the copy ran
		t.Errorf("exit code %d: %s", code, errs)
	}
	_, errs, code = prabench("run tiny.toml" + quick)
	here, _ := filepath.Abs("other/tiny.toml")
	if code != exitUsage {
		t.Errorf("exit code %d", code)
	}
	wants(t, "the error", errs, "tiny.toml: ", here, `"tiny"`, "name = ", "--take-over", "nothing was started")
	wants(t, "plan", must(t, "plan tiny.toml"), "run refuses this: ", here)
	_, errs, code = prabench("run tiny.toml --take-over" + quick)
	if code != exitOK || !strings.Contains(errs, "nothing to do") {
		t.Errorf("taking over: exit code %d, %s", code, errs)
	}
	wants(t, "taking over", errs, "version 1 of tiny (the whole file) is shown from now on", "is kept: prabench results tiny@2")
	if again := must(t, "results --format csv"); again != rows {
		t.Error("the first file's results changed")
	}
	os.Rename("tiny.toml", "moved.toml") // goes on under its name
	write(t, "moved.toml", "name = \"tiny\"\n"+strings.Replace(string(raw), "name = \"tiny\"\n", "", 1))
	if _, errs, code = prabench("run moved.toml" + quick); code != exitOK {
		t.Errorf("moved: exit code %d: %s", code, errs)
	}
	wants(t, "gc", must(t, "gc"), "nothing to remove")
}

// What of a run is lost is said, and made again with the same numbers or taken
// over from the artifacts.
func TestLostAndFound(t *testing.T) {
	if testing.Short() {
		t.Skip("trains small models: some seconds")
	}
	here(t)
	const quick = "run tiny.toml --no-figures --only train.rollout_depth=0"
	must(t, quick)
	numbers := func() string {
		rows, err := csv.NewReader(strings.NewReader(must(t, "results --format csv --metric fid_proxy,train_loss,throughput"))).ReadAll()
		if err != nil || len(rows) != 4 {
			t.Fatal(rows, err)
		}
		out := ""
		for _, r := range rows {
			out += strings.Join(r[:8], " ") + "\n"
		}
		return out
	}
	before := numbers()
	for _, f := range []string{"results.db", "results.db-wal", "results.db-shm"} {
		os.Remove(f)
	}
	_, errs, code := prabench(quick)
	if code != exitOK || numbers() != before {
		t.Errorf("exit code %d; before:\n%safter:\n%s", code, before, numbers())
	}
	wants(t, "a run without its database", errs, "5 stages are not in results.db, but their artifacts are in ", "taken over", "nothing to do")

	os.RemoveAll(".prabench/train")
	var all []engine.KeptVersion
	if err := json.Unmarshal([]byte(must(t, "experiments --json")), &all); err != nil || len(all) != 1 || all[0].Missing != 1 {
		t.Errorf("%+v %v", all, err)
	}
	if _, errs, code = prabench(quick); code != exitOK || numbers() != before || !strings.Contains(errs, "nothing to do") {
		t.Errorf("nothing builds on it: exit code %d: %s", code, errs)
	}
	_, errs, code = prabench(quick + " --set sample.flow_steps=3")
	if code != exitOK || numbers() != before {
		t.Errorf("exit code %d: %s", code, errs)
	}
	wants(t, "a run without its model", errs, "artifacts that others build on are not in ", "(1 of train)", "done again")
}
