package kernels

var (
	fillKernel   = kernel("memory", "fill", 256, 4, 3)
	copyKernel   = kernel("memory", "copy", 256, 4, 3)
	copy2DKernel = kernel("memory", "copy2d", 256, 4, 5)
	toBF16Kernel = kernel("memory", "to_bf16", 256, 4, 3)
	packKernel   = kernel("memory", "pack_bf16", 256, 4, 4)
)

// Fill is dst ← v on n elements.
func (o *Ops) Fill(dst Ptr, v float32, n int) {
	o.call(fillKernel).ptr(dst).floats(v).longs(n).cost(0, f4(n), f4(n)).flat(n)
}

// Copy is dst ← src on n elements; the two do not overlap.
func (o *Ops) Copy(dst, src Ptr, n int) {
	o.call(copyKernel).ptr(dst, src).longs(n).cost(0, f4(2*n), f4(2*n)).flat(n)
}

// Copy2D copies [rows, n] between row strides.
func (o *Ops) Copy2D(dst Ptr, ldd int, src Ptr, lds, rows, n int) {
	if n == 0 {
		return
	}
	bytes := f4(2 * rows * n)
	o.call(copy2DKernel).ptr(dst).ints(ldd).ptr(src).ints(lds, n).cost(0, bytes, bytes).rows(rows, n, 0)
}

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
