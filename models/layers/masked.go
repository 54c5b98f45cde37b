package layers

import "prabench/models/device"

// MaskedEmbedding turns the tokens of whole images, some of which are hidden, into a
// residual stream: all hidden tokens are the same learnt vector, and every token knows
// its place and the class of its image. Labels from 0 to classes; the last one is no
// class. Without learnt places the attention tells places apart, and without a table of
// classes class tokens tell classes.
type MaskedEmbedding struct {
	In     Linear
	Mask   *Tensor // [width]
	Places Places  // none where places are not learned
	Class  Table   // none where classes have tokens
	tokens int
}

// NewMaskedEmbedding declares NAME.weight, bias, mask, and pos and class where they are
// added; s.Block means nothing to it.
func NewMaskedEmbedding(l *Parameters, name string, s EmbeddingShape) MaskedEmbedding {
	e := MaskedEmbedding{In: l.Linear(name, s.Dim, s.Width), Mask: l.Tensor(name+".mask", false, 0.1, s.Width), tokens: s.Tokens}
	if !s.rotary() {
		e.Places = NewPlaces(l, name+".pos", s.Tokens, s.Width)
	}
	if s.ClassTokens == 0 {
		e.Class = NewTable(l, name+".class", s.Classes+1, s.Width, 0.1)
	}
	return e
}

// Masks says which tokens are hidden, a number a row.
type Masks struct {
	Hidden, Shown device.Buffer // 1 and 0 of a hidden token, 0 and 1 of another
	Labels        device.Ints   // of each token's image, or of each image: see Label
	ones, zeros   device.Buffer
	host          []int32
}

// Masks allocates for rows tokens.
func (e *MaskedEmbedding) Masks(m *Memory, rows int) *Masks {
	a := &Masks{Hidden: m.Act(rows), Shown: m.Act(rows), Labels: m.Ints(rows), ones: m.Act(rows), zeros: m.Act(rows),
		host: make([]int32, rows)}
	if m.Err == nil {
		device.Do(m.Be, device.Fill{Dst: a.ones, Value: 1})
		device.Do(m.Be, device.Fill{Dst: a.zeros})
	}
	return a
}

// Label uploads the labels of images: each for all of its image's tokens, or once where
// class tokens are chosen by it.
func (e *MaskedEmbedding) Label(be device.Backend, m *Masks, of []int32) {
	if e.Class.Rows == nil {
		be.UploadInts(m.Labels, of)
		return
	}
	for i, l := range of {
		for j := range e.tokens {
			m.host[i*e.tokens+j] = l
		}
	}
	be.UploadInts(m.Labels, m.host[:len(of)*e.tokens])
}

// Forward writes u [images·tokens, width] of the tokens x [images·tokens, dim], of which
// those that are hidden are not used; proj is of u's size.
func (e *MaskedEmbedding) Forward(p *Pass, u, proj, x device.Buffer, m *Masks, images int) {
	rows, W := images*e.tokens, e.In.Out
	size := rows * W
	proj, u = proj.Slice(0, size), u.Slice(0, size)
	e.In.Apply(p, u, none, x, rows, device.None)
	to := proj
	if e.Class.Rows == nil {
		to = u
	}
	device.Do(p.Be, device.RowMix{Dst: to, A: m.Hidden, X: e.Mask.Of(p.Weights), B: m.Shown, Y: u, Rows: rows, N: W, XRows: 1})
	if e.Class.Rows != nil {
		e.Class.Forward(p, u, m.Labels, rows)
		device.Do(p.Be, device.Mix{Dst: u, A: 1, X: u, B: 1, Y: proj})
	}
	if e.Places.Pos != nil {
		e.Places.Forward(p, u, m.ones, images)
	}
}

// Backward accumulates parameter gradients from du. The tokens receive none: they are
// constants of the loss. dproj is scratch of u's size.
func (e *MaskedEmbedding) Backward(p *Pass, dproj, du, x device.Buffer, m *Masks, images int) {
	rows, W := images*e.tokens, e.In.Out
	if e.Class.Rows != nil {
		e.Class.Backward(p, du, m.Labels, rows)
	}
	if e.Places.Pos != nil {
		e.Places.Backward(p, du, m.ones, images)
	}
	device.Do(p.Be, device.Gemm{M: 1, N: W, K: rows, Alpha: 1, A: m.Hidden, LDA: rows, B: du, LDB: W, Beta: 1, C: e.Mask.Of(p.Grads), LDC: W})
	device.Do(p.Be, device.RowMix{Dst: dproj, A: m.Shown, X: du, B: m.zeros, Y: du, Rows: rows, N: W, XRows: rows})
	e.In.Backward(p, none, 0, dproj, dproj, none, x, rows, device.None)
}
