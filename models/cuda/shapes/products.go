//go:build cuda

package shapes

import (
	"fmt"
	"math"
	"testing"

	"prabench/models/cuda"
	"prabench/models/device"
)

// sizes [m, n, k] of products: tiles of 128, a split depth, neither even.
var sizes = [][3]int{{1500, 1410, 37}, {64, 70, 1000}, {130, 65, 513}, {40, 70, 130}, {1, 33, 96}}

// strides are the row strides of A and B for transpositions.
func strides(m, n, k int, transA, transB bool) (lda, ldb int) {
	lda, ldb = k, n
	if transA {
		lda = m
	}
	if transB {
		ldb = k
	}
	return lda, ldb
}

func largeProducts(t *testing.T, ordinal int, precision string) {
	be := open(t, ordinal, own(precision))
	for _, c := range sizes {
		m, n, k := c[0], c[1], c[2]
		for i := range 4 {
			if testing.Short() && m > 1000 && i > 0 {
				continue // the other transpositions take the longest; -short leaves them out
			}
			transA, transB := i&1 != 0, i&2 != 0
			t.Run(fmt.Sprint(c, transA, transB), func(t *testing.T) {
				w := newTwin(t, be)
				a, b, y := w.operand(m*k, precision), w.operand(k*n, precision), w.normal(m*n)
				lda, ldb := strides(m, n, k, transA, transB)
				device.Do(w.want, device.Gemm{
					TransA: transA, TransB: transB, M: m, N: n, K: k, Alpha: -0.5, A: a.want, LDA: lda, B: b.want,
					LDB: ldb, Beta: 2, C: y.want, LDC: n,
				})
				device.Do(w.d, device.Gemm{
					TransA: transA, TransB: transB, M: m, N: n, K: k, Alpha: -0.5, A: a.d, LDA: lda, B: b.d, LDB: ldb,
					Beta: 2, C: y.d, LDC: n,
				})
				w.same("c", y, 5e-6)
			})
		}
	}
}

// linears has every part of an epilogue alone and all together, in bf16.
func linears(t *testing.T, ordinal int) {
	be := open(t, ordinal, own("bf16"))
	for _, c := range [][3]int{{64, 100, 1000}, {65, 33, 7}, {1540, 1410, 9}, {3, 64, 96}, {256, 200, 160}} {
		rows, out, in := c[0], c[1], c[2]
		for _, e := range []struct {
			bias, pre, gate, residual bool
			act                       device.Act
		}{{}, {bias: true, act: device.SiLU}, {bias: true, pre: true, act: device.GELU}, {gate: true, residual: true},
			{true, true, true, true, device.GELU}} {
			if testing.Short() && rows > 1000 && !e.bias {
				continue
			}
			t.Run(fmt.Sprintf("%v %+v", c, e), func(t *testing.T) {
				w := newTwin(t, be)
				x, weights := w.operand(rows*in, "bf16"), w.operand(in*out, "bf16")
				bias, gate, residual, pre, y := w.normal(out), w.normal(rows*(out+5)), w.normal(rows*out), w.normal(rows*out), w.normal(rows*out)
				epilogue := func(of func(both) device.Buffer) (d device.Epilogue) {
					d.Act = e.act
					if e.bias {
						d.Bias = of(bias)
					}
					if e.pre {
						d.Pre = of(pre)
					}
					if e.gate {
						d.Gate, d.LDGate, d.GateOff = of(gate), out+5, 3
					}
					if e.residual {
						d.Residual = of(residual)
					}
					return d
				}
				device.Do(w.want, device.Linear{
					Y: y.want, X: x.want, W: weights.want, Rows: rows, In: in, Out: out,
					Epilogue: epilogue(func(b both) device.Buffer { return b.want }),
				})
				device.Do(w.d, device.Linear{
					Y: y.d, X: x.d, W: weights.d, Rows: rows, In: in, Out: out,
					Epilogue: epilogue(func(b both) device.Buffer { return b.d }),
				})
				w.same("pre", pre, 5e-6)
				w.same("y", y, 5e-6)
			})
		}
	}
}

// blasProducts holds cuBLAS to what it promises: in bf16 it may round the
// operands to bf16 or to more than that. An element is off by no more than the
// rounding of all its terms, and the log says which of the two it was.
func blasProducts(t *testing.T, ordinal int, precision string) {
	be := open(t, ordinal, cuda.Options{Precision: precision})
	if _, ok := be.BLAS(); !ok {
		t.Fatal("there is no cuBLAS: ", be.Details())
	}
	for _, c := range append([][3]int{{1024, 1472, 1472}, {64, 1472, 1472}}, sizes...) {
		m, n, k := c[0], c[1], c[2]
		for i := range 4 {
			if testing.Short() && (m > 1000 || k > 1000) && i > 0 || m == 1024 && i > 0 {
				continue
			}
			transA, transB := i&1 != 0, i&2 != 0
			t.Run(fmt.Sprint(c, transA, transB), func(t *testing.T) {
				w := newTwin(t, be)
				a, b, y := w.normal(m*k), w.normal(k*n), w.normal(m*n)
				lda, ldb := strides(m, n, k, transA, transB)
				device.Do(w.want, device.Gemm{
					TransA: transA, TransB: transB, M: m, N: n, K: k, Alpha: 1, A: a.want, LDA: lda, B: b.want,
					LDB: ldb, C: y.want, LDC: n,
				})
				device.Do(w.d, device.Gemm{
					TransA: transA, TransB: transB, M: m, N: n, K: k, Alpha: 1, A: a.d, LDA: lda, B: b.d, LDB: ldb,
					C: y.d, LDC: n,
				})
				if precision != "bf16" {
					w.same("c", y, 5e-6)
					return
				}
				// Terms of two standard normals: their products sum to magnitudes of
				// k·2/π; 2⁻⁸ is twice the rounding of one operand.
				limit := math.Exp2(-8) * (float64(k)*2/math.Pi + 8*math.Sqrt(float64(k)))
				got, exact := w.got(y), w.want.Host(y.want)
				var worst, square float64
				for i, v := range exact {
					d := math.Abs(float64(got[i]) - v)
					if !(d <= limit) {
						t.Fatalf("element %d: %v, want %v to %.2g", i, got[i], v, limit)
					}
					worst, square = max(worst, d), square+d*d
				}
				rms := math.Sqrt(square / float64(len(exact)) / float64(k)) // of a term
				t.Logf("largest error %.2g, %.1e a term: %s", worst, rms, rounding(rms))
			})
		}
	}
}

// rounding names what operands were rounded to, from the error of a term: of
// two operands with m bits after the point it is about 2⁻ᵐ·0.4.
func rounding(term float64) string {
	switch {
	case term > 8e-4:
		return "operands in bf16"
	case term > 1e-4:
		return "operands in TF32"
	}
	return "operands in fp32"
}
