package kernels

import "fmt"

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

// AttentionDecode is that of device.Backend; keys and values are appended on
// the way. For each sequence and head the cache holds the keys in panels of 32
// (the last as wide as is left) of [hd, 32], then the values [capacity, hd].
func (o *Ops) AttentionDecode(out, qkv, cache Ptr, batch, at, n, capacity, heads, width int) {
	o.decode(decodeFP32, 1, out, qkv, cache, batch, at, n, capacity, heads, width)
}

// CacheWordsBF16 is how many words of 4 bytes the cache of AttentionDecodeBF16
// has: two values in each, the last of an odd head alone.
func CacheWordsBF16(batch, capacity, heads, width int) int {
	return 2 * batch * capacity * heads * ceil(headDim(heads, width), 2)
}

// AttentionDecodeBF16 is AttentionDecode with keys and values kept as bf16: a
// cache belongs to one of the two.
func (o *Ops) AttentionDecodeBF16(out, qkv, cache Ptr, batch, at, n, capacity, heads, width int) {
	o.decode(decodeBF16, 2, out, qkv, cache, batch, at, n, capacity, heads, width)
}

func (o *Ops) decode(table decodeTable, wide int, out, qkv, cache Ptr, batch, at, n, capacity, heads, width int) {
	hd := headDim(heads, width)
	words, columns, group := ceil(hd, wide), 1, 1
	for columns*32 < words {
		columns *= 2
	}
	if n > 1 {
		group = 4
	}
	passes := ceil(n, group)
	flops := 4 * float64(batch) * float64(n) * float64(at+n) * float64(width)
	own := f4(4*batch*n*width, 2*batch*n*heads*words)
	token := f4(2 * batch * heads * words)
	o.call(table[[2]int{columns, group}]).ptr(out, qkv, cache).ints(batch*heads, at, n, capacity, heads, width, hd).floats(scaleOf(hd))
	o.cost(flops, own+token*float64((at+n)*passes), own+token*float64(at)).
		grid(ceil(batch*heads, decodeWarps), 1, 1, 32*decodeWarps, decodeWarps*group*(words*wide+32))
}
