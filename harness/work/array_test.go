package work

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"prabench/internal/memcap"
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
	c := Curve{{Step: 10, Values: []models.Loss{{Name: "flow", Value: 1}, {Name: "rec", Value: 2}, {Name: models.Total, Value: 3}}},
		{Step: 20, Values: []models.Loss{{Name: "flow", Value: 0.1}, {Name: models.Total, Value: 0.3}, {Name: "lr", Value: 1e-3}}}}
	if err := c.write(path); err != nil {
		t.Fatal(err)
	}
	raw, _ := os.ReadFile(path)
	got, err := ReadCurve(raw)
	if err != nil || !reflect.DeepEqual(got, c) {
		t.Errorf("%v %v", got, err)
	}
	if _, n := c.last(10, "rec"); n != 1 {
		t.Errorf("%d points have a part that one has", n)
	}
	mean, n := c.last(10, models.Total)
	if n != 2 || math.Abs(mean-1.65) > 1e-12 {
		t.Errorf("mean %v of %d", mean, n)
	}
	if _, err := ReadCurve([]byte("{\"step\":1}\ngarbage\n")); err == nil {
		t.Error("garbage was read")
	}
}

// FuzzArray holds that any bytes are an array whose values fill its shape, or
// an error that names the file.
func FuzzArray(f *testing.F) {
	path := filepath.Join(f.TempDir(), "x.npy")
	for _, shape := range [][]int{{6}, {2, 3}, {1, 2, 3, 1}, {0, 6}} {
		n := 1
		for _, s := range shape {
			n *= s
		}
		if err := writeArray(path, make([]float32, n), shape...); err != nil {
			f.Fatal(err)
		}
		raw, _ := os.ReadFile(path)
		f.Add(raw)
		f.Add(raw[:len(raw)/2])
		f.Add(bytes.Replace(raw, []byte("(6,)"), []byte("(9223372036854775807,)"), 1))
		f.Add(bytes.Replace(raw, []byte("(2,3,)"), []byte("(4294967296,4294967296,)"), 1))
		f.Add(bytes.Replace(raw, []byte("<f4"), []byte("|O8"), 1))
	}
	if err := writeArray(path, []uint8{1, 2, 3}, 3); err != nil {
		f.Fatal(err)
	}
	raw, _ := os.ReadFile(path)
	f.Add(raw)
	f.Fuzz(func(t *testing.T, raw []byte) {
		check := func(values int, shape []int, err error) {
			n := 1
			for _, s := range shape {
				n *= s
			}
			if err == nil && n != values {
				t.Errorf("%d values of the shape %v", values, shape)
			}
			if err != nil && (values != 0 || !strings.HasPrefix(err.Error(), "fuzz: ")) {
				t.Errorf("%d values and %v", values, err)
			}
		}
		memcap.Hold(t, func() {
			floats, shape, err := decodeArray[float32](raw, "fuzz")
			check(len(floats), shape, err)
			octets, shape, err := decodeArray[uint8](raw, "fuzz")
			check(len(octets), shape, err)
		})
	})
}
