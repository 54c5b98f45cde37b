package device

import "fmt"

// Attention is block-causal multi-head attention over QKV [Batch·Tokens, 3·Width]: the
// first Prefix tokens of a sequence are a block of their own, and of those behind them
// each Block; a token reads its own block and those before. The scale is
// 1/√(Width/Heads); Out [Batch·Tokens, Width]; LSE [Batch, Heads, Tokens] is the log of
// each softmax's denominator.
type Attention struct {
	Out, QKV, LSE                      Buffer
	Batch, Tokens, Heads, Width, Block int
	Prefix                             int
}

var attentionKind = newKind("Attention")

func (*Attention) Kind() Kind { return attentionKind }
func (o *Attention) Sizes() Sizes {
	return prefixed(o.Prefix, o.Batch, o.Tokens, o.Heads, o.Width, o.Block)
}
func (o *Attention) FLOPs() float64 {
	return 4 * AttentionPairs(o.Batch, o.Tokens, o.Block, o.Prefix) * float64(o.Width)
}
func (o *Attention) Operands(u *Uses) {
	divides("tokens", o.Tokens-o.Prefix, o.Block)
	divides("values", o.Width, o.Heads)
	rows := o.Batch * o.Tokens
	u.reads("QKV", o.QKV, 3*rows*o.Width)
	u.writes("Out", o.Out, rows*o.Width)
	u.writes("LSE", o.LSE, rows*o.Heads)
}

// prefixed names the prefix where there is one.
func prefixed(prefix int, of ...int) Sizes {
	if prefix > 0 {
		of = append(of, prefix)
	}
	return sizes(of...)
}

// ReadTokens is how many tokens of its sequence token i reads, the first ones.
func ReadTokens(i, block, prefix int) int {
	if i < prefix {
		return prefix
	}
	return prefix + ((i-prefix)/block+1)*block
}

// AttentionBackward is the gradient DQKV of [Attention], from what that left.
type AttentionBackward struct {
	DQKV, DOut, Out, QKV, LSE          Buffer
	Batch, Tokens, Heads, Width, Block int
	Prefix                             int
}

var attentionBackwardKind = newKind("AttentionBackward")

func (*AttentionBackward) Kind() Kind { return attentionBackwardKind }
func (o *AttentionBackward) Sizes() Sizes {
	return prefixed(o.Prefix, o.Batch, o.Tokens, o.Heads, o.Width, o.Block)
}

// FLOPs counts five products a pair, one of them the recomputed scores.
func (o *AttentionBackward) FLOPs() float64 {
	return 10 * AttentionPairs(o.Batch, o.Tokens, o.Block, o.Prefix) * float64(o.Width)
}
func (o *AttentionBackward) Operands(u *Uses) {
	divides("tokens", o.Tokens-o.Prefix, o.Block)
	divides("values", o.Width, o.Heads)
	rows := o.Batch * o.Tokens
	u.reads("DOut", o.DOut, rows*o.Width)
	u.reads("Out", o.Out, rows*o.Width)
	u.reads("QKV", o.QKV, 3*rows*o.Width)
	u.reads("LSE", o.LSE, rows*o.Heads)
	u.writes("DQKV", o.DQKV, 3*rows*o.Width)
}

// AttentionDecode appends the keys and values of the N tokens at [At, At+N) to
// Cache, whose layout is the backend's own, and lets each read all At+N tokens. QKV
// is [Batch·N, 3·Width], Out [Batch·N, Width].
type AttentionDecode struct {
	Out, QKV, Cache                      Buffer
	Batch, At, N, Capacity, Heads, Width int
	Half                                 bool // the cache holds bf16, as [Caps] says of the backend
}

// CacheElements is how many elements a backend's cache of keys and values has for
// batch sequences of capacity tokens.
func CacheElements(be Backend, batch, capacity, heads, width int) int {
	return cacheElements(be.Caps().HalfCache, batch, capacity, heads, width)
}

// cacheElements has two values of bf16 in an element, the last of an odd head alone.
func cacheElements(half bool, batch, capacity, heads, width int) int {
	if half {
		return 2 * batch * capacity * heads * ((width/heads + 1) / 2)
	}
	return 2 * batch * capacity * width
}

var attentionDecodeKind = newKind("AttentionDecode")

