package cpu

// #include "ops.h"
import "C"

import "time"

// PeakFlops measures the arithmetic rate of the given number of threads in
// floating-point operations a second: the best of several runs of a loop of
// independent fused multiply-adds that never leaves the registers.
func PeakFlops(threads int) float64 {
	if _, err := path(); err != nil {
		return 0
	}
	var best float64
	for range 8 {
		start := time.Now()
		flops := float64(C.pra_fma_loop(C.int(threads), 2_000_000))
		best = max(best, flops/time.Since(start).Seconds())
	}
	return best
}
