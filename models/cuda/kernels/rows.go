package kernels

// threadsFor is the block for rows of n values: enough threads for four values
// each, in whole warps, at most 256. It depends on n alone, and with it the
// order of a row's sums.
func threadsFor(n int) int { return min(max(ceil(ceil(n, 4), 32)*32, 32), 256) }

// rows sends a launch of one block a row of n values.
func (o *Ops) rows(rows, n, shared int) {
	if rows > 0 {
		o.grid(rows, 1, 1, threadsFor(n), shared)
	}
}

// flatEach is how many elements a block of 256 threads serves in a flat kernel.
const flatEach = 1024

// flat sends a launch over n elements.
func (o *Ops) flat(n int) {
	if n > 0 {
		o.grid(ceil(n, flatEach), 1, 1, 256, 0)
	}
}

// Sums over many rows are made in two stages. chunksOf is how many parts the
// rows are cut into, and how many rows each has: a function of the rows alone.
func chunksOf(rows int) (chunks, each int) {
	each = max(ceil(rows, 264), 8)
	return ceil(rows, each), each
}

// columnSum is dst[i] ← dst[i] + Σ_c part[c·ld + i] for i < n.
func (o *Ops) columnSum(dst, part Ptr, chunks, n, ld int) {
	bytes := 4 * float64(n) * float64(chunks+2)
	o.call(columnSumKernel).ptr(dst, part).ints(chunks, n, ld).cost(0, bytes, 8*float64(n)).grid(ceil(n, 32), 1, 1, 256, 256)
}

var columnSumKernel = kernel("bias", "column_sum", 256, 4, 5)

// f4 is the bytes of fp32 values.
func f4(values ...int) float64 {
	var sum float64
	for _, v := range values {
		sum += 4 * float64(v)
	}
	return sum
}
