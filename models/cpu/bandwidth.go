package cpu

// #include <stdlib.h>
// #include "ops.h"
import "C"

import (
	"time"
	"unsafe"
)

// CopyBandwidth measures how fast the given number of threads copy memory that
// no cache holds, in bytes per second, counting a byte read and a byte written as
// two: the best of several copies of 128 MiB. It is 0 where the memory cannot
// be had.
func CopyBandwidth(threads int) float64 {
	const n = 32 << 20 // elements
	if _, err := path(); err != nil {
		return 0
	}
	x := C.aligned_alloc(64, 2*4*n)
	if x == nil {
		return 0
	}
	defer C.free(x)
	from, to := (*C.float)(x), (*C.float)(unsafe.Add(x, 4*n))
	var best float64
	for range 6 { // the first two also bring the pages in
		start := time.Now()
		C.pra_mix(C.int(threads), to, 1, from, 0, from, n)
		best = max(best, 2*4*n/time.Since(start).Seconds())
		from, to = to, from
	}
	return best
}
