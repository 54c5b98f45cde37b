package layers

import (
	"math"

	"prabench/models/device"
)

// Attention is self-attention with its projections: y = attend(x·QKV)·Out.
type Attention struct {
	QKV, Out Linear
	Heads    int
	Gain     *Tensor // [2, width/heads] of queries and keys that are normalised; nil: they are not
	Turned   bool    // queries and keys are turned by the angles of their places
}

// newAttention declares NAMEqkv, NAMEqk.gain where there is one, and NAMEout, which
// begins with std over the root of the width.
func (s StackShape) newAttention(l *Parameters, name string, std float64) Attention {
	t := Attention{QKV: l.Linear(name+"qkv", s.Width, 3*s.Width), Heads: s.Heads, Turned: s.rotary()}
	if s.QKNorm == "rmsnorm" {
		t.Gain = l.Tensor(name+"qk.gain", false, 0, 2, s.Width/s.Heads)
		t.Gain.One = true
	}
	t.Out = l.LinearOf(name+"out", s.Width, s.Width, std/math.Sqrt(float64(s.Width)))
	return t
}

// AttentionActs is what a backward pass needs, for rows = batch·tokens. Raw is what QKV
// was before queries and keys were normalised: QKV itself where they are not.
type AttentionActs struct {
	Raw, QKV, LSE, Att device.Buffer // [rows, 3·width] twice, [rows, heads], [rows, width]
}

// Acts allocates for rows.
func (t *Attention) Acts(m *Memory, rows int) AttentionActs {
	a := AttentionActs{QKV: m.Act(rows * t.QKV.Out), LSE: m.Act(rows * t.Heads), Att: m.Act(rows * t.Out.In)}
	a.Raw = a.QKV
	if t.Gain != nil {
		a.Raw = m.Act(rows * t.QKV.Out)
	}
	return a
}

// place normalises and turns the queries and keys of s.Batch·n tokens, those of an image
// from place at on.
func (t *Attention) place(p *Pass, a *AttentionActs, s Sequences, at, n int) {
	if t.Gain == nil && !t.Turned {
		return
	}
	gain, turns := t.placing(p, p.Weights)
	device.Do(p.Be, device.PlaceQK{
		Y: a.QKV, X: a.Raw, Gain: gain, Turns: turns, Rows: s.Batch * n, At: at, Tokens: n, Heads: t.Heads, Width: t.Out.In,
	})
}

// placing is the gain inside a flat array, and the angles, where there are any.
func (t *Attention) placing(p *Pass, flat device.Buffer) (gain, turns device.Buffer) {
	if t.Gain != nil {
		gain = t.Gain.Of(flat)
	}
	if t.Turned {
		turns = p.Turns
	}
	return gain, turns
}

// Sequences says how rows are divided: into images of so many tokens, of which
// each sees those of its own block and of the blocks before it. One block of all
// tokens is bidirectional. Labels are the classes of the images, which class tokens alone
// read.
type Sequences struct {
	Batch, Tokens, Block int
	Labels               device.Ints

	prefix int // class tokens, which Tokens counts too: a block of their own before the others
}

// Over attends among the tokens of whole sequences.
func (t *Attention) Over(p *Pass, a *AttentionActs, s Sequences) {
	t.place(p, a, s, 0, s.Tokens)
	device.Do(p.Be, device.Attention{
		Out: a.Att, QKV: a.QKV, LSE: a.LSE, Batch: s.Batch, Tokens: s.Tokens, Heads: t.Heads, Width: t.Out.In, Block: s.Block,
		Prefix: s.prefix,
	})
}

// Cached attends from s.Block tokens at position at to all tokens before them, which
// lie in the cache, and to each other, and puts their keys and values there.
func (t *Attention) Cached(p *Pass, a *AttentionActs, cache device.Buffer, s Sequences, at int) {
	t.place(p, a, s, at, s.Block)
	device.Do(p.Be, device.AttentionDecode{
		Out: a.Att, QKV: a.QKV, Cache: cache, Batch: s.Batch, At: at, N: s.Block, Capacity: s.Tokens, Half: p.Half,
		Heads: t.Heads, Width: t.Out.In,
	})
}

// Window is Cached for several blocks of each sequence from position at, tokens in all:
// rows are [sequences, tokens], and every sequence has a cache of its own.
func (t *Attention) Window(p *Pass, a *AttentionActs, caches []device.Buffer, s Sequences, at, tokens int) {
	width, one := t.Out.In, Sequences{Batch: 1, Tokens: s.Tokens, Block: s.Block}
	for i, cache := range caches {
		for j := 0; j < tokens; j += s.Block {
			row := i*tokens + j
			part := AttentionActs{Raw: a.Raw.Slice(row*t.QKV.Out, s.Block*t.QKV.Out), QKV: a.QKV.Slice(row*t.QKV.Out, s.Block*t.QKV.Out),
				Att: a.Att.Slice(row*width, s.Block*width)}
			t.Cached(p, &part, cache, one, at+j)
		}
	}
}

// Forward is y ← attend(x·QKV)·Out with an epilogue, such as a gate and the
// residual stream; attend is [Attention.Over] or [Attention.Cached].
func (t *Attention) Forward(p *Pass, a *AttentionActs, y, x device.Buffer, rows int, e device.Epilogue, attend func()) {
	t.QKV.Apply(p, a.Raw, none, x, rows, device.None)
	attend()
	t.Out.Forward(p, y, a.Att, rows, e)
}