func (*AttentionDecode) Kind() Kind { return attentionDecodeKind }
func (o *AttentionDecode) Sizes() Sizes {
	return sizes(o.Batch, o.At, o.N, o.Capacity, o.Heads, o.Width)
}
func (o *AttentionDecode) FLOPs() float64 {
	return 4 * float64(o.Batch) * float64(o.N) * float64(o.At+o.N) * float64(o.Width)
}
func (o *AttentionDecode) Operands(u *Uses) {
	if o.At+o.N > o.Capacity {
		panic(fmt.Sprintf("device: attention to %d tokens of a cache for %d", o.At+o.N, o.Capacity))
	}
	divides("values", o.Width, o.Heads)
	rows := o.Batch * o.N
	u.reads("QKV", o.QKV, 3*rows*o.Width)
	u.writes("Out", o.Out, rows*o.Width)
	u.use("Cache", Updates, o.Cache, cacheElements(o.Half, o.Batch, o.Capacity, o.Heads, o.Width),
		cacheElements(o.Half, o.Batch, o.At+o.N, o.Heads, o.Width))
}

// AttentionPairs is the number of (reader, read) token pairs of batch images
// under the block-causal mask.
func AttentionPairs(batch, tokens, block, prefix int) float64 {
	k := float64((tokens - prefix) / block)
	return float64(batch) * (float64(block*block)*k*(k+1)/2 + float64(prefix)*float64(tokens))
}

// PlaceQK prepares queries and keys of QKV [Rows, 3·Width] for attention: the vector x of
// N = Width/Heads values that a head has of each becomes gain·x/√(mean(x²) + 1e-5) where
// Gain [2, N] is given, of queries and then of keys, and is then turned where Turns is
// given: its pair (x_i, x_{i+N/2}) by the angle whose cosine and sine stand at i and
// i + N/2 of the row At + r mod Tokens of Turns. Values stay. Y may be X.
type PlaceQK struct {
	Y, X, Gain, Turns              Buffer
	Rows, At, Tokens, Heads, Width int
}

var placeQKKind = newKind("PlaceQK")

func (*PlaceQK) Kind() Kind     { return placeQKKind }
func (o *PlaceQK) Sizes() Sizes { return sizes(o.Rows, o.At, o.Tokens, o.Heads, o.Width) }
func (*PlaceQK) FLOPs() float64 { return 0 }
func (o *PlaceQK) Operands(u *Uses) {
	size := 3 * o.Rows * o.Width
	moves := qkMoves(o.X, o.Y, o.Rows, o.Width)
	u.use("X", Reads, o.X, size, moves)
	u.mayRead("Gain", o.Gain, 2*o.head())
	u.turns(o.Turns, o.At, o.Tokens, o.head())
	u.use("Y", Writes, o.Y, size, moves)
}

// qkMoves is how many values are read, and written: in place the values stay.
func qkMoves(from, to Buffer, rows, width int) int {
	if from.same(to) {
		return 2 * rows * width
	}
	return 3 * rows * width
}

func (o *PlaceQK) head() int {
	divides("values", o.Width, o.Heads)
	divides("rows", o.Rows, o.Tokens)
	return o.Width / o.Heads
}

// turns names the angles of tokens from at on.
func (u *Uses) turns(b Buffer, at, tokens, head int) {
	if b.Absent() {
		return
	}
	divides("values of a head", head, 2)
	u.use("Turns", Reads, b, (at+tokens)*head, tokens*head)
}

// PlaceQKBackward is the gradient DX of [PlaceQK] at At = 0; X is read, and DGain
// accumulates, where Gain is given. DX may be DY.
type PlaceQKBackward struct {
	DX, DGain, DY, X, Gain, Turns Buffer
	Rows, Tokens, Heads, Width    int
}

var placeQKBackwardKind = newKind("PlaceQKBackward")

func (*PlaceQKBackward) Kind() Kind     { return placeQKBackwardKind }
func (o *PlaceQKBackward) Sizes() Sizes { return sizes(o.Rows, o.Tokens, o.Heads, o.Width) }
func (*PlaceQKBackward) FLOPs() float64 { return 0 }
func (o *PlaceQKBackward) Operands(u *Uses) {
	divides("values", o.Width, o.Heads)
	divides("rows", o.Rows, o.Tokens)
	size, head := 3*o.Rows*o.Width, o.Width/o.Heads
	moves := qkMoves(o.DY, o.DX, o.Rows, o.Width)
	u.use("DY", Reads, o.DY, size, moves)
	if !o.Gain.Absent() {
		u.use("X", Reads, o.X, size, 2*o.Rows*o.Width)
		u.reads("Gain", o.Gain, 2*head)
		u.updates("DGain", o.DGain, 2*head)
	}
	u.turns(o.Turns, 0, o.Tokens, head)
	u.use("DX", Writes, o.DX, size, moves)
}
