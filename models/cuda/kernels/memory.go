package kernels

import "prabench/models/device"

var (
	fillKernel   = kernel("memory", "fill", 256, 4, 3)
	copyKernel   = kernel("memory", "copy", 256, 4, 3)
	copy2DKernel = kernel("memory", "copy2d", 256, 4, 5)
	toBF16Kernel = kernel("memory", "to_bf16", 256, 4, 3)
	packKernel   = kernel("memory", "pack_bf16", 256, 4, 4)
)

// Fill is dst ← v on n elements.
var _ = device.On(&does, func(o *Ops, op *device.Fill) {
	o.call(fillKernel).bufs(op.Dst).floats(op.Value).longs(op.Dst.N).cost(0, f4(op.Dst.N), f4(op.Dst.N)).flat(op.Dst.N)
})

// Zero fills a buffer that the core does not know with zeros.
func (o *Ops) Zero(b device.Buffer) { o.Do(&device.Fill{Dst: b}) }

// Copy is dst ← src on n elements; the two do not overlap.
var _ = device.On(&does, func(o *Ops, op *device.Copy) {
	o.call(copyKernel).bufs(op.Dst, op.Src).longs(op.Dst.N).cost(0, f4(2*op.Dst.N), f4(2*op.Dst.N)).flat(op.Dst.N)
})

// Copy2D copies [rows, n] between row strides.
var _ = device.On(&does, func(o *Ops, op *device.Copy2D) {
	if op.N == 0 {
		return
	}
	bytes := f4(2 * op.Rows * op.N)
	o.call(copy2DKernel).bufs(op.Dst).ints(op.LDDst).bufs(op.Src).ints(op.LDSrc, op.N).cost(0, bytes, bytes).rows(op.Rows, op.N, 0)
})

// ToBF16 writes n values at src as bf16 to dst (2n bytes), rounded to nearest even.
func (o *Ops) ToBF16(dst, src Ptr, n int) {
	bytes := 6 * float64(n)
	o.call(toBF16Kernel).ptr(dst, src).longs(n).cost(0, bytes, bytes).flat(n)
}

// PackedBytes is the room that [Ops.PackBF16] needs.
func PackedBytes(in, out int) int { return ceil(in, 2) * out * 4 }

// PackBF16 writes the weights w [in, out] as [Packed] products read them: pairs
// of bf16, rows 2i and 2i+1 of a column together, [⌈in/2⌉, out, 2].
func (o *Ops) PackBF16(dst, w Ptr, in, out int) {
	bytes := f4(in*out) + 2*float64(in*out)
	o.call(packKernel).ptr(dst, w).ints(in, out).cost(0, bytes, bytes).rows(ceil(in, 2), out, 0)
}
