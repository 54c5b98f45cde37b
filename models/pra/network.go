package pra

import (
	"prabench/models/device"
	"prabench/models/layers"
)

// layout is the parameters of an architecture, by role.
type layout struct {
	layers.Parameters
	embedding layers.Embedding
	stack     layers.Stack // the trunk
	flow      layers.Head  // the flow head
	coder     layers.Coder // none for identity
}

// newLayout declares the tensors. Their order is part of the results: initial
// values depend on it.
func newLayout(c Config) *layout {
	l := &layout{}
	l.embedding = layers.NewEmbedding(&l.Parameters, "in", layers.EmbeddingShape{Dim: c.TokenDim(), Width: c.Width, Tokens: c.Tokens(),
		Block: c.Block, Classes: c.Classes, Trunk: c.trunk()})
	l.stack = layers.NewStack(&l.Parameters, "trunk", c.trunkShape())
	l.flow = layers.NewHead(&l.Parameters, "head", c.Width, c.StateDim(), c.HeadWidth, c.HeadDepth, c.StateDim(), c.modulation())
	if c.State > 0 {
		l.coder = layers.NewCoder(&l.Parameters, "enc", "dec", c.coder())
	}
	l.Place()
	return l
}

func (c Config) modulation() layers.Modulation {
	switch c.HeadModulation {
	case "shared":
		return layers.Shared
	case "separable":
		return layers.Separable
	}
	return layers.PerBlock
}

func (c Config) trunkShape() layers.StackShape {
	return layers.StackShape{Depth: c.Depth, Width: c.Width, Heads: c.Heads, MLP: c.MLP, Classes: c.Classes, Trunk: c.trunk()}
}

func (c Config) trunk() layers.Trunk {
	return layers.Trunk{Norm: c.Norm, MLPKind: c.MLPKind, Positions: c.Positions, QKNorm: c.QKNorm, ClassTokens: c.ClassTokens}
}

// coder is the shape of encoder and decoder.
func (c Config) coder() layers.CoderShape {
	s := layers.CoderShape{Token: c.TokenDim(), Hidden: c.CoderWidth, State: c.State, Norm: device.LayerNorm}
	if c.StateNorm == "sphere" {
		s.Norm = device.Sphere
	}
	if c.Encoder == "context" {
		s.EncContext = c.Width
	}
	switch c.Decoder {
	case "context":
		s.DecContext = c.Width
	case "causal":
		s.Causal = &layers.CausalShape{Tokens: c.Tokens(), Depth: c.DecoderDepth, Heads: c.Heads, MLP: c.MLP}
	}
	return s
}

// Params is the number of trained parameters.
func (c Config) Params() int64 { return int64(newLayout(c).Total) }

// network is an architecture on a backend: the parameter layout and the order
// of tokens, without weights. Every function of the core takes the flat weight
// array it should read, so raw, averaged and perturbed weights share the code.
type network struct {
	cfg Config
	be  device.Backend
	*layout
	half  bool          // caches hold bf16
	order device.Ints   // raster position of generation index i
	turns device.Buffer // angles of the trunk's places; absent where they are learned
	mem   layers.Memory
}

func newNetwork(be device.Backend, cfg Config) (*network, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	n := &network{cfg: cfg, be: be, layout: newLayout(cfg), half: be.Caps().HalfCache}
	n.mem.Be = be
	n.order = n.mem.Ints(cfg.Tokens())
	n.turns = cfg.trunk().Turns(&n.mem, cfg.order(), cfg.Grid(), cfg.Width, cfg.Heads)
	if n.mem.Err != nil {
		n.close()
		return nil, n.mem.Err
	}
	be.UploadInts(n.order, cfg.order())
	return n, nil
}

func (n *network) close() { n.mem.Free() }

// pass reads the weights of a flat array; grads is absent in inference.
func (n *network) pass(flat, grads device.Buffer) *layers.Pass {
	return &layers.Pass{Be: n.be, Weights: flat, Grads: grads, Half: n.half, Turns: n.turns}
}

// inference reads the weights of a flat array.
func (n *network) inference(flat device.Buffer) *layers.Pass { return n.pass(flat, device.Buffer{}) }

func (n *network) sequences(batch int) layers.Sequences {
	return layers.Sequences{Batch: batch, Tokens: n.cfg.Tokens(), Block: n.cfg.Block}
}

// labelled are sequences of images whose classes the trunk's class tokens are of.
func (n *network) labelled(batch int, labels device.Ints) layers.Sequences {
	of := n.sequences(batch)
	of.Labels = labels
	return of
}

// cached is how many tokens of an image the trunk's caches hold.
func (c Config) cached() int { return c.ClassTokens + c.Tokens() }

// generating are the weights that sampling multiplies by again and again.
func (n *network) generating(flat device.Buffer) []device.Weight {
	out := []device.Weight{{W: n.embedding.In.Of(flat), In: n.embedding.Dim, Out: n.embedding.Width}}
	out = append(out, n.stack.Weights(flat)...)
	out = append(out, n.flow.Weights(flat)...)
	return append(out, n.coder.DecodeWeights(flat)...)
}

// order maps generation index to raster position. Contiguous is the identity;
// strided gives the B tokens of step k the positions k, k+K, k+2K, …, far apart.
func (c Config) order() []int32 {
	out := make([]int32, c.Tokens())
	k := c.ARSteps()
	for i := range out {
		out[i] = int32(i)
		if c.Order == "strided" {
			out[i] = int32(i/c.Block + i%c.Block*k)
		}
	}
	return out
}

