package gemm

// #include "own.h"
import "C"

import "unsafe"

// HasBF16 reports whether this machine multiplies bf16 numbers in hardware
// (AVX512_BF16) and the avx512 path is in use. AMX is not used.
func HasBF16() bool {
	choose()
	return C.pra_gemm_has_bf16() != 0
}

// SgemmBF16Ptr is [SgemmPtr] with every element of A and B rounded to bf16 (8 bits
// of significand, to nearest even; subnormal numbers to 0) and sums in fp32: a
// relative error up to 2⁻⁸ in each product. It panics where [HasBF16] is false:
// ask first and refuse with a sentence for the user.
//
// Operands are converted while they are packed, so it gains from about 32 rows
// of C; below that use SgemmPtr.
func SgemmBF16Ptr(threads int, transA, transB bool, m, n, k int, alpha float32, a unsafe.Pointer, lda int, b unsafe.Pointer, ldb int,
	beta float32, c unsafe.Pointer, ldc int) {
	needBF16()
	call(true, threads, transA, transB, m, n, k, alpha, a, lda, b, ldb, nil, beta, c, ldc, Finish{})
}

// FusedBF16Ptr is [SgemmBF16Ptr] followed by f.
func FusedBF16Ptr(threads int, transA, transB bool, m, n, k int, alpha float32, a unsafe.Pointer, lda int, b unsafe.Pointer, ldb int,
	beta float32, c unsafe.Pointer, ldc int, f Finish) {
	needBF16()
	finish(true, threads, transA, transB, m, n, k, alpha, a, lda, b, ldb, nil, beta, c, ldc, f)
}

func needBF16() {
	if !HasBF16() {
		panic("gemm: bf16 products on a machine or vector path without AVX512_BF16")
	}
}
