package kernels

import "fmt"

// decodeKernels are by values of a head that a lane holds, for one query at a
// time and for four.
var decodeKernels = func() map[[2]int]*Kernel {
	out := map[[2]int]*Kernel{}
	for _, columns := range []int{1, 2, 4, 8, 16} {
		for _, group := range []int{1, 4} {
			out[[2]int{columns, group}] = kernel("decode", fmt.Sprintf("decode_%d_%d", columns, group), 32*decodeWarps, 1, 11)
		}
	}
	return out
}()

// decodeWarps is how many (sequence, head) a block serves, a warp each.
const decodeWarps = 4

// AttentionDecode is that of device.Backend; keys and values are appended on
// the way. For each sequence and head the cache holds the keys in panels of 32
// (the last as wide as is left) of [hd, 32], then the values [capacity, hd].
func (o *Ops) AttentionDecode(out, qkv, cache Ptr, batch, at, n, capacity, heads, width int) {
	hd := headDim(heads, width)
	columns, group := 1, 1
	for columns*32 < hd {
		columns *= 2
	}
	if n > 1 {
		group = 4
	}
	passes := ceil(n, group)
	flops := 4 * float64(batch) * float64(n) * float64(at+n) * float64(width)
	own := f4(4*batch*n*width, 2*batch*n*width)
	o.call(decodeKernels[[2]int{columns, group}]).ptr(out, qkv, cache).ints(batch*heads, at, n, capacity, heads, width, hd).floats(scaleOf(hd))
	o.cost(flops, own+f4(2*batch*width*(at+n)*passes), own+f4(2*batch*width*at)).
		grid(ceil(batch*heads, decodeWarps), 1, 1, 32*decodeWarps, decodeWarps*group*(hd+32))
}
