package main

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"prabench/harness/engine"
)

// paperFiles makes two small experiments below experiments/paper, with a claim
// and, in the second, a figure that cannot be drawn.
func paperFiles(t *testing.T) {
	t.Helper()
	here(t)
	tiny, err := os.ReadFile("tiny.toml")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(tiny), "\n[data]", "\nrepeats = 2\n\n[data]", 1)
	claims := `
[[figure]]
name = "quality"
kind = "bars"
x = "train.rollout_depth"
width = 3.25

[[claim]]
text = "depth 1 is better than depth 0"
metric = "fid_proxy"
of = { "train.rollout_depth" = 1 }
over = { "train.rollout_depth" = 0 }
figure = "quality"

[[claim]]
text = "both have the same number of parameters"
metric = "params"
expect = "higher"
of = { "train.rollout_depth" = 1 }
over = { "train.rollout_depth" = 0 }
`
	write(t, "experiments/paper/first.toml", strings.Replace(text, `"tiny"`, `"first"`, 1)+claims)
	second := strings.Replace(strings.Replace(text, `"tiny"`, `"second"`, 1), "repeats = 2", "repeats = 1", 1)
	write(t, "experiments/paper/second.toml", second+"\n[[figure]]\nname = \"no\"\nkind = \"line\"\nx = \"model.patch\"\n")
}

