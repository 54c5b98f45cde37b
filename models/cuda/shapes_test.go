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

// Shapes beyond the conformance suite's, which choose other kernels: tiles of
// 128, products split along their depth, heads of up to 512 values, rows too
// long for shared memory, packed weights, a bf16 cache.

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

func TestLargeProducts(t *testing.T) {
	for _, c := range [][3]int{{1500, 1410, 37}, {64, 70, 1000}, {130, 65, 513}} {
		m, n, k := c[0], c[1], c[2]
		for _, p := range []kernels.Precision{kernels.FP32, kernels.BF16} {
			for i := range 4 {
				if testing.Short() && m > 1000 && i > 0 {
					continue // the other transpositions take the longest; -short leaves them out
				}
				transA, transB := i&1 != 0, i&2 != 0
				t.Run(fmt.Sprint(c, p, transA, transB), func(t *testing.T) {
					w := newTwin(t)
					operand := w.normal
					if p == kernels.BF16 {
						operand = w.bf16
					}
					a, b, y := operand(m*k), operand(k*n), w.normal(m*n)
					lda, ldb := k, n
					if transA {
						lda = m
					}
					if transB {
						ldb = k
					}
					w.want.Gemm(transA, transB, m, n, k, -0.5, a.want, lda, b.want, ldb, 2, y.want, n)
					w.d.queue.note("Gemm", m, n, k)
					w.d.ops.Gemm(transA, transB, m, n, k, -0.5, at(a.d, 0), lda, at(b.d, 0), ldb, 2, at(y.d, 0), n, p)
					w.same("c", y, 5e-6)
				})
			}
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
			w.want.Linear(y.want, x.want, weights.want, rows, in, out, device.Epilogue{Bias: bias.want, Pre: pre.want, Act: device.GELU, Gate: gate.want, LDGate: out + 5, GateOff: 3, Residual: residual.want})
			e := kernels.Epilogue{Bias: at(bias.d, 0), Pre: at(pre.d, 0), Act: int(device.GELU), Gate: at(gate.d, 0).At(3), LDGate: out + 5, Residual: at(residual.d, 0)}
			packed := w.normal(kernels.PackedBytes(in, out) / 4)
			w.d.queue.note("Linear", rows, in, out)
			w.d.ops.PackBF16(at(packed.d, 0), at(weights.d, 0), in, out)
			w.d.ops.Linear(at(y.d, 0), at(x.d, 0), at(packed.d, 0), rows, in, out, e, kernels.Packed)
			w.same("pre", pre, 5e-6)
			w.same("y", y, 5e-6)
		})
	}
}

func TestWideHeads(t *testing.T) {
	for _, c := range [][4]int{{2, 37, 1, 200}, {1, 40, 2, 300}, {1, 9, 1, 512}, {2, 70, 2, 64}, {1, 33, 1, 256}, {2, 40, 3, 25}} {
		batch, tokens, heads, width := c[0], c[1], c[2], c[2]*c[3]
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			w := newTwin(t)
			rows := batch * tokens
			qkv, out, lse := w.normal(3*rows*width), w.normal(rows*width), w.normal(rows*heads)
			dout, dqkv := w.normal(rows*width), w.normal(3*rows*width)
			w.want.Attention(out.want, qkv.want, lse.want, batch, tokens, heads, width, 1)
			w.d.Attention(out.d, qkv.d, lse.d, batch, tokens, heads, width, 1)
			w.same("out", out, 5e-6)
			w.same("lse", lse, 5e-6)
			w.want.AttentionBackward(dqkv.want, dout.want, out.want, qkv.want, lse.want, batch, tokens, heads, width, 1)
			w.d.AttentionBackward(dqkv.d, dout.d, out.d, qkv.d, lse.d, batch, tokens, heads, width, 1)
			w.same("dqkv", dqkv, 1e-5)
			capacity := tokens + 3
			for _, n := range []int{1, 6} { // tokens a step
				for _, half := range []bool{false, true} {
					cache := w.normal(2 * batch * capacity * width)
					for from := 0; from+n <= tokens; from += n {
						step, o := w.normal(3*batch*n*width), w.normal(batch*n*width)
						decode := w.d.ops.AttentionDecode
						if half {
							decode = w.d.ops.AttentionDecodeBF16
							for i, v := range w.want.Host(step.want) {
								if i%(3*width) >= width { // keys and values
									w.want.Host(step.want)[i] = float64(toBF16(float32(v)))
								}
							}
						}
						w.want.AttentionDecode(o.want, step.want, cache.want, batch, from, n, capacity, heads, width)
						w.d.queue.note("AttentionDecode", batch, from, n)
						decode(at(o.d, 0), at(step.d, 0), at(cache.d, 0), batch, from, n, capacity, heads, width)
						if from+2*n > tokens {
							w.same(fmt.Sprint("decoded, bf16 ", half), o, 5e-6)
						}
					}
				}
			}
		})
	}
}

