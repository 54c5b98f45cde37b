package layers

import "prabench/models/device"

// Coder is an encoder from tokens to normalised states and a decoder back. The encoder
// is an MLP of a token, or of a token and its context, a row of h; the decoder one of a
// state, of a state and its context, or a transformer over the states so far.
type Coder struct {
	Enc1, Enc2       Linear
	Dec1, Dec2, Dec3 Linear         // none with Causal
	Causal           *CausalDecoder // nil: an MLP
	Token, State     int            // width of a token, of a state
	Norm             device.NormKind
	EncContext       int // width of the context that the encoder sees; 0 is none
	DecContext       int // … that the decoder sees
}

// CoderShape is what a coder is declared by.
type CoderShape struct {
	Token, Hidden, State   int
	Norm                   device.NormKind
	EncContext, DecContext int
	Causal                 *CausalShape // of a causal decoder
}

// NewCoder declares ENC.1, ENC.2, DEC.1, DEC.2 and DEC.3, or the tensors of a causal
// decoder.
func NewCoder(l *Parameters, enc, dec string, s CoderShape) Coder {
	c := Coder{
		Enc1: l.Linear(enc+".1", s.Token+s.EncContext, s.Hidden), Enc2: l.Linear(enc+".2", s.Hidden, s.State),
		Token: s.Token, State: s.State, Norm: s.Norm, EncContext: s.EncContext, DecContext: s.DecContext,
	}
	if s.Causal != nil {
		c.Causal = NewCausalDecoder(l, dec, s.State, s.Hidden, s.Token, *s.Causal)
		return c
	}
	c.Dec1, c.Dec2 = l.Linear(dec+".1", s.State+s.DecContext, s.Hidden), l.Linear(dec+".2", s.Hidden, s.Hidden)
	c.Dec3 = l.Linear(dec+".3", s.Hidden, s.Token)
	return c
}

// DecodeWeights are the matrices of the decoder.
func (c *Coder) DecodeWeights(flat device.Buffer) []device.Weight {
	if c.Causal != nil {
		return c.Causal.Weights(flat)
	}
	return Weights(flat, c.Dec1, c.Dec2, c.Dec3)
}

// EncoderActs holds the activations of the encoder for rows tokens.
type EncoderActs struct {
	in         device.Buffer // [rows, token + context] where the encoder sees one
	pre, act   device.Buffer // [rows, hidden]
	raw, stats device.Buffer // [rows, state] before normalisation
	Z          device.Buffer // [rows, state]
}

// DecoderActs holds the activations of the decoder.
type DecoderActs struct {
	in                     device.Buffer // [rows, state + context] where the decoder sees one
	pre1, act1, pre2, act2 device.Buffer // [rows, hidden]
	causal                 *causalActs
}

// CoderActs are those of both.
type CoderActs struct {
	*EncoderActs
	Dec *DecoderActs
}

// Acts allocates for rows tokens and a backward pass.
func (c *Coder) Acts(m *Memory, rows int) *CoderActs {
	return &CoderActs{c.EncoderActs(m, rows), c.DecoderActs(m, rows, true)}
}

// EncoderActs allocates for rows tokens.
func (c *Coder) EncoderActs(m *Memory, rows int) *EncoderActs {
	C := c.Enc1.Out
	a := &EncoderActs{pre: m.Act(rows * C), act: m.Act(rows * C), raw: m.Act(rows * c.State), stats: m.Act(rows * 2),
		Z: m.Act(rows * c.State)}
	if c.EncContext > 0 {
		a.in = m.Act(rows * c.Enc1.In)
	}
	return a
}

// DecoderActs allocates for rows tokens; keep says that a backward pass follows.
func (c *Coder) DecoderActs(m *Memory, rows int, keep bool) *DecoderActs {
	if c.Causal != nil {
		return &DecoderActs{causal: c.Causal.acts(m, rows, keep)}
	}
	C := c.Dec1.Out
	a := &DecoderActs{pre1: m.Act(rows * C), act1: m.Act(rows * C), pre2: m.Act(rows * C), act2: m.Act(rows * C)}
	if c.DecContext > 0 {
		a.in = m.Act(rows * c.Dec1.In)
	}
	return a
}

// beside writes dst [rows, n+m] with a row of x [rows, n] and one of y [rows, m] in each.
func beside(p *Pass, dst, x device.Buffer, n int, y device.Buffer, m, rows int) {
	device.Do(p.Be, device.Copy2D{Dst: dst, LDDst: n + m, Src: x, LDSrc: n, Rows: rows, N: n})
	device.Do(p.Be, device.Copy2D{Dst: dst.Slice(n, dst.N-n), LDDst: n + m, Src: y, LDSrc: m, Rows: rows, N: m})
}

// Encode computes a.Z = norm(E(x)) of tokens x [rows, token] and, where the encoder sees
// one, their context h [rows, context].
func (c *Coder) Encode(p *Pass, a *EncoderActs, x, h device.Buffer, rows int) {
	if c.EncContext > 0 {
		beside(p, a.in, x, c.Token, h, c.EncContext, rows)
		x = a.in
	}
	c.Enc1.Apply(p, a.act, a.pre, x, rows, device.SiLU)
	c.Enc2.Apply(p, a.raw, none, a.act, rows, device.None)
	device.Do(p.Be, device.Norm{Y: a.Z, X: a.raw, Stats: a.stats, Rows: rows, N: c.State, Form: c.Norm})
}

