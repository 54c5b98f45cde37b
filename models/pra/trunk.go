package pra

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
	device.Do(n.be, device.Linear{Y: a.proj, X: x, W: n.in.of(flat), Rows: rows, In: c.TokenDim(), Out: c.Width})
	device.Do(n.be, device.Embed{
		U: a.layers[0].x, Proj: a.proj, Start: n.start.of(flat), InPos: n.inpos.of(flat), Pos: n.pos.of(flat),
		Class: n.class.of(flat), Labels: labels, Order: n.order, Batch: batch, N: N, ProjTokens: N, Width: c.Width,
		Block: c.Block,
	})
	n.stack(flat, a, rows, func(i int, l *layerActs) {
		device.Do(n.be, device.Attention{
			Out: l.att, QKV: l.qkv, LSE: l.lse, Batch: batch, Tokens: N, Heads: c.Heads, Width: c.Width, Block: c.Block,
		})
	})
}

// trunkStep computes h for the B tokens of AR step k, reading earlier tokens
// from the caches (one a layer). prev [batch, B, P] are the tokens of step k−1;
// it is not read at k = 0.
func (n *network) trunkStep(flat device.Buffer, a *trunkActs, caches []device.Buffer, prev device.Buffer, labels device.Ints,
	batch, k int) {
	c := n.cfg
	rows, at := batch*c.Block, k*c.Block
	if k > 0 {
		device.Do(n.be, device.Linear{Y: a.proj, X: prev, W: n.in.of(flat), Rows: rows, In: c.TokenDim(), Out: c.Width})
	}
	device.Do(n.be, device.Embed{
		U: a.layers[0].x, Proj: a.proj, Start: n.start.of(flat), InPos: n.inpos.of(flat), Pos: n.pos.of(flat),
		Class: n.class.of(flat), Labels: labels, Order: n.order, Batch: batch, At: at, N: c.Block, ProjAt: at - c.Block,
		ProjTokens: c.Block, Width: c.Width, Block: c.Block,
	})
	n.stack(flat, a, rows, func(i int, l *layerActs) {
		device.Do(n.be, device.AttentionDecode{
			Out: l.att, QKV: l.qkv, Cache: caches[i], Batch: batch, At: at, N: c.Block, Capacity: c.Tokens(), Half: n.half,
			Heads: c.Heads, Width: c.Width,
		})
	})
}

// stack runs the pre-norm layers and the last normalisation; attend fills
// att from qkv.
func (n *network) stack(flat device.Buffer, a *trunkActs, rows int, attend func(i int, l *layerActs)) {
	c := n.cfg
	W := c.Width
	for i := range n.layers {
		p, l := &n.layers[i], &a.layers[i]
		device.Do(n.be, device.Norm{
			Y: l.n1, X: l.x, Gain: p.norm1.gain.of(flat), Bias: p.norm1.bias.of(flat), Stats: l.stats1, Rows: rows,
			N: W,
		})
		n.apply(p.qkv, flat, l.qkv, device.Buffer{}, l.n1, rows, device.None)
		attend(i, l)
		n.linear(p.out, flat, l.mid, l.att, rows, device.Epilogue{Residual: l.x})
		device.Do(n.be, device.Norm{
			Y: l.n2, X: l.mid, Gain: p.norm2.gain.of(flat), Bias: p.norm2.bias.of(flat), Stats: l.stats2, Rows: rows,
			N: W,
		})
		n.apply(p.up, flat, l.act, l.pre, l.n2, rows, device.GELU)
		n.linear(p.down, flat, a.output(i), l.act, rows, device.Epilogue{Residual: l.mid})
	}
	device.Do(n.be, device.Norm{
		Y: a.h, X: a.last, Gain: n.norm.gain.of(flat), Bias: n.norm.bias.of(flat), Stats: a.stats, Rows: rows, N: W,
	})
}

// trunkGrads is the scratch of trunkBackward.
type trunkGrads struct {
	dx, dn, datt device.Buffer // [rows, W]
	dqkv         device.Buffer // [rows, 3W]
	dmlp         device.Buffer // [rows, MLP·W]
}

func (n *network) trunkGrads(m *memory, rows int) *trunkGrads {
	W := n.cfg.Width
	return &trunkGrads{dx: m.act(rows * W), dn: m.act(rows * W), datt: m.act(rows * W), dqkv: m.act(rows * 3 * W),
		dmlp: m.act(rows * n.cfg.MLP * W)}
}

