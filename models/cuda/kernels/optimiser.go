package kernels

import "prabench/models/device"

var (
	sumSquaresKernel      = kernel("optimiser", "sum_squares", 256, 4, 4)
	sumSquaresTotalKernel = kernel("optimiser", "sum_squares_total", 256, 1, 3)
	adamWKernel           = kernel("optimiser", "adamw", 256, 4, 18)
)

// SumSquares leaves Σ x² over n elements as one double at out (8 bytes, aligned
// to 8): parts of fixed length, then their sum in fixed order.
func (o *Ops) SumSquares(out, x Ptr, n int) {
	each := max(ceil(ceil(n, 1024), 4096)*4096, 4096)
	parts := max(ceil(n, each), 1)
	part := o.to.Scratch(8 * parts)
	o.call(sumSquaresKernel).ptr(part, x).longs(n, each).cost(0, f4(n)+8*float64(parts), f4(n)).grid(parts, 1, 1, 256, 2*256)
	o.call(sumSquaresTotalKernel).ptr(out, part).ints(parts).cost(0, 8*float64(parts+1), 8).grid(1, 1, 1, 256, 2*256)
}

// AdamW is that of device.Backend on n elements.
func (o *Ops) AdamW(p, g, m, v, ema Ptr, n int, h device.AdamW) {
	bytes := f4(9 * n)
	f := func(x float64) float32 { return float32(x) }
	o.call(adamWKernel).ptr(p, g, m, v, ema).longs(n).
		floats(f(h.LR), f(h.Beta1), f(h.Beta2), f(1-h.Beta1), f(1-h.Beta2), f(h.Eps), f(h.WeightDecay)).
		floats(1/f(h.Correct1), 1/f(h.Correct2), f(h.GradScale), f(h.EMA), f(1-h.EMA)).
		cost(0, bytes, bytes).flat(n)
}
