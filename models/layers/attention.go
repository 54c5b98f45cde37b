package layers

import "prabench/models/device"

// Attention is self-attention with its projections: y = attend(x·QKV)·Out.
type Attention struct {
	QKV, Out Linear
	Heads    int
}

// AttentionActs is what a backward pass needs, for rows = batch·tokens.
type AttentionActs struct {
	QKV, LSE, Att device.Buffer // [rows, 3·width], [rows, heads], [rows, width]
}

// Acts allocates for rows.
func (t *Attention) Acts(m *Memory, rows int) AttentionActs {
	return AttentionActs{m.Act(rows * t.QKV.Out), m.Act(rows * t.Heads), m.Act(rows * t.Out.In)}
}

// Sequences says how rows are divided: into images of so many tokens, of which
// each sees those of its own block and of the blocks before it. One block of all
// tokens is bidirectional.
type Sequences struct{ Batch, Tokens, Block int }

// Over attends among the tokens of whole sequences.
func (t *Attention) Over(p *Pass, a *AttentionActs, s Sequences) {
	device.Do(p.Be, device.Attention{
		Out: a.Att, QKV: a.QKV, LSE: a.LSE, Batch: s.Batch, Tokens: s.Tokens, Heads: t.Heads, Width: t.Out.In, Block: s.Block,
	})
}

// Cached attends from s.Block tokens at position at to all tokens before them, which
// lie in the cache, and to each other, and puts their keys and values there.
func (t *Attention) Cached(p *Pass, a *AttentionActs, cache device.Buffer, s Sequences, at int) {
	device.Do(p.Be, device.AttentionDecode{
		Out: a.Att, QKV: a.QKV, Cache: cache, Batch: s.Batch, At: at, N: s.Block, Capacity: s.Tokens, Half: p.Half,
		Heads: t.Heads, Width: t.Out.In,
	})
}

// Forward is y ← attend(x·QKV)·Out with an epilogue, such as a gate and the
// residual stream; attend is [Attention.Over] or [Attention.Cached].
func (t *Attention) Forward(p *Pass, a *AttentionActs, y, x device.Buffer, rows int, e device.Epilogue, attend func()) {
	t.QKV.Apply(p, a.QKV, none, x, rows, device.None)
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
		Width: t.Out.In, Block: s.Block,
	})
	t.QKV.Backward(p, dx, 0, g.DQKV, g.DQKV, none, x, rows, device.None)
}

// MLP is y = act(x·Up)·Down.
type MLP struct {
	Up, Down Linear
	Act      device.Act
}

// MLPActs is what a backward pass needs: Pre only then.
type MLPActs struct{ Pre, Act device.Buffer } // [rows, hidden]

// Acts allocates for rows; keep says that a backward pass follows.
func (l *MLP) Acts(m *Memory, rows int, keep bool) MLPActs {
	a := MLPActs{Act: m.Act(rows * l.Up.Out)}
	if keep {
		a.Pre = m.Act(rows * l.Up.Out)
	}
	return a
}

// Forward is y ← act(x·Up)·Down with an epilogue.
func (l *MLP) Forward(p *Pass, a *MLPActs, y, x device.Buffer, rows int, e device.Epilogue) {
	l.Up.Apply(p, a.Act, a.Pre, x, rows, l.Act)
	l.Down.Forward(p, y, a.Act, rows, e)
}

// Backward undoes Forward but for its epilogue: dy is the gradient of
// act(x·Up)·Down + bias. It writes dx; hidden [rows, hidden] is scratch and may be
// dx or dy where these have room.
func (l *MLP) Backward(p *Pass, a *MLPActs, hidden, dx, dy, x device.Buffer, rows int) {
	l.Down.Backward(p, hidden, 0, dy, dy, none, a.Act, rows, device.None)
	l.Up.Backward(p, dx, 0, hidden, hidden, a.Pre, x, rows, l.Act)
}
