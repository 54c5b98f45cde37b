package cpu

// #include "ops.h"
import "C"

import (
	"sync"
	"time"
)

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

// CopyBandwidth measures copying between two buffers far larger than the
// caches, in bytes a second, reads and writes counted.
func CopyBandwidth(threads int) float64 {
	const n = 64 << 20
	a, b := make([]byte, n), make([]byte, n)
	for i := range a {
		a[i] = byte(i)
	}
	var best float64
	for range 5 {
		start := time.Now()
		var wg sync.WaitGroup
		for t := range threads {
			lo, hi := n*t/threads, n*(t+1)/threads
			wg.Go(func() { copy(b[lo:hi], a[lo:hi]) })
		}
		wg.Wait()
		best = max(best, 2*n/time.Since(start).Seconds())
	}
	return best
}
