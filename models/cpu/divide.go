package cpu

// #include "affinity.h"
import "C"

import (
	"fmt"
	"runtime"
	"sync"

	"prabench/models/device"
)

var _ device.Divider = (*Backend)(nil)

// division is a backend in shares, each on a thread of its own with a team of its
// own. None uses the team of the whole's thread: OpenMP ends the threads of a team
// that the next operation does without, and new ones would be kept on the
// processor of the thread that makes them.
type division struct {
	shares []device.Backend
	work   []chan func()
}

// Divide implements [device.Divider]. As the whole's, each thread stays on one
// processor when there are as many of them as processors.
func (d *Backend) Divide(n int) device.Division {
	if n < 2 || n > d.threads {
		panic(fmt.Sprintf("cpu: %d threads in %d shares", d.threads, n))
	}
	v := &division{}
	for i := range n {
		first, end := d.threads*i/n, d.threads*(i+1)/n
		v.shares = append(v.shares, &share{Backend{threads: end - first, bf16: d.bf16, path: d.path, memory: d.memory, packed: d.packed}})
		work := make(chan func())
		v.work = append(v.work, work)
		go func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			C.pra_pin(C.int(first), C.int(end-first), C.int(d.threads), 1)
			for f := range work {
				f()
			}
			C.pra_pin(C.int(first), C.int(end-first), C.int(d.threads), 0)
		}()
	}
	return v
}

// shareRows is how many rows a share should have in fp32; in bf16 it is bf16Rows.
const shareRows = 8

func (v *division) Shares() []device.Backend { return v.shares }

func (v *division) Run(f func(i int)) {
	var all sync.WaitGroup
	for i, work := range v.work {
		all.Add(1)
		work <- func() { defer all.Done(); f(i) }
	}
	all.Wait()
}

func (v *division) Close() {
	for _, work := range v.work {
		close(work)
	}
}

// share is a backend whose memory is another's.
type share struct{ Backend }

// Close does nothing: what a share holds is freed with the whole.
func (*share) Close() error { return nil }

// aheadRows is for how many rows per thread the modulations of later flow steps
// are computed at once: few enough that at the widths measured they stay in its
// second-level cache.
const aheadRows = 64
