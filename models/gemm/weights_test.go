package gemm_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"unsafe"

	"prabench/models/gemm"
)

// BenchmarkWeights is products in the order of a sampling run: a model's worth
// of weights (8 MiB, more than the second-level caches) is read through again
// and again, as it lies and packed once.
func BenchmarkWeights(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	fill := func(n int) []float32 { return uniform(rng, n) }
	for _, s := range []struct{ n, k int }{{384, 128}, {512, 128}, {128, 512}, {192, 192}, {2112, 192}, {1152, 384}, {7168, 512}} {
		count := max(1, 2<<20/(s.n*s.k))
		var weights [][]float32
		var packed, half []*gemm.Packed
		for range count {
			w := fill(s.n * s.k)
			weights = append(weights, w)
			packed = append(packed, gemm.Pack(false, s.k, s.n, w, s.n))
			if gemm.HasBF16() {
				half = append(half, gemm.PackBF16Ptr(false, s.k, s.n, unsafe.Pointer(&w[0]), s.n))
			}
		}
		for _, m := range []int{8, 16, 64, 128} {
			x, y := fill(m*s.k), fill(m*s.n)
			px, py := unsafe.Pointer(&x[0]), unsafe.Pointer(&y[0])
			bias := fill(s.n)
			f := gemm.Finish{Bias: unsafe.Pointer(&bias[0])}
			for _, threads := range []int{1, 2} {
				run := func(name string, f func(i int)) {
					b.Run(fmt.Sprintf("m=%d/n=%d/k=%d/threads=%d/%s", m, s.n, s.k, threads, name), func(b *testing.B) {
						runtime.LockOSThread() // one team of threads, not one per thread that the goroutine visits
						defer runtime.UnlockOSThread()
						i := 0
						for b.Loop() {
							f(i % count)
							i++
						}
						b.ReportMetric(2*float64(m)*float64(s.n)*float64(s.k)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
					})
				}
				run("lying", func(i int) {
					gemm.FusedPtr(threads, false, false, m, s.n, s.k, 1, px, s.k, unsafe.Pointer(&weights[i][0]), s.n, 0, py, s.n, f)
				})
				run("packed", func(i int) {
					gemm.PackedPtr(threads, false, m, 1, px, s.k, packed[i], 0, py, s.n, f)
				})
				if gemm.HasBF16() {
					run("bf16", func(i int) {
						gemm.FusedBF16Ptr(threads, false, false, m, s.n, s.k, 1, px, s.k, unsafe.Pointer(&weights[i][0]), s.n, 0, py, s.n, f)
					})
					run("bf16packed", func(i int) {
						gemm.PackedPtr(threads, false, m, 1, px, s.k, half[i], 0, py, s.n, f)
					})
				}
			}
		}
	}
}
