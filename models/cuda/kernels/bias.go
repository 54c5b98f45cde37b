package kernels

var biasActBackwardKernel = kernel("bias", "bias_act_backward", 256, 4, 9)

// BiasActBackward is that of device.Backend: one pass over the rows that writes
// dpre and sums it over chunks of rows, then a sum over the chunks.
func (o *Ops) BiasActBackward(dpre, dbias, dy, pre Ptr, rows, n, act int) {
	if rows == 0 || n == 0 {
		return
	}
	chunks, each := chunksOf(rows)
	var part Ptr
	if chunks > 1 {
		part = o.to.Scratch(4 * chunks * n)
	}
	values := rows * n
	bytes := f4(values)
	if act != 0 {
		bytes += f4(values)
	}
	if act != 0 || dpre != dy {
		bytes += f4(values)
	}
	o.call(biasActBackwardKernel).ptr(dpre, dbias, part, dy, pre).ints(act, rows, n, each)
	o.cost(0, bytes+f4(chunks*n), bytes).grid(ceil(n, 32), chunks, 1, 256, 256)
	if chunks > 1 {
		o.columnSum(dbias, part, chunks, n, n)
	}
}
