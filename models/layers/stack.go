package layers

import (
	"fmt"
	"math"

	"prabench/models/device"
)

// Stack is a transformer: pre-norm layers on a residual stream and a last
// normalisation. Class tokens may stand before the tokens of each image; those who use it
// see nothing of them but the labels that they give.
type Stack struct {
	Layers []Layer
	Norm   Affine
	Width  int

	prefix prefix
}

// Layer is x ← x + attention(norm(x)); x ← x + MLP(norm(x)).
type Layer struct {
	Norm1     Affine
	Attention Attention
	Norm2     Affine
	MLP       MLP
}

// NewStack declares the tensors NAME.class where there are class tokens, NAME.i.norm1, qkv,
// qk where queries and keys have a gain, out, norm2, up, down and NAME.norm.
func NewStack(l *Parameters, name string, of StackShape) Stack {
	width := of.Width
	s := Stack{Width: width, prefix: of.newPrefix(l, name)}
	residual := 1 / math.Sqrt(2*float64(of.Depth)) // keeps the residual stream's scale at any depth
	for i := range of.Depth {
		at := fmt.Sprintf("%s.%d.", name, i)
		var layer Layer
		layer.Norm1 = of.norm(l, at+"norm1", width)
		layer.Attention = of.newAttention(l, at, residual)
		layer.Norm2 = of.norm(l, at+"norm2", width)
		layer.MLP = of.newMLP(l, at, residual)
		s.Layers = append(s.Layers, layer)
	}
	s.Norm = of.norm(l, name+".norm", width)
	return s
}

// Weights are the matrices that inference multiplies by.
func (s *Stack) Weights(flat device.Buffer) []device.Weight {
	var out []device.Weight
	for _, l := range s.Layers {
		out = append(out, Weights(flat, l.Attention.QKV, l.Attention.Out, l.MLP.Up, l.MLP.Down)...)
	}
	return out
}

// StackActs are the activations of a stack.
type StackActs struct {
	layers  []layerActs
	last    device.Buffer // [rows, width] the residual stream after the last layer
	stats   device.Buffer
	H       device.Buffer // [rows, width] the output
	moments device.Buffer // of the residual stream, where layers normalise it
	prefix  *prefixActs   // of whole sequences with class tokens
	all     device.Buffer // [rows, width] the output with that of class tokens: H where there are none
	again   bool          // all but the layers' inputs are shared, and computed again in a backward pass
}

// layerActs is what a layer's backward pass needs of its forward pass.
type layerActs struct {
	x              device.Buffer // [rows, width] the layer's input
	stats1, stats2 device.Buffer // [rows, 2]
	n1, n2         device.Buffer // [rows, width] normalised
	attention      AttentionActs
	mid            device.Buffer // [rows, width] after attention
	mlp            MLPActs
}

// Acts allocates for whole sequences of so many tokens of images. Where nothing is kept
// for a backward pass, all layers share one set.
func (s *Stack) Acts(m *Memory, images, tokens int, keep bool) *StackActs {
	return s.whole(m, images, tokens, s.rows(m, images*(tokens+s.prefix.count), keep))
}

// StepActs allocates for steps of so many tokens of images.
func (s *Stack) StepActs(m *Memory, images, tokens int) *StackActs {
	return s.rows(m, images*max(tokens, s.prefix.count), false)
}

// whole makes a, whose rows are for whole sequences with their class tokens, take and give
// the others alone.
func (s *Stack) whole(m *Memory, images, tokens int, a *StackActs) *StackActs {
	if s.prefix.count > 0 {
		a.prefix = s.prefix.acts(m, images, tokens)
		a.H = a.prefix.rest
	}
	return a
}

func (s *Stack) rows(m *Memory, rows int, keep bool) *StackActs {
	size := rows * s.Width
	a := &StackActs{stats: m.Act(rows * 2), H: m.Act(size)}
	if s.plain() {
		a.moments = momentsFor(m, rows, s.Width, keep)
	}
	a.all = a.H
	layer := func(l *Layer) layerActs {
		return layerActs{
			x: m.Act(size), stats1: m.Act(rows * 2), stats2: m.Act(rows * 2), n1: m.Act(size), n2: m.Act(size),
			attention: l.Attention.Acts(m, rows), mid: m.Act(size), mlp: l.MLP.Acts(m, rows, keep),
		}
	}
	for i := range s.Layers {
		if keep || i == 0 {
			a.layers = append(a.layers, layer(&s.Layers[i]))
		} else {
			a.layers = append(a.layers, a.layers[0])
		}
	}
	if keep {
		a.last = m.Act(size)
	} else {
		a.last = a.layers[0].x
	}
	return a
}

