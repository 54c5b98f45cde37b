package gemm_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"prabench/models/gemm"
)

// BenchmarkLayers is the linear layers of a training step of micro, 64 images of 49
// tokens, in fp32 and bf16. Operands come from memory and go there, as in a step: 64 MiB of
// each are used in turn. Best is the rate of the fastest call, which other processes
// hardly change.
func BenchmarkLayers(b *testing.B) {
	const rows = 64 * 49
	rng := rand.New(rand.NewPCG(1, 1))
	for _, l := range []struct {
		what string
		k, n int
		act  gemm.Act
		keep bool // the pre-activation
		add  bool // a residual
	}{
		{"qkv", 128, 384, gemm.None, false, false},
		{"projection", 128, 128, gemm.None, false, true},
		{"up", 128, 512, gemm.GELU, true, false},
		{"down", 512, 128, gemm.None, false, true},
		{"modulation", 192, 2112, gemm.None, false, false},
		{"head", 192, 192, gemm.SiLU, true, false},
		{"state", 192, 12, gemm.None, false, false},
	} {
		sets := 1 + 16<<20/(rows*max(l.k, l.n))
		fill := func(n int) []float32 { return uniform(rng, n) }
		var x, y, pre, residual [][]float32
		for range sets {
			x, y, pre, residual = append(x, fill(rows*l.k)), append(y, fill(rows*l.n)), append(pre, fill(rows*l.n)), append(residual, fill(rows*l.n))
		}
		w, bias := fill(l.k*l.n), fill(l.n)
		for _, bf16 := range []bool{false, true} {
			if bf16 && !gemm.HasBF16() {
				continue
			}
			product := gemm.FusedPtr
			if bf16 {
				product = gemm.FusedBF16Ptr
			}
			b.Run(fmt.Sprintf("%s/n=%d/k=%d/bf16=%v", l.what, l.n, l.k, bf16), func(b *testing.B) {
				runtime.LockOSThread() // one team of threads, not one per thread that the goroutine visits
				defer runtime.UnlockOSThread()
				i, best := 0, time.Hour
				for b.Loop() {
					i = (i + 1) % sets
					f := gemm.Finish{Bias: unsafe.Pointer(&bias[0]), Act: l.act}
					if l.keep {
						f.Pre, f.LDPre = unsafe.Pointer(&pre[i][0]), l.n
					}
					if l.add {
						f.Residual, f.LDResidual = unsafe.Pointer(&residual[i][0]), l.n
					}
					start := time.Now()
					product(2, false, false, rows, l.n, l.k, 1, unsafe.Pointer(&x[i][0]), l.k, unsafe.Pointer(&w[0]), l.n, 0,
						unsafe.Pointer(&y[i][0]), l.n, f)
					best = min(best, time.Since(start))
				}
				flops := 2 * float64(rows) * float64(l.n) * float64(l.k)
				b.ReportMetric(flops*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
				b.ReportMetric(flops/best.Seconds()/1e9, "best")
			})
		}
	}
}
