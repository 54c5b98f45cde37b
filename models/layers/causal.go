package layers

import "prabench/models/device"

// CausalDecoder is a transformer from states to tokens in which a token sees the states
// of its own block and of the blocks before it.
type CausalDecoder struct {
	In, Out Linear
	Places  Places // by generation index
	Stack   Stack
}

// CausalShape is what a causal decoder is declared by besides its widths.
type CausalShape struct{ Tokens, Depth, Heads, MLP int }

// NewCausalDecoder declares NAME.in, NAME.pos, the tensors of a [Stack] and NAME.out.
func NewCausalDecoder(l *Parameters, name string, state, hidden, token int, s CausalShape) *CausalDecoder {
	d := &CausalDecoder{In: l.Linear(name+".in", state, hidden)}
	d.Places = NewPlaces(l, name+".pos", s.Tokens, hidden)
	d.Stack = NewStack(l, name, StackShape{Depth: s.Depth, Width: hidden, Heads: s.Heads, MLP: s.MLP})
	d.Out = l.Linear(name+".out", hidden, token)
	return d
}

// Weights are the matrices that inference multiplies by.
func (d *CausalDecoder) Weights(flat device.Buffer) []device.Weight {
	return append(Weights(flat, d.In, d.Out), d.Stack.Weights(flat)...)
}

// Caches allocates keys and values of batch sequences, one buffer a layer.
func (d *CausalDecoder) Caches(m *Memory, batch int) []device.Buffer {
	var out []device.Buffer
	for _, l := range d.Stack.Layers {
		out = append(out, m.Alloc(device.Cache, device.CacheElements(m.Be, batch, d.Places.Tokens, l.Attention.Heads, d.Stack.Width)))
	}
	return out
}

type causalActs struct {
	*StackActs
	ones device.Buffer // [rows]
}

func (d *CausalDecoder) acts(m *Memory, rows int, keep bool) *causalActs {
	a := &causalActs{d.Stack.Acts(m, 1, rows, keep), m.Act(rows)}
	if m.Err == nil {
		device.Do(m.Be, device.Fill{Dst: a.ones, Value: 1})
	}
	return a
}

func (d *CausalDecoder) forward(p *Pass, a *causalActs, x, z device.Buffer, of Sequences) {
	rows := of.Batch * of.Tokens
	d.In.Apply(p, a.Input(), none, z, rows, device.None)
	d.Places.Forward(p, a.Input(), a.ones, of.Batch)
	d.Stack.Forward(p, a.StackActs, of)
	d.Out.Apply(p, x, none, a.H, rows, device.None)
}

func (d *CausalDecoder) step(p *Pass, a *causalActs, caches []device.Buffer, x, z device.Buffer, of Sequences, at int) {
	rows := of.Batch * of.Block
	d.In.Apply(p, a.Input(), none, z, rows, device.None)
	d.Places.Step(p, a.Input(), a.ones, of, at)
	d.Stack.Step(p, a.StackActs, caches, of, at)
	d.Out.Apply(p, x, none, a.H, rows, device.None)
}

// backward accumulates gradients from dx [rows, token] and writes dz; dh [rows, hidden]
// is scratch.
func (d *CausalDecoder) backward(p *Pass, a *causalActs, g *StackGrads, dh, dz, dx, z device.Buffer, of Sequences) {
	rows := of.Batch * of.Tokens
	d.Out.Backward(p, dh, 0, dx, dx, none, a.H, rows, device.None)
	d.Stack.Backward(p, a.StackActs, g, dh, of)
	d.Places.Backward(p, g.DX, a.ones, of.Batch)
	d.In.Backward(p, dz, 0, g.DX, g.DX, none, z, rows, device.None)
}