// trunkBackward accumulates parameter gradients from dh [rows, W]. The AR
// inputs x receive none: they are constants of the loss.
func (n *network) trunkBackward(flat, grads device.Buffer, a *trunkActs, g *trunkGrads, dh, x device.Buffer,
	labels device.Ints, batch int) {
	c, be := n.cfg, n.be
	W, N, rows := c.Width, c.Tokens(), batch*c.Tokens()
	device.Do(be, device.NormBackward{
		DX: g.dx, DGain: n.norm.gain.of(grads), DBias: n.norm.bias.of(grads), DY: dh, X: a.last,
		Gain: n.norm.gain.of(flat), Stats: a.stats, Rows: rows, N: W,
	})
	for i := len(n.layers) - 1; i >= 0; i-- {
		p, l := &n.layers[i], &a.layers[i]
		// MLP: out = mid + down(gelu(up(n2))) + bias
		device.Do(be, device.BiasActBackward{DPre: g.dx, DBias: p.down.b.of(grads), DY: g.dx, Rows: rows, N: W})
		device.Do(be, device.Gemm{
			TransA: true, M: c.MLP * W, N: W, K: rows, Alpha: 1, A: l.act, LDA: c.MLP * W, B: g.dx, LDB: W, Beta: 1,
			C: p.down.w.of(grads), LDC: W,
		})
		device.Do(be, device.Gemm{
			TransB: true, M: rows, N: c.MLP * W, K: W, Alpha: 1, A: g.dx, LDA: W, B: p.down.w.of(flat), LDB: W, C: g.dmlp,
			LDC: c.MLP * W,
		})
		n.applyBackward(p.up, flat, grads, g.dn, 0, g.dmlp, g.dmlp, l.pre, l.n2, rows, device.GELU)
		device.Do(be, device.NormBackward{
			DX: g.dx, DGain: p.norm2.gain.of(grads), DBias: p.norm2.bias.of(grads), DY: g.dn, X: l.mid,
			Gain: p.norm2.gain.of(flat), Stats: l.stats2, Rows: rows, N: W, Add: true,
		})
		// Attention: mid = x + out(att) + bias
		device.Do(be, device.BiasActBackward{DPre: g.dx, DBias: p.out.b.of(grads), DY: g.dx, Rows: rows, N: W})
		device.Do(be, device.Gemm{
			TransA: true, M: W, N: W, K: rows, Alpha: 1, A: l.att, LDA: W, B: g.dx, LDB: W, Beta: 1,
			C: p.out.w.of(grads), LDC: W,
		})
		device.Do(be, device.Gemm{
			TransB: true, M: rows, N: W, K: W, Alpha: 1, A: g.dx, LDA: W, B: p.out.w.of(flat), LDB: W, C: g.datt,
			LDC: W,
		})
		device.Do(be, device.AttentionBackward{
			DQKV: g.dqkv, DOut: g.datt, Out: l.att, QKV: l.qkv, LSE: l.lse, Batch: batch, Tokens: N, Heads: c.Heads,
			Width: W, Block: c.Block,
		})
		n.applyBackward(p.qkv, flat, grads, g.dn, 0, g.dqkv, g.dqkv, device.Buffer{}, l.n1, rows, device.None)
		device.Do(be, device.NormBackward{
			DX: g.dx, DGain: p.norm1.gain.of(grads), DBias: p.norm1.bias.of(grads), DY: g.dn, X: l.x,
			Gain: p.norm1.gain.of(flat), Stats: l.stats1, Rows: rows, N: W, Add: true,
		})
	}
	device.Do(be, device.EmbedBackward{
		DProj: g.dn, DStart: n.start.of(grads), DInPos: n.inpos.of(grads), DPos: n.pos.of(grads),
		DClass: n.class.of(grads), DU: g.dx, Labels: labels, Order: n.order, Batch: batch, Tokens: N, Width: W,
		Block: c.Block,
	})
	device.Do(be, device.Gemm{
		TransA: true, M: c.TokenDim(), N: W, K: rows, Alpha: 1, A: x, LDA: c.TokenDim(), B: g.dn, LDB: W, Beta: 1,
		C: n.in.of(grads), LDC: W,
	})
}
