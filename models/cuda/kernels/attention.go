package kernels

import (
	"fmt"
	"math"

	"prabench/models/device"
)

// MaxHeadDim is the widest attention head, width/heads, that the kernels take.
const MaxHeadDim = 512

// attentionTiles are the kernels by the rows of queries and keys in a block's
// tile; rows·hd ≤ 2048.
var attentionTiles = func() (out []attentionTile) {
	for _, rows := range []int{32, 16, 8, 4} {
		name := func(s string) string { return fmt.Sprintf("attention%s_%d", s, rows) }
		out = append(out, attentionTile{rows, kernel("attention", name(""), 128, 2, 10), kernel("attention", name("_dq"), 128, 2, 13),
			kernel("attention", name("_dkv"), 128, 2, 12)})
	}
	return out
}()

type attentionTile struct {
	rows             int
	forward, dq, dkv *Kernel
}

const attentionThreads = 128

func headDim(heads, width int) int {
	hd := width / heads
	if hd > MaxHeadDim {
		panic(fmt.Sprintf("kernels: attention heads of %d values; the kernels take at most %d", hd, MaxHeadDim))
	}
	return hd
}

func attentionTileFor(hd int) attentionTile {
	for _, t := range attentionTiles {
		if t.rows*hd <= 2048 {
			return t
		}
	}
	panic("kernels: no attention tile")
}

// stride is a tile's row in shared memory: whole float4, and one to spare so
// that the rows lie in different banks.
func stride(hd int) int { return ceil(hd, 4)*4 + 4 }

func scaleOf(hd int) float32 { return float32(1 / math.Sqrt(float64(hd))) }

// tileReads is how many rows of keys (or of queries) the tiles of t rows read
// in all for one head under the block-causal mask.
func tileReads(tokens, block, prefix, t int) (n int) {
	for i := 0; i < tokens; i += t {
		last := min(i+t, tokens) - 1
		n += device.ReadTokens(last, block, prefix)
	}
	return n
}

// A block a tile of queries, scores never leave it.
var _ = device.On(&does, func(o *Ops, op *device.Attention) {
	hd := headDim(op.Heads, op.Width)
	t := attentionTileFor(hd)
	flops := 4 * device.AttentionPairs(op.Batch, op.Tokens, op.Block, op.Prefix) * float64(op.Width)
	least := f4(4*op.Batch*op.Tokens*op.Width, op.Batch*op.Heads*op.Tokens)
	read := tileReads(op.Tokens, op.Block, op.Prefix, t.rows)
	bytes := f4(2*op.Batch*op.Tokens*op.Width, 2*op.Batch*op.Width*read, op.Batch*op.Heads*op.Tokens)
	o.call(t.forward).bufs(op.Out, op.QKV, op.LSE).ints(op.Tokens, op.Heads, op.Width, hd, op.Block, op.Prefix).floats(scaleOf(hd))
	o.cost(flops, bytes, least).grid(op.Batch*op.Heads, ceil(op.Tokens, t.rows), 1, attentionThreads, 3*t.rows*stride(hd)+t.rows*(t.rows+1))
})

// Gradients: dq by tiles of queries, then dk and dv by tiles of keys, each with the scores
// formed again. So no two blocks add to one number, at the price of seven products a
// pair where five would do.
var _ = device.On(&does, func(o *Ops, op *device.AttentionBackward) {
	hd := headDim(op.Heads, op.Width)
	t := attentionTileFor(hd)
	pairs := device.AttentionPairs(op.Batch, op.Tokens, op.Block, op.Prefix) * float64(op.Width)
	rows := op.Batch * op.Tokens
	reads := 2 * op.Batch * op.Width * tileReads(op.Tokens, op.Block, op.Prefix, t.rows)
	delta := o.to.Scratch(4 * rows * op.Heads)
	o.call(t.dq).bufs(op.DQKV).ptr(delta).bufs(op.DOut, op.Out, op.QKV, op.LSE).
		ints(op.Tokens, op.Heads, op.Width, hd, op.Block, op.Prefix).floats(scaleOf(hd))
	o.cost(6*pairs, f4(4*rows*op.Width, 2*rows*op.Heads, reads), f4(6*rows*op.Width, 2*rows*op.Heads)).
		grid(op.Batch*op.Heads, ceil(op.Tokens, t.rows), 1, attentionThreads, 4*t.rows*stride(hd)+t.rows*(t.rows+1))
	o.call(t.dkv).bufs(op.DQKV).ptr(delta).bufs(op.DOut, op.QKV, op.LSE).
		ints(op.Tokens, op.Heads, op.Width, hd, op.Block, op.Prefix).floats(scaleOf(hd))
	o.cost(8*pairs, f4(4*rows*op.Width, 2*rows*op.Heads, reads), f4(6*rows*op.Width, 2*rows*op.Heads)).
		grid(op.Batch*op.Heads, ceil(op.Tokens, t.rows), 1, attentionThreads, 4*t.rows*stride(hd)+2*t.rows*(t.rows+1)+2*t.rows)
})

var (
	placeQKKernel         = kernel("attention", "place_qk", 256, 4, 8)
	placeQKBackwardKernel = kernel("attention", "place_qk_backward", 256, 2, 11)
)

// qkThreads is a block with a warp for each vector of queries and keys, eight at most.
func qkThreads(heads int) int { return 32 * min(2*heads, 8) }

var _ = device.On(&does, func(o *Ops, op *device.PlaceQK) {
	if op.Rows == 0 {
		return
	}
	size, n := op.Rows*op.Width, op.Width/op.Heads
	bytes := f4(4 * size) // queries and keys
	if op.Y != op.X {
		bytes += f4(2 * size)
	}
	o.call(placeQKKernel).bufs(op.Y, op.X, op.Gain, op.Turns).ints(op.At, op.Tokens, op.Heads, op.Width)
	o.cost(0, bytes+f4(op.Tokens*n), bytes).grid(op.Rows, 1, 1, qkThreads(op.Heads), 0)
})

var _ = device.On(&does, func(o *Ops, op *device.PlaceQKBackward) {
	if op.Rows == 0 {
		return
	}
	size, n := op.Rows*op.Width, op.Width/op.Heads
	chunks, each, shared := op.Rows, 1, 0
	var part Ptr
	bytes := f4(4 * size)
	if op.DX != op.DY {
		bytes += f4(2 * size)
	}
	if !op.Gain.Absent() {
		chunks, each = chunksOf(op.Rows)
		part, shared = o.to.Scratch(4*chunks*2*n), qkThreads(op.Heads)/32*2*n
		bytes += f4(2 * size)
	}
	o.call(placeQKBackwardKernel).bufs(op.DX).ptr(part).bufs(op.DY, op.X, op.Gain, op.Turns).ints(op.Rows, op.Tokens, op.Heads, op.Width, each)
	o.cost(0, bytes+f4(chunks*2*n), bytes).grid(chunks, 1, 1, qkThreads(op.Heads), shared)
	if !op.Gain.Absent() {
		o.columnSum(at(op.DGain), part, chunks, 2*n, 2*n)
	}
})
