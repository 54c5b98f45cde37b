package golden

import (
	"math"
	"testing"

	"prabench/models"
	"prabench/models/cpu"
	"prabench/models/device"
)

// Cases runs every case of a family's file on a backend of its own.
func Cases[C any](t *testing.T, open func() (device.Backend, error), name func(*C) string, run func(*testing.T, device.Backend, *C)) {
	t.Helper()
	var file struct {
		Cases []C `json:"cases"`
	}
	Read(t, "testdata/oracle.json.gz", &file)
	if len(file.Cases) == 0 {
		t.Fatal("the golden file has no cases")
	}
	for i := range file.Cases {
		c := &file.Cases[i]
		t.Run(name(c), func(t *testing.T) {
			be, err := open()
			if err != nil {
				t.Fatal(err)
			}
			defer be.Close()
			run(t, be, c)
		})
	}
}

// CPU does something on every vector path that this machine has.
func CPU(t *testing.T, on func(t *testing.T, open func() (device.Backend, error))) {
	t.Helper()
	paths := cpu.Paths()
	defer cpu.SelectPath(paths[0])
	for _, p := range paths {
		t.Run(p, func(t *testing.T) {
			if !cpu.SelectPath(p) {
				t.Fatalf("path %s is listed and cannot be selected", p)
			}
			on(t, func() (device.Backend, error) { return cpu.New(1) })
		})
	}
}

// Image demands bytes within one of those of the file: a last digit of float32 may round
// the other way.
func (c Check) Image(what string, got []uint8, want []int) {
	c.Helper()
	for i, v := range Bytes(want) {
		if d := int(v) - int(got[i]); d < -1 || d > 1 {
			c.Fatalf("%s: byte %d is %d, in the file %d", what, i, got[i], v)
		}
	}
}

// Pictures are images of bars whose place is their class.
func Pictures(s models.Shape, n int) models.Images {
	out := models.Images{N: n, Size: s.Size, Channels: s.Channels, Pixels: make([]uint8, n*s.Bytes()), Labels: make([]int32, n)}
	for i := range n {
		out.Labels[i] = int32(i % s.Classes)
		for k := range s.Bytes() {
			v := 20 + 7*(i%5)
			if k/s.Channels%s.Size/2 == i%s.Classes {
				v += 180
			}
			out.Pixels[i*s.Bytes()+k] = uint8(v)
		}
	}
	return out
}

// Draw draws n images of classes in turn, so many at a time, by what gives their tokens.
func Draw(t *testing.T, n, batch, classes int, tokens func(labels []int32, ids []uint32) ([]float32, error)) (out []float32) {
	t.Helper()
	for at := 0; at < n; at += batch {
		var labels []int32
		var ids []uint32
		for i := at; i < min(at+batch, n); i++ {
			labels, ids = append(labels, int32(i%classes)), append(ids, uint32(i))
		}
		made, err := tokens(labels, ids)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, made...)
	}
	return out
}

// Furthest is the largest difference between numbers.
func Furthest(a, b []float32) (d float64) {
	for i := range a {
		d = math.Max(d, math.Abs(float64(a[i])-float64(b[i])))
	}
	return d
}