// patches is how images become tokens.
func (c Config) patches() layers.Patches {
	return layers.Patches{Size: c.Size, Channels: c.Channels, Patch: c.Patch}
}

// trunkActs holds the activations of the transformer.
type trunkActs struct {
	proj device.Buffer // [rows, W] x̃·W_in
	*layers.StackActs
}

// trunkActs allocates for all tokens of images; keep says that a backward pass follows.
func (n *network) trunkActs(m *layers.Memory, images int, keep bool) *trunkActs {
	N := n.cfg.Tokens()
	return &trunkActs{m.Act(images * N * n.cfg.Width), n.stack.Acts(m, images, N, keep)}
}

// stepActs allocates for so many tokens of images at once.
func (n *network) stepActs(m *layers.Memory, images, tokens int) *trunkActs {
	return &trunkActs{m.Act(images * tokens * n.cfg.Width), n.stack.StepActs(m, images, tokens)}
}

// trainActs allocates for a training, see train.recompute.
func (n *network) trainActs(m *layers.Memory, images int, recompute bool) *trunkActs {
	if N := n.cfg.Tokens(); recompute {
		return &trunkActs{m.Act(images * N * n.cfg.Width), n.stack.InputActs(m, images, N)}
	}
	return n.trunkActs(m, images, true)
}

// trunk computes h for all N tokens of batch images from the AR inputs
// x [batch, N, P] in generation order.
func (n *network) trunk(flat device.Buffer, a *trunkActs, x device.Buffer, labels device.Ints, batch int) {
	p := n.pass(flat, device.Buffer{})
	n.embedding.Forward(p, a.Input(), a.proj, x, labels, n.order, batch)
	n.stack.Forward(p, a.StackActs, n.labelled(batch, labels))
}

// trunkStep computes h for the B tokens of AR step k, reading earlier tokens
// from the caches (one a layer), where step 0 puts the class tokens. prev [batch, B, P] are the tokens of step k−1;
// it is not read at k = 0.
func (n *network) trunkStep(flat device.Buffer, a *trunkActs, caches []device.Buffer, prev device.Buffer, labels device.Ints,
	batch, k int) {
	p, at := n.pass(flat, device.Buffer{}), k*n.cfg.Block
	if k == 0 {
		n.stack.Prefix(p, a.StackActs, caches, n.labelled(batch, labels))
	}
	n.embedding.Step(p, a.Input(), a.proj, prev, labels, n.order, batch, at)
	n.stack.Step(p, a.StackActs, caches, n.sequences(batch), at)
}

// trunkPrefix puts the class tokens of the images into the caches of each sequence.
func (n *network) trunkPrefix(flat device.Buffer, a *trunkActs, caches [][]device.Buffer, labels device.Ints, batch int) {
	n.stack.PrefixApart(n.pass(flat, device.Buffer{}), a.StackActs, caches, n.labelled(batch, labels))
}

// trunkWindow computes h for tokens of several blocks from position at, rows [batch,
// tokens], reading earlier ones from the caches of each sequence, by layer. prev
// [batch, tokens, P] begins a block before them, and at 0 with the first token.
func (n *network) trunkWindow(flat device.Buffer, a *trunkActs, caches [][]device.Buffer, prev device.Buffer, labels device.Ints,
	batch, at, tokens int) {
	p := n.pass(flat, device.Buffer{})
	n.embedding.Window(p, a.Input(), a.proj, prev, labels, n.order, batch, at, tokens)
	n.stack.Window(p, a.StackActs, caches, n.sequences(batch), at, tokens)
}

// trunkBackward accumulates parameter gradients from dh [rows, W]. The AR
// inputs x receive none: they are constants of the loss.
func (n *network) trunkBackward(flat, grads device.Buffer, a *trunkActs, g *layers.StackGrads, dh, x device.Buffer,
	labels device.Ints, batch int) {
	p := n.pass(flat, grads)
	n.stack.Backward(p, a.StackActs, g, dh, n.labelled(batch, labels))
	n.embedding.Backward(p, g.Scratch(), g.DX, x, labels, n.order, batch)
}

// decoderActs allocates for rows tokens; nil for identity.
func (n *network) decoderActs(m *layers.Memory, rows int) *layers.DecoderActs {
	if n.cfg.State == 0 {
		return nil
	}
	return n.coder.DecoderActs(m, rows, false)
}

// decode computes tokens x [batch, N, P] = D(z) with h [batch, N, W] beside. For identity
// the state is the token.
func (n *network) decode(flat device.Buffer, a *layers.DecoderActs, x, z, h device.Buffer, batch int) {
	if n.cfg.State == 0 {
		n.identity(x, z, batch*n.cfg.Tokens())
		return
	}
	n.coder.Decode(n.pass(flat, device.Buffer{}), a, x, z, h, n.sequences(batch))
}

// decodeStep is decode for the B tokens of AR step k; a causal decoder reads the states
// before them from its caches.
func (n *network) decodeStep(flat device.Buffer, a *layers.DecoderActs, caches []device.Buffer, x, z, h device.Buffer, batch, k int) {
	if n.cfg.State == 0 {
		n.identity(x, z, batch*n.cfg.Block)
		return
	}
	n.coder.DecodeStep(n.pass(flat, device.Buffer{}), a, caches, x, z, h, n.sequences(batch), k*n.cfg.Block)
}

func (n *network) identity(x, z device.Buffer, rows int) {
	size := rows * n.cfg.TokenDim()
	device.Do(n.be, device.Copy{Dst: x.Slice(0, size), Src: z.Slice(0, size)})
}
