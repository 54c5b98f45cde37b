package kernels

import "prabench/models/device"

var (
	gatherKernel         = kernel("codes", "gather", 256, 4, 4)
	gatherBackwardKernel = kernel("codes", "gather_backward", 128, 4, 5)
	crossEntropyKernel   = kernel("codes", "cross_entropy", 256, 4, 6)
)

var _ = device.On(&does, func(o *Ops, op *device.Gather) {
	bytes := f4(2*op.Rows*op.N, op.Rows)
	o.call(gatherKernel).bufs(op.Y, op.Table).ptr(list(op.Index)).ints(op.N).cost(0, bytes, bytes).rows(op.Rows, op.N, 0)
})

// A block a row looks for its index among the rows before: few rows, or an index
// that soon comes again, cost little.
var _ = device.On(&does, func(o *Ops, op *device.GatherBackward) {
	if op.Rows == 0 {
		return
	}
	bytes := f4(3*op.Rows*op.N, op.Rows)
	o.call(gatherBackwardKernel).bufs(op.DTable, op.DY).ptr(list(op.Index)).ints(op.Rows, op.N)
	o.cost(0, bytes, bytes).grid(op.Rows, ceil(op.N, 128), 1, 128, 0)
})

var _ = device.On(&does, func(o *Ops, op *device.CrossEntropy) {
	least := f4(2*op.Rows*op.N, 2*op.Rows)
	o.call(crossEntropyKernel).bufs(op.Loss, op.Grad, op.X).ptr(list(op.Target)).ints(op.N).floats(op.Scale)
	o.cost(0, least+f4(3*op.Rows*op.N), least).rows(op.Rows, op.N, 2*reduceFloats)
})
