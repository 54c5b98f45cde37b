package kernels

var (
	embedKernel          = kernel("embed", "embed", 256, 4, 14)
	embedBackwardKernel  = kernel("embed", "embed_backward", 128, 4, 10)
	embedClassPartKernel = kernel("embed", "embed_class_part", 256, 4, 4)
	embedClassKernel     = kernel("embed", "embed_class", 128, 4, 5)
)

// Embed is that of device.Backend; labels and order are int32.
func (o *Ops) Embed(u, proj, start, inpos, pos, class, labels, order Ptr, batch, at, n, projAt, projTokens, width, block int) {
	projected := 0 // tokens that read proj
	if last := at + n; last > block {
		projected = last - max(at, block)
	}
	bytes := f4(batch*n*width, batch*projected*width, batch*width, 2*n*width)
	o.call(embedKernel).ptr(u, proj, start, inpos, pos, class, labels, order).ints(at, n, projAt, projTokens, width, block)
	o.cost(0, bytes, bytes).rows(batch*n, width, 0)
}

// EmbedBackward is that of device.Backend: a thread a (token, column) sums over
// the batch; the classes are summed over an image's tokens, then over the
// images of a class.
func (o *Ops) EmbedBackward(dproj, dstart, dinpos, dpos, dclass, du, labels, order Ptr, batch, tokens, width, block int) {
	du1 := f4(batch * tokens * width)
	bytes := 2*du1 + f4(4*tokens*width)
	o.call(embedBackwardKernel).ptr(dproj, dstart, dinpos, dpos, du, order).ints(batch, tokens, width, block)
	o.cost(0, bytes, bytes).grid(tokens, ceil(width, 128), 1, 128, 0)

	part := o.to.Scratch(4 * batch * width)
	o.call(embedClassPartKernel).ptr(part, du).ints(tokens, width)
	o.cost(0, du1+f4(batch*width), 0).grid(batch, ceil(width, 32), 1, 256, 256)
	o.call(embedClassKernel).ptr(dclass, part, labels).ints(batch, width)
	o.cost(0, f4(3*batch*width), f4(2*batch*width)).grid(batch, ceil(width, 128), 1, 128, 0)
}
