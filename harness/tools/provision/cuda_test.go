package provision

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"prabench/models/cuda/libraries"
)

// A program that says what it sees stands in for prabench-cuda.
func TestNCCLIsToldWhereSeveralDevicesAre(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "program")
	see := func(devices string) []Finding {
		if err := os.WriteFile(program, []byte("#!/bin/sh\necho '["+devices+"]'\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		return cudaProgram(func(string) ([]string, error) { return []string{program}, nil })
	}
	one := `{"name": "cuda:0", "model": "a card", "capability": "8.0", "bytes": 1073741824}`
	if got := see(one); len(got) != 1 || got[0].State != "ok" || !strings.Contains(got[0].Detail, "a card") {
		t.Errorf("one device: %+v", got)
	}
	t.Setenv(libraries.NCCL.Variable, dir)
	if got := see(one + "," + one); len(got) != 2 || got[1].What != "NCCL" || got[1].State != "missing" ||
		!strings.Contains(got[1].Detail, "through the host") || !strings.Contains(got[1].Advice, "nvidia-nccl-cu12") {
		t.Errorf("two devices without NCCL: %+v", got)
	}
	library := filepath.Join(dir, "libnccl.so.2")
	if err := os.WriteFile(library, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if got := see(one + "," + one); len(got) != 2 || got[1].State != "ok" || got[1].Detail != library {
		t.Errorf("two devices with NCCL: %+v", got)
	}
}
