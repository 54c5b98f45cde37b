package jit

import (
	"math"

	"prabench/models"
	"prabench/models/device"
	"prabench/models/layers"
	"prabench/models/safetensors"
)

// Streams separate the uses of random numbers under one seed.
const (
	streamSample  uint32 = 0 // the noise that sampling starts from
	streamNoise   uint32 = 1 // ε of a training image
	streamTime    uint32 = 2 // t of a training image
	streamDropout uint32 = 3 // class dropout
	streamOrder   uint32 = 4 // order of the training images
	streamInit    uint32 = 5 // initial parameters
)

// layout is the parameters of an architecture, by role. Their order is part of the
// results: initial values depend on it.
type layout struct {
	layers.Parameters
	down   *layers.Tensor // [P, bottleneck]; nil for none
	in     layers.Linear
	places *layers.Places // nil where attention turns by them
	trunk  layers.Denoiser
}

func newLayout(c Config) *layout {
	l := &layout{}
	wide := c.TokenDim()
	if c.Bottleneck > 0 {
		l.down = l.Tensor("in.down.weight", true, 1/math.Sqrt(float64(wide)), wide, c.Bottleneck)
		wide = c.Bottleneck
	}
	l.in = l.Linear("in.up", wide, c.Width)
	if c.Positions == "learned" {
		places := layers.NewPlaces(&l.Parameters, "in.pos", c.Tokens(), c.Width)
		l.places = &places
	}
	l.trunk = layers.NewDenoiser(&l.Parameters, "trunk", c.Classes, c.TokenDim(), c.stack())
	l.Place()
	return l
}

func (c Config) stack() layers.StackShape {
	return layers.StackShape{Depth: c.Depth, Width: c.Width, Heads: c.Heads, MLP: c.MLP, Trunk: c.trunk()}
}

// trunk has no norm to choose: under modulations it is one without a gain.
func (c Config) trunk() layers.Trunk {
	return layers.Trunk{Norm: "layernorm", MLPKind: c.MLPKind, Positions: c.Positions, QKNorm: c.QKNorm}
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
	c := p.Model
	_, raster := c.patches()
	m.turns = c.trunk().Turns(&m.mem, raster, c.Size/c.Patch, c.Width, c.Heads)
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

// acts are the activations of the network for so many images.
type acts struct {
	low  device.Buffer // [rows, bottleneck]
	ones device.Buffer // [rows]
	*layers.DenoiserActs
}

func (m *Model) acts(mem *layers.Memory, images, mods int, keep bool) *acts {
	c := m.params.Model
	rows := images * c.Tokens()
	a := &acts{low: mem.Act(rows * c.Bottleneck), ones: mem.Act(rows),
		DenoiserActs: m.net.trunk.Acts(mem, m.sequences(images), mods, keep)}
	if mem.Err == nil {
		device.Do(m.be, device.Fill{Dst: a.ones, Value: 1})
	}
	return a
}

func (m *Model) sequences(images int) layers.Sequences {
	n := m.params.Model.Tokens()
	return layers.Sequences{Batch: images, Tokens: n, Block: n}
}

// forward computes a.Out of the tokens x [images·N, P] under the modulations mod, one
// an image.
func (m *Model) forward(p *layers.Pass, a *acts, mod, x device.Buffer, images int) {
	c, n := m.params.Model, m.net
	rows, low := images*c.Tokens(), x
	if n.down != nil {
		low = a.low
		device.Do(m.be, device.Linear{Y: low, X: x, W: n.down.Of(p.Weights), Rows: rows, In: c.TokenDim(), Out: c.Bottleneck})
	}
	n.in.Apply(p, a.Input(), device.Buffer{}, low, rows, device.None)
	if n.places != nil {
		n.places.Forward(p, a.Input(), a.ones, images)
	}
	n.trunk.Forward(p, a.DenoiserActs, mod, m.sequences(images))
}

// backward accumulates parameter gradients from dy [images·N, P]. dlow is scratch of
// a.low's size.
func (m *Model) backward(p *layers.Pass, a *acts, g *layers.DenoiserGrads, dlow, dy, x device.Buffer, labels device.Ints, images int) {
	c, n := m.params.Model, m.net
	rows := images * c.Tokens()
	n.trunk.Backward(p, a.DenoiserActs, g, dy, labels, m.sequences(images))
	if n.places != nil {
		n.places.Backward(p, g.DX, a.ones, images)
	}
	if n.down == nil {
		n.in.Backward(p, device.Buffer{}, 0, g.DX, g.DX, device.Buffer{}, x, rows, device.None)
		return
	}
	n.in.Backward(p, dlow, 0, g.DX, g.DX, device.Buffer{}, a.low, rows, device.None)
	device.Do(m.be, device.Gemm{TransA: true, M: c.TokenDim(), N: c.Bottleneck, K: rows, Alpha: 1, A: x, LDA: c.TokenDim(), B: dlow,
		LDB: c.Bottleneck, Beta: 1, C: n.down.Of(p.Grads), LDC: c.Bottleneck})
}

// generating are the weights that sampling multiplies by again and again.
func (m *Model) generating(flat device.Buffer) []device.Weight {
	c := m.params.Model
	out := append(m.net.trunk.Weights(flat), m.net.in.Weight(flat))
	if m.net.down != nil {
		out = append(out, device.Weight{W: m.net.down.Of(flat), In: c.TokenDim(), Out: c.Bottleneck})
	}
	return out
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
