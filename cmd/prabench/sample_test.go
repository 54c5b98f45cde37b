package main

import (
	"os"
	"path/filepath"
	"testing"

	"prabench/models/gemm"
)

// With the cell's count and seed, sample draws the images that were scored: in the
// cell's precision too.
func TestSampleDrawsWhatWasScored(t *testing.T) {
	if !gemm.HasBF16() {
		t.Skip("this processor has no bf16 products")
	}
	here(t)
	const cell = " tiny.toml --only train.rollout_depth=0 --set measure.precision='bf16' --set train.steps=4 --set measure.rounds=0"
	must(t, "run --no-figures"+cell)
	must(t, "export --samples kept"+cell)
	must(t, "sample --count 40 --out again.npz"+cell)
	kept, err := filepath.Glob("kept/*.npz")
	if err != nil || len(kept) != 1 {
		t.Fatalf("%q, %v", kept, err)
	}
	scored, err := os.ReadFile(kept[0])
	if err != nil {
		t.Fatal(err)
	}
	again, err := os.ReadFile("again.npz")
	if err != nil {
		t.Fatal(err)
	}
	if string(again) != string(scored) {
		t.Error("the images are not those that were scored")
	}
}
