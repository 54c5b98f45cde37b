// Package gemm is single-precision matrix multiplication on the host: oneDNN
// when the machine has libdnnl (found at run time, nothing is linked), gonum's
// blas32 otherwise. Same results to rounding, several times the speed.
package gemm

/*
#cgo CFLAGS: -O2 -fopenmp
#cgo LDFLAGS: -ldl -fopenmp
#include <stdlib.h>
#include "onednn.h"
*/
import "C"

import (
	"fmt"
	"os"
	"sync"
	"unsafe"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

// Library names what multiplies matrices in this process and its version, for
// example "oneDNN 2.6.3" or "gonum". Hint is a sentence for the user when the
// fast library is missing, empty otherwise.
type Library struct {
	Name string
	Path string
	Hint string
}

// Disable, set to any value in the environment, leaves oneDNN out.
const Disable = "PRABENCH_NO_ONEDNN"

var load = sync.OnceValue(func() Library {
	if os.Getenv(Disable) == "" {
		for _, so := range []string{"libdnnl.so.3", "libdnnl.so.2"} {
			name := C.CString(so)
			ok := C.prabench_onednn_open(name)
			C.free(unsafe.Pointer(name))
			if ok == 0 {
				continue
			}
			var v [3]C.int
			C.prabench_onednn_version(&v[0])
			return Library{Name: fmt.Sprintf("oneDNN %d.%d.%d", v[0], v[1], v[2]), Path: so}
		}
	}
	hint := "oneDNN was not found, matrix products run on gonum, many times slower; install it with: apt-get install libdnnl2 (or libdnnl3)"
	if os.Getenv(Disable) != "" {
		hint = "oneDNN is switched off by " + Disable + ", matrix products run on gonum, many times slower"
	}
	return Library{Name: "gonum", Hint: hint}
})

// Loaded says which library serves this process.
func Loaded() Library { return load() }

// Sgemm computes C ← alpha·op(A)·op(B) + beta·C, all row-major, on the given
// number of threads: op(A) is [m, k], op(B) is [k, n], C is [m, n]; lda, ldb
// and ldc are the row strides of the stored matrices.
func Sgemm(threads int, transA, transB bool, m, n, k int, alpha float32, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int) {
	if m == 0 || n == 0 {
		return
	}
	if k == 0 || len(a) == 0 || len(b) == 0 {
		panic("gemm: empty operand")
	}
	SgemmPtr(threads, transA, transB, m, n, k, alpha, unsafe.Pointer(&a[0]), lda, unsafe.Pointer(&b[0]), ldb, beta, unsafe.Pointer(&c[0]), ldc)
}

// SgemmPtr is Sgemm on raw addresses; the caller vouches for the extents.
func SgemmPtr(threads int, transA, transB bool, m, n, k int, alpha float32, a unsafe.Pointer, lda int, b unsafe.Pointer, ldb int, beta float32, c unsafe.Pointer, ldc int) {
	if load().Path != "" {
		ta, tb := C.char('N'), C.char('N')
		if transA {
			ta = 'T'
		}
		if transB {
			tb = 'T'
		}
		if rc := C.prabench_onednn_sgemm(C.int(threads), ta, tb, C.long(m), C.long(n), C.long(k), C.float(alpha),
			(*C.float)(a), C.long(lda), (*C.float)(b), C.long(ldb), C.float(beta), (*C.float)(c), C.long(ldc)); rc != 0 {
			panic(fmt.Sprintf("gemm: dnnl_sgemm answered %d for m=%d n=%d k=%d lda=%d ldb=%d ldc=%d", rc, m, n, k, lda, ldb, ldc))
		}
		return
	}
	rowsA, colsA, rowsB, colsB := m, k, k, n
	ta, tb := blas.NoTrans, blas.NoTrans
	if transA {
		rowsA, colsA, ta = k, m, blas.Trans
	}
	if transB {
		rowsB, colsB, tb = n, k, blas.Trans
	}
	view := func(p unsafe.Pointer, rows, cols, ld int) []float32 {
		return unsafe.Slice((*float32)(p), (rows-1)*ld+cols)
	}
	run := func(lo, hi int) {
		// Shard the rows of C: gonum parallelises only large results.
		off := lo * lda
		if transA {
			off = lo
		}
		av := view(a, rowsA, colsA, lda)[off:]
		gonum.Implementation{}.Sgemm(ta, tb, hi-lo, n, k, alpha, av, lda, view(b, rowsB, colsB, ldb), ldb, beta, view(c, m, n, ldc)[lo*ldc:], ldc)
	}
	if threads <= 1 || m < 2*threads {
		run(0, m)
		return
	}
	var wg sync.WaitGroup
	for i := range threads {
		lo, hi := m*i/threads, m*(i+1)/threads
		wg.Go(func() { run(lo, hi) })
	}
	wg.Wait()
}
