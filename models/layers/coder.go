package layers

import "prabench/models/device"

// Coder is a pair of MLPs between tokens and normalised states.
type Coder struct {
	Enc1, Enc2       Linear
	Dec1, Dec2, Dec3 Linear
	State            int // width of a state
	Norm             device.NormKind
}

// NewCoder declares ENC.1, ENC.2, DEC.1, DEC.2 and DEC.3.
func NewCoder(l *Parameters, enc, dec string, token, hidden, state int, norm device.NormKind) Coder {
	return Coder{
		Enc1: l.Linear(enc+".1", token, hidden), Enc2: l.Linear(enc+".2", hidden, state),
		Dec1: l.Linear(dec+".1", state, hidden), Dec2: l.Linear(dec+".2", hidden, hidden), Dec3: l.Linear(dec+".3", hidden, token),
		State: state, Norm: norm,
	}
}

// DecodeWeights are the matrices of the decoder.
func (c *Coder) DecodeWeights(flat device.Buffer) []device.Weight {
	return Weights(flat, c.Dec1, c.Dec2, c.Dec3)
}

// CoderActs holds the activations of encoder and decoder for rows tokens.
type CoderActs struct {
	pre, act   device.Buffer // [rows, hidden]
	raw, stats device.Buffer // [rows, state] before normalisation
	Z          device.Buffer // [rows, state]
	Dec        *DecoderActs
}

// DecoderActs holds the activations of the decoder.
type DecoderActs struct {
	pre1, act1, pre2, act2 device.Buffer // [rows, hidden]
}

// Acts allocates for rows tokens.
func (c *Coder) Acts(m *Memory, rows int) *CoderActs {
	C := c.Enc1.Out
	return &CoderActs{pre: m.Act(rows * C), act: m.Act(rows * C), raw: m.Act(rows * c.State), stats: m.Act(rows * 2),
		Z: m.Act(rows * c.State), Dec: c.DecoderActs(m, rows)}
}

// DecoderActs allocates for rows tokens.
func (c *Coder) DecoderActs(m *Memory, rows int) *DecoderActs {
	C := c.Dec1.Out
	return &DecoderActs{m.Act(rows * C), m.Act(rows * C), m.Act(rows * C), m.Act(rows * C)}
}

// Encode computes a.Z = norm(E(x)) of tokens x [rows, token].
func (c *Coder) Encode(p *Pass, a *CoderActs, x device.Buffer, rows int) {
	c.Enc1.Apply(p, a.act, a.pre, x, rows, device.SiLU)
	c.Enc2.Apply(p, a.raw, none, a.act, rows, device.None)
	device.Do(p.Be, device.Norm{Y: a.Z, X: a.raw, Stats: a.stats, Rows: rows, N: c.State, Form: c.Norm})
}

// Decode computes tokens x [rows, token] = D(z).
func (c *Coder) Decode(p *Pass, a *DecoderActs, x, z device.Buffer, rows int) {
	c.Dec1.Apply(p, a.act1, a.pre1, z, rows, device.SiLU)
	c.Dec2.Apply(p, a.act2, a.pre2, a.act1, rows, device.SiLU)
	c.Dec3.Apply(p, x, none, a.act2, rows, device.None)
}

// CoderGrads is the scratch of Backward.
type CoderGrads struct{ da, db, dz, draw device.Buffer }

// Grads allocates for rows tokens.
func (c *Coder) Grads(m *Memory, rows int) *CoderGrads {
	C := c.Enc1.Out
	return &CoderGrads{m.Act(rows * C), m.Act(rows * C), m.Act(rows * c.State), m.Act(rows * c.State)}
}

// Backward accumulates the gradients of decoder and encoder from dx = ∂L/∂D(ẑ),
// where the decoder saw ẑ = kept·z + noise, kept a number a row, followed
// by as many zeros, or absent for 1, and the encoder x.
func (c *Coder) Backward(p *Pass, a *CoderActs, g *CoderGrads, dx, noisy, x, kept device.Buffer, rows int) {
	c.Dec3.Backward(p, g.da, 0, dx, dx, none, a.Dec.act2, rows, device.None)
	c.Dec2.Backward(p, g.db, 0, g.da, g.da, a.Dec.pre2, a.Dec.act1, rows, device.SiLU)
	c.Dec1.Backward(p, g.dz, 0, g.db, g.db, a.Dec.pre1, noisy, rows, device.SiLU)
	if !kept.Absent() {
		device.Do(p.Be, device.RowMix{
			Dst: g.draw, A: kept.Slice(0, rows), X: g.dz, B: kept.Slice(rows, rows), Y: g.dz, Rows: rows, N: c.State, XRows: rows,
		})
		device.Do(p.Be, device.Copy{Dst: g.dz, Src: g.draw})
	}
	device.Do(p.Be, device.NormBackward{DX: g.draw, DY: g.dz, X: a.raw, Stats: a.stats, Rows: rows, N: c.State, Form: c.Norm})
	c.Enc2.Backward(p, g.da, 0, g.draw, g.draw, none, a.act, rows, device.None)
	c.Enc1.Backward(p, none, 0, g.da, g.da, a.pre, x, rows, device.SiLU)
}
