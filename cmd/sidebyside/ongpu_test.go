package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The comparison on a GPU runs to its end on a CPU with a tiny model: the same
// checkpoint is the same model on both sides, also with several flow samples, and
// what it says can be read. PRABENCH_PYTHON names a Python with PyTorch.
func TestComparisonOnGPU(t *testing.T) {
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
	cmd := exec.Command(python, "../../models/testdata/sidebyside/ongpu.py", "--ours", ours, "--report", report, "--device", "cpu", "--model",
		"nano", "--patch", "14",
		"--train", "4", "--batches", "4", "1", "--flow-samples", "3", "--flow", "3", "--steps", "5", "--rounds", "1", "--spend", "0.01",
		"--seconds", "300", "--no-compile")
	cmd.Env = append(os.Environ(), "OMP_NUM_THREADS=2")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	raw, err := os.ReadFile(report + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var found struct {
		Equal []struct {
			What, Precision, Verdict string
			Error                    float64
		}
		Timed []struct {
			What         string
			Ours, Theirs []float64
		}
		Failed []string
		Ended  bool
	}
	if err := json.Unmarshal(raw, &found); err != nil {
		t.Fatal(err)
	}
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
		if len(r.Ours) == 0 || len(r.Ours) != len(r.Theirs) {
			t.Errorf("%s: %d readings of ours, %d of theirs", r.What, len(r.Ours), len(r.Theirs))
		}
	}
	if !found.Ended || len(found.Failed) > 0 || sampled != 2 || len(found.Timed) != 4 {
		t.Errorf("ended %v, failed %v, %d checks of tokens, %d timings\n%s", found.Ended, found.Failed, sampled, len(found.Timed), out)
	}
}
