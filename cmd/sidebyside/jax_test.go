package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// jaxPython is a Python with JAX, or the test is skipped.
func jaxPython(t *testing.T) string {
	t.Helper()
	python := os.Getenv("PRABENCH_JAX")
	if python == "" {
		python, _ = filepath.Abs("../../.prabench/jax/bin/python")
	}
	if out, err := exec.Command(python, "-c", "import jax, numpy, safetensors").CombinedOutput(); err != nil {
		t.Skipf("skipped: %s has no JAX (make jax-compare installs one; PRABENCH_JAX names another): %s", python, out)
	}
	return python
}

// beside runs compare.py with a tiny model and says what it printed and ended with.
func beside(t *testing.T, python string, arguments ...string) (string, int) {
	t.Helper()
	arguments = append([]string{"../../models/testdata/sidebyside/compare.py"}, arguments...)
	cmd := exec.Command(python, append(arguments, "--model", "nano", "--patch", "14", "--batch", "4", "--steps", "5")...)
	out, _ := cmd.CombinedOutput()
	return string(out), cmd.ProcessState.ExitCode()
}

// A training step and a sampling call in JAX have our numbers, and those of the oracle.
func TestJAXHasOurNumbers(t *testing.T) {
	out, status := beside(t, jaxPython(t), "check", "--opponents", "jax")
	if status != 0 {
		t.Fatalf("status %d\n%s", status, out)
	}
	for _, what := range []string{
		"trunk h (oracle)", "head output (oracle)", "loss", "flow loss", "reconstruction loss", "gradient norm", "gradient",
		"second moments", "weights", "averaged weights", "movement of all weights", "movement of all averages", "sampled tokens",
	} {
		if !strings.Contains(out, "  jax: "+what+" ") {
			t.Errorf("%q was not compared\n%s", what, out)
		}
	}
}

// Training and sampling are timed in turn with ours, in one round each of both.
func TestJAXIsTimed(t *testing.T) {
	python, record := jaxPython(t), filepath.Join(t.TempDir(), "jax.jsonl")
	for _, what := range []string{"train", "sample"} {
		out, status := beside(t, python, "time", what, "--opponents", "jax", "--rounds", "1", "--seconds", "0.01", "--out", record)
		if status != 0 {
			t.Fatalf("status %d\n%s", status, out)
		}
	}
	raw, err := os.ReadFile(record)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	if len(lines) != 2 {
		t.Fatalf("%d records of two comparisons:\n%s", len(lines), raw)
	}
	for i, line := range lines {
		var r struct {
			What, JAX string
			Ours      []float64
			Theirs    map[string][]float64
			Error     float64
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		timed := len(r.Ours) > 0 && len(r.Theirs["jax"]) == len(r.Ours)
		if r.What != []string{"train", "sample"}[i] || r.JAX == "" || !timed || !(r.Error <= 1e-4) {
			t.Errorf("record %d: %s", i, line)
		}
	}
}

// A program whose numbers are off is not timed, and leaves no record.
func TestJAXWithOtherNumbersIsNotTimed(t *testing.T) {
	record := filepath.Join(t.TempDir(), "jax.jsonl")
	out, status := beside(t, jaxPython(t), "time", "sample", "--opponents", "jax", "--rounds", "1", "--tolerance", "1e-12", "--out", record)
	if status == 0 || !strings.Contains(out, "jax: sampled tokens differs by") || !strings.Contains(out, "nothing was timed") {
		t.Errorf("status %d\n%s", status, out)
	}
	if _, err := os.Stat(record); err == nil {
		t.Error("it left a record")
	}
}

// What JAX's process says of a checkpoint with one wrong number names where it is.
func TestJAXSeesAWrongNumber(t *testing.T) {
	python, dir := jaxPython(t), t.TempDir()
	_, r, err := open(request{Model: "nano", Patch: 14, Batch: 4, Threads: 2, Steps: 5, Flow: 3, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	wrong := func(name string) {
		path := filepath.Join(dir, name)
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		copy(raw[len(raw)-4:], []byte{0, 0, 0x80, 0x40}) // 4.0, little-endian
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	wrong("tokens")
	wrong("after.safetensors")
	requests, _ := json.Marshal(map[string]any{"do": "train", "folder": dir, "losses": r.Losses, "how": map[string]any{}})
	cmd := exec.Command(python, "../../models/testdata/sidebyside/jaxside.py")
	cmd.Stdin = strings.NewReader(string(requests) + "\n" +
		`{"do": "sample", "folder": "` + dir + `", "images": 4, "steps": 3, "how": {}}` + "\n" + `{"do": "times", "times": 2}` + "\n")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != 4 {
		t.Fatalf("%d lines for a greeting and three replies\n%s", len(lines), out)
	}
	for i, key := range []string{"weights", "sampled tokens"} {
		var found struct {
			Equal map[string][2]any
		}
		if err := json.Unmarshal([]byte(lines[1+i]), &found); err != nil {
			t.Fatalf("%v: %s", err, lines[1+i])
		}
		if got, _ := found.Equal[key][0].(float64); !(got > 1e-4) {
			t.Errorf("%s: a wrong number was not seen: %s", key, lines[1+i])
		}
	}
	var timed struct{ Seconds []float64 }
	if err := json.Unmarshal([]byte(lines[3]), &timed); err != nil || len(timed.Seconds) != 2 || !(timed.Seconds[0] > 0) {
		t.Errorf("times: %v %s", err, lines[3])
	}
}
