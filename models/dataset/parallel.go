package dataset

import (
	"bytes"
	"context"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
)

// inParallel calls do(0) … do(n−1) on all cores and returns an error of the
// lowest index that failed among those tried. It stops early when ctx ends.
func inParallel(ctx context.Context, n int, do func(i int) error) error {
	const run = 16 // indices taken at once
	var next atomic.Int64
	var stop atomic.Bool
	var mu sync.Mutex
	failed, failure := n, error(nil)
	var wait sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), (n+run-1)/run) {
		wait.Go(func() {
			for !stop.Load() {
				lo := int(next.Add(run)) - run
				if lo >= n {
					return
				}
				if ctx.Err() != nil {
					stop.Store(true)
					return
				}
				for i := lo; i < min(lo+run, n); i++ {
					if err := do(i); err != nil {
						mu.Lock()
						if i < failed {
							failed, failure = i, err
						}
						mu.Unlock()
						stop.Store(true)
						return
					}
				}
			}
		})
	}
	wait.Wait()
	if failure == nil {
		failure = ctx.Err()
	}
	return failure
}

// fitsInMemory refuses n images of the given bytes each when the machine has
// not that much memory to give: an experiment that swaps measures nothing, and
// one that is killed explains nothing.
func fitsInMemory(n, each int) error {
	free, ok := availableMemory()
	need := float64(n) * float64(each)
	if ok && need > float64(free) {
		return problem("data.limit", "%d images of %d bytes need %.1f GB, %.1f GB of memory are free; set a lower limit or size", n, each,
			need/1e9, float64(free)/1e9)
	}
	return nil
}

// availableMemory is what Linux says new processes can have; elsewhere it is
// not known.
func availableMemory() (bytesFree uint64, ok bool) {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, false
	}
	for line := range bytes.Lines(text) {
		f := bytes.Fields(line)
		if len(f) >= 2 && string(f[0]) == "MemAvailable:" {
			kib, err := strconv.ParseUint(string(f[1]), 10, 64)
			return kib << 10, err == nil
		}
	}
	return 0, false
}
