// Package noise fills host memory with counter-based normals: Philox4x32-10
// and Box-Muller, the same bits whatever the batch, the order or the threads.
package noise

/*
#cgo CFLAGS: -O3 -fopenmp
#cgo LDFLAGS: -lm -fopenmp
#include "noise.h"
*/
import "C"
import "unsafe"

// Normal writes the normals that device.Normal defines to the float32
// memory at dst; ids points at batch int32 values.
func Normal(threads int, dst, ids unsafe.Pointer, batch, tokens, at, dim int, key uint64, stream uint32) {
	C.prabench_normal(C.int(threads), (*C.float)(dst), (*C.int)(ids), C.long(batch), C.long(tokens), C.long(at), C.long(dim), C.uint64_t(key),
		C.uint32_t(stream))
}
