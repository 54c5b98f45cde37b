package device

import "fmt"

// Embed assembles the trunk's input U [Batch·N, Width] for the tokens
// i ∈ [At, At+N) in generation order:
// u_i = (i < Block ? start_i : proj_{i−Block} + inpos_{order(i−Block)}) + pos_{order(i)} + class_{label}.
// Proj is [Batch, ProjTokens, Width] and begins at token ProjAt. InPos and Pos may both be
// absent (0), and Class may.
type Embed struct {
	U, Proj, Start, InPos, Pos, Class Buffer
	Labels, Order                     Ints
	Batch, At, N, ProjAt, ProjTokens  int
	Width, Block                      int
}

var embedKind = newKind("Embed")

func (*Embed) Kind() Kind     { return embedKind }
func (o *Embed) Sizes() Sizes { return sizes(o.Batch, o.At, o.N, o.ProjAt, o.Width, o.Block) }
func (*Embed) FLOPs() float64 { return 0 }
func (o *Embed) Operands(u *Uses) {
	end, w := o.At+o.N, o.Width
	classes := !o.Class.Absent()
	if classes {
		u.indices("Labels", o.Labels, o.Batch)
		u.chosen("Labels", o.Labels, o.Batch, o.Class, w)
	}
	u.indices("Order", o.Order, end)
	places := !o.Pos.Absent()
	if places {
		u.chosen("Order", o.Order, end, o.Pos, w)
	}
	need, follow := 0, 0 // of the projections; tokens that follow a known one
	if before := end - o.Block; before > 0 {
		first := max(o.At-o.Block, 0)
		if first < o.ProjAt || before > o.ProjAt+o.ProjTokens {
			panic(fmt.Sprintf("device: tokens [%d, %d) are embedded from projections of [%d, %d)", first, before, o.ProjAt, o.ProjAt+o.ProjTokens))
		}
		if places {
			u.chosen("Order", o.Order, before, o.InPos, w)
		}
		need, follow = o.Batch*o.ProjTokens*w, before-first
	}
	u.use("Proj", Reads, o.Proj, need, o.Batch*follow*w)
	if places {
		u.use("InPos", Reads, o.InPos, w, follow*w)
		u.use("Pos", Reads, o.Pos, w, o.N*w)
	}
	u.use("Start", Reads, o.Start, o.Block*w, max(0, o.Block-o.At)*w)
	if classes {
		u.use("Class", Reads, o.Class, w, o.Batch*w)
	}
	u.writes("U", o.U, o.Batch*o.N*w)
}

// EmbedBackward is the gradient of [Embed] for At = 0, N = Tokens = ProjTokens.
// DProj is written (0 for the last block), the others accumulate; DInPos, DPos and
// DClass are absent where InPos, Pos and Class are.
type EmbedBackward struct {
	DProj, DStart, DInPos, DPos, DClass, DU Buffer
	Labels, Order                           Ints
	Batch, Tokens, Width, Block             int
}

var embedBackwardKind = newKind("EmbedBackward")

func (*EmbedBackward) Kind() Kind     { return embedBackwardKind }
func (o *EmbedBackward) Sizes() Sizes { return sizes(o.Batch, o.Tokens, o.Width, o.Block) }
func (*EmbedBackward) FLOPs() float64 { return 0 }
func (o *EmbedBackward) Operands(u *Uses) {
	divides("tokens", o.Tokens, o.Block)
	w := o.Width
	u.indices("Order", o.Order, o.Tokens)
	if !o.DPos.Absent() {
		u.chosen("Order", o.Order, o.Tokens, o.DPos, w)
		u.chosen("Order", o.Order, o.Tokens, o.DInPos, w)
		u.updates("DInPos", o.DInPos, o.Tokens*w)
		u.updates("DPos", o.DPos, o.Tokens*w)
	}
	if !o.DClass.Absent() {
		u.indices("Labels", o.Labels, o.Batch)
		u.chosen("Labels", o.Labels, o.Batch, o.DClass, w)
		u.use("DClass", Updates, o.DClass, w, 2*o.Batch*w)
	}
	u.reads("DU", o.DU, o.Batch*o.Tokens*w)
	u.writes("DProj", o.DProj, o.Batch*o.Tokens*w)
	u.updates("DStart", o.DStart, o.Block*w)
}
