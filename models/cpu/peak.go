package cpu

// #include "ops.h"
import "C"

import (
	"slices"
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

// Jitter measures how evenly a thread is served: how much longer the slowest
// twentieth of equal short pieces of arithmetic take than half of them do, as a share.
// It takes about a fifth of a second, and is 0 where there is no such arithmetic.
func Jitter() float64 {
	if _, err := path(); err != nil {
		return 0
	}
	const pieces, turns = 400, 100_000 // a piece is some tenths of a millisecond
	took := make([]float64, pieces)
	for i := range took {
		start := time.Now()
		C.pra_fma_loop(1, turns)
		took[i] = time.Since(start).Seconds()
	}
	slices.Sort(took)
	return took[pieces*19/20]/took[pieces/2] - 1
}
