package kernels

var (
	normKernel            = kernel("norm", "row_norm", 256, 4, 8)
	normBackwardKernel    = kernel("norm", "norm_backward", 256, 2, 13)
	modNormKernel         = kernel("norm", "mod_norm", 256, 4, 9)
	modNormBackwardKernel = kernel("norm", "mod_norm_backward", 256, 4, 12)
	gateBackwardKernel    = kernel("norm", "gate_backward", 256, 4, 8)
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

// Norm is that of device.Backend; kind is 0 for LayerNorm, 1 for Sphere.
func (o *Ops) Norm(y, x, gain, bias, stats Ptr, rows, n, kind int) {
	keep := kept(n, 1, sharedFloats)
	bytes := f4(2*rows*n, 2*rows)
	o.call(normKernel).ptr(y, x, gain, bias, stats).ints(n, kind, keep)
	o.cost(0, bytes+f4((1-keep)*2*rows*n), bytes).rows(rows, n, reduceFloats+keep*n)
}

// NormBackward is that of device.Backend: a block serves a few rows and sums
// their part of dgain and dbias on the way; two small launches add the parts.
func (o *Ops) NormBackward(dx, dgain, dbias, dy, x, gain, stats Ptr, rows, n, kind int, add bool) {
	if rows == 0 {
		return
	}
	chunks, each := rows, 1
	hold, keep := 0, 0
	var part Ptr
	if gain != 0 {
		chunks, each = chunksOf(rows)
		part = o.to.Scratch(4 * chunks * 2 * n)
		hold = kept(n, 2, sharedFloats) / 2
	}
	keep = kept(n, 2, sharedFloats-hold*2*n) / 2
	least := f4(3*rows*n, 2*rows, index(add)*rows*n)
	bytes := least + f4((1-keep)*2*rows*n)
	if gain != 0 {
		bytes += f4(2 * chunks * n)
		if hold == 0 {
			bytes += f4(4 * rows * n)
		}
	}
	o.call(normBackwardKernel).ptr(dx, part, dy, x, gain, stats).ints(rows, n, kind, index(add), each, keep, hold)
	o.cost(0, bytes, least).grid(chunks, 1, 1, threadsFor(n), 2*reduceFloats+2*keep*n+2*hold*n)
	if gain != 0 {
		o.columnSum(dgain, part, chunks, n, 2*n)
		o.columnSum(dbias, part.At(n), chunks, n, 2*n)
	}
}

// ModNorm is that of device.Backend.
func (o *Ops) ModNorm(y, x, stats, mod Ptr, ldmod, shiftOff, scaleOff, rows, n int) {
	keep := kept(n, 1, sharedFloats)
	bytes := f4(4*rows*n, 2*rows)
	o.call(modNormKernel).ptr(y, x, stats, mod).ints(ldmod, shiftOff, scaleOff, n, keep)
	o.cost(0, bytes+f4((1-keep)*2*rows*n), bytes).rows(rows, n, reduceFloats+keep*n)
}

// ModNormBackward is that of device.Backend.
func (o *Ops) ModNormBackward(dx, dmod, dy, x, stats, mod Ptr, ldmod, shiftOff, scaleOff, rows, n int, add bool) {
	keep := kept(n, 2, sharedFloats) / 2
	bytes := f4((6+index(add))*rows*n, 2*rows)
	o.call(modNormBackwardKernel).ptr(dx, dmod, dy, x, stats, mod).ints(ldmod, shiftOff, scaleOff, n, index(add), keep)
	o.cost(0, bytes+f4((1-keep)*3*rows*n), bytes).rows(rows, n, 2*reduceFloats+2*keep*n)
}

// GateBackward is that of device.Backend.
func (o *Ops) GateBackward(df, dmod, dout, f, mod Ptr, ldmod, off, rows, n int) {
	bytes := f4(5 * rows * n)
	o.call(gateBackwardKernel).ptr(df, dmod, dout, f, mod).ints(ldmod, off, n)
	o.cost(0, bytes, bytes).rows(rows, n, 0)
}
