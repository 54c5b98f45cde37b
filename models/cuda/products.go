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

// product is C ← α·op(A)·op(B) + β·C, by cuBLAS, or by own kernels without it.
func (b *Backend) product(op *device.Gemm) {
	if b.target.blas == nil || op.K == 0 {
		b.ops.Do(op)
		return
	}
	b.multiply(op, address(op.C))
}

// multiply has cuBLAS leave a product at c, in bf16 on bf16 copies where those pay.
func (b *Backend) multiply(op *device.Gemm, c kernels.Ptr) {
	if op.M == 0 || op.N == 0 || !b.workspace() {
		return
	}
	x, y := matrix{op.A, op.M, op.K, op.LDA}, matrix{op.B, op.K, op.N, op.LDB}
	if op.TransA {
		x.rows, x.cols = op.K, op.M
	}
	if op.TransB {
		y.rows, y.cols = op.N, op.K
	}
	pa, pb := address(op.A), address(op.B)
	size := 4
	hx, hy, halves := b.halved(x, y, op.M*op.N*op.K)
	if halves {
		pa, pb, size = hx, hy, 2
	}
	var flags uint64
	for i, on := range []bool{op.TransA, op.TransB, b.precision != kernels.FP32, halves} {
		if on {
			flags |= 1 << i
		}
	}
	rows, next := blasRows(op.M, op.N, op.LDC), op.LDA
	if op.TransA {
		next = 1
	}
	for from := 0; from < op.M; from += rows {
		b.queue.add(C.PRA_GEMM, flags, uint64(min(rows, op.M-from)), uint64(op.N), uint64(op.K),
			uint64(math.Float32bits(op.Alpha))|uint64(math.Float32bits(op.Beta))<<32,
			uint64(pa)+uint64(size*from*next), uint64(op.LDA), uint64(pb), uint64(op.LDB), uint64(c.At(from*op.LDC)), uint64(op.LDC))
	}
}

// workspace gives cuBLAS its workspace before the first product.
func (b *Backend) workspace() bool {
	if !b.queue.blas.Absent() {
		return true
	}
	w, err := b.Alloc(device.Activations, workspaceBytes/4)
	if err == nil {
		err = b.status("giving cuBLAS a workspace", C.pra_blas_workspace(&b.target, C.CUdeviceptr(w.Base), workspaceBytes))
	}
	if err != nil {
		b.fail(err)
		return false
	}
	b.queue.blas = w
	return true
}

// blasRows is how many rows of a product cuBLAS is given at once: its interface
// has 32-bit sizes, and results of 2³¹ elements and more are not what anybody tests.
func blasRows(m, n, ldc int) int {
	return min(m, max(1, math.MaxInt32/max(n, ldc)))
}
