package kernels

import "prabench/models/device"

var (
	embedKernel          = kernel("embed", "embed", 256, 4, 14)
	embedBackwardKernel  = kernel("embed", "embed_backward", 128, 4, 10)
	embedClassPartKernel = kernel("embed", "embed_class_part", 256, 4, 4)
	embedClassKernel     = kernel("embed", "embed_class", 128, 4, 5)
)

var _ = device.On(&does, func(o *Ops, op *device.Embed) {
	projected := 0 // tokens that read a projection
	if last := op.At + op.N; last > op.Block {
		projected = last - max(op.At, op.Block)
	}
	classes := op.Batch * op.Width
	if op.Class.Absent() {
		classes = 0
	}
	bytes := f4(op.Batch*op.N*op.Width, op.Batch*projected*op.Width, classes, 2*op.N*op.Width)
	o.call(embedKernel).bufs(op.U, op.Proj, op.Start, op.InPos, op.Pos, op.Class).ptr(list(op.Labels), list(op.Order)).
		ints(op.At, op.N, op.ProjAt, op.ProjTokens, op.Width, op.Block)
	o.cost(0, bytes, bytes).rows(op.Batch*op.N, op.Width, 0)
})

// A thread a (token, column) sums over the batch; the classes are summed over an
// image's tokens, then over the images of a class.
var _ = device.On(&does, func(o *Ops, op *device.EmbedBackward) {
	du1 := f4(op.Batch * op.Tokens * op.Width)
	bytes := 2*du1 + f4(4*op.Tokens*op.Width)
	o.call(embedBackwardKernel).bufs(op.DProj, op.DStart, op.DInPos, op.DPos, op.DU).ptr(list(op.Order)).
		ints(op.Batch, op.Tokens, op.Width, op.Block)
	o.cost(0, bytes, bytes).grid(op.Tokens, ceil(op.Width, 128), 1, 128, 0)

	if op.DClass.Absent() {
		return
	}
	part := o.to.Scratch(4 * op.Batch * op.Width)
	o.call(embedClassPartKernel).ptr(part, at(op.DU)).ints(op.Tokens, op.Width)
	o.cost(0, du1+f4(op.Batch*op.Width), 0).grid(op.Batch, ceil(op.Width, 32), 1, 256, 256)
	o.call(embedClassKernel).ptr(at(op.DClass), part, list(op.Labels)).ints(op.Batch, op.Width)
	o.cost(0, f4(3*op.Batch*op.Width), f4(2*op.Batch*op.Width)).grid(op.Batch, ceil(op.Width, 128), 1, 128, 0)
})
