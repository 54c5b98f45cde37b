package gemm

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"pgregory.net/rapid"
)

// roundBF16 is x to the nearest bf16, ties to even.
func roundBF16(x float32) float32 {
	b := math.Float32bits(x)
	if x != x {
		return x
	}
	return math.Float32frombits((b + 0x7fff + b>>16&1) &^ 0xffff)
}

func rounded(m matrix) matrix {
	r := matrix{slices.Clone(m.values), m.ld, m.trans}
	for i, v := range r.values {
		r.values[i] = roundBF16(v)
	}
	return r
}

func (x trial) bf16(threads int, a, b []float32) matrix {
	c := matrix{slices.Clone(x.c.values), x.c.ld, false}
	SgemmBF16Ptr(threads, x.transA, x.transB, x.m, x.n, x.k, x.alpha, unsafe.Pointer(&a[0]), x.a.ld, unsafe.Pointer(&b[0]), x.b.ld, x.beta,
		unsafe.Pointer(&c.values[0]), c.ld)
	return c
}

// The product of the rounded operands to fp32's own rounding: products of bf16
// numbers are exact in fp32.
func TestBF16(t *testing.T) {
	if !HasBF16() {
		t.Skip("skipped: this machine has no AVX512_BF16")
	}
	rapid.Check(t, func(r *rapid.T) {
		x := drawTrial(r)
		got := x.bf16(1, x.a.values, x.b.values)
		check(t, "bf16 "+x.String(), rounded(x.a), rounded(x.b), got, x.c.values, x.m, x.n, x.k, float64(x.alpha), float64(x.beta))
		if two := x.bf16(2, x.a.values, x.b.values); !sameBits(two.values, got.values) {
			t.Fatalf("%v: 2 threads and 1 differ in bf16", x)
		}
	})
}

// What follows a product, and a B packed once, change no bit of it: a fused one
// is the product and then the finish of the fp32 kernels on it.
func TestBF16Fused(t *testing.T) {
	if !HasBF16() {
		t.Skip("skipped: this machine has no AVX512_BF16")
	}
	rapid.Check(t, func(r *rapid.T) {
		x := drawTrial(r)
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(r, "seed2"), 2))
		bias, gate, residual, pre := random(rng, 1, x.n, 0, false), random(rng, x.m, x.n, 4, false), random(rng, x.m, x.n, 3, false),
			random(rng, x.m, x.n, 2, false)
		f := Finish{Act: rapid.SampledFrom([]Act{None, SiLU, GELU}).Draw(r, "act")}
		if rapid.Bool().Draw(r, "bias") {
			f.Bias = ptr(bias.values)
		}
		if rapid.Bool().Draw(r, "gate") {
			f.Gate, f.LDGate = ptr(gate.values), gate.ld
		}
		if rapid.Bool().Draw(r, "residual") {
			f.Residual, f.LDResidual = ptr(residual.values), residual.ld
		}
		f.Pre, f.LDPre = ptr(pre.values), pre.ld
		c := matrix{slices.Clone(x.c.values), x.c.ld, false}
		FusedBF16Ptr(1, x.transA, x.transB, x.m, x.n, x.k, x.alpha, ptr(x.a.values), x.a.ld, ptr(x.b.values), x.b.ld, x.beta,
			ptr(c.values), c.ld, f)

		// The same finish behind an fp32 product of the bf16 result with 1.
		product, want := x.bf16(1, x.a.values, x.b.values), matrix{slices.Clone(x.c.values), x.c.ld, false}
		before := slices.Clone(pre.values)
		one := make([]float32, x.n*x.n)
		for j := range x.n {
			one[j*x.n+j] = 1
		}
		FusedPtr(1, false, false, x.m, x.n, x.n, 1, ptr(product.values), product.ld, ptr(one), x.n, 0, ptr(want.values), want.ld, f)
		// A sum that begins with +0 cannot be −0, which the product may be.
		if !sameBits(unsigned(c.values), unsigned(want.values)) {
			r.Fatalf("%v, act %v: fused in bf16 differs from the product and its finish", x, f.Act)
		}
		if !sameBits(unsigned(before), unsigned(pre.values)) {
			r.Fatalf("%v: pre-activations differ", x)
		}

		p := PackBF16Ptr(x.transB, x.k, x.n, ptr(x.b.values), x.b.ld)
		if want := (x.k + 1) / 2 * ((x.n + 15) / 16 * 16) * 4; p.Bytes() != want {
			r.Fatalf("%v: %d bytes packed, want %d", x, p.Bytes(), want)
		}
		for _, threads := range []int{1, 2, 5} {
			again := matrix{slices.Clone(x.c.values), x.c.ld, false}
			PackedPtr(threads, x.transA, x.m, x.alpha, ptr(x.a.values), x.a.ld, p, x.beta, ptr(again.values), again.ld, f)
			if !sameBits(again.values, c.values) {
				r.Fatalf("%v: packed in bf16 on %d threads differs", x, threads)
			}
		}
	})
}

// unsigned is the same numbers with +0 for −0.
func unsigned(x []float32) []float32 {
	out := slices.Clone(x)
	for i := range out {
		out[i] += 0
	}
	return out
}

func TestBF16ReadsNothingBehind(t *testing.T) {
	if !HasBF16() {
		t.Skip("skipped: this machine has no AVX512_BF16")
	}
	n := 0
	rapid.Check(t, func(r *rapid.T) {
		if n++; n > 60 { // each holds two mappings until the test ends
			return
		}
		x := drawTrial(r)
		got := x.bf16(1, guarded(t, x.a.values), guarded(t, x.b.values))
		if want := x.bf16(1, x.a.values, x.b.values); !sameBits(got.values, want.values) {
			t.Fatalf("%v: a guarded product differs", x)
		}
	})
}

func TestBF16Refused(t *testing.T) {
	now := Path()
	defer SelectPath(now)
	SelectPath("base")
	if HasBF16() {
		t.Error("bf16 on the base path")
	}
	defer func() {
		if recover() == nil {
			t.Error("no panic for a bf16 product on the base path")
		}
	}()
	one, c := []float32{1}, []float32{0}
	SgemmBF16Ptr(1, false, false, 1, 1, 1, 1, ptr(one), 1, ptr(one), 1, 0, ptr(c), 1)
}
