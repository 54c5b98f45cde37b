// Package reference is the device that is slow, naive and right: every
// operation written from its equation in float64, one plain loop after
// another, sharing no code with any other backend.
//
// The other backends are compared with it (devicetest), and the model's
// gradients are checked by finite differences on it, so it runs the whole
// model. Fresh memory is NaN: whatever is read before it was written shows.
package reference

import (
	"fmt"
	"math"

	"prabench/models/device"
)

// Backend is a [device.Backend] in float64. Buffer.Base numbers an
// allocation, Off and N count its elements. The zero value is not ready; use
// [New].
type Backend struct {
	device.Scratch
	floats     map[uintptr]allocation
	ints       map[uintptr][]int32
	last       uintptr // the latest number given out
	held, peak [device.Classes]int64
}

type allocation struct {
	class  device.Class
	values []float64
}

var _ device.Backend = (*Backend)(nil)

// ops is what the reference does for each kind of operation.
var ops device.Table[*Backend]

// New is an empty reference backend.
func New() *Backend {
	return &Backend{floats: map[uintptr]allocation{}, ints: map[uintptr][]int32{}}
}

func (d *Backend) Name() string            { return "reference" }
func (d *Backend) Threads() int            { return 1 }
func (d *Backend) Details() string         { return "float64, plain Go" }
func (d *Backend) Caps() device.Caps       { return device.Caps{} }
func (d *Backend) Does(k device.Kind) bool { return ops[k] != nil }
func (d *Backend) Do(op device.Op)         { ops[op.Kind()](d, op) }
func (d *Backend) Sync() error             { return nil }
func (d *Backend) Err() error              { return nil }

// Peak counts 8 bytes an element, 4 an index.
func (d *Backend) Peak(c device.Class) int64 { return d.peak[c] }

// Close forgets everything that was allocated.
func (d *Backend) Close() error {
	clear(d.floats)
	clear(d.ints)
	return nil
}

func (d *Backend) hold(c device.Class, bytes int64) {
	d.held[c] += bytes
	d.peak[c] = max(d.peak[c], d.held[c])
}

// limit is the number of elements over which an allocation is refused.
const limit = 1 << 32

// Alloc gives n NaNs.
func (d *Backend) Alloc(c device.Class, n int) (device.Buffer, error) {
	if n > limit {
		return device.Buffer{}, fmt.Errorf("reference: %d elements of %s memory: %w", n, c, device.ErrOutOfMemory)
	}
	d.last++
	values := make([]float64, n)
	for i := range values {
		values[i] = math.NaN()
	}
	d.floats[d.last] = allocation{c, values}
	d.hold(c, 8*int64(n))
	return device.Buffer{Base: d.last, N: n}, nil
}

func (d *Backend) AllocInts(n int) (device.Ints, error) {
	d.last++
	d.ints[d.last] = make([]int32, n)
	d.hold(device.Activations, 4*int64(n))
	return device.Ints{Base: d.last, N: n}, nil
}

func (d *Backend) Free(b device.Buffer) {
	if b.Absent() {
		return
	}
	a, ok := d.floats[b.Base]
	if !ok {
		panic("reference: free of memory that is not held")
	}
	d.hold(a.class, -8*int64(len(a.values)))
	delete(d.floats, b.Base)
}

func (d *Backend) FreeInts(b device.Ints) {
	if b.N == 0 {
		return
	}
	a, ok := d.ints[b.Base]
	if !ok {
		panic("reference: free of indices that are not held")
	}
	d.hold(device.Activations, -4*int64(len(a)))
	delete(d.ints, b.Base)
}

// Host is b's memory itself, to read or to perturb in float64.
func (d *Backend) Host(b device.Buffer) []float64 {
	if b.Absent() {
		return nil
	}
	a, ok := d.floats[b.Base]
	if !ok {
		panic("reference: use of a buffer that was freed")
	}
	return a.values[b.Off : b.Off+b.N : b.Off+b.N]
}

// view is b's first n elements.
func (d *Backend) view(b device.Buffer, n int) []float64 { return d.Host(b)[:n] }

// optional is view, or nil for an absent buffer.
func (d *Backend) optional(b device.Buffer, n int) []float64 {
	if b.Absent() {
		return nil
	}
	return d.view(b, n)
}

// Indices is what b holds.
func (d *Backend) Indices(b device.Ints) []int32 {
	a, ok := d.ints[b.Base]
	if !ok {
		panic("reference: use of indices that were freed")
	}
	return a[:b.N]
}

func (d *Backend) indices(b device.Ints, n int) []int32 { return d.Indices(b)[:n] }

func (d *Backend) Upload(dst device.Buffer, src []float32) {
	if dst.N != len(src) {
		panic(fmt.Sprintf("reference: upload of %d values to a buffer of %d", len(src), dst.N))
	}
	to := d.Host(dst)
	for i, v := range src {
		to[i] = float64(v)
	}
}

func (d *Backend) Download(dst []float32, src device.Buffer) {
	if src.N != len(dst) {
		panic(fmt.Sprintf("reference: download of a buffer of %d to %d values", src.N, len(dst)))
	}
	for i, v := range d.Host(src) {
		dst[i] = float32(v)
	}
}

func (d *Backend) UploadInts(dst device.Ints, src []int32) {
	if dst.N < len(src) {
		panic("reference: upload of more indices than the buffer holds")
	}
	copy(d.Indices(dst), src)
}

var _ = device.On(&ops, func(d *Backend, o *device.Fill) {
	to := d.Host(o.Dst)
	for i := range to {
		to[i] = float64(o.Value)
	}
})

var _ = device.On(&ops, func(d *Backend, o *device.Copy) { copy(d.Host(o.Dst), d.Host(o.Src)) })

var _ = device.On(&ops, func(d *Backend, o *device.Copy2D) {
	to, from := d.matrix(o.Dst, o.Rows, o.N, o.LDDst), d.matrix(o.Src, o.Rows, o.N, o.LDSrc)
	for r := range o.Rows {
		for i := range o.N {
			to.set(r, i, from.at(r, i))
		}
	}
})
