package arm

import (
	"runtime"
	"slices"
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
// the clock of this moment: the fastest of several of each.
func (x *chore) fit(share float64, call func() error) error {
	var calls, chores []time.Duration
	x.n = 500
	for range 7 {
		start := time.Now()
		if err := call(); err != nil {
			return err
		}
		calls = append(calls, time.Since(start))
		start = time.Now()
		x.do()
		chores = append(chores, time.Since(start))
	}
	one := slices.Min(chores).Seconds() / float64(x.n)
	x.n = max(1, int(share*slices.Min(calls).Seconds()/one+0.5))
	return nil
}

func (x *chore) do() {
	for range x.n {
		gemm.Sgemm(1, false, false, side, side, side, 1, x.a, side, x.b, side, 0, x.c, side)
	}
	runtime.KeepAlive(x)
}
