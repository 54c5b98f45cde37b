package kernels

var normalKernel = kernel("noise", "normal", 256, 4, 9)

// Normal is that of device.Backend; ids are int32. A thread makes the four
// numbers of a counter.
func (o *Ops) Normal(dst, ids Ptr, batch, tokens, at, dim int, key uint64, stream uint32) {
	quads := ceil(dim, 4)
	total := batch * tokens * quads
	if total == 0 {
		return
	}
	bytes := f4(batch*tokens*dim, batch)
	o.call(normalKernel).ptr(dst, ids).longs(total).ints(tokens, at, dim, quads).arg(Arg(key)).arg(Arg(stream))
	o.cost(0, bytes, bytes).grid(ceil(total, 256), 1, 1, 256, 0)
}
