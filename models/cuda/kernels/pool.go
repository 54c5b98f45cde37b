package kernels

import "prabench/models/device"

var (
	maxPoolKernel         = kernel("pool", "max_pool", 256, 4, 6)
	maxPoolBackwardKernel = kernel("pool", "max_pool_backward", 256, 4, 7)
)

var _ = device.On(&does, func(o *Ops, op *device.MaxPool) {
	bytes := f4((op.Group+1)*op.Rows*op.N, 2*op.N)
	o.call(maxPoolKernel).bufs(op.Y, op.X, op.Scale, op.Shift).ints(op.Group, op.N).cost(0, bytes, bytes).rows(op.Rows, op.N, 0)
})

var _ = device.On(&does, func(o *Ops, op *device.MaxPoolBackward) {
	bytes := f4((2*op.Group+2)*op.Rows*op.N, op.N)
	o.call(maxPoolBackwardKernel).bufs(op.DX, op.DY, op.Y, op.X, op.Scale).ints(op.Group, op.N).cost(0, bytes, bytes).rows(op.Rows, op.N, 0)
})
