package kernels

import "prabench/models/device"

var (
	normKernel            = kernel("norm", "row_norm", 256, 4, 8)
	normBackwardKernel    = kernel("norm", "norm_backward", 256, 2, 13)
	modNormKernel         = kernel("norm", "mod_norm", 256, 4, 10)
	modNormBackwardKernel = kernel("norm", "mod_norm_backward", 256, 4, 13)
	gateKernel            = kernel("norm", "gate", 256, 4, 8)
	gateBackwardKernel    = kernel("norm", "gate_backward", 256, 4, 9)
	rmsNormKernel         = kernel("norm", "rms_norm", 256, 4, 7)
	rmsNormBackwardKernel = kernel("norm", "rms_norm_backward", 256, 2, 12)
)

// reduceFloats is the shared memory of a block's sum: one float a warp.
const reduceFloats = 32

// kept is how many of the wanted rows of n values fit a block's shared memory.
func kept(n, want, room int) int {
	if want*n <= room {
		return want
	}
	return 0
}

// sharedFloats is what the row kernels allow themselves.
const sharedFloats = maxShared/4 - 2*reduceFloats

var _ = device.On(&does, func(o *Ops, op *device.Norm) {
	keep := kept(op.N, 1, sharedFloats)
	bytes := f4(2*op.Rows*op.N, 2*op.Rows)
	o.call(normKernel).bufs(op.Y, op.X, op.Gain, op.Bias, op.Stats).ints(op.N, int(op.Form), keep)
	o.cost(0, bytes+f4((1-keep)*2*op.Rows*op.N), bytes).rows(op.Rows, op.N, reduceFloats+keep*op.N)
})

// A block serves a few rows and sums their part of dgain and dbias on the way; two
// small launches add the parts.
var _ = device.On(&does, func(o *Ops, op *device.NormBackward) {
	if op.Rows == 0 {
		return
	}
	chunks, each := op.Rows, 1
	hold, keep := 0, 0
	var part Ptr
	if !op.Gain.Absent() {
		chunks, each = chunksOf(op.Rows)
		part = o.to.Scratch(4 * chunks * 2 * op.N)
		hold = kept(op.N, 2, sharedFloats) / 2
	}
	keep = kept(op.N, 2, sharedFloats-hold*2*op.N) / 2
	least := f4(3*op.Rows*op.N, 2*op.Rows, index(op.Add)*op.Rows*op.N)
	bytes := least + f4((1-keep)*2*op.Rows*op.N)
	if !op.Gain.Absent() {
		bytes += f4(2 * chunks * op.N)
		if hold == 0 {
			bytes += f4(4 * op.Rows * op.N)
		}
	}
	o.call(normBackwardKernel).bufs(op.DX).ptr(part).bufs(op.DY, op.X, op.Gain, op.Stats).
		ints(op.Rows, op.N, int(op.Form), index(op.Add), each, keep, hold)
	o.cost(0, bytes, least).grid(chunks, 1, 1, threadsFor(op.N), 2*reduceFloats+2*keep*op.N+2*hold*op.N)
	if !op.Gain.Absent() {
		o.columnSum(at(op.DGain), part, chunks, op.N, 2*op.N)
		o.columnSum(at(op.DBias), part.At(op.N), chunks, op.N, 2*op.N)
	}
})

// modulations is how many rows share one, and how many there are.
func modulations(rows, each int) (of, mods int) { return max(each, 1), rows / max(each, 1) }

var _ = device.On(&does, func(o *Ops, op *device.ModNorm) {
	each, mods := modulations(op.Rows, op.Each)
	keep := kept(op.N, 1, sharedFloats)
	bytes := f4(2*op.Rows*op.N, 2*mods*op.N, 2*op.Rows)
	o.call(modNormKernel).bufs(op.Y, op.X, op.Stats, op.Mod).ints(op.LDMod, op.Shift, op.Scale, op.N, each, keep)
	o.cost(0, bytes+f4((1-keep)*2*op.Rows*op.N), bytes).rows(op.Rows, op.N, reduceFloats+keep*op.N)
})

var _ = device.On(&does, func(o *Ops, op *device.ModNormBackward) {
	each, mods := modulations(op.Rows, op.Each)
	keep := kept(op.N, 2, sharedFloats) / 2
	least := f4((3+index(op.Add))*op.Rows*op.N, 3*mods*op.N, 2*op.Rows)
	bytes := least + f4((1-keep)*3*op.Rows*op.N, 4*(op.Rows-mods)*op.N)
	o.call(modNormBackwardKernel).bufs(op.DX, op.DMod, op.DY, op.X, op.Stats, op.Mod).ints(op.LDMod, op.Shift, op.Scale, op.N,
		each, index(op.Add), keep)
	o.cost(0, bytes, least).rows(mods, op.N, 2*reduceFloats+2*keep*op.N)
})

var _ = device.On(&does, func(o *Ops, op *device.Gate) {
	each, mods := modulations(op.Rows, op.Each)
	bytes := f4(3*op.Rows*op.N, mods*op.N)
	o.call(gateKernel).bufs(op.Y, op.X, op.F, op.Mod).ints(op.LDMod, op.Gate, op.N, each)
	o.cost(0, bytes, bytes).rows(op.Rows, op.N, 0)
})

var _ = device.On(&does, func(o *Ops, op *device.GateBackward) {
	each, mods := modulations(op.Rows, op.Each)
	bytes := f4(3*op.Rows*op.N, 2*mods*op.N)
	o.call(gateBackwardKernel).bufs(op.DF, op.DMod, op.DOut, op.F, op.Mod).ints(op.LDMod, op.Gate, op.N, each)
	o.cost(0, bytes, bytes).rows(mods, op.N, 0)
})

var _ = device.On(&does, func(o *Ops, op *device.RMSNorm) {
	keep := kept(op.N, 1, sharedFloats)
	bytes := f4(2*op.Rows*op.N, op.Rows)
	o.call(rmsNormKernel).bufs(op.Y, op.X, op.Gain, op.Stats).ints(op.N).floats(op.Eps).ints(keep)
	o.cost(0, bytes+f4((1-keep)*op.Rows*op.N), bytes).rows(op.Rows, op.N, reduceFloats+keep*op.N)
})

// As NormBackward, with one sum.
var _ = device.On(&does, func(o *Ops, op *device.RMSNormBackward) {
	if op.Rows == 0 {
		return
	}
	chunks, each, hold := op.Rows, 1, 0
	var part Ptr
	if !op.Gain.Absent() {
		chunks, each = chunksOf(op.Rows)
		part = o.to.Scratch(4 * chunks * op.N)
		hold = kept(op.N, 1, sharedFloats)
	}
	keep := kept(op.N, 2, sharedFloats-hold*op.N) / 2
	least := f4(3*op.Rows*op.N, op.Rows, index(op.Add)*op.Rows*op.N)
	bytes := least + f4((1-keep)*2*op.Rows*op.N)
	if !op.Gain.Absent() {
		bytes += f4(chunks*op.N, (1-hold)*2*op.Rows*op.N)
	}
	o.call(rmsNormBackwardKernel).bufs(op.DX).ptr(part).bufs(op.DY, op.X, op.Gain, op.Stats).
		ints(op.Rows, op.N, index(op.Add), each, keep, hold)
	o.cost(0, bytes, least).grid(chunks, 1, 1, threadsFor(op.N), reduceFloats+2*keep*op.N+hold*op.N)
	if !op.Gain.Absent() {
		o.columnSum(at(op.DGain), part, chunks, op.N, op.N)
	}
})
