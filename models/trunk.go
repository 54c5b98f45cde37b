package models

import "prabench/models/device"

// layerActs is what a trunk layer's backward pass needs of its forward pass;
// rows are batch·tokens.
type layerActs struct {
	x              device.Buffer // [rows, W] the layer's input
	stats1, stats2 device.Buffer // [rows, 2]
	n1, n2         device.Buffer // [rows, W] normalised
	qkv            device.Buffer // [rows, 3W]
	lse            device.Buffer // [rows, heads]
	att            device.Buffer // [rows, W]
	mid            device.Buffer // [rows, W] after attention
	pre, act       device.Buffer // [rows, MLP·W]; pre only for a backward pass
}

// trunkActs holds the activations of the transformer.
type trunkActs struct {
	proj   device.Buffer // [rows, W] x̃·W_in
	layers []layerActs
	last   device.Buffer // [rows, W] the residual stream after the last layer
	stats  device.Buffer
	h      device.Buffer // [rows, W]
}

// trunkActs allocates for rows tokens. Where nothing is kept for a backward
// pass, all layers share one set.
func (n *network) trunkActs(m *memory, rows int, keep bool) *trunkActs {
	c := n.cfg
	W := c.Width
	a := &trunkActs{proj: m.act(rows * W), stats: m.act(rows * 2), h: m.act(rows * W)}
	layer := func() layerActs {
		l := layerActs{
			x: m.act(rows * W), stats1: m.act(rows * 2), stats2: m.act(rows * 2), n1: m.act(rows * W), n2: m.act(rows * W),
			qkv: m.act(rows * 3 * W), lse: m.act(rows * c.Heads), att: m.act(rows * W), mid: m.act(rows * W),
			act: m.act(rows * c.MLP * W),
		}
		if keep {
			l.pre = m.act(rows * c.MLP * W)
		}
		return l
	}
	if keep {
		for range c.Depth {
			a.layers = append(a.layers, layer())
		}
		a.last = m.act(rows * W)
		return a
	}
	shared := layer()
	for range c.Depth {
		a.layers = append(a.layers, shared)
	}
	a.last = shared.x
	return a
}

// output is where layer i leaves the residual stream.
func (a *trunkActs) output(i int) device.Buffer {
	if i+1 < len(a.layers) {
		return a.layers[i+1].x
	}
	return a.last
}

// trunk computes h for all N tokens of batch images from the AR inputs
// x [batch, N, P] in generation order.
func (n *network) trunk(flat device.Buffer, a *trunkActs, x device.Buffer, labels device.Ints, batch int) {
	c := n.cfg
	N, rows := c.Tokens(), batch*c.Tokens()
	n.be.Linear(a.proj, x, n.in.of(flat), rows, c.TokenDim(), c.Width, device.Epilogue{})
	n.be.Embed(a.layers[0].x, a.proj, n.start.of(flat), n.inpos.of(flat), n.pos.of(flat), n.class.of(flat), labels, n.order, batch, 0, N, 0, N, c.Width, c.Block)
	n.stack(flat, a, rows, func(i int, l *layerActs) {
		n.be.Attention(l.att, l.qkv, l.lse, batch, N, c.Heads, c.Width, c.Block)
	})
}

// trunkStep computes h for the B tokens of AR step k, reading earlier tokens
// from the caches (one a layer). prev [batch, B, P] are the tokens of step k−1;
// it is not read at k = 0.
func (n *network) trunkStep(flat device.Buffer, a *trunkActs, caches []device.Buffer, prev device.Buffer, labels device.Ints, batch, k int) {
	c := n.cfg
	rows, at := batch*c.Block, k*c.Block
	if k > 0 {
		n.be.Linear(a.proj, prev, n.in.of(flat), rows, c.TokenDim(), c.Width, device.Epilogue{})
	}
	n.be.Embed(a.layers[0].x, a.proj, n.start.of(flat), n.inpos.of(flat), n.pos.of(flat), n.class.of(flat), labels, n.order, batch, at, c.Block, at-c.Block, c.Block, c.Width, c.Block)
	n.stack(flat, a, rows, func(i int, l *layerActs) {
		n.be.AttentionDecode(l.att, l.qkv, caches[i], batch, at, c.Block, c.Tokens(), c.Heads, c.Width)
	})
}

