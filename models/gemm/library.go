package gemm

// #include <stdlib.h>
// #include "onednn.h"
import "C"

import (
	"fmt"
	"os"
	"sync"
	"unsafe"
)

// Library names what multiplies matrices in this process, for example
// "oneDNN 2.6.3 and own avx512" or "own avx2". Path is the shared object of
// oneDNN, empty without it. Hint is a sentence for the user where installing
// oneDNN would help, empty otherwise.
type Library struct {
	Name string
	Path string
	Hint string
}

// Disable leaves oneDNN out when the environment sets it to any value.
const Disable = "PRABENCH_NO_ONEDNN"

var load = sync.OnceValue(func() Library {
	if os.Getenv(Disable) != "" {
		return Library{Hint: "oneDNN is switched off by " + Disable + ", all matrix products run on the program's own kernels"}
	}
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
	return Library{Hint: "oneDNN was not found, all matrix products run on the program's own kernels, somewhat slower in training; install " +
		"it with: apt-get install libdnnl2 (or libdnnl3)"}
})

// Loaded says what serves this process.
func Loaded() Library {
	l, own := load(), "own "+Path()
	if l.Path == "" {
		l.Name = own
	} else {
		l.Name += " and " + own
	}
	return l
}

// oneDNN is the product by dnnl_sgemm.
func oneDNN(threads int, transA, transB bool, m, n, k int, alpha float32, a unsafe.Pointer, lda int, b unsafe.Pointer, ldb int,
	beta float32, c unsafe.Pointer, ldc int) {
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
}
