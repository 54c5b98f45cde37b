package layers

import (
	"math"

	"prabench/models/device"
)

// Embedding turns tokens into a residual stream whose token i knows the tokens of
// the blocks before its own, a start where there are none, its place and its
// class. Labels from 0 to classes; the last one is no class. Without tables of places the
// attention tells places apart, and without a table of classes class tokens tell classes.
type Embedding struct {
	In                       *Tensor // [dim, width]
	Start, InPos, Pos, Class *Tensor // no InPos and Pos where places are not learned, no Class where it has tokens
	Dim, Width               int
	Tokens, Block            int
}

// EmbeddingShape is what an [Embedding] is declared by.
type EmbeddingShape struct {
	Dim, Width, Tokens, Block, Classes int
	Trunk                              // whose places are learned, or not, and whose classes have tokens
}

// NewEmbedding declares NAME.weight, start, and inpos, pos and class where they are added.
func NewEmbedding(l *Parameters, name string, s EmbeddingShape) Embedding {
	e := Embedding{
		In:    l.Tensor(name+".weight", true, 1/math.Sqrt(float64(s.Dim)), s.Dim, s.Width),
		Start: l.Tensor(name+".start", false, 0.1, s.Block, s.Width),
		Dim:   s.Dim, Width: s.Width, Tokens: s.Tokens, Block: s.Block,
	}
	if !s.rotary() {
		e.InPos, e.Pos = l.Tensor(name+".inpos", false, 0.1, s.Tokens, s.Width), l.Tensor(name+".pos", false, 0.1, s.Tokens, s.Width)
	}
	if s.ClassTokens == 0 {
		e.Class = l.Tensor(name+".class", false, 0.1, s.Classes+1, s.Width)
	}
	return e
}

// tables are those of places and classes inside a flat array, absent where there are none.
func (e *Embedding) tables(flat device.Buffer) (inpos, pos, class device.Buffer) {
	if e.Pos != nil {
		inpos, pos = e.InPos.Of(flat), e.Pos.Of(flat)
	}
	if e.Class != nil {
		class = e.Class.Of(flat)
	}
	return inpos, pos, class
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

// Window writes u [batch·tokens, width] of the tokens from position at, of several blocks;
// prev [batch·tokens, dim] begins a block before them, and at 0 with the first token.
func (e *Embedding) Window(p *Pass, u, proj, prev device.Buffer, labels, order device.Ints, batch, at, tokens int) {
	device.Do(p.Be, device.Linear{Y: proj, X: prev, W: e.In.Of(p.Weights), Rows: batch * tokens, In: e.Dim, Out: e.Width})
	op := e.op(p, u, proj, labels, order, batch)
	op.At, op.N, op.ProjAt, op.ProjTokens = at, tokens, max(at-e.Block, 0), tokens
	device.Do(p.Be, op)
}

func (e *Embedding) op(p *Pass, u, proj device.Buffer, labels, order device.Ints, batch int) device.Embed {
	inpos, pos, class := e.tables(p.Weights)
	return device.Embed{
		U: u, Proj: proj, Start: e.Start.Of(p.Weights), InPos: inpos, Pos: pos,
		Class: class, Labels: labels, Order: order, Batch: batch, Width: e.Width, Block: e.Block,
	}
}

// Backward accumulates parameter gradients from du. The tokens receive none: they
// are constants of the loss. dproj is scratch of u's size.
func (e *Embedding) Backward(p *Pass, dproj, du, x device.Buffer, labels, order device.Ints, batch int) {
	inpos, pos, class := e.tables(p.Grads)
	device.Do(p.Be, device.EmbedBackward{
		DProj: dproj, DStart: e.Start.Of(p.Grads), DInPos: inpos, DPos: pos,
		DClass: class, DU: du, Labels: labels, Order: order, Batch: batch, Tokens: e.Tokens, Width: e.Width,
		Block: e.Block,
	})
	product(p, none, 0, dproj, x, e.In, batch*e.Tokens, e.Dim, e.Width)
}
