package onnx_test

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"prabench/metrics/embed/onnx"
)

// TestBesidePython is one side of testdata/beside.py, which gives the folder: features of
// a real network equal those of ONNX Runtime's Python, and images per second are logged.
func TestBesidePython(t *testing.T) {
	dir := os.Getenv("PRABENCH_ONNX_BESIDE")
	if dir == "" {
		t.Skip("started by testdata/beside.py alone, with a network of some size")
	}
	runtime(t)
	n, size, threads := number(t, "N"), number(t, "SIZE"), number(t, "THREADS")
	images, err := os.ReadFile(filepath.Join(dir, "images.bin"))
	if err != nil {
		t.Fatal(err)
	}
	e, err := onnx.Open(filepath.Join(dir, "network.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	x, err := e.Embed(images, n, size, 3, threads)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("images per second: %.3f", float64(n)/time.Since(began).Seconds())
	raw, err := os.ReadFile(filepath.Join(dir, "features.bin"))
	if err != nil {
		t.Fatal(err)
	}
	var worst, largest float64
	for i, got := range x {
		want := math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		worst, largest = max(worst, math.Abs(float64(got-want))), max(largest, math.Abs(float64(want)))
	}
	t.Logf("largest difference: %.3g of features up to %.3g", worst, largest)
	if len(raw) != 4*len(x) || worst > 1e-5*largest {
		t.Errorf("%d features of %d differ by up to %g", len(x), len(raw)/4, worst)
	}
}

func number(t *testing.T, name string) int {
	t.Helper()
	n, err := strconv.Atoi(os.Getenv("PRABENCH_ONNX_" + name))
	if err != nil {
		t.Fatal(err)
	}
	return n
}
