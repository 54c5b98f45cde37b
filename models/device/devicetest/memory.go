package devicetest

import (
	"errors"
	"math"
	"slices"
	"testing"

	"prabench/models/device"
)

var _ = of[device.Fill](fill)

func fill() []*trial {
	var out []*trial
	for _, n := range lengths {
		tr := newTrial("%d", n)
		x := tr.unset("dst", n, element)
		tr.run = func(m *machine) { device.Do(m, device.Fill{Dst: m.at(x), Value: -2.5}) }
		out = append(out, tr)
	}
	return out
}

var _ = of[device.Copy](copies)

func copies() []*trial {
	var out []*trial
	for _, n := range lengths {
		tr := newTrial("%d", n)
		dst, src := tr.unset("dst", n, element), tr.normal("src", n)
		tr.run = func(m *machine) { device.Do(m, device.Copy{Dst: m.at(dst), Src: m.at(src)}) }
		tr.ranges = n == 3
		out = append(out, tr)
	}
	return out
}

var _ = of[device.Copy2D](copy2D)

func copy2D() []*trial {
	var out []*trial
	for _, s := range shapes {
		for _, pads := range [][2]int{{0, 0}, {3, 0}, {0, 2}, {1, 4}} {
			tr := newTrial("%dx%d pads %v", s.rows, s.n, pads)
			ldd, lds := s.n+pads[0], s.n+pads[1]
			dst, src := tr.normal("dst", (s.rows-1)*ldd+s.n), tr.normal("src", (s.rows-1)*lds+s.n)
			tr.run = func(m *machine) {
				device.Do(m, device.Copy2D{Dst: m.at(dst), LDDst: ldd, Src: m.at(src), LDSrc: lds, Rows: s.rows, N: s.n})
			}
			tr.ranges = s.small()
			out = append(out, tr)
		}
	}
	return out
}

// memory checks what is counted, what comes back and what panics.
func memory(t *testing.T, open Open) {
	be := open(t, 1)
	defer be.Close()
	if be.Name() == "" || be.Details() == "" {
		t.Error("a backend has a name and details")
	}
	peaks(t, be)
	contents(t, be)
	misuse(t, be)
}

func allocate(t *testing.T, be device.Backend, c device.Class, n int) device.Buffer {
	b, err := be.Alloc(c, n)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// peaks checks what is counted, in a backend that nothing was allocated in.
func peaks(t *testing.T, be device.Backend) {
	const n = 1 << 18
	for c := range device.Classes {
		start := be.Peak(c)
		a, b := allocate(t, be, c, n), allocate(t, be, c, n)
		two := be.Peak(c)
		if two-start < 2*4*n || two-start > 2*9*n {
			t.Errorf("%s: two buffers of %d elements raised the peak by %d bytes", c, n, two-start)
		}
		be.Free(a)
		be.Free(allocate(t, be, c, n))
		if p := be.Peak(c); p != two {
			t.Errorf("%s: a buffer in the place of a freed one moved the peak from %d to %d bytes", c, two, p)
		}
		be.Free(b)
		if p := be.Peak(c); p != two {
			t.Errorf("%s: freeing moved the peak from %d to %d bytes", c, two, p)
		}
		for other := range device.Classes {
			if other > c && be.Peak(other) != 0 {
				t.Errorf("%s: counted before anything of it was allocated", other)
			}
		}
	}
	before := be.Peak(device.Activations)
	list, err := be.AllocInts(8 * n)
	if err != nil {
		t.Fatal(err)
	}
	if be.Peak(device.Activations) < before+4*4*n {
		t.Error("indices are not counted as activations")
	}
	be.FreeInts(list)
	peak := be.Peak(device.Model)
	if _, err := be.Alloc(device.Model, 1<<46); !errors.Is(err, device.ErrOutOfMemory) {
		t.Errorf("2⁴⁶ elements: error %v, want out of memory", err)
	}
	if p := be.Peak(device.Model); p != peak {
		t.Errorf("a refused allocation moved the peak from %d to %d bytes", peak, p)
	}
	be.Free(device.Buffer{})
	be.FreeInts(device.Ints{})
}

// contents checks that what is uploaded comes back.
func contents(t *testing.T, be device.Backend) {
	b := allocate(t, be, device.Model, 10)
	want := []float32{1, -2, float32(math.Inf(1)), 1e-40, 5, 6, 7}
	be.Upload(b.Slice(2, 7), want)
	got := make([]float32, 4)
	be.Download(got, b.Slice(3, 4))
	if !slices.Equal(got, want[1:5]) {
		t.Errorf("uploaded %v, a slice reads %v", want, got)
	}
}

// misuse checks what panics.
func misuse(t *testing.T, be device.Backend) {
	b := allocate(t, be, device.Model, 10)
	ints, err := be.AllocInts(3)
	if err != nil {
		t.Fatal(err)
	}
	be.UploadInts(ints, []int32{1}) // fewer are fine
	freed := allocate(t, be, device.Model, 10)
	be.Free(freed)
	for what, f := range map[string]func(){
		"upload of too few":      func() { be.Upload(b, make([]float32, 7)) },
		"download of too many":   func() { be.Download(make([]float32, 11), b) },
		"upload of 4 indices":    func() { be.UploadInts(ints, []int32{1, 2, 3, 4}) },
		"slice past the end":     func() { b.Slice(8, 3) },
		"slice before the start": func() { b.Slice(-1, 3) },
		"copy of another length": func() { device.Do(be, device.Copy{Dst: b, Src: b.Slice(0, 9)}) },
		"matrix past the end": func() {
			device.Do(be, device.Gemm{M: 3, N: 3, K: 3, Alpha: 1, A: b, LDA: 3, B: b, LDB: 4, C: b, LDC: 3})
		},
		"row stride under a row": func() {
			device.Do(be, device.Gemm{M: 3, N: 3, K: 3, Alpha: 1, A: b, LDA: 3, B: b, LDB: 2, C: b, LDC: 3})
		},
		"second free": func() { be.Free(freed) },
		"decoding past the cache": func() {
			device.Do(be, device.AttentionDecode{Out: b, QKV: b, Cache: b, Batch: 1, At: 1, N: 1, Capacity: 1, Heads: 1, Width: 1})
		},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", what)
				}
			}()
			f()
		}()
	}
}
