//go:build cuda

package cuda

import (
	"prabench/models/cuda/kernels"
	"prabench/models/device"
)

// halves are the bf16 copies of what cuBLAS multiplies in bf16. Given fp32 operands
// it rounds them on its way and reaches less than half of what it does on bf16 in
// memory.
//
// A weight is an operand in memory of the class [device.Model]: its copy stays beside
// it and is made again when the weight was written. Everything else is copied before
// the product, and the last two copies serve the products that follow: x and dy of a
// backward pass are read twice.
type halves struct {
	off     bool // no memory for copies
	weights map[region]*half
	kept    map[region]bool // weights that layers of few rows read the copies of, see keep.go
	written map[uintptr]int // how often an allocation of weights was written
	slots   [2]slot
	next    int             // slot that is written next
	old     []device.Buffer // outgrown; recorded graphs may use them
	noted   map[*half]bool  // what a graph that is being recorded reads
	uses    []device.Use
}

// region is n elements of an allocation.
type region struct {
	base   uintptr
	off, n int
}

func regionOf(b device.Buffer, n int) region { return region{b.Base, b.Off, n} }

func (r region) overlaps(b device.Buffer) bool {
	return r.base == b.Base && r.off < b.Off+b.N && b.Off < r.off+r.n
}

func (r region) address() kernels.Ptr { return kernels.Ptr(r.base).At(r.off) }

// half is the copy of a weight.
type half struct {
	of   region
	copy device.Buffer
	seen int // of written when the copy was made; -1 before
}

// slot is a copy for the next products.
type slot struct {
	of   region // n = 0: nothing
	room device.Buffer
}

// leastHalf is the smallest number of multiply-adds of a product that copies pay for;
// tests lower it.
var leastHalf = 1 << 25

// matrix is an operand of a product.
type matrix struct {
	of             device.Buffer
	rows, cols, ld int
}

// extent is its elements in memory, from the first to the last.
func (m matrix) extent() int { return (m.rows-1)*m.ld + m.cols }

// halved are bf16 copies of both operands of a product; ok is false where they are
// multiplied as they are.
func (b *Backend) halved(x, y matrix, work int) (px, py kernels.Ptr, ok bool) {
	h := &b.halves
	if b.precision == kernels.FP32 || h.off || work < leastHalf {
		return 0, 0, false
	}
	for _, m := range []matrix{x, y} {
		if n := m.extent(); n > 2*m.rows*m.cols || n > m.of.N {
			return 0, 0, false
		}
	}
	if px, ok = b.half(x, -1); !ok {
		return 0, 0, false
	}
	py, ok = b.half(y, h.holding(regionOf(x.of, x.extent())))
	return px, py, ok
}

// holding is the slot that has a region, -1 for none.
func (h *halves) holding(r region) int {
	for i := range h.slots {
		if h.slots[i].of == r {
			return i
		}
	}
	return -1
}

// half is the copy of one operand, made where it is missing; not in the slot busy.
func (b *Backend) half(m matrix, busy int) (kernels.Ptr, bool) {
	r := regionOf(m.of, m.extent())
	if b.pool.held[m.of.Base].class == device.Model {
		return b.halfWeight(r)
	}
	h := &b.halves
	if i := h.holding(r); i >= 0 {
		return kernels.Ptr(h.slots[i].room.Base), true
	}
	i := h.next
	if i == busy {
		i = 1 - i
	}
	h.next = 1 - i
	s := &h.slots[i]
	if 2*s.room.N < r.n {
		room, ok := b.halfRoom(r.n + r.n/4)
		if !ok {
			return 0, false
		}
		if !s.room.Absent() {
			h.old = append(h.old, s.room)
		}
		s.room = room
	}
	s.of = r
	b.ops.ToBF16(kernels.Ptr(s.room.Base), r.address(), r.n)
	return kernels.Ptr(s.room.Base), true
}

// halfRoom is memory for n values; without it there are no copies from now on.
func (b *Backend) halfRoom(n int) (device.Buffer, bool) {
	room, err := b.Alloc(device.Activations, (n+1)/2)
	b.halves.off = b.halves.off || err != nil
	return room, err == nil
}

// halfWeight is the copy of a weight. A graph does not make it: what plays the
// graph does, where the weight was written since.
func (b *Backend) halfWeight(r region) (kernels.Ptr, bool) {
	h := &b.halves
	if !h.room(b, r) {
		return 0, false
	}
	w := h.weights[r]
	if b.queue.capturing {
		h.noted[w] = true
	} else {
		b.refresh(w)
	}
	return kernels.Ptr(w.copy.Base), true
}

// room makes room for the copy of a weight.
func (h *halves) room(b *Backend, r region) bool {
	if h.weights[r] != nil {
		return true
	}
	room, ok := b.halfRoom(r.n)
	if !ok {
		return false
	}
	if h.weights == nil {
		h.weights, h.written = map[region]*half{}, map[uintptr]int{}
	}
	h.weights[r] = &half{of: r, copy: room, seen: -1}
	return true
}

// refresh makes the copy of a weight again if that was written.
func (b *Backend) refresh(w *half) {
	if now := b.halves.written[w.of.base]; w.seen != now {
		b.ops.ToBF16(kernels.Ptr(w.copy.Base), w.of.address(), w.of.n)
		w.seen = now
	}
}

// wrote says that x has other values than before.
func (b *Backend) wrote(x device.Buffer) {
	h := &b.halves
	for i := range h.slots {
		if h.slots[i].of.overlaps(x) {
			h.slots[i].of = region{}
		}
	}
	if h.written != nil && b.pool.held[x.Base].class == device.Model {
		h.written[x.Base]++
	}
}

// did is wrote for everything that op writes.
func (b *Backend) did(op device.Op) {
	if b.precision == kernels.FP32 {
		return
	}
	h := &b.halves
	h.uses = device.Operands(op, h.uses[:0])
	for _, u := range h.uses {
		if u.Access != device.Reads {
			b.wrote(u.Buffer)
		}
	}
}

// forget drops the copies of the weights in an allocation that is about to be freed,
// and gives their memory.
func (h *halves) forget(base uintptr) (copies []device.Buffer) {
	for i := range h.slots {
		if h.slots[i].of.base == base {
			h.slots[i].of = region{}
		}
	}
	for r, w := range h.weights {
		if r.base == base {
			copies = append(copies, w.copy)
			delete(h.weights, r)
		}
	}
	delete(h.written, base)
	return copies
}

// recording begins and ends what a graph does: it can rely on no copy that it has not
// made, and what it makes is not there before it is played.
func (h *halves) recording() {
	h.slots[0].of, h.slots[1].of = region{}, region{}
	h.noted = map[*half]bool{}
}
