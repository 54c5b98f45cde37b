package gemm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"
	"unsafe"

	"pgregory.net/rapid"
)

// eachPath runs f on every vector path of the machine.
func eachPath(t *testing.T, f func(t *testing.T)) {
	now := Path()
	defer SelectPath(now)
	for _, p := range Paths() {
		t.Run(p, func(t *testing.T) {
			if !SelectPath(p) {
				t.Fatalf("path %s is listed and cannot be selected", p)
			}
			f(t)
		})
	}
}

// trial is a product with operands that end where their last row ends.
type trial struct {
	transA, transB bool
	m, n, k        int
	alpha, beta    float32
	a, b, c        matrix
}

func (x trial) String() string {
	return fmt.Sprintf("[%d,%d]·[%d,%d] trans %v %v, strides %d %d %d, alpha %g, beta %g", x.m, x.k, x.k, x.n, x.transA, x.transB, x.a.ld,
		x.b.ld, x.c.ld, x.alpha, x.beta)
}

// own runs the trial on a copy of C by this package's kernels.
func (x trial) own(threads int) matrix {
	c := matrix{slices.Clone(x.c.values), x.c.ld, false}
	own(threads, x.transA, x.transB, x.m, x.n, x.k, x.alpha, unsafe.Pointer(&x.a.values[0]), x.a.ld, unsafe.Pointer(&x.b.values[0]), x.b.ld,
		x.beta, unsafe.Pointer(&c.values[0]), c.ld)
	return c
}

// drawTrial favours the sizes at which the code branches: whole tiles and
// panels, one more and one less, runs of k, few and many rows.
func drawTrial(t *rapid.T) trial {
	size := func(name string, edges ...int) int {
		return rapid.OneOf(rapid.IntRange(1, 24), rapid.SampledFrom(edges)).Draw(t, name)
	}
	x := trial{
		transA: rapid.Bool().Draw(t, "transA"), transB: rapid.Bool().Draw(t, "transB"),
		m: size("m", 63, 64, 65, 66, 97, 130), n: size("n", 16, 31, 32, 33, 63, 64, 65, 127, 129, 192, 340, 700),
		k:     size("k", 64, 100, 511, 512, 513, 520, 1040),
		alpha: rapid.SampledFrom([]float32{1, 1, 1, -0.5}).Draw(t, "alpha"), beta: rapid.SampledFrom([]float32{0, 1, 1, -2}).Draw(t, "beta"),
	}
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
	pad := rapid.SampledFrom([]int{0, 0, 1, 5, 17})
	x.a = random(rng, x.m, x.k, pad.Draw(t, "padA"), x.transA)
	x.b = random(rng, x.k, x.n, pad.Draw(t, "padB"), x.transB)
	x.c = random(rng, x.m, x.n, pad.Draw(t, "padC"), false)
	return x
}

func TestOwn(t *testing.T) {
	eachPath(t, func(t *testing.T) {
		rapid.Check(t, func(r *rapid.T) {
			x := drawTrial(r)
			one := x.own(1)
			check(t, x.String(), x.a, x.b, one, x.c.values, x.m, x.n, x.k, float64(x.alpha), float64(x.beta))
			for _, threads := range []int{2, 3, 7} {
				if more := x.own(threads); !sameBits(more.values, one.values) {
					t.Fatalf("%v: %d threads and 1 differ", x, threads)
				}
			}
		})
	})
}

func sameBits(x, y []float32) bool {
	return slices.EqualFunc(x, y, func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) })
}