// Decode computes tokens x [rows, token] = D(z) of whole sequences; h is their context
// where the decoder sees one.
func (c *Coder) Decode(p *Pass, a *DecoderActs, x, z, h device.Buffer, of Sequences) {
	if c.Causal != nil {
		c.Causal.forward(p, a.causal, x, z, of)
		return
	}
	c.decode(p, a, x, z, h, of.Batch*of.Tokens)
}

// DecodeStep is Decode for of.Block tokens of each sequence at position at; a causal
// decoder reads the states before them from its caches, one a layer.
func (c *Coder) DecodeStep(p *Pass, a *DecoderActs, caches []device.Buffer, x, z, h device.Buffer, of Sequences, at int) {
	if c.Causal != nil {
		c.Causal.step(p, a.causal, caches, x, z, of, at)
		return
	}
	c.decode(p, a, x, z, h, of.Batch*of.Block)
}

func (c *Coder) decode(p *Pass, a *DecoderActs, x, z, h device.Buffer, rows int) {
	if c.DecContext > 0 {
		beside(p, a.in, z, c.State, h, c.DecContext, rows)
		z = a.in
	}
	c.Dec1.Apply(p, a.act1, a.pre1, z, rows, device.SiLU)
	c.Dec2.Apply(p, a.act2, a.pre2, a.act1, rows, device.SiLU)
	c.Dec3.Apply(p, x, none, a.act2, rows, device.None)
}

// CoderGrads is the scratch of Backward.
type CoderGrads struct {
	da, db, dz, draw device.Buffer // [rows, hidden] twice, [rows, state] twice
	din              device.Buffer // [rows, state + context] where the decoder sees one
	causal           *StackGrads
}

// Grads allocates for rows tokens.
func (c *Coder) Grads(m *Memory, rows int) *CoderGrads {
	C := c.Enc1.Out
	g := &CoderGrads{da: m.Act(rows * C), db: m.Act(rows * C), dz: m.Act(rows * c.State), draw: m.Act(rows * c.State)}
	if c.DecContext > 0 {
		g.din = m.Act(rows * c.Dec1.In)
	}
	if c.Causal != nil {
		g.causal = c.Causal.Stack.Grads(m, 1, rows)
	}
	return g
}

// Backward accumulates the gradients of decoder and encoder from dx = ∂L/∂D(ẑ),
// where the decoder saw ẑ = kept·z + noise, kept a number a row, followed
// by as many zeros, or absent for 1, and the encoder x. A context receives none: it is
// a constant of the loss.
func (c *Coder) Backward(p *Pass, a *CoderActs, g *CoderGrads, dx, noisy, x, kept device.Buffer, of Sequences) {
	rows := of.Batch * of.Tokens
	c.decodeBackward(p, a.Dec, g, dx, noisy, of)
	if !kept.Absent() {
		device.Do(p.Be, device.RowMix{
			Dst: g.draw, A: kept.Slice(0, rows), X: g.dz, B: kept.Slice(rows, rows), Y: g.dz, Rows: rows, N: c.State, XRows: rows,
		})
		device.Do(p.Be, device.Copy{Dst: g.dz, Src: g.draw})
	}
	device.Do(p.Be, device.NormBackward{DX: g.draw, DY: g.dz, X: a.raw, Stats: a.stats, Rows: rows, N: c.State, Form: c.Norm})
	c.Enc2.Backward(p, g.da, 0, g.draw, g.draw, none, a.act, rows, device.None)
	if c.EncContext > 0 {
		x = a.in
	}
	c.Enc1.Backward(p, none, 0, g.da, g.da, a.pre, x, rows, device.SiLU)
}

// decodeBackward leaves the gradient of the states in g.dz.
func (c *Coder) decodeBackward(p *Pass, a *DecoderActs, g *CoderGrads, dx, noisy device.Buffer, of Sequences) {
	if c.Causal != nil {
		c.Causal.backward(p, a.causal, g.causal, g.da, g.dz, dx, noisy, of)
		return
	}
	rows := of.Batch * of.Tokens
	c.Dec3.Backward(p, g.da, 0, dx, dx, none, a.act2, rows, device.None)
	c.Dec2.Backward(p, g.db, 0, g.da, g.da, a.pre2, a.act1, rows, device.SiLU)
	if c.DecContext == 0 {
		c.Dec1.Backward(p, g.dz, 0, g.db, g.db, a.pre1, noisy, rows, device.SiLU)
		return
	}
	c.Dec1.Backward(p, g.din, 0, g.db, g.db, a.pre1, a.in, rows, device.SiLU)
	device.Do(p.Be, device.Copy2D{Dst: g.dz, LDDst: c.State, Src: g.din, LDSrc: c.Dec1.In, Rows: rows, N: c.State})
}
