package gemm

// #cgo CFLAGS: -O3 -fopenmp
// #cgo LDFLAGS: -fopenmp
// #include <stdlib.h>
// #include "own.h"
import "C"

import (
	"os"
	"sync"
	"sync/atomic"
	"unsafe"
)

// PathVariable names the environment variable that forces a vector path. A
// path that the machine lacks is passed over here; package cpu refuses it.
const PathVariable = "PRABENCH_VECTOR_PATH"

var allPaths = []string{"avx512", "avx2", "base"}

var chosen atomic.Value // string

var choose = sync.OnceFunc(func() {
	for _, p := range append([]string{os.Getenv(PathVariable)}, allPaths...) {
		if selectPath(p) {
			return
		}
	}
})

// Path is the vector path of this package's own kernels: "avx512", "avx2" or
// "base", the compiler's default target.
func Path() string {
	choose()
	return chosen.Load().(string)
}

// SelectPath switches the whole process to a vector path; false when the
// machine lacks it. It is for tests and measurements.
func SelectPath(p string) bool {
	choose() // now, so that it does not undo this later
	return selectPath(p)
}

func selectPath(p string) bool {
	s := C.CString(p)
	defer C.free(unsafe.Pointer(s))
	if C.pra_gemm_select(s) == 0 {
		return false
	}
	chosen.Store(p)
	return true
}

// Paths lists the vector paths of this machine, fastest first.
func Paths() []string {
	now := Path()
	defer SelectPath(now)
	var out []string
	for _, p := range allPaths {
		if SelectPath(p) {
			out = append(out, p)
		}
	}
	return out
}

// own is the product by this package's kernels.
func own(threads int, transA, transB bool, m, n, k int, alpha float32, a unsafe.Pointer, lda int, b unsafe.Pointer, ldb int, beta float32,
	c unsafe.Pointer, ldc int) {
	choose()
	if C.pra_gemm(C.int(threads), flag(transA), flag(transB), C.long(m), C.long(n), C.long(k), C.float(alpha),
		(*C.float)(a), C.long(lda), (*C.float)(b), C.long(ldb), C.float(beta), (*C.float)(c), C.long(ldc)) == 0 {
		panic("gemm: no memory for the packed operands")
	}
}

func flag(b bool) C.int {
	if b {
		return 1
	}
	return 0
}
