package kernels

// AheadRows is what a CUDA backend answers to device.AheadOf: at 25 flow steps a
// batch of 256 has all its modulations from one reading of the head's largest
// weights, for half a GB of memory in PRA-L.
const AheadRows = 6400

var (
	condActKernel         = kernel("flow", "cond_act", 256, 4, 7)
	condActBackwardKernel = kernel("flow", "cond_act_backward", 256, 4, 7)
	sinusoidKernel        = kernel("flow", "sinusoid", 256, 4, 3)
	rowMixKernel          = kernel("flow", "row_mix", 256, 4, 7)
	mixKernel             = kernel("flow", "mix", 256, 4, 6)
	weightedErrorKernel   = kernel("flow", "weighted_error", 256, 4, 8)
	velocityKernel        = kernel("flow", "velocity", 256, 4, 7)
	flowStepKernel        = kernel("flow", "flow_step", 256, 4, 8)
)

// CondAct is that of device.Backend.
func (o *Ops) CondAct(y, pre, time, cond Ptr, rows, trows, crows, n int) {
	if rows == 0 {
		return
	}
	bytes := f4(rows*n, trows*n, crows*n)
	if pre != 0 {
		bytes += f4(rows * n)
	}
	o.call(condActKernel).ptr(y, pre, time, cond).ints(rows/trows, crows, n).cost(0, bytes, bytes).rows(rows, n, 0)
}

// CondActBackward is that of device.Backend.
func (o *Ops) CondActBackward(dtime, dcond, dy, pre Ptr, rows, crows, n int) {
	if rows == 0 {
		return
	}
	bytes := f4(3*rows*n, crows*n)
	o.call(condActBackwardKernel).ptr(dtime, dcond, dy, pre).ints(rows, crows, n).cost(0, bytes, bytes).grid(crows, ceil(n, 256), 1, 256, 0)
}

// Sinusoid is that of device.Backend.
func (o *Ops) Sinusoid(out, t Ptr, rows, dim int) {
	bytes := f4(rows*dim, rows)
	o.call(sinusoidKernel).ptr(out, t).ints(dim).cost(0, bytes, bytes).rows(rows, dim, 0)
}

// RowMix is that of device.Backend.
func (o *Ops) RowMix(dst, a, x, b, y Ptr, rows, n, xrows int) {
	bytes := f4(2*rows*n, xrows*n, 2*rows)
	o.call(rowMixKernel).ptr(dst, a, x, b, y).ints(n, xrows).cost(0, bytes, bytes).rows(rows, n, 0)
}

// Mix is that of device.Backend on n elements.
func (o *Ops) Mix(dst Ptr, a float32, x Ptr, b float32, y Ptr, n int) {
	bytes := f4(3 * n)
	o.call(mixKernel).ptr(dst).floats(a).ptr(x).floats(b).ptr(y).longs(n).cost(0, bytes, bytes).flat(n)
}

// WeightedError is that of device.Backend.
func (o *Ops) WeightedError(loss, grad, pred, target, w Ptr, rows, n, trows int, scale float32) {
	bytes := f4(2*rows*n, trows*n, 2*rows)
	o.call(weightedErrorKernel).ptr(loss, grad, pred, target, w).ints(n, trows).floats(scale).cost(0, bytes, bytes).rows(rows, n, reduceFloats)
}

// Velocity is that of device.Backend on n elements.
func (o *Ops) Velocity(v, out, null, z Ptr, guidance, inv float32, n int) {
	bytes := f4(2 * n)
	if null != 0 {
		bytes += f4(n)
	}
	if inv != 0 {
		bytes += f4(n)
	}
	o.call(velocityKernel).ptr(v, out, null, z).floats(guidance, inv).longs(n).cost(0, bytes, bytes).flat(n)
}

// FlowStep is Velocity(v, out, null, z) followed by Mix(z, 1, z, dt, v), an
// Euler step, in one launch and with the same rounding.
func (o *Ops) FlowStep(z, v, out, null Ptr, guidance, inv, dt float32, n int) {
	bytes := f4(4 * n)
	if null != 0 {
		bytes += f4(n)
	}
	o.call(flowStepKernel).ptr(z, v, out, null).floats(guidance, inv, dt).longs(n).cost(0, bytes, bytes).flat(n)
}
