package cpu

// #include <stdlib.h>
import "C"

import (
	"fmt"
	"sync"

	"prabench/models/device"
)

// memory is what a backend and its shares hold.
type memory struct {
	mu    sync.Mutex
	sizes map[uintptr]allocation
	held  [device.Classes]int64
	peak  [device.Classes]int64
}

type allocation struct {
	class device.Class
	bytes int64
}

func (m *memory) alloc(c device.Class, elements int) (uintptr, error) {
	bytes := (int64(elements)*4 + 63) / 64 * 64
	if bytes == 0 {
		bytes = 64
	}
	p := uintptr(C.aligned_alloc(64, C.size_t(bytes)))
	if p == 0 {
		return 0, fmt.Errorf("cpu: %d bytes of %s memory: %w", bytes, c, device.ErrOutOfMemory)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sizes[p] = allocation{c, bytes}
	m.held[c] += bytes
	m.peak[c] = max(m.peak[c], m.held[c])
	return p, nil
}

func (m *memory) free(p uintptr) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, ok := m.sizes[p]
	if !ok {
		panic("cpu: free of memory that is not held")
	}
	delete(m.sizes, p)
	m.held[a.class] -= a.bytes
	C.free(pointer(p))
}

// clear frees everything.
func (m *memory) clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for p := range m.sizes {
		C.free(pointer(p))
	}
	clear(m.sizes)
}

func (d *Backend) Peak(c device.Class) int64 {
	d.memory.mu.Lock()
	defer d.memory.mu.Unlock()
	return d.memory.peak[c]
}

func (d *Backend) Alloc(c device.Class, n int) (device.Buffer, error) {
	p, err := d.memory.alloc(c, n)
	return device.Buffer{Base: p, N: n}, err
}

func (d *Backend) AllocInts(n int) (device.Ints, error) {
	p, err := d.memory.alloc(device.Activations, n)
	return device.Ints{Base: p, N: n}, err
}

func (d *Backend) Free(b device.Buffer) {
	if !b.Absent() {
		d.memory.free(b.Base)
	}
}

func (d *Backend) FreeInts(b device.Ints) {
	if b.N > 0 {
		d.memory.free(b.Base)
	}
}