// stack runs the pre-norm layers and the last normalisation; attend fills
// att from qkv.
func (n *network) stack(flat device.Buffer, a *trunkActs, rows int, attend func(i int, l *layerActs)) {
	c := n.cfg
	W := c.Width
	for i := range n.layers {
		p, l := &n.layers[i], &a.layers[i]
		n.be.Norm(l.n1, l.x, p.norm1.gain.of(flat), p.norm1.bias.of(flat), l.stats1, rows, W, device.LayerNorm)
		n.apply(p.qkv, flat, l.qkv, device.Buffer{}, l.n1, rows, device.None)
		attend(i, l)
		n.linear(p.out, flat, l.mid, l.att, rows, device.Epilogue{Residual: l.x})
		n.be.Norm(l.n2, l.mid, p.norm2.gain.of(flat), p.norm2.bias.of(flat), l.stats2, rows, W, device.LayerNorm)
		n.apply(p.up, flat, l.act, l.pre, l.n2, rows, device.GELU)
		n.linear(p.down, flat, a.output(i), l.act, rows, device.Epilogue{Residual: l.mid})
	}
	n.be.Norm(a.h, a.last, n.norm.gain.of(flat), n.norm.bias.of(flat), a.stats, rows, W, device.LayerNorm)
}

// trunkGrads is the scratch of trunkBackward.
type trunkGrads struct {
	dx, dn, datt device.Buffer // [rows, W]
	dqkv         device.Buffer // [rows, 3W]
	dmlp         device.Buffer // [rows, MLP·W]
}

func (n *network) trunkGrads(m *memory, rows int) *trunkGrads {
	W := n.cfg.Width
	return &trunkGrads{dx: m.act(rows * W), dn: m.act(rows * W), datt: m.act(rows * W), dqkv: m.act(rows * 3 * W), dmlp: m.act(rows * n.cfg.MLP * W)}
}

// trunkBackward accumulates parameter gradients from dh [rows, W]. The AR
// inputs x receive none: they are constants of the loss.
func (n *network) trunkBackward(flat, grads device.Buffer, a *trunkActs, g *trunkGrads, dh, x device.Buffer, labels device.Ints, batch int) {
	c, be := n.cfg, n.be
	W, N, rows := c.Width, c.Tokens(), batch*c.Tokens()
	be.NormBackward(g.dx, n.norm.gain.of(grads), n.norm.bias.of(grads), dh, a.last, n.norm.gain.of(flat), a.stats, rows, W, device.LayerNorm, false)
	for i := len(n.layers) - 1; i >= 0; i-- {
		p, l := &n.layers[i], &a.layers[i]
		// MLP: out = mid + down(gelu(up(n2))) + bias
		be.BiasActBackward(g.dx, p.down.b.of(grads), g.dx, device.Buffer{}, rows, W, device.None)
		be.Gemm(true, false, c.MLP*W, W, rows, 1, l.act, c.MLP*W, g.dx, W, 1, p.down.w.of(grads), W)
		be.Gemm(false, true, rows, c.MLP*W, W, 1, g.dx, W, p.down.w.of(flat), W, 0, g.dmlp, c.MLP*W)
		n.applyBackward(p.up, flat, grads, g.dn, 0, g.dmlp, g.dmlp, l.pre, l.n2, rows, device.GELU)
		be.NormBackward(g.dx, p.norm2.gain.of(grads), p.norm2.bias.of(grads), g.dn, l.mid, p.norm2.gain.of(flat), l.stats2, rows, W, device.LayerNorm, true)
		// Attention: mid = x + out(att) + bias
		be.BiasActBackward(g.dx, p.out.b.of(grads), g.dx, device.Buffer{}, rows, W, device.None)
		be.Gemm(true, false, W, W, rows, 1, l.att, W, g.dx, W, 1, p.out.w.of(grads), W)
		be.Gemm(false, true, rows, W, W, 1, g.dx, W, p.out.w.of(flat), W, 0, g.datt, W)
		be.AttentionBackward(g.dqkv, g.datt, l.att, l.qkv, l.lse, batch, N, c.Heads, W, c.Block)
		n.applyBackward(p.qkv, flat, grads, g.dn, 0, g.dqkv, g.dqkv, device.Buffer{}, l.n1, rows, device.None)
		be.NormBackward(g.dx, p.norm1.gain.of(grads), p.norm1.bias.of(grads), g.dn, l.x, p.norm1.gain.of(flat), l.stats1, rows, W, device.LayerNorm, true)
	}
	be.EmbedBackward(g.dn, n.start.of(grads), n.inpos.of(grads), n.pos.of(grads), n.class.of(grads), g.dx, labels, n.order, batch, N, W, c.Block)
	be.Gemm(true, false, c.TokenDim(), W, rows, 1, x, c.TokenDim(), g.dn, W, 1, n.in.of(grads), W)
}
