//go:build cuda

package cuda

/*
#include "queue.h"
*/
import "C"

import (
	"fmt"
	"unsafe"

	"gorgonia.org/cu"

	"prabench/models/device"
)

// pool is what the backend holds of the device's memory, by class. The core
// takes its memory when a model, a training or a sampler is made, so every
// buffer is an allocation of the driver; nothing is kept back for later.
type pool struct {
	held map[uintptr]holding
	now  [device.Classes]int64
	peak [device.Classes]int64
}

// holding is one allocation. ints is what an index buffer holds, kept to check
// operations against it.
type holding struct {
	class device.Class
	bytes int64
	ints  []int32
}

// granule is what the driver rounds allocations to, and is counted in; what is
// asked for is exact, so that a stand-in can watch its end.
const granule = 256

func (b *Backend) alloc(c device.Class, bytes int64, what string) (uintptr, error) {
	if b.err != nil {
		return 0, b.err
	}
	var p cu.DevicePtr
	err := b.on(func() (err error) { p, err = cu.MemAlloc(max(bytes, 4)); return })
	bytes = max((bytes+granule-1)/granule*granule, granule)
	if err == nil {
		b.pool.held[uintptr(p)] = holding{class: c, bytes: bytes}
		b.pool.now[c] += bytes
		b.pool.peak[c] = max(b.pool.peak[c], b.pool.now[c])
		return uintptr(p), nil
	}
	var free, total int64
	_ = b.on(func() (err error) { free, total, err = cu.MemInfo(); return })
	return 0, b.failed(fmt.Sprintf("%s, %d bytes of %s memory (%d of %d bytes are free)", what, bytes, c, free, total), err)
}

func (b *Backend) free(p uintptr) {
	h, ok := b.pool.held[p]
	if !ok {
		panic("cuda: free of memory that is not held")
	}
	b.queue.flush() // what is queued may still use it
	for _, x := range b.halves.forget(p) {
		b.free(x.Base)
	}
	delete(b.pool.held, p)
	b.pool.now[h.class] -= h.bytes
	if err := b.on(func() error { return cu.MemFree(cu.DevicePtr(p)) }); err != nil {
		b.fail(b.failed(fmt.Sprintf("freeing %d bytes", h.bytes), err))
	}
}

func (p *pool) clear(keep func(string, error)) {
	for at := range p.held {
		keep("freeing memory", cu.MemFree(cu.DevicePtr(at)))
	}
	clear(p.held)
}

func (b *Backend) Alloc(c device.Class, n int) (device.Buffer, error) {
	p, err := b.alloc(c, 4*int64(n), fmt.Sprintf("allocating %d elements", n))
	return device.Buffer{Base: p, N: n}, err
}

func (b *Backend) AllocInts(n int) (device.Ints, error) {
	p, err := b.alloc(device.Activations, 4*int64(n), fmt.Sprintf("allocating %d indices", n))
	if err == nil {
		h := b.pool.held[p]
		h.ints = make([]int32, n)
		b.pool.held[p] = h
	}
	return device.Ints{Base: p, N: n}, err
}

func (b *Backend) Free(x device.Buffer) {
	if !x.Absent() {
		b.free(x.Base)
	}
}

func (b *Backend) FreeInts(x device.Ints) {
	if x.N > 0 {
		b.free(x.Base)
	}
}

func (b *Backend) Upload(dst device.Buffer, src []float32) {
	if dst.N != len(src) {
		panic(fmt.Sprintf("cuda: upload of %d values to a buffer of %d", len(src), dst.N))
	}
	if len(src) > 0 {
		b.stage.upload(b, uintptr(address(dst)), unsafe.Pointer(&src[0]), 4*len(src))
		b.wrote(dst)
	}
}

func (b *Backend) UploadInts(dst device.Ints, src []int32) {
	if dst.N < len(src) {
		panic("cuda: upload of more indices than the buffer holds")
	}
	copy(b.pool.held[dst.Base].ints, src)
	if len(src) > 0 {
		b.stage.upload(b, dst.Base, unsafe.Pointer(&src[0]), 4*len(src))
	}
}

// Indices is the host's copy of what x holds.
func (b *Backend) Indices(x device.Ints) []int32 { return b.pool.held[x.Base].ints[:x.N] }

func (b *Backend) Download(dst []float32, src device.Buffer) {
	if src.N != len(dst) {
		panic(fmt.Sprintf("cuda: download of a buffer of %d to %d values", src.N, len(dst)))
	}
	if len(dst) > 0 {
		b.stage.download(b, unsafe.Pointer(&dst[0]), uintptr(address(src)), 4*len(dst))
	}
}
