package gemm_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"unsafe"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"

	"prabench/models/cpu"
	"prabench/models/gemm"
)

// The products of nano (width 64, head 64), micro (128, 192) and small
// (384, 512) on 28² images at patch 4: one image, batch 16 and 64 in sampling,
// 64 images of 49 tokens in training. NN is a forward product, TN the gradient
// of a weight, NT that of an input.
var shapes = []struct {
	kind    string
	m, n, k int
}{
	{"NN", 1, 192, 64}, {"NN", 1, 512, 64}, {"NN", 1, 384, 128}, {"NN", 1, 128, 512}, {"NN", 1, 2112, 192}, {"NN", 1, 192, 192},
	{"NN", 1, 12, 192}, {"NN", 1, 160, 12}, {"NN", 1, 1152, 384}, {"NN", 1, 384, 1536}, {"NN", 1, 7168, 512},
	{"NN", 2, 2112, 192}, {"NN", 4, 192, 192}, {"NN", 16, 384, 128}, {"NN", 16, 2112, 192}, {"NN", 16, 12, 192}, {"NN", 16, 1152, 384},
	{"NN", 64, 192, 64}, {"NN", 64, 384, 128}, {"NN", 64, 192, 192}, {"NN", 64, 2112, 192}, {"NN", 64, 12, 192}, {"NN", 64, 192, 12},
	{"NN", 64, 1152, 384}, {"NN", 64, 384, 1536}, {"NN", 64, 7168, 512}, {"NN", 128, 512, 512},
	{"NN", 3136, 192, 64}, {"NN", 3136, 384, 128}, {"NN", 3136, 128, 512}, {"NN", 3136, 2112, 192}, {"NN", 3136, 12, 192},
	{"NN", 3136, 1152, 384},
	{"TN", 64, 192, 3136}, {"TN", 256, 64, 3136}, {"TN", 128, 384, 3136}, {"TN", 512, 128, 3136}, {"TN", 192, 2112, 3136},
	{"TN", 12, 192, 3136}, {"TN", 192, 12, 3136}, {"TN", 384, 1152, 3136},
	{"NT", 3136, 64, 192}, {"NT", 3136, 128, 384}, {"NT", 3136, 512, 128}, {"NT", 3136, 192, 2112}, {"NT", 3136, 192, 12},
	{"NT", 3136, 384, 1152},
}

// BenchmarkShapes reports GFLOP/s and the share of the fp32 peak of as many
// threads. Operands are in cache, as far as they fit.
//
// All products run on one OS thread, as a backend's do: OpenMP keeps a team of
// threads for every OS thread that calls it, and the teams would disturb each
// other.
func BenchmarkShapes(b *testing.B) {
	work := make(chan func())
	defer close(work)
	go func() {
		runtime.LockOSThread()
		for f := range work {
			f()
		}
	}()
	for _, threads := range []int{1, 2} {
		var peak float64
		measured := make(chan struct{})
		work <- func() { peak = cpu.PeakFlops(threads); close(measured) }
		<-measured
		for _, s := range shapes {
			transA, transB := s.kind[0] == 'T', s.kind[1] == 'T'
			lda, ldb := s.k, s.n
			if transA {
				lda = s.m
			}
			if transB {
				ldb = s.k
			}
			rng := rand.New(rand.NewPCG(1, 1))
			fill := func(n int) []float32 { return uniform(rng, n) }
			x, y, z := fill(s.m*s.k), fill(s.k*s.n), fill(s.m*s.n)
			px, py, pz := unsafe.Pointer(&x[0]), unsafe.Pointer(&y[0]), unsafe.Pointer(&z[0])
			run := func(name string, f func()) {
				b.Run(fmt.Sprintf("%s/m=%d/n=%d/k=%d/threads=%d/%s", s.kind, s.m, s.n, s.k, threads, name), func(b *testing.B) {
					done := make(chan struct{})
					work <- func() {
						defer close(done)
						for b.Loop() {
							f()
						}
					}
					<-done
					rate := 2 * float64(s.m) * float64(s.n) * float64(s.k) * float64(b.N) / b.Elapsed().Seconds()
					b.ReportMetric(rate/1e9, "GFLOP/s")
					b.ReportMetric(rate/peak, "peak")
				})
			}
			run("own", func() { gemm.Own(threads, transA, transB, s.m, s.n, s.k, 1, px, lda, py, ldb, 0, pz, s.n) })
			if gemm.Loaded().Path != "" {
				run("onednn", func() { gemm.OneDNN(threads, transA, transB, s.m, s.n, s.k, 1, px, lda, py, ldb, 0, pz, s.n) })
			}
			if gemm.HasBF16() {
				run("bf16", func() { gemm.SgemmBF16Ptr(threads, transA, transB, s.m, s.n, s.k, 1, px, lda, py, ldb, 0, pz, s.n) })
			}
			run("gonum", func() { byGonum(threads, transA, transB, s.m, s.n, s.k, x, lda, y, ldb, z, s.n) })
		}
	}
}

// uniform draws n values between -½ and ½.
func uniform(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = rng.Float32() - 0.5
	}
	return x
}

// byGonum shares the rows of C among goroutines, since gonum itself does so
// only for large results.
func byGonum(threads int, transA, transB bool, m, n, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc int) {
	op := map[bool]blas.Transpose{false: blas.NoTrans, true: blas.Trans}
	threads = min(threads, m)
	var wg sync.WaitGroup
	for i := range threads {
		lo, hi := m*i/threads, m*(i+1)/threads
		wg.Go(func() {
			off := lo * lda
			if transA {
				off = lo
			}
			gonum.Implementation{}.Sgemm(op[transA], op[transB], hi-lo, n, k, 1, a[off:], lda, b, ldb, 0, c[lo*ldc:], ldc)
		})
	}
	wg.Wait()
}
