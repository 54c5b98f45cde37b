package gemm

// #include "own.h"
import "C"

import (
	"fmt"
	"unsafe"
)

// Packed is an operand B in the order in which the kernels read it, for weights
// that are used many times. It belongs to the vector path it was packed on.
type Packed struct {
	k, n   int
	bf16   bool
	path   string
	values []float32 // 64-byte aligned
}

// PackedLen is the number of float32 that a packed operand [k, n] takes.
func PackedLen(bf16 bool, k, n int) int {
	choose()
	lanes := int(C.pra_gemm_lanes())
	if bf16 {
		k = (k + 1) / 2
	}
	return (n + lanes - 1) / lanes * lanes * k
}

// PackedIn is an operand [k, n] in memory of [PackedLen] values, best aligned to
// 64 bytes, without values until [Packed.Update].
func PackedIn(values []float32, bf16 bool, k, n int) *Packed {
	if k < 1 || n < 1 || len(values) != PackedLen(bf16, k, n) {
		panic(fmt.Sprintf("gemm: a packed operand of %d × %d in %d values", k, n, len(values)))
	}
	return &Packed{k: k, n: n, bf16: bf16, path: Path(), values: values}
}

// BF16 says that the values are rounded to bf16.
func (p *Packed) BF16() bool { return p.bf16 }

// Update packs other values of the same shape into p.
func (p *Packed) Update(transB bool, b unsafe.Pointer, ldb int) {
	p.check()
	C.pra_gemm_pack(flag(p.bf16), (*C.float)(unsafe.Pointer(&p.values[0])), flag(transB), (*C.float)(b), C.long(ldb), C.long(p.k), C.long(p.n))
}

// Bytes is the memory that p holds.
func (p *Packed) Bytes() int { return 4 * len(p.values) }

func (p *Packed) check() {
	if now := Path(); now != p.path {
		panic(fmt.Sprintf("gemm: an operand packed on path %s in a product on path %s", p.path, now))
	}
}

// PackedPtr is C ← alpha·op(A)·B + beta·C followed by f, with B packed: op(A)
// is [m, k], C [m, n]. Bit for bit what [FusedPtr] or [FusedBF16Ptr] gives.
func PackedPtr(threads int, transA bool, m int, alpha float32, a unsafe.Pointer, lda int, p *Packed, beta float32, c unsafe.Pointer,
	ldc int, f Finish) {
	p.check()
	finish(p.bf16, threads, transA, false, m, p.n, p.k, alpha, a, lda, nil, 0, unsafe.Pointer(&p.values[0]), beta, c, ldc, f)
}
