//go:build cuda

package cuda

import (
	"prabench/models/cuda/kernels"
	"prabench/models/device"
)

var _ device.Keeper = (*Backend)(nil)

// kept is a set of weights whose copies in bf16 are right between Begin and End. The
// copies are those that cuBLAS multiplies too (halves.go), and stay until the weights
// are freed: graphs may read them.
type kept struct {
	b       *Backend
	weights []region
}

// Keeping implements [device.Keeper].
func (b *Backend) Keeping(ws []device.Weight) device.Kept {
	k := &kept{b: b}
	for _, w := range ws {
		r := regionOf(w.W, w.In*w.Out)
		if b.pool.held[w.W.Base].class != device.Model || !b.halves.room(b, r) {
			return nil
		}
		k.weights = append(k.weights, r)
	}
	return k
}

func (k *kept) Begin() {
	k.b.queue.begin(operation{name: "Keep"})
	now := make(map[region]bool, len(k.weights))
	for _, r := range k.weights {
		if w := k.b.halves.weights[r]; w != nil { // nil: the weights were freed
			k.b.refresh(w)
			now[r] = true
		}
	}
	k.b.halves.kept = now
}

func (k *kept) End() { k.b.halves.kept = nil }

func (k *kept) Close() {}

// kept is the copy of a layer's weights where they are kept now.
func (b *Backend) kept(op *device.Linear) (kernels.Ptr, bool) {
	r := regionOf(op.W, op.In*op.Out)
	if !b.halves.kept[r] {
		return 0, false
	}
	return b.halfWeight(r)
}
