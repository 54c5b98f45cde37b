package vq

import (
	"fmt"
	"slices"
	"strings"

	"prabench/models"
	"prabench/models/device"
	"prabench/models/layers"
	"prabench/models/safetensors"
)

// Streams separate the uses of random numbers under one seed.
const (
	streamSample    uint32 = 0 // which code a token becomes
	streamReset     uint32 = 1 // states that dead codes move to
	streamDropout   uint32 = 3 // class dropout
	streamOrder     uint32 = 4 // order of the training images
	streamInit      uint32 = 5 // initial parameters of the transformer
	streamTokenizer uint32 = 6 // initial parameters of the tokenizer
	streamCodes     uint32 = 7 // initial codes
)

// layout is the parameters of the transformer, by role. Their order is part of the
// results: initial values depend on it.
type layout struct {
	layers.Parameters
	embedding layers.Embedding
	stack     layers.Stack
	logits    layers.Linear
}

func newLayout(c Config) *layout {
	n, l := &layout{}, &layers.Parameters{}
	n.embedding = layers.NewEmbedding(l, "in", layers.EmbeddingShape{Dim: c.CodeDim, Width: c.Width, Tokens: c.Tokens(), Block: c.Block,
		Classes: c.Classes, Trunk: c.trunk()})
	n.stack = layers.NewStack(l, "trunk", c.stack())
	n.logits = l.LinearOf("logits", c.Width, c.Codes, 0)
	l.Place()
	n.Parameters = *l
	return n
}

func (c Config) stack() layers.StackShape {
	return layers.StackShape{Depth: c.Depth, Width: c.Width, Heads: c.Heads, MLP: c.MLP, Classes: c.Classes, Trunk: c.trunk()}
}

func (c Config) trunk() layers.Trunk {
	return layers.Trunk{Norm: c.Norm, MLPKind: c.MLPKind, Positions: c.Positions, QKNorm: c.QKNorm, ClassTokens: c.ClassTokens}
}

// Model is a model on a backend: the transformer's raw and averaged weights, the
// tokenizer's, and the codebook.
type Model struct {
	params Params
	steps  int

	be       device.Backend
	half     bool
	net      *layout
	tok      *tokenizer
	book     *book
	mem      layers.Memory
	raw      device.Buffer
	averages layers.Averages // of the transformer's weights: ema and others
	coder    device.Buffer   // the tokenizer's weights
	order    device.Ints
	turns    device.Buffer // angles of the transformer's places; absent where they are learned
}

func emptyModel(be device.Backend, p Params) (*Model, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	c := p.Model
	m := &Model{params: p, be: be, half: be.Caps().HalfCache, net: newLayout(c), tok: newTokenizer(c), mem: layers.Memory{Be: be}}
	m.raw, m.averages = m.mem.Alloc(device.Model, m.net.Total), layers.NewAverages(&m.mem, &m.net.Parameters, p.Train.EMA)
	m.coder = m.mem.Alloc(device.Model, m.tok.Total)
	m.book = newBook(c, m.mem.Alloc(device.Model, c.Codes*c.CodeDim))
	m.order = m.mem.Ints(c.Tokens())
	_, raster := c.patches()
	m.turns = c.trunk().Turns(&m.mem, raster, c.Size/c.Patch, c.Width, c.Heads)
	if m.mem.Err != nil {
		m.Close()
		return nil, m.mem.Err
	}
	be.UploadInts(m.order, raster)
	return m, nil
}

func newModel(be device.Backend, p Params) (*Model, error) {
	m, err := emptyModel(be, p)
	if err != nil || be.Caps().Counts {
		return m, err
	}
	seed := models.SeedOf(p.Train.SeedInit, p.Train.Seed)
	flat := m.net.Initial(seed, streamInit)
	be.Upload(m.raw, flat)
	m.averages.Upload(be, flat)
	be.Upload(m.coder, m.tok.Initial(seed, streamTokenizer))
	m.book.initial(seed)
	m.book.upload(be)
	return m, nil
}

// pass reads the weights of a flat array; grads is absent in inference.
func (m *Model) pass(flat, grads device.Buffer) *layers.Pass {
	return &layers.Pass{Be: m.be, Weights: flat, Grads: grads, Half: m.half, Turns: m.turns}
}

