package layers

import (
	"math"

	"prabench/models/device"
)

// Embedding turns tokens into a residual stream whose token i knows the tokens of
// the blocks before its own, a start where there are none, its place and its
// class. Labels from 0 to classes; the last one is no class.
type Embedding struct {
	In                       *Tensor // [dim, width]
	Start, InPos, Pos, Class *Tensor
	Dim, Width               int
	Tokens, Block            int
}

// NewEmbedding declares NAME.weight, start, inpos, pos and class.
func NewEmbedding(l *Parameters, name string, dim, width, tokens, block, classes int) Embedding {
	return Embedding{
		In:    l.Tensor(name+".weight", true, 1/math.Sqrt(float64(dim)), dim, width),
		Start: l.Tensor(name+".start", false, 0.1, block, width), InPos: l.Tensor(name+".inpos", false, 0.1, tokens, width),
		Pos: l.Tensor(name+".pos", false, 0.1, tokens, width), Class: l.Tensor(name+".class", false, 0.1, classes+1, width),
		Dim: dim, Width: width, Tokens: tokens, Block: block,
	}
}

// Forward writes u [batch·tokens, width] from tokens x [batch·tokens, dim] in
// generation order; order has their raster positions. proj is of u's size.
func (e *Embedding) Forward(p *Pass, u, proj, x device.Buffer, labels, order device.Ints, batch int) {
	device.Do(p.Be, device.Linear{Y: proj, X: x, W: e.In.Of(p.Weights), Rows: batch * e.Tokens, In: e.Dim, Out: e.Width})
	op := e.op(p, u, proj, labels, order, batch)
	op.N, op.ProjTokens = e.Tokens, e.Tokens
	device.Do(p.Be, op)
}

// Step writes u [batch·block, width] of the tokens from position at; prev
// [batch·block, dim] are the tokens before them, which are not read at 0.
func (e *Embedding) Step(p *Pass, u, proj, prev device.Buffer, labels, order device.Ints, batch, at int) {
	if at > 0 {
		device.Do(p.Be, device.Linear{Y: proj, X: prev, W: e.In.Of(p.Weights), Rows: batch * e.Block, In: e.Dim, Out: e.Width})
	}
	op := e.op(p, u, proj, labels, order, batch)
	op.At, op.N, op.ProjAt, op.ProjTokens = at, e.Block, at-e.Block, e.Block
	device.Do(p.Be, op)
}

func (e *Embedding) op(p *Pass, u, proj device.Buffer, labels, order device.Ints, batch int) device.Embed {
	return device.Embed{
		U: u, Proj: proj, Start: e.Start.Of(p.Weights), InPos: e.InPos.Of(p.Weights), Pos: e.Pos.Of(p.Weights),
		Class: e.Class.Of(p.Weights), Labels: labels, Order: order, Batch: batch, Width: e.Width, Block: e.Block,
	}
}

// Backward accumulates parameter gradients from du. The tokens receive none: they
// are constants of the loss. dproj is scratch of u's size.
func (e *Embedding) Backward(p *Pass, dproj, du, x device.Buffer, labels, order device.Ints, batch int) {
	device.Do(p.Be, device.EmbedBackward{
		DProj: dproj, DStart: e.Start.Of(p.Grads), DInPos: e.InPos.Of(p.Grads), DPos: e.Pos.Of(p.Grads),
		DClass: e.Class.Of(p.Grads), DU: du, Labels: labels, Order: order, Batch: batch, Tokens: e.Tokens, Width: e.Width,
		Block: e.Block,
	})
	product(p, none, 0, dproj, x, e.In, batch*e.Tokens, e.Dim, e.Width)
}