// tree reads all files of a folder.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		all[filepath.ToSlash(name)] = string(raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestPaper is the whole way: what is missing is run, all is drawn, and drawn
// again every file is the same to the byte.
func TestPaper(t *testing.T) {
	if testing.Short() {
		t.Skip("trains small models: some seconds")
	}
	paperFiles(t)
	out := must(t, "paper --dry-run")
	if got := strings.Join(strings.Fields(strings.Split(out, "\n")[1]), " "); !strings.HasPrefix(got,
		"first 4 2 2 5 2 yes two rollout depths") {
		t.Errorf("first is %q", got)
	}
	for _, want := range []string{"first", "second", "paper/first/quality.pdf", "paper/second/cells.tex", "paper/index.html",
		"train", "to do"} {
		if !strings.Contains(out, want) {
			t.Errorf("the dry run does not say %q:\n%s", want, out)
		}
	}
	if left, _ := filepath.Glob("*"); len(left) != 2 {
		t.Errorf("the dry run left %v", left)
	}

	out, errs, code := prabench("paper --only first --set measure.repeat_disturbed=0")
	if code != exitOK || !strings.Contains(out, "paper/first/speed.svg") || !strings.Contains(errs, "experiments/paper, of this folder") {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	one := tree(t, "paper")
	if _, ok := one["second/cells.tex"]; ok || !strings.Contains(one["index.md"], "prabench paper --only second") {
		t.Errorf("second was not asked for:\n%s", one["index.md"])
	}

	// All of it: the figure of one patch is drawn as a line of two points at one
	// place, which is refused.
	_, errs, code = prabench("paper --set measure.repeat_disturbed=0")
	if code != exitFailed || !strings.Contains(errs, "warning: second/no: ") || !strings.Contains(errs, "train.rollout_depth (0 and 1)") {
		t.Errorf("exit code %d\n%s", code, errs)
	}
	all := tree(t, "paper")
	for _, want := range []string{"first/quality.pdf", "first/samples.svg", "first/training.png", "first/cells.tex", "first/cells.md",
		"first/attempts.csv", "first/experiment.toml", "second/speed.pdf", "index.html", "SHA256SUMS"} {
		if all[want] == "" {
			t.Errorf("there is no %s", want)
		}
	}
	for _, want := range []string{"prabench paper --only first --set measure.repeat_disturbed=0", "depth 1 is better than depth 0",
		"What is behind it", "one training seed"} {
		if !strings.Contains(all["index.html"], want) {
			t.Errorf("the index does not say %q", want)
		}
	}
	source, _ := os.ReadFile("experiments/paper/first.toml")
	if all["first/experiment.toml"] != string(source) {
		t.Error("the experiment beside the figures is not the one that was run")
	}

	// The same database once more, in another folder and in a process of its own.
	again := func(args ...string) map[string]string {
		t.Helper()
		var said bytes.Buffer
		run(append([]string{"paper", "--draw-only", "--set", "measure.repeat_disturbed=0", "--out", "again"}, args...),
			strings.NewReader(""), &said, &said)
		return tree(t, "again")
	}
	second := again()
	if len(second) != len(all) {
		t.Errorf("%d files, then %d", len(all), len(second))
	}
	for name, text := range all {
		if second[name] != text {
			t.Errorf("%s differs when it is drawn again", name)
		}
	}
	_, errs, code = prabench("paper experiments/paper/first.toml --draw-only --out other --set train.steps=21")
	if code != exitFailed || !strings.Contains(errs, "another version") {
		t.Errorf("another version: exit code %d, %s", code, errs)
	}
	if got := must(t, "results --experiment first --format latex --cells"); !strings.Contains(got, `\toprule`) {
		t.Error(got)
	}
	os.RemoveAll("figures")
	must(t, "plot experiments/paper/first.toml --format svg,tex --set measure.repeat_disturbed=0")
	drawn := tree(t, "figures/first")
	if len(drawn) != 5 || drawn["cells.tex"] == "" || drawn["quality.svg"] == "" {
		t.Errorf("%d files", len(drawn))
	}
}

// TestPaperMistakes: what is said, with exit code 2, and nothing is begun.
func TestPaperMistakes(t *testing.T) {
	paperFiles(t)
	text, _ := os.ReadFile("experiments/paper/first.toml")
	write(t, "neither.toml", strings.Replace(string(text), `metric = "fid_proxy"`, `metric = "fid_prox"`, 1))
	for args, want := range map[string]string{
		"paper --only third":             "--only third: there is no such experiment; there are first, second",
		"paper --dry-run --draw-only":    "exclude each other",
		"paper --draw-only":              "results.db",
		"paper nofile.toml":              "nofile.toml: the experiment file cannot be read",
		"paper neither.toml":             `claim.metric: there is no metric "fid_prox"`,
		"paper --retry all":              "the only choice is `failed`",
		"plot tiny.toml --format gif":    `format "gif" is unknown`,
		"paper --only first --across me": "--across me",
	} {
		out, errs, code := prabench(args)
		if code != exitUsage || !strings.Contains(errs, want) {
			t.Errorf("prabench %s: exit code %d, %s%s; want %q", args, code, out, errs, want)
		}
	}
	if _, err := os.Stat("results.db"); err == nil {
		t.Error("a refused command made a database")
	}
}

// TestPaperOfTheProgram: without a folder of its own the program has the files.
func TestPaperOfTheProgram(t *testing.T) {
	here(t)
	_, errs, code := prabench("paper --dry-run")
	switch code {
	case exitOK:
		if !strings.Contains(errs, "part of the program") {
			t.Error(errs)
		}
	case exitUsage: // there are none in the source tree either
		if !strings.Contains(errs, "neither here nor in the program") {
			t.Error(errs)
		}
	default:
		t.Errorf("exit code %d, %s", code, errs)
	}
}

// TestPaperStops: Ctrl-C in a training ends with a checkpoint, exit code 1 and the
// command to go on with; nothing is drawn.
func TestPaperStops(t *testing.T) {
	if testing.Short() {
		t.Skip("trains small models: some seconds")
	}
	here(t)
	cmd := exec.Command(os.Args[0], "paper", "tiny.toml", "--set", "train.steps=20000", "--set", "train.rollout_depth=1", "--jobs", "1")
	var errs strings.Builder
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "a training that has begun", func() bool {
		for _, r := range engine.RunningNow(engine.Places{Artifacts: ".prabench"}) {
			if r.Kind == "train" && r.Progress.What == "training" {
				return true
			}
		}
		return false
	})
	cmd.Process.Signal(syscall.SIGINT)
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != exitFailed || !strings.Contains(errs.String(), "to go on: prabench paper tiny.toml") {
		t.Errorf("exit code %d, %s", code, errs.String())
	}
	if _, err := os.Stat("paper"); err == nil {
		t.Error("half a paper was drawn")
	}
}
