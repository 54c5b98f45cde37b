// Package gemm is single-precision matrix multiplication on the host.
//
// Its principle is that the shapes of this project are few and known: its own
// kernels, a register tile in vector extensions under a plain blocking, are as
// fast as a vendor's library on most of them, and give each element of C the
// same bits whatever the number of threads, of rows and of columns around it.
// oneDNN, found at run time (nothing is linked), takes the shapes on which it
// was measured to be faster; see [Sgemm]. README.md has the measurements.
package gemm

import "unsafe"

// Sgemm computes C ← alpha·op(A)·op(B) + beta·C, all row-major, on the given
// number of threads: op(A) is [m, k], op(B) is [k, n], C is [m, n]; lda, ldb
// and ldc are the row strides of the stored matrices. C is not read where beta
// is 0; A and B are not where alpha or k is 0.
//
// Products of a transposed A with more than 64 rows and columns of C (weight
// gradients) go to oneDNN where the machine has it, all others to the kernels
// of this package; on the base vector path oneDNN takes all it can.
func Sgemm(threads int, transA, transB bool, m, n, k int, alpha float32, a []float32, lda int, b []float32, ldb int, beta float32,
	c []float32, ldc int) {
	if m == 0 || n == 0 {
		return
	}
	var pa, pb unsafe.Pointer
	if k > 0 && alpha != 0 {
		pa, pb = unsafe.Pointer(&a[0]), unsafe.Pointer(&b[0])
	}
	SgemmPtr(threads, transA, transB, m, n, k, alpha, pa, lda, pb, ldb, beta, unsafe.Pointer(&c[0]), ldc)
}

// SgemmPtr is Sgemm on raw addresses; the caller vouches for the extents.
func SgemmPtr(threads int, transA, transB bool, m, n, k int, alpha float32, a unsafe.Pointer, lda int, b unsafe.Pointer, ldb int,
	beta float32, c unsafe.Pointer, ldc int) {
	if k > 0 && alpha != 0 && vendor(transA, m, n) {
		oneDNN(threads, transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
		return
	}
	own(threads, transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
}

// vendor reports whether oneDNN serves a shape.
func vendor(transA bool, m, n int) bool {
	if load().Path == "" {
		return false
	}
	return Path() == "base" || transA && m > 64 && n > 64
}
