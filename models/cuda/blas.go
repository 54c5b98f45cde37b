//go:build cuda

package cuda

/*
#include <stdlib.h>
#include "queue.h"
*/
import "C"

import (
	"fmt"
	"sync"
	"unsafe"

	"prabench/models/cuda/libraries"
)

// loadBLAS loads the first libcublas that can be; "" where one was, otherwise
// why none was.
var loadBLAS = sync.OnceValue(func() string {
	var why, last string
	here := libraries.Here()
	here.Candidates(libraries.CuBLAS, func(library string) bool {
		path := C.CString(library)
		defer C.free(unsafe.Pointer(path))
		text := make([]byte, 512)
		if C.pra_blas_load(path, (*C.char)(unsafe.Pointer(&text[0])), C.size_t(len(text))) != 0 {
			why = ""
			return false
		}
		last = C.GoString((*C.char)(unsafe.Pointer(&text[0])))
		why = fmt.Sprintf("no libcublas could be loaded; %s names one", libraries.CuBLAS.Variable)
		return true
	})
	if asked := here.Env(libraries.CuBLAS.Variable); asked != "" && why != "" {
		return fmt.Sprintf("%s=%s: %s", libraries.CuBLAS.Variable, asked, last)
	}
	return why
})

// openBLAS gives the backend a cuBLAS where there is one, and says what its
// matrix products are computed by.
func (b *Backend) openBLAS() string {
	said := loadBLAS()
	if said == "" {
		text := make([]byte, 256)
		ok := C.pra_blas_open(&b.target, (*C.char)(unsafe.Pointer(&text[0])), C.size_t(len(text))) != 0
		if said = C.GoString((*C.char)(unsafe.Pointer(&text[0]))); ok {
			return said
		}
	}
	return "own matrix products (" + said + ")"
}

// BLAS is the file of the cuBLAS that computes this backend's products; ok is
// false where its own kernels do.
func (b *Backend) BLAS() (file string, ok bool) {
	if b.target.blas == nil {
		return "", false
	}
	return C.GoString(C.pra_blas_path()), true
}
