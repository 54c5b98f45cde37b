package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"prabench/results/record"
)

// TestShortStorm is a small one on drawn shapes; `make storm` is the real one.
func TestShortStorm(t *testing.T) {
	if testing.Short() {
		t.Skip("runs an experiment and kills it fifteen times: half a minute")
	}
	dir := t.TempDir()
	program := filepath.Join(dir, "prabench")
	build := exec.Command("go", "build", "-o", program, "prabench/cmd/prabench")
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the program: %v\n%s", err, said)
	}
	var out bytes.Buffer
	s := storm{
		program: program, kills: 15, longest: 900 * time.Millisecond, seed: 7, dir: dir, out: &out,
		args: []string{"../../cmd/prabench/testdata/tiny.toml", "--set", "measure.checkpoint_steps=5", "--set", "measure.repeat_disturbed=0"},
	}
	problems, err := s.run()
	if err != nil || problems != 0 || s.runners+s.workers != s.kills || s.runners == 0 {
		t.Errorf("%d problems, %v\n%s", problems, err, out.String())
	}
	t.Log("\n" + out.String())
}

// A comparison that finds nothing would pass every storm.
func TestDifferencesAreFound(t *testing.T) {
	fresh := func() content {
		return content{
			rows:   map[string]float64{"e | c | 1 | fid_proxy | 1 | 9 | p | ok": 2, "e | c | 1 | throughput | images/s | 2 | p | ok": 5},
			stages: map[string]int{"a": 1, "b": 1}, outcomes: map[string]string{"e c": record.OK}, damage: "ok",
		}
	}
	if d := differences(fresh(), fresh()); len(d) != 0 {
		t.Errorf("equal contents differ: %v", d)
	}
	for want, change := range map[string]func(*content){
		"lost: e | c | 1 | fid_proxy":     func(c *content) { delete(c.rows, "e | c | 1 | fid_proxy | 1 | 9 | p | ok") },
		"is 3, undisturbed 2":             func(c *content) { c.rows["e | c | 1 | fid_proxy | 1 | 9 | p | ok"] = 3 },
		"only after the storm":            func(c *content) { c.rows["e | d | 1 | fid_proxy | 1 | 9 | p | ok"] = 3 },
		"there twice: x":                  func(c *content) { c.twice = []string{"x"} },
		"stage a ended well 2 times":      func(c *content) { c.stages["a"] = 2 },
		"stage z was not wanted":          func(c *content) { c.stages["z"] = 1 },
		`cell e c is "crash"`:             func(c *content) { c.outcomes["e c"] = record.Crash },
		"the database is damaged: page 3": func(c *content) { c.damage = "page 3" },
	} {
		got := fresh()
		change(&got)
		if d := strings.Join(differences(fresh(), got), "\n"); !strings.Contains(d, want) {
			t.Errorf("%q was not found: %q", want, d)
		}
	}
	speed := fresh()
	speed.rows["e | c | 1 | throughput | images/s | 2 | p | ok"] = 6
	if d := differences(fresh(), speed); len(d) != 0 {
		t.Errorf("another speed is a difference: %v", d)
	}
}

func TestALostAttemptIsFound(t *testing.T) {
	w := weather{storm: &storm{dir: t.TempDir()}, seen: map[string]bool{"x": true, "y": true}}
	w.places = w.storm.places("p")
	os.MkdirAll(w.places.Spool(), 0o755)
	os.WriteFile(filepath.Join(w.places.Spool(), "z.json"), nil, 0o644)
	if l := strings.Join(w.lost(content{attempts: map[string]bool{"x": true}}), "\n"); !strings.Contains(l,
		"attempt y was there and is lost") || !strings.Contains(l, "left in the spool") || strings.Contains(l, "attempt x") {
		t.Error(l)
	}
}
