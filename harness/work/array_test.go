package work

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"prabench/models"
)

func TestArraysKeepTheirShape(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.npy")
	x := []float32{1, 2, 3, -4.5, float32(math.Inf(1)), 6}
	if err := writeArray(path, x, 2, 3); err != nil {
		t.Fatal(err)
	}
	got, shape, err := readArray[float32](path)
	if err != nil || !reflect.DeepEqual(got, x) || !reflect.DeepEqual(shape, []int{2, 3}) {
		t.Errorf("%v %v %v", got, shape, err)
	}
	raw, _ := os.ReadFile(path)
	if n := int(binary.LittleEndian.Uint16(raw[8:])); (10+n)%64 != 0 || raw[10+n-1] != '\n' || len(raw) != 10+n+4*len(x) {
		t.Errorf("the header of %d bytes does not end where NumPy wants it", n)
	}
	if !bytes.Contains(raw, []byte("'shape': (2,3,)")) {
		t.Errorf("%q", raw[:80])
	}
	if err := writeArray(path, []uint8{1, 2, 3}, 2, 2); err == nil {
		t.Error("three values were written as 2×2")
	}
}

func TestCutArraysAreRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.npy")
	if err := writeArray(path, make([]uint8, 100), 4, 5, 5, 1); err != nil {
		t.Fatal(err)
	}
	raw, _ := os.ReadFile(path)
	for n := range raw {
		os.WriteFile(path, raw[:n], 0o644)
		if _, _, err := readArray[uint8](path); err == nil {
			t.Fatalf("the first %d of %d bytes were read", n, len(raw))
		}
	}
}

func TestCurvesComeBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "curve.jsonl")
	c := Curve{{Step: 10, Flow: 1, Rec: 2, Total: 3}, {Step: 20, Flow: 0.1, Rec: 0.2, Total: 0.3, GradNorm: 4, LR: 1e-3}}
	if err := c.write(path); err != nil {
		t.Fatal(err)
	}
	raw, _ := os.ReadFile(path)
	got, err := ReadCurve(raw)
	if err != nil || !reflect.DeepEqual(got, c) {
		t.Errorf("%v %v", got, err)
	}
	mean, n := c.last(10, func(l models.Losses) float64 { return l.Total })
	if n != 2 || math.Abs(mean-1.65) > 1e-12 {
		t.Errorf("mean %v of %d", mean, n)
	}
	if _, err := ReadCurve([]byte("{\"step\":1}\ngarbage\n")); err == nil {
		t.Error("garbage was read")
	}
}

func TestProgressIsCutToTheCheckpoint(t *testing.T) {
	path := filepath.Join(t.TempDir(), "p.json")
	p := &progressSoFar{Seconds: 12, Curve: Curve{{Step: 10}, {Step: 20}, {Step: 30}}}
	if err := p.write(path); err != nil {
		t.Fatal(err)
	}
	if got := readProgress(path, 25); got.Seconds != 12 || len(got.Curve) != 2 {
		t.Errorf("%+v", got)
	}
	os.WriteFile(path, []byte("{"), 0o644)
	if got := readProgress(path, 25); got.Seconds != 0 || got.Curve != nil {
		t.Errorf("from a torn file: %+v", got)
	}
}
