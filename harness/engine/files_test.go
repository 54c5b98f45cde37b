package engine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"prabench/experiments"
	"prabench/models/pra"
)

func tiny(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name+".toml")
	text := "name = \"" + name +
		"\"\nrepeats = 2\n[data]\nset = \"shapes\"\nsize = 8\n[model]\npatch = 4\n[sweep]\n\"train.lr\" = [1e-3, 2e-3]\n"
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// Each file is read once, also where cells are chosen of it; the others of its
// cells stay and are skipped.
func TestLoadReadsOnce(t *testing.T) {
	path, reads := tiny(t, "once"), 0
	ls, err := Load([]string{path}, LoadOptions{Only: "train.lr=0.002", Device: "cpu", Set: []string{"train.steps=7"},
		Read: func(p string, o experiments.Options) (*experiments.Experiment, error) {
			reads++
			return experiments.Load(p, o)
		}})
	if err != nil || len(ls) != 1 || reads != 1 {
		t.Fatalf("%d files, read %d times: %v", len(ls), reads, err)
	}
	l := ls[0]
	if len(l.Exp.Cells) != 4 || l.File.Cells != nil {
		t.Fatalf("the engine has %d cells, the file %d", len(l.Exp.Cells), len(l.File.Cells))
	}
	for _, c := range l.Exp.Cells {
		if c.Skip != (c.Settings.Params.(pra.Params).Train.LR != 2e-3) {
			t.Errorf("%s (lr %v) is skipped: %v", c.Label, c.Settings.Params.(pra.Params).Train.LR, c.Skip)
		}
		if c.Settings.Params.(pra.Params).Train.Steps != 7 || c.Settings.Measure.Device != "cpu" {
			t.Errorf("%s has not what was set: %+v", c.Label, c.Settings)
		}
	}
}

// What is wrong with several files comes together, beside what is right.
func TestLoadTellsEverything(t *testing.T) {
	good, other := tiny(t, "same"), tiny(t, "same")
	missing := filepath.Join(t.TempDir(), "missing.toml")
	ls, err := Load([]string{good, missing, other}, LoadOptions{})
	if err == nil || !IsMistake(err) || len(ls) != 2 {
		t.Fatalf("%d files: %v", len(ls), err)
	}
	for _, part := range []string{missing, "both named \"same\""} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not told in: %v", part, err)
		}
	}
	if _, err := Load([]string{good}, LoadOptions{Only: "train.lr=9"}); !IsMistake(err) {
		t.Errorf("a value that no cell has: %v", err)
	}
}

// A plan needs neither database nor artifacts.
func TestInspectNothing(t *testing.T) {
	ls, err := Load([]string{tiny(t, "nothing")}, LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	p, _, err := Inspect(t.Context(), Places{DB: filepath.Join(dir, "r.db"), Artifacts: filepath.Join(dir, "a")}, false, Experiments(ls)...)
	if err != nil {
		t.Fatal(err)
	}
	if p.Count(ToDo) == 0 || p.Count(Done) != 0 {
		t.Errorf("%d stages to do, %d done", p.Count(ToDo), p.Count(Done))
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("looking left something behind: %v", left)
	}
}