func (m *Model) sequences(images int, labels device.Ints) layers.Sequences {
	c := m.params.Model
	return layers.Sequences{Batch: images, Tokens: c.Tokens(), Block: c.Block, Labels: labels}
}

// generating are the weights that sampling multiplies by again and again.
func (m *Model) generating(flat device.Buffer) []device.Weight {
	e := m.net.embedding
	out := append(m.net.stack.Weights(flat), m.net.logits.Weight(flat), device.Weight{W: e.In.Of(flat), In: e.Dim, Out: e.Width})
	return append(out, m.tok.decodeWeights(m.coder)...)
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

// A model file holds raw.NAME and ema.NAME, and ema@0.99.NAME for a further average, for
// every tensor of the transformer, raw.tokenizer.NAME for those of the tokenizer, and the codebook; a training checkpoint
// adam.m.NAME and adam.v.NAME for all as well, and the note of its caller.
const (
	coderNames = "tokenizer."
	vectors    = "book.vectors"
	use        = "book.use"
)

// parts are the flat arrays of a file by prefix: those of the transformer and those of
// the tokenizer.
type parts struct{ net, tok map[string]device.Buffer }

func (m *Model) parts() parts {
	return parts{m.averages.Flats(m.raw), map[string]device.Buffer{"raw.": m.coder}}
}

func (m *Model) write(path string, meta map[string]string, of parts) error {
	f := &safetensors.File{Metadata: meta, Tensors: append(m.net.Download(m.be, of.net), m.tok.Download(m.be, of.tok)...)}
	c := m.params.Model
	f.Tensors = append(f.Tensors, safetensors.Tensor{Name: vectors, Shape: []int{c.Codes, c.CodeDim}, Data: m.book.vectors},
		safetensors.Tensor{Name: use, Shape: []int{c.Codes}, Data: m.book.use})
	if err := m.be.Err(); err != nil {
		return err
	}
	return safetensors.Write(path, f)
}

func (m *Model) read(f *safetensors.File, of parts) error {
	net, tok := &safetensors.File{}, &safetensors.File{}
	c := m.params.Model
	book := map[string]struct {
		shape []int
		to    []float32
	}{vectors: {[]int{c.Codes, c.CodeDim}, m.book.vectors}, use: {[]int{c.Codes}, m.book.use}}
	for _, t := range f.Tensors {
		if b, ok := book[t.Name]; ok {
			if !slices.Equal(t.Shape, b.shape) {
				return fmt.Errorf("tensor %q has shape %v, the configuration needs %v", t.Name, t.Shape, b.shape)
			}
			copy(b.to, t.Data)
			delete(book, t.Name)
			continue
		}
		into := net
		if ofTokenizer(t.Name) {
			into = tok
		}
		into.Tensors = append(into.Tensors, t)
	}
	for name := range book {
		return fmt.Errorf("it has no tensor %q", name)
	}
	if err := models.First(m.net.Upload(m.be, net, of.net), m.tok.Upload(m.be, tok, of.tok)); err != nil {
		return err
	}
	m.book.upload(m.be)
	return nil
}

func ofTokenizer(tensor string) bool {
	return slices.ContainsFunc([]string{"raw.", "adam.m.", "adam.v."}, func(prefix string) bool {
		return strings.HasPrefix(tensor, prefix+coderNames)
	})
}

// tokenizerIn is what a file has of tokenizer and codebook.
func tokenizerIn(f *safetensors.File) *safetensors.File {
	return &safetensors.File{Tensors: slices.DeleteFunc(slices.Clone(f.Tensors), func(t safetensors.Tensor) bool {
		return !ofTokenizer(t.Name) && t.Name != vectors && t.Name != use
	})}
}

// SaveModel writes raw and averaged weights, tokenizer and codebook.
func (m *Model) SaveModel(path string) error {
	return m.write(path, models.Header(models.ModelFormat, m.params, m.steps), m.parts())
}

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
	if err := m.read(f, m.parts()); err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

// Close frees the weights; samplers of the model must be closed before.
func (m *Model) Close() { m.mem.Free() }
