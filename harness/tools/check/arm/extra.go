package arm

import (
	"math"
	"runtime"
	"time"

	"prabench/models/gemm"
)

// ExtraWork is the environment variable that slows an arm down: each timed
// call is followed, inside its time, by matrix products that take this share of
// a call ("0.05": five per cent). It is how the check itself is tested: work is
// added, no number is changed.
const ExtraWork = "PRABENCH_CHECK_EXTRA_WORK"

// chore is a fixed number of small products.
type chore struct {
	n       int
	a, b, c []float32
}

// side of the products: small enough that a call is followed by many.
const side = 32

func newChore() *chore {
	x := &chore{a: make([]float32, side*side), b: make([]float32, side*side), c: make([]float32, side*side)}
	for i := range x.a {
		x.a[i], x.b[i] = float32(i%7), float32(i%5)
	}
	return x
}

// fit sets the number of products so that they take the share of a call, by
// the clock of this moment: first beside the call, then, since products after a
// call find colder caches, behind it. Times are the fastest of several.
func (x *chore) fit(share float64, call func() error) error {
	var fail error
	fastest := func(work ...func() error) float64 {
		best := time.Duration(math.MaxInt64)
		for range 9 {
			start := time.Now()
			for _, w := range work {
				if err := w(); err != nil {
					fail = err
				}
			}
			best = min(best, time.Since(start))
		}
		return best.Seconds()
	}
	chore := func() error { x.do(); return nil }
	x.n = 500
	bare := fastest(call)
	want := share * bare
	x.n = max(1, int(want/(fastest(chore)/float64(x.n))+0.5))
	if gained := fastest(call, chore) - fastest(call); gained > want/3 && gained < 3*want {
		x.n = max(1, int(float64(x.n)*want/gained+0.5))
	}
	return fail
}

func (x *chore) do() {
	for range x.n {
		gemm.Sgemm(1, false, false, side, side, side, 1, x.a, side, x.b, side, 0, x.c, side)
	}
	runtime.KeepAlive(x)
}