// InputActs allocates for a forward and a backward pass over whole sequences that keep of
// each layer its input alone: the backward pass computes the others again.
func (s *Stack) InputActs(m *Memory, images, tokens int) *StackActs {
	rows := images * (tokens + s.prefix.count)
	size := rows * s.Width
	a := &StackActs{stats: m.Act(rows * 2), H: m.Act(size), last: m.Act(size), again: true}
	a.all = a.H
	l := &s.Layers[0]
	shared := layerActs{stats1: m.Act(rows * 2), stats2: m.Act(rows * 2), n1: m.Act(size), n2: m.Act(size),
		attention: l.Attention.Acts(m, rows), mid: m.Act(size), mlp: l.MLP.Acts(m, rows, true)}
	for range s.Layers {
		shared.x = m.Act(size)
		a.layers = append(a.layers, shared)
	}
	return s.whole(m, images, tokens, a)
}

// Input is where the stream begins: [images·tokens, width].
func (a *StackActs) Input() device.Buffer {
	if a.prefix != nil {
		return a.prefix.rest
	}
	return a.layers[0].x
}

// output is where layer i leaves the residual stream.
func (a *StackActs) output(i int) device.Buffer {
	if i+1 < len(a.layers) {
		return a.layers[i+1].x
	}
	return a.last
}

// Forward computes a.H from a.Input() for whole sequences. With class tokens both lie in
// the same place.
func (s *Stack) Forward(p *Pass, a *StackActs, of Sequences) {
	all := s.prefix.before(of)
	if a.prefix != nil {
		s.prefix.gather(p, a.prefix.first, of)
		s.prefix.join(p, a.layers[0].x, a.prefix.first, a.prefix.rest, of)
	}
	s.forward(p, a, of.Batch*all.Tokens, func(i int) { s.Layers[i].Attention.Over(p, &a.layers[i].attention, all) })
	if a.prefix != nil {
		s.prefix.part(p, a.all, none, a.H, of)
	}
}

// Step computes a.H for of.Block tokens of each sequence at position at; earlier
// tokens are read from the caches, one a layer (see [device.CacheElements]).
func (s *Stack) Step(p *Pass, a *StackActs, caches []device.Buffer, of Sequences, at int) {
	of, at = s.prefix.before(of), at+s.prefix.count
	s.forward(p, a, of.Batch*of.Block, func(i int) { s.Layers[i].Attention.Cached(p, &a.layers[i].attention, caches[i], of, at) })
}

// Window computes a.H for several blocks of each sequence from position at, tokens in all:
// rows are [sequences, tokens]. caches has those of every sequence for each layer.
func (s *Stack) Window(p *Pass, a *StackActs, caches [][]device.Buffer, of Sequences, at, tokens int) {
	of, at = s.prefix.before(of), at+s.prefix.count
	s.forward(p, a, of.Batch*tokens, func(i int) { s.Layers[i].Attention.Window(p, &a.layers[i].attention, caches[i], of, at, tokens) })
}

func (s *Stack) forward(p *Pass, a *StackActs, rows int, attend func(layer int)) {
	if !a.moments.Absent() {
		s.forwardNormed(p, a, rows, attend)
		return
	}
	for i := range s.Layers {
		l, b := &s.Layers[i], &a.layers[i]
		s.inside(p, l, b, rows, func() { attend(i) })
		l.MLP.Forward(p, &b.mlp, a.output(i), b.n2, rows, device.Epilogue{Residual: b.mid})
	}
	s.Norm.Forward(p, a.all, a.last, a.stats, rows, s.Width)
}

// plain says that the layers are those of the default trunk, which [Stack.forwardNormed] is for.
func (s *Stack) plain() bool {
	l := &s.Layers[0]
	return s.Norm.Bias != nil && l.Attention.Gain == nil && !l.MLP.Gated
}

