package kernels

import "prabench/models/device"

var normalKernel = kernel("noise", "normal", 256, 4, 9)

// A thread makes the four numbers of a counter.
var _ = device.On(&does, func(o *Ops, op *device.Normal) {
	quads := ceil(op.Dim, 4)
	total := op.Batch * op.Tokens * quads
	if total == 0 {
		return
	}
	bytes := f4(op.Batch*op.Tokens*op.Dim, op.Batch)
	o.call(normalKernel).ptr(at(op.Dst), list(op.IDs)).longs(total).ints(op.Tokens, op.At, op.Dim, quads).arg(Arg(op.Key)).arg(Arg(op.Stream))
	o.cost(0, bytes, bytes).grid(ceil(total, 256), 1, 1, 256, 0)
})
