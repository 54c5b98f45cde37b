package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// comparison is what ongpu.py found.
type comparison struct {
	Equal []struct {
		What, Precision, Verdict string
		Error                    float64
	}
	Timed []struct {
		What, How, Error string
		Equal            bool
		Ours, Theirs     []float64
	}
	Failed []string
	Ended  bool
}

// ongpu runs ongpu.py on the CPU with a tiny model, and skips without a PyTorch.
func ongpu(t *testing.T, status int, arguments ...string) (found comparison, said string) {
	t.Helper()
	python := os.Getenv("PRABENCH_PYTHON")
	if python == "" {
		python, _ = filepath.Abs("../../.prabench/pytorch/bin/python")
	}
	if out, err := exec.Command(python, "-c", "import torch, numpy, safetensors").CombinedOutput(); err != nil {
		t.Skipf("skipped: %s has no PyTorch (make pytorch-compare installs one; PRABENCH_PYTHON names another): %s", python, out)
	}
	dir := t.TempDir()
	ours, report := filepath.Join(dir, "ours"), filepath.Join(dir, "pytorch")
	if out, err := exec.Command("go", "build", "-o", ours, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(python, append([]string{
		"../../models/testdata/sidebyside/ongpu.py", "--ours", ours, "--report", report, "--device", "cpu", "--model", "nano", "--patch", "14",
		"--train", "4", "--flow-samples", "3", "--flow", "3", "--steps", "5", "--rounds", "1", "--spend", "0.01", "--seconds", "300",
	}, arguments...)...)
	cmd.Env = append(os.Environ(), "OMP_NUM_THREADS=2")
	out, _ := cmd.CombinedOutput()
	if got := cmd.ProcessState.ExitCode(); got != status {
		t.Fatalf("status %d, want %d\n%s", got, status, out)
	}
	raw, err := os.ReadFile(report + ".json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &found); err != nil {
		t.Fatal(err)
	}
	if !found.Ended {
		t.Errorf("it did not come to its end:\n%s", out)
	}
	return found, string(out)
}

// The comparison on a GPU runs to its end on a CPU with a tiny model: the same
// checkpoint is the same model on both sides, also with several flow samples, and
// what it says can be read.
func TestComparisonOnGPU(t *testing.T) {
	found, out := ongpu(t, 0, "--batches", "1", "--no-compile")
	sampled := 0
	for _, e := range found.Equal {
		if e.Precision == "fp32" && !(e.Error <= 1e-4) {
			t.Errorf("%s differs by %g", e.What, e.Error)
		}
		if e.What == "sampled tokens" {
			sampled++
		}
	}
	for _, r := range found.Timed {
		if len(r.Ours) == 0 || len(r.Ours) != len(r.Theirs) || !r.Equal {
			t.Errorf("%s, %s: %d readings of ours, %d of theirs, equal %v", r.What, r.How, len(r.Ours), len(r.Theirs), r.Equal)
		}
	}
	if len(found.Failed) > 0 || sampled != 3 || len(found.Timed) != 6 {
		t.Errorf("failed %v, %d checks of tokens, %d timings\n%s", found.Failed, sampled, len(found.Timed), out)
	}
}

// A comparison that takes too long is ended with its process, said to have failed,
// and does not take the next with it.
func TestComparisonThatFails(t *testing.T) {
	found, out := ongpu(t, 1, "--batches", "--precisions", "bf16", "--compile-seconds", "0.01")
	want := map[string]bool{ // by what and how, whether there are times
		"sampling plain": true, "training eager": true, "training compiled pieces": false, "training as if recorded": true,
		"sampling compiled pieces, plain": false,
	}
	for _, r := range found.Timed {
		timed, known := want[r.What+" "+r.How]
		if !known || timed != (len(r.Theirs) > 0) || timed != (r.Error == "") {
			t.Errorf("%s %s: %d readings, error %q", r.What, r.How, len(r.Theirs), r.Error)
		}
	}
	if len(found.Timed) != len(want) || len(found.Failed) != 2 {
		t.Errorf("%d timings, failed %v\n%s", len(found.Timed), found.Failed, out)
	}
}
