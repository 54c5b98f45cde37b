package work

import (
	"slices"
	"sync"
	"time"
)

// A training has no timeout: it may take days. It is ended when a step takes
// stallFactor times as long as the steps before it did in the middle, and at least
// stallLeast.
const (
	stallFactor = 100
	stallLeast  = 20 * time.Minute
	stallSteps  = 101 // of which the middle is taken
	stallLook   = 5 * time.Second
)

// stepWatch ends a process whose step does not end. It counts the time in which it
// ran itself, so that a machine that slept, or a process that was held, is no stall.
type stepWatch struct {
	mu       sync.Mutex
	computes bool
	began    time.Time
	quiet    time.Duration   // of the step that is computed
	last     []time.Duration // what the last steps took
	done     chan struct{}
	over     sync.Once
}

// watchSteps calls stalled, once, when a step takes too long.
func watchSteps(stalled func(quiet, limit time.Duration)) *stepWatch {
	w := &stepWatch{done: make(chan struct{})}
	look := time.NewTicker(stallLook)
	go func() {
		defer look.Stop()
		for {
			select {
			case <-w.done:
				return
			case <-look.C:
				if quiet, limit, is := w.look(stallLook); is {
					stalled(quiet, limit)
					return
				}
			}
		}
	}()
	return w
}

func (w *stepWatch) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.computes, w.began, w.quiet = true, time.Now(), 0
}

func (w *stepWatch) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.computes = false
	w.last = append(w.last, time.Since(w.began))
	if len(w.last) > stallSteps {
		w.last = w.last[1:]
	}
}

// look counts a moment in which the process ran.
func (w *stepWatch) look(ran time.Duration) (quiet, limit time.Duration, stalled bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.computes {
		return 0, 0, false
	}
	w.quiet += ran
	limit = stallLeast
	if len(w.last) > 0 {
		sorted := slices.Sorted(slices.Values(w.last))
		limit = max(limit, stallFactor*sorted[len(sorted)/2])
	} else {
		limit = 6 * stallLeast // the first step compiles and warms up
	}
	return w.quiet, limit, w.quiet >= limit
}

func (w *stepWatch) stop() { w.over.Do(func() { close(w.done) }) }