// forwardNormed is forward with the normalisations in the layers that follow them; the
// first one has no layer before it that would leave the moments.
func (s *Stack) forwardNormed(p *Pass, a *StackActs, rows int, attend func(layer int)) {
	norm := func(of *Affine, x, normed, stats device.Buffer) (n device.NormLinear) {
		n.X, n.Known, n.Normed, n.Stats = x, a.moments, normed, stats
		n.Gain, n.Offset = of.Gain.Of(p.Weights), of.Bias.Of(p.Weights)
		return n
	}
	for i := range s.Layers {
		l, b := &s.Layers[i], &a.layers[i]
		if i == 0 {
			l.Norm1.Forward(p, b.n1, b.x, b.stats1, rows, s.Width)
			l.Attention.QKV.Apply(p, b.attention.QKV, none, b.n1, rows, device.None)
		} else {
			l.Attention.QKV.Normed(p, b.attention.QKV, norm(&l.Norm1, b.x, b.n1, b.stats1), rows, device.None)
		}
		attend(i)
		l.Attention.Out.Forward(p, b.mid, b.attention.Att, rows, device.Epilogue{Residual: b.x, Moments: a.moments})
		l.MLP.Up.Normed(p, b.mlp.Act, norm(&l.Norm2, b.mid, b.n2, b.stats2), rows, l.MLP.Act)
		e := device.Epilogue{Residual: b.mid}
		if i < len(s.Layers)-1 {
			e.Moments = a.moments
		}
		l.MLP.Down.Forward(p, a.output(i), b.mlp.Act, rows, e)
	}
	s.Norm.Forward(p, a.all, a.last, a.stats, rows, s.Width)
}

// inside computes a layer up to its MLP.
func (s *Stack) inside(p *Pass, l *Layer, b *layerActs, rows int, attend func()) {
	l.Norm1.Forward(p, b.n1, b.x, b.stats1, rows, s.Width)
	l.Attention.Forward(p, &b.attention, b.mid, b.n1, rows, device.Epilogue{Residual: b.x}, attend)
	l.Norm2.Forward(p, b.n2, b.mid, b.stats2, rows, s.Width)
}

// StackGrads is the scratch of Backward.
type StackGrads struct {
	DX        device.Buffer // [images·tokens, width] afterwards the gradient of the input
	dx        device.Buffer // [rows, width] the same with that of class tokens: DX where there are none
	dfirst    device.Buffer // [images, count, width] of the class tokens
	dn        device.Buffer // [rows, width]
	attention AttentionGrads
	hidden    device.Buffer // [rows, scratch of the MLP]
}

// Scratch is room of [images·tokens, width] that is free between two backward passes.
func (g *StackGrads) Scratch() device.Buffer { return g.dn }

// Grads allocates for whole sequences.
func (s *Stack) Grads(m *Memory, images, tokens int) *StackGrads {
	l, rows := &s.Layers[0], images*(tokens+s.prefix.count)
	g := &StackGrads{dx: m.Act(rows * s.Width), dn: m.Act(rows * s.Width), attention: l.Attention.Grads(m, rows),
		hidden: m.Act(rows * l.MLP.Scratch())}
	g.DX = g.dx
	if s.prefix.count > 0 {
		g.DX, g.dfirst = m.Act(images*tokens*s.Width), m.Act(s.prefix.size(images))
	}
	return g
}

// Backward accumulates parameter gradients from dh [images·tokens, width] and leaves the
// gradient of the input in g.DX.
func (s *Stack) Backward(p *Pass, a *StackActs, g *StackGrads, dh device.Buffer, images Sequences) {
	of := s.prefix.before(images)
	rows := of.Batch * of.Tokens
	if a.prefix != nil {
		s.prefix.join(p, g.dn, none, dh, images)
		dh = g.dn
	}
	s.Norm.Backward(p, g.dx, dh, a.last, a.stats, rows, s.Width, false)
	for i := len(s.Layers) - 1; i >= 0; i-- {
		l, b := &s.Layers[i], &a.layers[i]
		if a.again && i < len(s.Layers)-1 { // those of the last layer are still there
			s.inside(p, l, b, rows, func() { l.Attention.Over(p, &b.attention, of) })
			l.MLP.hidden(p, &b.mlp, b.n2, rows)
		}
		l.MLP.Backward(p, &b.mlp, g.hidden, g.dn, g.dx, b.n2, rows)
		l.Norm2.Backward(p, g.dx, g.dn, b.mid, b.stats2, rows, s.Width, true)
		l.Attention.Backward(p, &b.attention, &g.attention, g.dn, g.dx, b.n1, of)
		l.Norm1.Backward(p, g.dx, g.dn, b.x, b.stats1, rows, s.Width, true)
	}
	if a.prefix != nil {
		s.prefix.part(p, g.dx, g.dfirst, g.DX, images)
		device.Do(p.Be, device.GatherBackward{DTable: s.prefix.Of(p.Grads), DY: g.dfirst, Index: images.Labels, Rows: images.Batch,
			N: s.prefix.size(1)})
	}
}