// An element of C has the same bits in a product of any number of rows and
// columns, through every kernel: so a batch of one makes the image that a
// batch of a hundred makes.
func TestOwnSameBitsAtAnySize(t *testing.T) {
	eachPath(t, func(t *testing.T) {
		for _, k := range []int{12, 192, 600} {
			for _, transA := range []bool{false, true} {
				rng := rand.New(rand.NewPCG(5, uint64(k)))
				const m, n = 130, 900 // k·n beyond what one row reads by panels
				x := trial{transA: transA, m: m, n: n, k: k, alpha: 1, beta: 0, a: random(rng, m, k, 0, transA), b: random(rng, k, n, 0, false),
					c: random(rng, m, n, 0, false)}
				all := x.own(1)
				for _, part := range [][4]int{{0, 1, 0, 900}, {5, 2, 0, 900}, {3, 1, 64, 12}, {8, 7, 130, 300}, {1, 64, 0, 64}, {0, 65, 0, 129},
					{129, 1, 899, 1}} {
					i, rows, j, cols := part[0], part[1], part[2], part[3]
					off := i * k
					if transA {
						off = i
					}
					p := trial{transA: transA, m: rows, n: cols, k: k, alpha: 1, a: matrix{x.a.values[off:], x.a.ld, transA},
						b: matrix{x.b.values[j:], n, false}, c: random(rng, rows, cols, 0, false)}
					got := p.own(2)
					for r := range rows {
						if !sameBits(got.values[r*cols:(r+1)*cols], all.values[(i+r)*n+j:(i+r)*n+j+cols]) {
							t.Fatalf("k=%d trans %v: rows [%d,+%d) columns [%d,+%d) alone differ from the whole product", k, transA, i, rows, j, cols)
						}
					}
				}
			}
		}
	})
}

// NaN and ±Inf in A or B reach exactly the elements whose sums contain them;
// those in C are overwritten where beta is 0 and stay otherwise.
func TestOwnNaN(t *testing.T) {
	eachPath(t, func(t *testing.T) {
		for _, s := range [][3]int{{1, 70, 9}, {7, 12, 33}, {70, 65, 20}, {130, 100, 5}} {
			m, n, k := s[0], s[1], s[2]
			for _, transB := range []bool{false, true} {
				for _, bad := range []float64{math.NaN(), math.Inf(1)} {
					rng := rand.New(rand.NewPCG(9, 9))
					x := trial{transB: transB, m: m, n: n, k: k, alpha: 1, a: random(rng, m, k, 0, false), b: random(rng, k, n, 0, transB),
						c: random(rng, m, n, 0, false)}
					for i := range x.c.values {
						x.c.values[i] = float32(math.NaN())
					}
					row, column := m-1, n/2
					x.a.values[row*x.a.ld+k/2] = float32(bad)
					if transB {
						x.b.values[column*x.b.ld] = float32(bad)
					} else {
						x.b.values[column] = float32(bad)
					}
					c := x.own(1)
					for i := range m {
						for j := range n {
							v := c.at(i, j)
							if finite := !math.IsNaN(v) && !math.IsInf(v, 0); finite == (i == row || j == column) {
								t.Fatalf("%v with %v in A[%d,%d], B[0,%d]: C[%d,%d] = %v", x, bad, row, k/2, column, i, j, v)
							}
						}
					}
				}
			}
		}
	})
}

// guarded is memory for n values that ends where a page without access
// begins: a read behind the last one ends the process.
func guarded(t testing.TB, values []float32) []float32 {
	page := syscall.Getpagesize()
	bytes := (len(values)*4 + page - 1) / page * page
	mem, err := syscall.Mmap(-1, 0, bytes+page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Munmap(mem) })
	if err := syscall.Mprotect(mem[bytes:], syscall.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	out := unsafe.Slice((*float32)(unsafe.Pointer(&mem[bytes-len(values)*4])), len(values))
	copy(out, values)
	return out
}

func TestOwnReadsNothingBehind(t *testing.T) {
	eachPath(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(2, 7))
		for _, m := range []int{1, 2, 3, 7, 65, 70} {
			for _, n := range []int{1, 12, 15, 16, 17, 49, 64, 79, 130} {
				for _, k := range []int{1, 2, 12, 33, 520} {
					for variant := range 4 {
						x := trial{transA: variant&1 != 0, transB: variant&2 != 0, m: m, n: n, k: k, alpha: 1, beta: 1}
						pad := rng.IntN(3)
						x.a, x.b, x.c = random(rng, m, k, pad, x.transA), random(rng, k, n, pad, x.transB), random(rng, m, n, pad, false)
						x.a.values, x.b.values = guarded(t, x.a.values), guarded(t, x.b.values)
						c := guarded(t, x.c.values)
						own(1, x.transA, x.transB, m, n, k, 1, unsafe.Pointer(&x.a.values[0]), x.a.ld, unsafe.Pointer(&x.b.values[0]), x.b.ld, 1,
							unsafe.Pointer(&c[0]), x.c.ld)
						if want := x.own(2); !sameBits(c, want.values) {
							t.Fatalf("%v: a guarded product differs", x)
						}
					}
				}
			}
		}
	})
}
