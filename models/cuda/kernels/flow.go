package kernels

import "prabench/models/device"

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
	weightedErrorKernel   = kernel("flow", "weighted_error", 256, 4, 9)
	velocityKernel        = kernel("flow", "velocity", 256, 4, 7)
	flowStepKernel        = kernel("flow", "flow_step", 256, 4, 8)
)

var _ = device.On(&does, func(o *Ops, op *device.CondAct) {
	if op.Rows == 0 {
		return
	}
	bytes := f4(op.Rows*op.N, op.TimeRows*op.N, op.CondRows*op.N)
	if !op.Pre.Absent() {
		bytes += f4(op.Rows * op.N)
	}
	o.call(condActKernel).bufs(op.Y, op.Pre, op.Time, op.Cond).ints(op.Rows/op.TimeRows, op.CondRows, op.N).
		cost(0, bytes, bytes).rows(op.Rows, op.N, 0)
})

var _ = device.On(&does, func(o *Ops, op *device.CondActBackward) {
	if op.Rows == 0 {
		return
	}
	bytes := f4(3*op.Rows*op.N, op.CondRows*op.N)
	o.call(condActBackwardKernel).bufs(op.DTime, op.DCond, op.DY, op.Pre).ints(op.Rows, op.CondRows, op.N).
		cost(0, bytes, bytes).grid(op.CondRows, ceil(op.N, 256), 1, 256, 0)
})

var _ = device.On(&does, func(o *Ops, op *device.Sinusoid) {
	bytes := f4(op.Rows*op.Dim, op.Rows)
	o.call(sinusoidKernel).bufs(op.Out, op.T).ints(op.Dim).cost(0, bytes, bytes).rows(op.Rows, op.Dim, 0)
})

var _ = device.On(&does, func(o *Ops, op *device.RowMix) {
	bytes := f4(2*op.Rows*op.N, op.XRows*op.N, 2*op.Rows)
	o.call(rowMixKernel).bufs(op.Dst, op.A, op.X, op.B, op.Y).ints(op.N, op.XRows).cost(0, bytes, bytes).rows(op.Rows, op.N, 0)
})

var _ = device.On(&does, func(o *Ops, op *device.Mix) {
	bytes := f4(3 * op.Dst.N)
	o.call(mixKernel).bufs(op.Dst).floats(op.A).bufs(op.X).floats(op.B).bufs(op.Y).longs(op.Dst.N).cost(0, bytes, bytes).flat(op.Dst.N)
})

var _ = device.On(&does, func(o *Ops, op *device.WeightedError) {
	bytes := f4(2*op.Rows*op.N, op.TargetRows*op.N, 2*op.Rows)
	o.call(weightedErrorKernel).bufs(op.Loss, op.Grad, op.Pred, op.Target, op.W).ints(op.N, op.TargetRows).
		floats(op.Scale).ints(index(op.Absolute)).cost(0, bytes, bytes).rows(op.Rows, op.N, reduceFloats)
})

var _ = device.On(&does, func(o *Ops, op *device.Velocity) {
	bytes := f4(2 * op.V.N)
	if !op.Null.Absent() {
		bytes += f4(op.V.N)
	}
	if op.Inv != 0 {
		bytes += f4(op.V.N)
	}
	o.call(velocityKernel).bufs(op.V, op.O, op.Null, op.Z).floats(op.Guidance, op.Inv).longs(op.V.N).cost(0, bytes, bytes).flat(op.V.N)
})

// FlowStep is Velocity(v, out, null, z) followed by Mix(z, 1, z, dt, v), an
// Euler step, in one launch and with the same rounding.
var _ = device.On(&does, func(o *Ops, op *device.FlowStep) {
	bytes := f4(4 * op.V.N)
	if !op.Null.Absent() {
		bytes += f4(op.V.N)
	}
	o.call(flowStepKernel).bufs(op.Z, op.V, op.O, op.Null).floats(op.Guidance, op.Inv, op.DT).longs(op.V.N).
		cost(0, bytes, bytes).flat(op.V.N)
})
