package mar

import (
	"prabench/models"
	"prabench/models/device"
	"prabench/models/layers"
	"prabench/models/safetensors"
)

// layout is the parameters of an architecture, by role. Their order is part of the
// results: initial values depend on it.
type layout struct {
	layers.Parameters
	embedding layers.MaskedEmbedding
	stack     layers.Stack
	head      layers.Head
}

func newLayout(c Config) *layout {
	l := &layout{}
	l.embedding = layers.NewMaskedEmbedding(&l.Parameters, "in", layers.EmbeddingShape{Dim: c.TokenDim(), Width: c.Width,
		Tokens: c.Tokens(), Classes: c.Classes, Trunk: c.trunk()})
	l.stack = layers.NewStack(&l.Parameters, "trunk", layers.StackShape{Depth: c.Depth, Width: c.Width, Heads: c.Heads, MLP: c.MLP,
		Classes: c.Classes, Trunk: c.trunk()})
	l.head = layers.NewHead(&l.Parameters, "head", c.Width, c.TokenDim(), c.HeadWidth, c.HeadDepth, c.TokenDim(), c.modulation())
	l.Place()
	return l
}

// Model is a model on a backend: raw and averaged weights.
type Model struct {
	params Params
	steps  int

	be       device.Backend
	half     bool
	net      *layout
	mem      layers.Memory
	raw, ema device.Buffer
	averages layers.Averages // ema and others
	turns    device.Buffer   // angles of the places; absent where they are learned
}

func emptyModel(be device.Backend, p Params) (*Model, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	m := &Model{params: p, be: be, half: be.Caps().HalfCache, net: newLayout(p.Model), mem: layers.Memory{Be: be}}
	m.raw, m.averages = m.mem.Alloc(device.Model, m.net.Total), layers.NewAverages(&m.mem, &m.net.Parameters, p.Train.EMA)
	m.ema = m.averages.First
	_, raster := p.Model.patches()
	m.turns = p.Model.trunk().Turns(&m.mem, raster, p.Model.Size/p.Model.Patch, p.Model.Width, p.Model.Heads)
	if m.mem.Err != nil {
		m.Close()
		return nil, m.mem.Err
	}
	return m, nil
}

func newModel(be device.Backend, p Params) (*Model, error) {
	m, err := emptyModel(be, p)
	if err != nil || be.Caps().Counts {
		return m, err
	}
	flat := m.net.Initial(models.SeedOf(p.Train.SeedInit, p.Train.Seed), streamInit)
	be.Upload(m.raw, flat)
	m.averages.Upload(be, flat)
	return m, nil
}

// pass reads the weights of a flat array; grads is absent in inference.
func (m *Model) pass(flat, grads device.Buffer) *layers.Pass {
	return &layers.Pass{Be: m.be, Weights: flat, Grads: grads, Half: m.half, Turns: m.turns}
}

// sequences are images whose tokens all see each other.
func (m *Model) sequences(images int, a *acts) layers.Sequences {
	n := m.params.Model.Tokens()
	return layers.Sequences{Batch: images, Tokens: n, Block: n, Labels: a.masks.Labels}
}

// acts are the activations of the transformer for so many images.
type acts struct {
	proj  device.Buffer // [rows, width]
	masks *layers.Masks
	*layers.StackActs
}

func (m *Model) acts(mem *layers.Memory, images int, keep bool) *acts {
	c := m.params.Model
	rows := images * c.Tokens()
	return &acts{mem.Act(rows * c.Width), m.net.embedding.Masks(mem, rows), m.net.stack.Acts(mem, images, c.Tokens(), keep)}
}

// trunk computes a.H of the tokens x [images·N, P], of which a.masks hides some.
func (m *Model) trunk(p *layers.Pass, a *acts, x device.Buffer, images int) {
	m.net.embedding.Forward(p, a.Input(), a.proj, x, a.masks, images)
	m.net.stack.Forward(p, a.StackActs, m.sequences(images, a))
}

// trunkBackward accumulates parameter gradients from dh [images·N, width].
func (m *Model) trunkBackward(p *layers.Pass, a *acts, g *layers.StackGrads, dh, x device.Buffer, images int) {
	m.net.stack.Backward(p, a.StackActs, g, dh, m.sequences(images, a))
	m.net.embedding.Backward(p, g.Scratch(), g.DX, x, a.masks, images)
}

// generating are the weights that sampling multiplies by again and again.
func (m *Model) generating(flat device.Buffer) []device.Weight {
	out := append(m.net.stack.Weights(flat), m.net.embedding.In.Weight(flat))
	return append(out, m.net.head.Weights(flat)...)
}

// patches is how images become tokens, in raster order.
func (c Config) patches() (layers.Patches, []int32) {
	return layers.RasterPatches(c.Size, c.Channels, c.Patch)
}

// Params are those of the model and its training; sampling is as by default.
func (m *Model) Params() models.Params {
	p := m.params
	p.Sample = defaults().Sample
	return p
}

// state is what a model file holds: raw.NAME and ema.NAME for every tensor.
func (m *Model) state() layers.State {
	return layers.State{Be: m.be, Net: &m.net.Parameters, Flats: m.averages.Flats(m.raw)}
}

// SaveModel writes raw and averaged weights.
func (m *Model) SaveModel(path string) error { return m.state().SaveModel(path, m.params, m.steps) }

func modelOf(be device.Backend, f *safetensors.File) (*Model, error) {
	p, steps, err := models.HeaderOf[Params](f, models.ModelFormat)
	if err != nil {
		return nil, err
	}
	m, err := emptyModel(be, p)
	if err != nil {
		return nil, err
	}
	m.steps = steps
	if err := m.net.Upload(be, f, m.state().Flats); err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

// Close frees the weights; samplers of the model must be closed before.
func (m *Model) Close() { m.mem.Free() }
