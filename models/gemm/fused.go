package gemm

// #include "own.h"
import "C"

import (
	"unsafe"

	"prabench/models/device"
)

// Act is an activation function.
type Act = device.Act

// Finish is what follows a product while its result is in cache, each part
// where its pointer is not nil: v ← C + Bias, Pre ← v, C ← Gate·Act(v) + Residual.
// Bias is [n]; Pre, Gate and Residual are [m, n] with their row strides. They
// overlap neither each other nor C; to add to C in place use beta 1.
type Finish struct {
	Bias       unsafe.Pointer
	Pre        unsafe.Pointer
	LDPre      int
	Act        Act
	Gate       unsafe.Pointer
	LDGate     int
	Residual   unsafe.Pointer
	LDResidual int
}

// FusedPtr is [SgemmPtr] followed by f, always on this package's kernels.
func FusedPtr(threads int, transA, transB bool, m, n, k int, alpha float32, a unsafe.Pointer, lda int, b unsafe.Pointer, ldb int,
	beta float32, c unsafe.Pointer, ldc int, f Finish) {
	finish(false, threads, transA, transB, m, n, k, alpha, a, lda, b, ldb, nil, beta, c, ldc, f)
}

func finish(bf16 bool, threads int, transA, transB bool, m, n, k int, alpha float32, a unsafe.Pointer, lda int, b unsafe.Pointer, ldb int,
	packed unsafe.Pointer, beta float32, c unsafe.Pointer, ldc int, f Finish) {
	if m == 0 || n == 0 {
		return
	}
	if k == 0 || alpha == 0 {
		panic("gemm: a fused product needs k > 0 and alpha ≠ 0")
	}
	choose()
	call(bf16, threads, transA, transB, m, n, k, alpha, a, lda, b, ldb, packed, beta, c, ldc, f)
}

func call(bf16 bool, threads int, transA, transB bool, m, n, k int, alpha float32, a unsafe.Pointer, lda int, b unsafe.Pointer, ldb int,
	packed unsafe.Pointer, beta float32, c unsafe.Pointer, ldc int, f Finish) {
	if C.pra_gemm_finish(flag(bf16), C.int(threads), flag(transA), flag(transB), C.long(m), C.long(n), C.long(k), C.float(alpha),
		(*C.float)(a), C.long(lda), (*C.float)(b), C.long(ldb), (*C.float)(packed), C.float(beta), (*C.float)(c), C.long(ldc),
		(*C.float)(f.Bias), (*C.float)(f.Pre), C.long(f.LDPre), C.int(f.Act), (*C.float)(f.Gate), C.long(f.LDGate), (*C.float)(f.Residual),
		C.long(f.LDResidual)) == 0 {
		panic("gemm: no memory for the packed operands")
	}
}
