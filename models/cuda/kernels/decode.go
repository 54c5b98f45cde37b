package kernels

import (
	"fmt"

	"prabench/models/device"
)

// decodeTable are kernels by words of a head that a lane holds, for one query
// at a time and for four.
type decodeTable map[[2]int]*Kernel

func decodes(file string, of func(file, name string, threads, blocks, args int) *Kernel, most int) decodeTable {
	out := decodeTable{}
	for columns := 1; columns <= most; columns *= 2 {
		for _, group := range []int{1, 4} {
			out[[2]int{columns, group}] = of(file, fmt.Sprintf("%s_%d_%d", file, columns, group), 32*decodeWarps, 1, 11)
		}
	}
	return out
}

var (
	decodeFP32 = decodes("decode", kernel, MaxHeadDim/32)
	decodeBF16 = decodes("decode_bf16", kernel80, MaxHeadDim/64)
)

// decodeWarps is how many (sequence, head) a block serves, a warp each.
const decodeWarps = 4

// Keys and values are appended on the way. For each sequence and head the cache
// holds the keys in panels of 32 (the last as wide as is left) of [hd, 32], then the
// values [capacity, hd]; in bf16 two values a word, the last of an odd head alone.
var _ = device.On(&does, func(o *Ops, op *device.AttentionDecode) {
	table, wide := decodeFP32, 1
	if op.Half {
		table, wide = decodeBF16, 2
	}
	hd := headDim(op.Heads, op.Width)
	words, columns, group := ceil(hd, wide), 1, 1
	for columns*32 < words {
		columns *= 2
	}
	if op.N > 1 {
		group = 4
	}
	pairs := op.Batch * op.Heads
	own := f4(4*op.Batch*op.N*op.Width, 2*op.N*pairs*words)
	token := f4(2 * pairs * words)
	o.call(table[[2]int{columns, group}]).bufs(op.Out, op.QKV, op.Cache).
		ints(pairs, op.At, op.N, op.Capacity, op.Heads, op.Width, hd).floats(scaleOf(hd))
	o.cost(op.FLOPs(), own+token*float64((op.At+op.N)*ceil(op.N, group)), own+token*float64(op.At)).
		grid(ceil(pairs, decodeWarps), 1, 1, 32*decodeWarps, decodeWarps*group*(words*wide+32))
})
