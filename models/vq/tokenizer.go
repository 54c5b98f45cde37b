package vq

import (
	"prabench/models/device"
	"prabench/models/layers"
)

// tokenizer is the parameters of encoder and decoder: two transformers in which
// every patch sees all others of its image.
type tokenizer struct {
	layers.Parameters
	cfg                  Config
	in, code, up, out    layers.Linear
	encPlaces, decPlaces layers.Places
	enc, dec             layers.Stack
}

// The order of the tensors is part of the results: initial values depend on it.
func newTokenizer(c Config) *tokenizer {
	t, l := &tokenizer{cfg: c}, &layers.Parameters{}
	stack := layers.StackShape{Depth: c.CoderDepth, Width: c.CoderWidth, Heads: c.Heads, MLP: c.MLP}
	t.in = l.Linear("tokenizer.in", c.TokenDim(), c.CoderWidth)
	t.encPlaces = layers.NewPlaces(l, "tokenizer.enc.pos", c.Tokens(), c.CoderWidth)
	t.enc = layers.NewStack(l, "tokenizer.enc", stack)
	t.code = l.Linear("tokenizer.code", c.CoderWidth, c.CodeDim)
	t.up = l.Linear("tokenizer.up", c.CodeDim, c.CoderWidth)
	t.decPlaces = layers.NewPlaces(l, "tokenizer.dec.pos", c.Tokens(), c.CoderWidth)
	t.dec = layers.NewStack(l, "tokenizer.dec", stack)
	t.out = l.Linear("tokenizer.out", c.CoderWidth, c.TokenDim())
	l.Place()
	t.Parameters = *l
	return t
}

func (t *tokenizer) sequences(images int) layers.Sequences {
	return layers.Sequences{Batch: images, Tokens: t.cfg.Tokens(), Block: t.cfg.Tokens()}
}

// decodeWeights are the matrices of the decoder.
func (t *tokenizer) decodeWeights(flat device.Buffer) []device.Weight {
	return append(t.dec.Weights(flat), layers.Weights(flat, t.up, t.out)...)
}

// encoderActs are the activations of the encoder, and the scores of codes.
type encoderActs struct {
	*layers.StackActs
	ones, raw, stats device.Buffer // [rows], [rows, d], [rows, 2]
	z, scores        device.Buffer // [rows, d], [rows, K]
}

func (t *tokenizer) encoderActs(m *layers.Memory, images int, keep bool) *encoderActs {
	rows, d := images*t.cfg.Tokens(), t.cfg.CodeDim
	return &encoderActs{StackActs: t.enc.Acts(m, 1, rows, keep), ones: ones(m, rows), raw: m.Act(rows * d), stats: m.Act(rows * 2),
		z: m.Act(rows * d), scores: m.Act(rows * t.cfg.Codes)}
}

func ones(m *layers.Memory, rows int) device.Buffer {
	b := m.Act(rows)
	if m.Err == nil {
		device.Do(m.Be, device.Fill{Dst: b, Value: 1})
	}
	return b
}

// encode computes a.z, of length √d each, of tokens x [images·N, P].
func (t *tokenizer) encode(p *layers.Pass, a *encoderActs, x device.Buffer, images int) {
	rows := images * t.cfg.Tokens()
	t.in.Apply(p, a.Input(), device.Buffer{}, x, rows, device.None)
	t.encPlaces.Forward(p, a.Input(), a.ones, images)
	t.enc.Forward(p, a.StackActs, t.sequences(images))
	t.code.Apply(p, a.raw, device.Buffer{}, a.H, rows, device.None)
	device.Do(p.Be, device.Norm{Y: a.z, X: a.raw, Stats: a.stats, Rows: rows, N: t.cfg.CodeDim, Form: device.Sphere})
}

// decoderActs are the activations of the decoder.
type decoderActs struct {
	*layers.StackActs
	ones, zq, y device.Buffer // [rows], [rows, d], [rows, P]
}

func (t *tokenizer) decoderActs(m *layers.Memory, images int, keep bool) *decoderActs {
	rows := images * t.cfg.Tokens()
	return &decoderActs{StackActs: t.dec.Acts(m, 1, rows, keep), ones: ones(m, rows), zq: m.Act(rows * t.cfg.CodeDim),
		y: m.Act(rows * t.cfg.TokenDim())}
}

// decode computes tokens a.y [images·N, P] from the codes' vectors a.zq.
func (t *tokenizer) decode(p *layers.Pass, a *decoderActs, images int) {
	rows := images * t.cfg.Tokens()
	t.up.Apply(p, a.Input(), device.Buffer{}, a.zq, rows, device.None)
	t.decPlaces.Forward(p, a.Input(), a.ones, images)
	t.dec.Forward(p, a.StackActs, t.sequences(images))
	t.out.Apply(p, a.y, device.Buffer{}, a.H, rows, device.None)
}

// coderGrads is the scratch of a backward pass.
type coderGrads struct {
	*layers.StackGrads
	dh, dz, draw device.Buffer // [rows, width], [rows, d]
}

func (t *tokenizer) grads(m *layers.Memory, rows int) *coderGrads {
	return &coderGrads{t.enc.Grads(m, 1, rows), m.Act(rows * t.cfg.CoderWidth), m.Act(rows * t.cfg.CodeDim), m.Act(rows * t.cfg.CodeDim)}
}

// backward accumulates parameter gradients from dy, that of the decoder's output, and
// dcommit, that of z by the commitment loss. What the decoder asks of the code that it
// saw goes straight through to z.
func (t *tokenizer) backward(p *layers.Pass, e *encoderActs, d *decoderActs, g *coderGrads, dy, dcommit, x device.Buffer, images int) {
	rows, seq, none := images*t.cfg.Tokens(), t.sequences(images), device.Buffer{}
	t.out.Backward(p, g.dh, 0, dy, dy, none, d.H, rows, device.None)
	t.dec.Backward(p, d.StackActs, g.StackGrads, g.dh, seq)
	t.decPlaces.Backward(p, g.DX, d.ones, images)
	t.up.Backward(p, g.dz, 0, g.DX, g.DX, none, d.zq, rows, device.None)
	device.Do(p.Be, device.Mix{Dst: g.dz, A: 1, X: g.dz, B: 1, Y: dcommit})
	device.Do(p.Be, device.NormBackward{DX: g.draw, DY: g.dz, X: e.raw, Stats: e.stats, Rows: rows, N: t.cfg.CodeDim, Form: device.Sphere})
	t.code.Backward(p, g.dh, 0, g.draw, g.draw, none, e.H, rows, device.None)
	t.enc.Backward(p, e.StackActs, g.StackGrads, g.dh, seq)
	t.encPlaces.Backward(p, g.DX, e.ones, images)
	t.in.Backward(p, none, 0, g.DX, g.DX, none, x, rows, device.None)
}
