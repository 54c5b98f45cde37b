package gemm

import (
	"math"
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
	SgemmBF16Ptr(threads, x.transA, x.transB, x.m, x.n, x.k, x.alpha, unsafe.Pointer(&a[0]), x.a.ld, unsafe.Pointer(&b[0]), x.b.ld, x.beta, unsafe.Pointer(&c.values[0]), c.ld)
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
	SgemmBF16(1, false, false, 1, 1, 1, 1, []float32{1}, 1, []float32{1}, 1, 0, []float32{0}, 1)
}
