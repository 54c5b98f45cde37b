package cpu

import (
	"unsafe"

	"prabench/models/device"
	"prabench/models/gemm"
)

var _ device.Keeper = (*Backend)(nil)

// kept is a set of packed weights; now is what products read, of a backend and
// its shares.
type kept struct {
	now     *map[device.Buffer]*gemm.Packed
	memory  *memory
	weights []device.Weight
	packed  map[device.Buffer]*gemm.Packed
	room    []uintptr
}

// Keeping implements [device.Keeper]: weights packed as package gemm's kernels read
// them, of the precision of the backend.
func (d *Backend) Keeping(ws []device.Weight) device.Kept {
	k := &kept{now: d.packed, memory: d.memory, weights: ws, packed: map[device.Buffer]*gemm.Packed{}}
	for _, w := range ws {
		n := gemm.PackedLen(d.bf16, w.In, w.Out)
		p, err := d.memory.alloc(device.Model, n)
		if err != nil {
			k.Close()
			return nil
		}
		k.room = append(k.room, p)
		k.packed[w.W] = gemm.PackedIn(unsafe.Slice((*float32)(pointer(p)), n), d.bf16, w.In, w.Out)
	}
	return k
}

func (k *kept) Begin() {
	for _, w := range k.weights {
		k.packed[w.W].Update(false, unsafe.Pointer(at(w.W)), w.Out)
	}
	*k.now = k.packed
}

func (k *kept) End() { *k.now = nil }

func (k *kept) Close() {
	for _, p := range k.room {
		k.memory.free(p)
	}
	k.room = nil
}
