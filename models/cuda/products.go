//go:build cuda

package cuda

/*
#include "queue.h"
*/
import "C"

import (
	"fmt"
	"math"

	"prabench/models/cuda/kernels"
	"prabench/models/device"
)

// workspaceBytes is what cuBLAS gets for splitting deep products; with a
// workspace of its own a product has the same result every time.
const workspaceBytes = 32 << 20

// product is C ← α·op(A)·op(B) + β·C by cuBLAS, or by own kernels without it.
func (d *Backend) product(transA, transB bool, m, n, k int, alpha float32, a kernels.Ptr, lda int, b kernels.Ptr, ldb int, beta float32, c kernels.Ptr, ldc int) {
	if m == 0 || n == 0 {
		return
	}
	if d.target.blas == nil || k == 0 {
		d.ops.Gemm(transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc, d.precision)
		return
	}
	if d.queue.blas.Absent() {
		w, err := d.Alloc(device.Activations, workspaceBytes/4)
		if err == nil {
			err = d.status("giving cuBLAS a workspace", C.pra_blas_workspace(&d.target, C.CUdeviceptr(w.Base), workspaceBytes))
		}
		if err != nil {
			d.fail(err)
			return
		}
		d.queue.blas = w
	}
	var flags uint64
	for i, on := range []bool{transA, transB, d.precision != kernels.FP32} {
		if on {
			flags |= 1 << i
		}
	}
	rows, next := blasRows(m, n, ldc), lda
	if transA {
		next = 1
	}
	for from := 0; from < m; from += rows {
		d.queue.add(C.PRA_GEMM, flags, uint64(min(rows, m-from)), uint64(n), uint64(k), uint64(math.Float32bits(alpha))|uint64(math.Float32bits(beta))<<32,
			uint64(a.At(from*next)), uint64(lda), uint64(b), uint64(ldb), uint64(c.At(from*ldc)), uint64(ldc))
	}
}

// blasRows is how many rows of a product cuBLAS is given at once: its interface
// has 32-bit sizes, and results of 2³¹ elements and more are not what anybody tests.
func blasRows(m, n, ldc int) int {
	return min(m, max(1, math.MaxInt32/max(n, ldc)))
}

func (d *Backend) Gemm(transA, transB bool, m, n, k int, alpha float32, a device.Buffer, lda int, b device.Buffer, ldb int, beta float32, c device.Buffer, ldc int) {
	sa, sb := span(m, k, max(lda, k)), span(k, n, max(ldb, n))
	if transA {
		sa = span(k, m, lda)
	} else {
		sa = span(m, k, lda)
	}
	if transB {
		sb = span(n, k, ldb)
	} else {
		sb = span(k, n, ldb)
	}
	pa, pb, pc := at(a, sa), at(b, sb), at(c, span(m, n, ldc))
	d.queue.note("Gemm", m, n, k, lda, ldb, ldc)
	d.product(transA, transB, m, n, k, alpha, pa, lda, pb, ldb, beta, pc, ldc)
}

// Linear is one launch on own kernels; with cuBLAS it is the product into Pre
// or y and a pass over the rows where an epilogue asks for one.
func (d *Backend) Linear(y, x, w device.Buffer, rows, in, out int, e device.Epilogue) {
	size := rows * out
	if e.Act < device.None || e.Act > device.GELU {
		panic(fmt.Sprintf("cuda: no activation %d", e.Act))
	}
	same := func(a, b device.Buffer) bool { return a.Base == b.Base && a.Off == b.Off }
	if !e.Residual.Absent() && same(y, e.Residual) && (e.Pre.Absent() || e.Act != device.None) {
		panic("cuda: a linear layer in place of its residual needs Pre, and no activation")
	}
	f := kernels.Epilogue{Bias: opt(e.Bias, out), Pre: opt(e.Pre, size), Act: int(e.Act), Residual: opt(e.Residual, size)}
	if !e.Gate.Absent() {
		columns(e.GateOff, out, e.LDGate)
		f.Gate, f.LDGate = at(e.Gate, rows*e.LDGate).At(e.GateOff), e.LDGate
	}
	to, px, pw := at(y, size), at(x, rows*in), at(w, in*out)
	if f.Pre == to {
		f.Pre = 0
	}
	d.queue.note("Linear", rows, in, out)
	if d.target.blas == nil || in == 0 {
		d.ops.Linear(to, px, pw, rows, in, out, f, d.precision)
		return
	}
	product := to
	if f.Pre != 0 {
		product = f.Pre
	}
	d.product(false, false, rows, out, in, 1, px, in, pw, out, 0, product, out)
	d.ops.Finish(to, product, rows, out, f)
}
