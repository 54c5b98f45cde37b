package kernels

import (
	"fmt"
	"math"

	"prabench/models/device"
)

// MaxHeadDim is the widest attention head, width/heads, that the kernels take.
const MaxHeadDim = 512

// MaxTensorHead is the widest one that bf16 attends on tensor cores.
const MaxTensorHead = 128

// pass is one kernel of attention: how many rows of queries (of keys in dkv) a block's tile
// has, its threads, and how many floats of shared memory heads of hd values take.
type pass struct {
	kernel        *Kernel
	rows, threads int
	shared        func(hd int) int
}

// attentionTile is what attends heads of up to hd values.
type attentionTile struct {
	hd               int
	forward, dq, dkv pass
}

// attentionTiles are the kernels in fp32; rows·hd ≤ 2048.
var attentionTiles = func() (out []attentionTile) {
	for _, rows := range []int{32, 16, 8, 4} {
		of := func(what string, args, tiles, scores, also int) pass {
			k := kernel("attention", fmt.Sprintf("attention%s_%d", what, rows), 128, 2, args)
			return pass{k, rows, 128, func(hd int) int { return tiles*rows*stride(hd) + scores*rows*(rows+1) + also*rows }}
		}
		out = append(out, attentionTile{2048 / rows, of("", 10, 3, 1, 0), of("_dq", 13, 4, 1, 0), of("_dkv", 12, 4, 2, 2)})
	}
	return out
}()

// attentionTensorTiles are those on tensor cores, for heads of whole sixteens: narrower ones
// take the space and the products of hd. The most threads are those whose registers
// leave a multiprocessor two blocks.
var attentionTensorTiles = func() (out []attentionTile) {
	for _, t := range []struct{ hd, warps, blocks int }{{32, 8, 2}, {64, 8, 2}, {128, 4, 1}} {
		shared := tensorColumns * (t.hd + 8) // two tiles in bf16
		of := func(what string, args, warps, also int) pass {
			k := kernel80("attention_bf16", fmt.Sprintf("attention_bf16%s_%d", what, t.hd), 32*warps, t.blocks, args)
			return pass{k, 16 * warps, 32 * warps, func(int) int { return shared + also }}
		}
		out = append(out, attentionTile{t.hd, of("", 10, t.warps, 8+tensorColumns), of("_dq", 13, t.warps, 0),
			of("_dkv", 12, 4, 2*tensorColumns)})
	}
	return out
}()

// tensorColumns is how many keys, or queries, a tile on tensor cores goes over at once.
const tensorColumns = 64

func headDim(heads, width int) int {
	hd := width / heads
	if hd > MaxHeadDim {
		panic(fmt.Sprintf("kernels: attention heads of %d values; the kernels take at most %d", hd, MaxHeadDim))
	}
	return hd
}

// attentionTileFor chooses by what a head has: bf16 takes tensor cores where the rows of its
// arrays, all of them in together, are read in vectors of 16 bytes.
func (o *Ops) attentionTileFor(hd int, together Ptr) attentionTile {
	tiles := attentionTiles
	if o.precision != FP32 && hd%16 == 0 && hd <= MaxTensorHead && together%16 == 0 {
		tiles = attentionTensorTiles
	}
	for _, t := range tiles {
		if hd <= t.hd {
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

// over sends the launch with a block for each tile of each head.
func (o *Ops) over(p pass, batch, tokens, heads, hd int) {
	o.grid(batch*heads, ceil(tokens, p.rows), 1, p.threads, p.shared(hd))
}

// A block a tile of queries, scores never leave it.
var _ = device.On(&does, func(o *Ops, op *device.Attention) {
	hd := headDim(op.Heads, op.Width)
	t := o.attentionTileFor(hd, at(op.Out)|at(op.QKV)).forward
	flops := 4 * device.AttentionPairs(op.Batch, op.Tokens, op.Block, op.Prefix) * float64(op.Width)
	least := f4(4*op.Batch*op.Tokens*op.Width, op.Batch*op.Heads*op.Tokens)
	read := tileReads(op.Tokens, op.Block, op.Prefix, t.rows)
	bytes := f4(2*op.Batch*op.Tokens*op.Width, 2*op.Batch*op.Width*read, op.Batch*op.Heads*op.Tokens)
	o.call(t.kernel).bufs(op.Out, op.QKV, op.LSE).ints(op.Tokens, op.Heads, op.Width, hd, op.Block, op.Prefix).floats(scaleOf(hd))
	o.cost(flops, bytes, least).over(t, op.Batch, op.Tokens, op.Heads, hd)
})

// Gradients: dq by tiles of queries, then dk and dv by tiles of keys, each with the scores
// formed again. So no two blocks add to one number, at the price of seven products a
// pair where five would do.
var _ = device.On(&does, func(o *Ops, op *device.AttentionBackward) {
	hd := headDim(op.Heads, op.Width)
	t := o.attentionTileFor(hd, at(op.DQKV)|at(op.DOut)|at(op.Out)|at(op.QKV))
	pairs := device.AttentionPairs(op.Batch, op.Tokens, op.Block, op.Prefix) * float64(op.Width)
	rows := op.Batch * op.Tokens
	least := f4(6*rows*op.Width, 2*rows*op.Heads)
	bytes := func(p pass) float64 {
		return f4(4*rows*op.Width, 2*rows*op.Heads, 2*op.Batch*op.Width*tileReads(op.Tokens, op.Block, op.Prefix, p.rows))
	}
	delta := o.to.Scratch(4 * rows * op.Heads)
	o.call(t.dq.kernel).bufs(op.DQKV).ptr(delta).bufs(op.DOut, op.Out, op.QKV, op.LSE).
		ints(op.Tokens, op.Heads, op.Width, hd, op.Block, op.Prefix).floats(scaleOf(hd))
	o.cost(6*pairs, bytes(t.dq), least).over(t.dq, op.Batch, op.Tokens, op.Heads, hd)
	o.call(t.dkv.kernel).bufs(op.DQKV).ptr(delta).bufs(op.DOut, op.QKV, op.LSE).
		ints(op.Tokens, op.Heads, op.Width, hd, op.Block, op.Prefix).floats(scaleOf(hd))
	o.cost(8*pairs, bytes(t.dkv), least).over(t.dkv, op.Batch, op.Tokens, op.Heads, hd)
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