// AttentionGrads is the scratch of a backward pass.
type AttentionGrads struct{ DAtt, DQKV device.Buffer } // [rows, width], [rows, 3·width]

// Grads allocates for rows.
func (t *Attention) Grads(m *Memory, rows int) AttentionGrads {
	return AttentionGrads{m.Act(rows * t.Out.In), m.Act(rows * t.QKV.Out)}
}

// Backward undoes Forward over whole sequences, but for its epilogue: dy is the
// gradient of attend(x·QKV)·Out + bias. It writes dx.
func (t *Attention) Backward(p *Pass, a *AttentionActs, g *AttentionGrads, dx, dy, x device.Buffer, s Sequences) {
	rows := s.Batch * s.Tokens
	t.Out.Backward(p, g.DAtt, 0, dy, dy, none, a.Att, rows, device.None)
	device.Do(p.Be, device.AttentionBackward{
		DQKV: g.DQKV, DOut: g.DAtt, Out: a.Att, QKV: a.QKV, LSE: a.LSE, Batch: s.Batch, Tokens: s.Tokens, Heads: t.Heads,
		Width: t.Out.In, Block: s.Block, Prefix: s.prefix,
	})
	if t.Gain != nil || t.Turned {
		gain, turns := t.placing(p, p.Weights)
		op := device.PlaceQKBackward{
			DX: g.DQKV, DY: g.DQKV, X: a.Raw, Gain: gain, Turns: turns, Rows: rows, Tokens: s.Tokens, Heads: t.Heads, Width: t.Out.In,
		}
		op.DGain, _ = t.placing(p, p.Grads)
		device.Do(p.Be, op)
	}
	t.QKV.Backward(p, dx, 0, g.DQKV, g.DQKV, none, x, rows, device.None)
}

// MLP is y = act(x·Up)·Down, or, where it is gated, y = (silu(x·Up₁)·(x·Up₂))·Down with
// the columns Up₁ and then Up₂ of one matrix.
type MLP struct {
	Up, Down Linear
	Act      device.Act
	Gated    bool
}

// newMLP declares NAMEup and NAMEdown; down begins with std over the root of its input's
// width.
func (s StackShape) newMLP(l *Parameters, name string, std float64) MLP {
	hidden := s.hidden()
	m := MLP{Act: device.GELU, Gated: s.MLPKind == "swiglu"}
	wide := hidden
	if m.Gated {
		wide *= 2
	}
	m.Up = l.Linear(name+"up", s.Width, wide)
	m.Down = l.LinearOf(name+"down", hidden, s.Width, std/math.Sqrt(float64(hidden)))
	return m
}

// MLPActs is what a backward pass needs: Pre only then, or where the MLP is gated.
type MLPActs struct{ Pre, Act device.Buffer } // [rows, columns of Up], [rows, hidden]

// Acts allocates for rows; keep says that a backward pass follows.
func (l *MLP) Acts(m *Memory, rows int, keep bool) MLPActs {
	a := MLPActs{Act: m.Act(rows * l.Down.In)}
	if keep || l.Gated {
		a.Pre = m.Act(rows * l.Up.Out)
	}
	return a
}

// Forward is y ← act(x·Up)·Down with an epilogue.
func (l *MLP) Forward(p *Pass, a *MLPActs, y, x device.Buffer, rows int, e device.Epilogue) {
	l.hidden(p, a, x, rows)
	l.Down.Forward(p, y, a.Act, rows, e)
}

// hidden computes a.Act of x.
func (l *MLP) hidden(p *Pass, a *MLPActs, x device.Buffer, rows int) {
	if !l.Gated {
		l.Up.Apply(p, a.Act, a.Pre, x, rows, l.Act)
		return
	}
	l.Up.Apply(p, a.Pre, none, x, rows, device.None)
	device.Do(p.Be, device.SwiGLU{Y: a.Act, X: a.Pre, Rows: rows, N: l.Down.In})
}

// Scratch is how many values a row a backward pass needs.
func (l *MLP) Scratch() int {
	if l.Gated {
		return l.Down.In + l.Up.Out
	}
	return l.Up.Out
}

// Backward undoes Forward but for its epilogue: dy is the gradient of
// act(x·Up)·Down + bias. It writes dx; hidden [rows, Scratch()] is scratch, and of an MLP
// without a gate may be dx or dy where these have room.
func (l *MLP) Backward(p *Pass, a *MLPActs, hidden, dx, dy, x device.Buffer, rows int) {
	if l.Gated {
		dact, dpre := hidden.Slice(0, rows*l.Down.In), hidden.Slice(rows*l.Down.In, rows*l.Up.Out)
		l.Down.Backward(p, dact, 0, dy, dy, none, a.Act, rows, device.None)
		device.Do(p.Be, device.SwiGLUBackward{DX: dpre, DY: dact, X: a.Pre, Rows: rows, N: l.Down.In})
		l.Up.Backward(p, dx, 0, dpre, dpre, none, x, rows, device.None)
		return
	}
	l.Down.Backward(p, hidden, 0, dy, dy, none, a.Act, rows, device.None)
	l.Up.Backward(p, dx, 0, hidden, hidden, a.Pre, x, rows, l.Act)
}