func TestLongRows(t *testing.T) {
	const rows = 11
	for _, n := range []int{3500, 6100, 13000} { // sums kept, rows kept, neither fits
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			w := newTwin(t)
			x, y, gain, bias, stats := w.normal(rows*n), w.normal(rows*n), w.normal(n), w.normal(n), w.normal(2*rows)
			dy, dx, dgain, dbias := w.normal(rows*n), w.normal(rows*n), w.normal(n), w.normal(n)
			mod, dmod := w.normal(2*rows*n), w.normal(2*rows*n)
			for _, be := range []device.Backend{w.want, w.d} {
				of := func(b both) device.Buffer {
					if be == device.Backend(w.d) {
						return b.d
					}
					return b.want
				}
				be.Norm(of(y), of(x), of(gain), of(bias), of(stats), rows, n, device.LayerNorm)
				be.NormBackward(of(dx), of(dgain), of(dbias), of(dy), of(x), of(gain), of(stats), rows, n, device.LayerNorm, true)
			}
			for what, b := range map[string]both{"y": y, "dx": dx, "dgain": dgain, "dbias": dbias} {
				w.same(what, b, 1e-5)
			}
			w.want.ModNorm(y.want, x.want, stats.want, mod.want, 2*n, 0, n, rows, n)
			w.d.ModNorm(y.d, x.d, stats.d, mod.d, 2*n, 0, n, rows, n)
			w.want.ModNormBackward(dx.want, dmod.want, dy.want, x.want, stats.want, mod.want, 2*n, 0, n, rows, n, true)
			w.d.ModNormBackward(dx.d, dmod.d, dy.d, x.d, stats.d, mod.d, 2*n, 0, n, rows, n, true)
			for what, b := range map[string]both{"modulated y": y, "modulated dx": dx, "dmod": dmod} {
				w.same(what, b, 1e-5)
			}
		})
	}
}

// An Euler step in one launch has the bits of Velocity and Mix.
func TestFlowStep(t *testing.T) {
	w := newTwin(t)
	const n = 5001
	z, v, o, null, z2, v2 := w.normal(n), w.normal(n), w.normal(n), w.normal(n), w.normal(n), w.normal(n)
	for _, c := range []struct {
		null          device.Buffer
		guidance, inv float32
	}{{}, {inv: 20}, {null: null.d, guidance: 1.5, inv: 1.25}} {
		w.d.Copy(z2.d, z.d)
		w.d.FlowStep(z2.d, v2.d, o.d, c.null, c.guidance, c.inv, 0.04)
		w.d.Velocity(v.d, o.d, c.null, z.d, c.guidance, c.inv)
		w.d.Mix(z.d, 1, z.d, 0.04, v.d)
		x, y := make([]float32, n), make([]float32, n)
		for _, pair := range [][2]device.Buffer{{z.d, z2.d}, {v.d, v2.d}} {
			w.d.Download(x, pair[0])
			w.d.Download(y, pair[1])
			for i := range x {
				if x[i] != y[i] {
					t.Fatalf("guidance %g, inverse %g, element %d: %v in one launch, %v in two", c.guidance, c.inv, i, y[i], x[i])
				}
			}
		}
	}
}
