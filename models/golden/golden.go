// Package golden compares families of models with numbers that an independent
// program computed in float64: the file testdata/oracle.json.gz of a family, made by
// the program beside it.
//
// Its principle is that a difference is judged by the size of what differs: the norm of
// the difference over the norm of the numbers, so that one tolerance serves all.
package golden

import (
	"compress/gzip"
	"encoding/json"
	"math"
	"os"
	"testing"

	"prabench/models/device"
	"prabench/models/layers"
)

// Read decodes the file at path into v.
func Read(t testing.TB, path string, v any) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewDecoder(z).Decode(v); err != nil {
		t.Fatal(err)
	}
}

// Check compares what a backend computed with the numbers of the file.
type Check struct {
	testing.TB
	Be  device.Backend
	Tol float64 // relative
}

// Same demands ‖got − want‖ ≤ Tol·‖want‖.
func (c Check) Same(what string, got []float32, want []float64) {
	c.Helper()
	if len(got) != len(want) || len(want) == 0 {
		c.Errorf("%s: %d values where the file has %d", what, len(got), len(want))
		return
	}
	var diff, size float64
	for i, w := range want {
		d := float64(got[i]) - w
		diff += d * d
		size += w * w
	}
	e := math.Sqrt(diff)
	if size > 0 {
		e /= math.Sqrt(size)
	}
	if !(e <= c.Tol) {
		c.Errorf("%s: off by %.2g of its norm, tolerance %.0e", what, e, c.Tol)
	}
}

// Number is Same of one.
func (c Check) Number(what string, got, want float64) {
	c.Helper()
	if !(math.Abs(got-want) <= c.Tol*math.Abs(want)) {
		c.Errorf("%s: %.9g, in the file %.9g", what, got, want)
	}
}

// Buffer is Same of what a buffer holds.
func (c Check) Buffer(what string, got device.Buffer, want []float64) {
	c.Helper()
	h := make([]float32, got.N)
	c.Be.Download(h, got)
	c.Same(what, h, want)
}

// Tensors compares every tensor of a flat array; the file has those and no other.
func (c Check) Tensors(what string, l *layers.Parameters, flat device.Buffer, want map[string][]float64) {
	c.Helper()
	if len(want) != len(l.Tensors) {
		c.Errorf("%s: %d tensors where the file has %d", what, len(l.Tensors), len(want))
	}
	host := make([]float32, l.Total)
	c.Be.Download(host, flat)
	for _, t := range l.Tensors {
		c.Same(what+" "+t.Name, host[t.Offset:t.Offset+t.N], want[t.Name])
	}
}

// Put uploads the file's tensors to a flat array.
func (c Check) Put(l *layers.Parameters, flat device.Buffer, from map[string][]float64) {
	c.Helper()
	host := make([]float32, l.Total)
	for _, t := range l.Tensors {
		if len(from[t.Name]) != t.N {
			c.Fatalf("the file has %d values of %s where the model has %d", len(from[t.Name]), t.Name, t.N)
		}
		for i, v := range from[t.Name] {
			host[t.Offset+i] = float32(v)
		}
	}
	c.Be.Upload(flat, host)
}

// Bytes are numbers as pixels.
func Bytes(v []int) []uint8 {
	out := make([]uint8, len(v))
	for i, x := range v {
		out[i] = uint8(x)
	}
	return out
}
