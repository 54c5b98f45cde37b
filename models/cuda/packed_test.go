//go:build cuda

package cuda

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"prabench/models/cuda/kernels"
	"prabench/models/device"
	"prabench/models/device/reference"
)

// Weights packed in bf16 are used by no backend yet; their kernels are checked
// by their launches.

// twin is a backend without cuBLAS beside the reference.
type twin struct {
	t    *testing.T
	d    *Backend
	want *reference.Backend
	rng  *rand.Rand
}

// both is one buffer on the device and one on the reference.
type both struct{ d, want device.Buffer }

func newTwin(t *testing.T) *twin {
	d, err := New(0, Options{NoBLAS: true})
	if err != nil {
		t.Fatal(err)
	}
	w := &twin{t, d, reference.New(), rand.New(rand.NewPCG(3, 5))}
	t.Cleanup(func() {
		if err := w.d.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// normal is n equal standard normals on both sides.
func (w *twin) normal(n int) both { return w.rounded(n, func(x float32) float32 { return x }) }

// bf16 is normal with the reference's copy rounded to bf16.
func (w *twin) bf16(n int) both { return w.rounded(n, toBF16) }

func toBF16(x float32) float32 {
	b := math.Float32bits(x)
	return math.Float32frombits((b + 0x7fff + b>>16&1) &^ 0xffff)
}

func (w *twin) rounded(n int, round func(float32) float32) both {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(w.rng.NormFloat64())
	}
	d, err := w.d.Alloc(device.Activations, n)
	if err != nil {
		w.t.Fatal(err)
	}
	w.d.Upload(d, x)
	r, _ := w.want.Alloc(device.Activations, n)
	for i, v := range x {
		w.want.Host(r)[i] = float64(round(v))
	}
	return both{d, r}
}

// same compares relative to an element's magnitude plus the root mean square.
func (w *twin) same(what string, b both, limit float64) {
	w.t.Helper()
	got, want := make([]float32, b.d.N), w.want.Host(b.want)
	w.d.Download(got, b.d)
	if err := w.d.Sync(); err != nil {
		w.t.Fatal(err)
	}
	var rms float64
	for _, v := range want {
		rms += v * v / float64(len(want))
	}
	rms = math.Sqrt(rms)
	for i, v := range want {
		if diff := math.Abs(float64(got[i]) - v); !(diff <= limit*(rms+math.Abs(v))) {
			w.t.Fatalf("%s, element %d of %d: %v, want %v", what, i, len(want), got[i], v)
		}
	}
}

func TestPackedLinear(t *testing.T) {
	for _, c := range [][3]int{{64, 100, 1000}, {65, 33, 7}, {1540, 1410, 9}, {3, 64, 96}} {
		rows, out, in := c[0], c[1], c[2]
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			w := newTwin(t)
			x, weights := w.bf16(rows*in), w.bf16(in*out)
			bias, gate, residual, pre, y := w.normal(out), w.normal(rows*(out+5)), w.normal(rows*out), w.normal(rows*out), w.normal(rows*out)
			linear := func(w device.Buffer, of func(both) device.Buffer) device.Linear {
				return device.Linear{Y: of(y), X: of(x), W: w, Rows: rows, In: in, Out: out, Epilogue: device.Epilogue{
					Bias: of(bias), Pre: of(pre), Act: device.GELU, Gate: of(gate), LDGate: out + 5, GateOff: 3, Residual: of(residual),
				}}
			}
			device.Do(w.want, linear(weights.want, func(b both) device.Buffer { return b.want }))
			packed := w.normal(kernels.PackedBytes(in, out) / 4)
			w.d.queue.begin(operation{name: "PackBF16"})
			w.d.ops.PackBF16(address(packed.d), address(weights.d), in, out)
			op := linear(packed.d, func(b both) device.Buffer { return b.d })
			w.d.queue.note(&op)
			kernels.New(&w.d.queue, kernels.Packed).Do(&op)
			w.same("pre", pre, 5e-6)
			w.same("y", y, 5e-6)
		})
	}
}
