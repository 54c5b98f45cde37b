package kernels

import "prabench/models/device"

var (
	biasActBackwardKernel = kernel("bias", "bias_act_backward", 256, 4, 9)
	swiGLUKernel          = kernel("bias", "swiglu", 256, 4, 3)
	swiGLUBackwardKernel  = kernel("bias", "swiglu_backward", 256, 4, 4)
)

// One pass over the rows that writes dpre and sums it over chunks of rows, then a
// sum over the chunks.
var _ = device.On(&does, func(o *Ops, op *device.BiasActBackward) {
	if op.Rows == 0 || op.N == 0 {
		return
	}
	chunks, each := chunksOf(op.Rows)
	var part Ptr
	if chunks > 1 {
		part = o.to.Scratch(4 * chunks * op.N)
	}
	values := op.Rows * op.N
	bytes := f4(values)
	if op.Act != 0 {
		bytes += f4(values)
	}
	if op.Act != 0 || op.DPre != op.DY {
		bytes += f4(values)
	}
	o.call(biasActBackwardKernel).bufs(op.DPre, op.DBias).ptr(part).bufs(op.DY, op.Pre).ints(int(op.Act), op.Rows, op.N, each)
	o.cost(0, bytes+f4(chunks*op.N), bytes).grid(ceil(op.N, 32), chunks, 1, 256, 256)
	if chunks > 1 {
		o.columnSum(at(op.DBias), part, chunks, op.N, op.N)
	}
})

var _ = device.On(&does, func(o *Ops, op *device.SwiGLU) {
	bytes := f4(3 * op.Rows * op.N)
	o.call(swiGLUKernel).bufs(op.Y, op.X).ints(op.N)
	o.cost(0, bytes, bytes).rows(op.Rows, op.N, 0)
})

var _ = device.On(&does, func(o *Ops, op *device.SwiGLUBackward) {
	bytes := f4(5 * op.Rows * op.N)
	o.call(swiGLUBackwardKernel).bufs(op.DX, op.DY, op.X).ints(op.N)
	o.cost(0, bytes, bytes).rows(op.Rows, op.N, 0)
})
