package worker

import (
	"fmt"
	"sync"
	"time"

	"prabench/harness/machine"
)

// memoryInterval is between two looks at a worker's memory: what it can take
// in that time must fit into the machine's reserve.
const memoryInterval = 50 * time.Millisecond

// guard keeps the workers of this process within the machine's memory.
var guard memoryGuard

// memoryGuard knows the workers that live. Each is judged by its own limit;
// when the machine itself runs short, the largest has to go, before the system
// swaps or chooses another.
type memoryGuard struct {
	mu      sync.Mutex
	workers []*watched
}

type watched struct {
	group machine.Group
	limit int64
	holds int64
}

func (g *memoryGuard) watch(pid int, limit int64) *watched {
	g.mu.Lock()
	defer g.mu.Unlock()
	w := &watched{group: machine.Group{ID: pid}, limit: limit}
	g.workers = append(g.workers, w)
	return w
}

func (g *memoryGuard) forget(w *watched) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, o := range g.workers {
		if o == w {
			g.workers = append(g.workers[:i], g.workers[i+1:]...)
			return
		}
	}
}

// problem says why the worker must be killed, or "".
func (g *memoryGuard) problem(w *watched) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	w.holds = w.group.Resident()
	if w.limit > 0 && w.holds > w.limit {
		return fmt.Sprintf("the worker held %s and may hold %s (measure.memory_limit): it was killed", machine.Size(w.holds),
			machine.Size(w.limit))
	}
	m := machine.Memory()
	if m.Total == 0 || m.Available >= machine.Reserve()/2 {
		return ""
	}
	for _, o := range g.workers {
		if o.holds > w.holds {
			return ""
		}
	}
	if w.holds < m.Available {
		return "" // what it would give back would not help
	}
	return fmt.Sprintf("the machine had %s of memory left and this worker, the largest, held %s: it was killed before the system would swap",
		machine.Size(m.Available), machine.Size(w.holds))
}
