package kernels

import "prabench/models/device"

var (
	sumSquaresKernel      = kernel("optimiser", "sum_squares", 256, 4, 4)
	sumSquaresTotalKernel = kernel("optimiser", "sum_squares_total", 256, 1, 3)
	adamWKernel           = kernel("optimiser", "adamw", 256, 4, 18)
)

// Parts of fixed length, then their sum in fixed order: one double at o.Sum.
var _ = device.On(&does, func(o *Ops, op *device.SumSquares) {
	n := op.X.N
	each := max(ceil(ceil(n, 1024), 4096)*4096, 4096)
	parts := max(ceil(n, each), 1)
	part := o.to.Scratch(8 * parts)
	o.call(sumSquaresKernel).ptr(part).bufs(op.X).longs(n, each).
		cost(0, f4(n)+8*float64(parts), f4(n)).grid(parts, 1, 1, 256, 2*256)
	o.call(sumSquaresTotalKernel).ptr(o.Sum, part).ints(parts).cost(0, 8*float64(parts+1), 8).grid(1, 1, 1, 256, 2*256)
})

var _ = device.On(&does, func(o *Ops, op *device.AdamW) {
	n := op.P.N
	bytes := f4(9 * n)
	f := func(x float64) float32 { return float32(x) }
	o.call(adamWKernel).bufs(op.P, op.G, op.M, op.V, op.Avg).longs(n).
		floats(f(op.LR), f(op.Beta1), f(op.Beta2), f(1-op.Beta1), f(1-op.Beta2), f(op.Eps), f(op.WeightDecay)).
		floats(1/f(op.Correct1), 1/f(op.Correct2), f(op.GradScale), f(op.EMA), f(1-op.EMA)).
		cost(0, bytes, bytes).flat(n)
})
