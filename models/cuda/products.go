//go:build cuda

package cuda

/*
#include "queue.h"
*/
import "C"

import (
	"math"

	"prabench/models/cuda/kernels"
	"prabench/models/device"
)

// workspaceBytes is what cuBLAS gets for splitting deep products; with a
// workspace of its own a product has the same result every time.
const workspaceBytes = 32 << 20

// product is C ← α·op(A)·op(B) + β·C, each at its pointer, by cuBLAS, or by own kernels without it.
func (b *Backend) product(transA, transB bool, m, n, k int, alpha float32, pa kernels.Ptr, lda int, pb kernels.Ptr, ldb int, beta float32,
	pc kernels.Ptr, ldc int) {
	if m == 0 || n == 0 {
		return
	}
	if b.target.blas == nil || k == 0 {
		b.ops.Gemm(transA, transB, m, n, k, alpha, pa, lda, pb, ldb, beta, pc, ldc)
		return
	}
	if b.queue.blas.Absent() {
		w, err := b.Alloc(device.Activations, workspaceBytes/4)
		if err == nil {
			err = b.status("giving cuBLAS a workspace", C.pra_blas_workspace(&b.target, C.CUdeviceptr(w.Base), workspaceBytes))
		}
		if err != nil {
			b.fail(err)
			return
		}
		b.queue.blas = w
	}
	var flags uint64
	for i, on := range []bool{transA, transB, b.precision != kernels.FP32} {
		if on {
			flags |= 1 << i
		}
	}
	rows, next := blasRows(m, n, ldc), lda
	if transA {
		next = 1
	}
	for from := 0; from < m; from += rows {
		b.queue.add(C.PRA_GEMM, flags, uint64(min(rows, m-from)), uint64(n), uint64(k),
			uint64(math.Float32bits(alpha))|uint64(math.Float32bits(beta))<<32,
			uint64(pa.At(from*next)), uint64(lda), uint64(pb), uint64(ldb), uint64(pc.At(from*ldc)), uint64(ldc))
	}
}

// blasRows is how many rows of a product cuBLAS is given at once: its interface
// has 32-bit sizes, and results of 2³¹ elements and more are not what anybody tests.
func blasRows(m, n, ldc int) int {
	return min(m, max(1, math.MaxInt32/max(n, ldc)))
}
