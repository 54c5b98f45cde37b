//go:build cuda

// Package shapes checks a CUDA device where the conformance suite of
// models/device/devicetest does not reach: shapes that choose other kernels
// (tiles of 128, products split along their depth, heads of up to 512 values,
// caches longer than a panel, rows too long for shared memory) and bf16.
//
// Its principle is that bf16 is exact arithmetic on rounded operands: what is compared
// with is the float64 product of what bf16 makes of the operands, to the
// tolerance of fp32 sums. The tests of models/cuda and the self-test run it, so
// what passes on a driver of tests is asked of a GPU in the same words.
package shapes

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"prabench/models/cuda"
	"prabench/models/device"
	"prabench/models/device/reference"
)

// Case is one group of shapes.
type Case struct {
	Name string
	BLAS bool // asks cuBLAS: without it there is nothing to check
	BF16 bool // needs a device that has bf16 products
	Run  func(t *testing.T, ordinal int)
}

// Cases are all groups, by name in the order in which they are reported.
func Cases() []Case {
	return []Case{
		{"large products, own kernels, fp32", false, false, func(t *testing.T, n int) { largeProducts(t, n, "fp32") }},
		{"large products, own kernels, bf16", false, true, func(t *testing.T, n int) { largeProducts(t, n, "bf16") }},
		{"linear layers, own kernels, bf16", false, true, func(t *testing.T, n int) { linears(t, n) }},
		{"layers of few rows in one launch, bf16", false, true, layersInOneLaunch},
		{"launches of a chain, bf16", false, true, chainsOfLaunches},
		{"large products, cuBLAS, fp32", true, false, func(t *testing.T, n int) { blasProducts(t, n, "fp32") }},
		{"large products, cuBLAS, bf16", true, true, func(t *testing.T, n int) { blasProducts(t, n, "bf16") }},
		{"heads over 64", false, false, wideHeads},
		{"attention on tensor cores, bf16", false, true, attentionInBF16},
		{"decoding, fp32 cache", false, false, func(t *testing.T, n int) { decoding(t, n, "fp32") }},
		{"decoding, bf16 cache", false, true, func(t *testing.T, n int) { decoding(t, n, "bf16") }},
		{"long rows", false, false, longRows},
		{"an Euler step in one launch", false, false, flowStep},
	}
}

// twin is a backend beside the reference, for one test.
type twin struct {
	t    *testing.T
	d    *cuda.Backend
	want *reference.Backend
	rng  *rand.Rand
	held []device.Buffer // of the device, until the test ends
}

// both is one buffer on the device and one on the reference.
type both struct{ d, want device.Buffer }

// open is a backend for all tests of a case: opening one takes longer than they do.
func open(t *testing.T, ordinal int, o cuda.Options) *cuda.Backend {
	t.Helper()
	d, err := cuda.New(ordinal, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func newTwin(t *testing.T, d *cuda.Backend) *twin {
	w := &twin{t: t, d: d, want: reference.New(), rng: rand.New(rand.NewPCG(3, 5))}
	t.Cleanup(func() {
		for _, b := range w.held {
			d.Free(b)
		}
	})
	return w
}

func own(precision string) cuda.Options { return cuda.Options{NoBLAS: true, Precision: precision} }

// normal is n equal standard normals on both sides.
func (w *twin) normal(n int) both { return w.rounded(n, func(x float32) float32 { return x }) }

// operand is normal with the reference's copy as the precision takes it.
func (w *twin) operand(n int, precision string) both {
	if precision == "bf16" {
		return w.rounded(n, toBF16)
	}
	return w.normal(n)
}

// toBF16 rounds to the nearest bf16, ties to even.
func toBF16(x float32) float32 {
	b := math.Float32bits(x)
	return math.Float32frombits((b + 0x7fff + b>>16&1) &^ 0xffff)
}

func (w *twin) rounded(n int, round func(float32) float32) both {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(w.rng.NormFloat64())
	}
	d := w.alloc(n)
	w.d.Upload(d, x)
	r, _ := w.want.Alloc(device.Activations, n)
	for i, v := range x {
		w.want.Host(r)[i] = float64(round(v))
	}
	return both{d, r}
}

func (w *twin) alloc(n int) device.Buffer {
	w.t.Helper()
	d, err := w.d.Alloc(device.Activations, n)
	if err != nil {
		w.t.Fatal(err)
	}
	w.held = append(w.held, d)
	return d
}

// free gives b back before the test ends.
func (w *twin) free(b both) {
	w.held = slices.DeleteFunc(w.held, func(h device.Buffer) bool { return h == b.d })
	w.d.Free(b.d)
}

// got is what the device has.
func (w *twin) got(b both) []float32 {
	w.t.Helper()
	got := make([]float32, b.d.N)
	w.d.Download(got, b.d)
	if err := w.d.Sync(); err != nil {
		w.t.Fatal(err)
	}
	return got
}

// same compares relative to an element's magnitude plus the root mean square.
func (w *twin) same(what string, b both, limit float64) {
	w.t.Helper()
	got, want := w.got(b), w.want.Host(b.want)
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
