package gemm

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"pgregory.net/rapid"
)

func ptr(x []float32) unsafe.Pointer { return unsafe.Pointer(&x[0]) }

func activation(x float64, act Act) float64 {
	sigmoid := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	switch act {
	case SiLU:
		return x * sigmoid(x)
	case GELU:
		return 0.5 * x * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
	}
	return x
}

// A fused product is the product and its finish, one after another: the
// pre-activation to the bit where bias is absent, the rest to rounding.
func TestFused(t *testing.T) {
	eachPath(t, func(t *testing.T) {
		rapid.Check(t, func(r *rapid.T) {
			x := drawTrial(r)
			f := Finish{Act: rapid.SampledFrom([]Act{None, SiLU, GELU}).Draw(r, "act")}
			rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(r, "seed2"), 2))
			gate, hasGate := random(rng, x.m, x.n, 4, false), rapid.Bool().Draw(r, "gate")
			if hasGate {
				f.Gate, f.LDGate = ptr(gate.values), gate.ld
			}
			bias, residual, pre := random(rng, 1, x.n, 0, false), random(rng, x.m, x.n, 3, false), random(rng, x.m, x.n, 2, false)
			hasBias, hasResidual, hasPre := rapid.Bool().Draw(r, "bias"), rapid.Bool().Draw(r, "residual"), rapid.Bool().Draw(r, "pre")
			if hasBias {
				f.Bias = ptr(bias.values)
			}
			if hasResidual {
				f.Residual, f.LDResidual = ptr(residual.values), residual.ld
			}
			if hasPre {
				f.Pre, f.LDPre = ptr(pre.values), pre.ld
			}
			c := matrix{slices.Clone(x.c.values), x.c.ld, false}
			FusedPtr(2, x.transA, x.transB, x.m, x.n, x.k, x.alpha, ptr(x.a.values), x.a.ld, ptr(x.b.values), x.b.ld, x.beta, ptr(c.values), c.ld, f)
			plain := x.own(1)
			for i := range x.m {
				for j := range x.n {
					v := plain.values[i*c.ld+j]
					if hasBias {
						v += bias.values[j]
					}
					if hasPre && pre.values[i*pre.ld+j] != v {
						r.Fatalf("%v: pre-activation [%d,%d] %v, want %v", x, i, j, pre.values[i*pre.ld+j], v)
					}
					want := activation(float64(v), f.Act)
					if hasGate {
						want *= gate.at(i, j)
					}
					size := math.Abs(want) + 1e-3
					if hasResidual {
						want += residual.at(i, j)
						size += math.Abs(residual.at(i, j))
					}
					if e := math.Abs(c.at(i, j) - want); !(e <= 1e-6*size*math.Max(1, math.Abs(float64(v)))) {
						r.Fatalf("%v, act %v: [%d,%d] %v, want %v", x, f.Act, i, j, c.at(i, j), want)
					}
				}
			}
			for i, v := range c.values {
				if i%c.ld >= x.n && !math.IsNaN(float64(v)) {
					r.Fatalf("%v: wrote %v between the rows", x, v)
				}
			}

			p := PackPtr(x.transB, x.k, x.n, ptr(x.b.values), x.b.ld)
			for _, threads := range []int{1, 2, 5} {
				again := matrix{slices.Clone(x.c.values), x.c.ld, false}
				PackedPtr(threads, x.transA, x.m, x.alpha, ptr(x.a.values), x.a.ld, p, x.beta, ptr(again.values), again.ld, f)
				if !sameBits(again.values, c.values) {
					r.Fatalf("%v: packed on %d threads differs", x, threads)
				}
			}
		})
	})
}

func TestPackedBelongsToItsPath(t *testing.T) {
	now := Path()
	defer SelectPath(now)
	if now == "base" {
		t.Skip("skipped: this machine has one vector path")
	}
	p := Pack(false, 2, 2, []float32{1, 2, 3, 4}, 2)
	if p.Bytes() < 16 {
		t.Errorf("%d bytes for four values", p.Bytes())
	}
	SelectPath("base")
	defer func() {
		if recover() == nil {
			t.Error("no panic for an operand of another path")
		}
	}()
	PackedPtr(1, false, 1, 1, ptr([]float32{1, 1}), 2, p, 0, ptr([]float32{0, 0}), 2, Finish{})
}
