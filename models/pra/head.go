package pra

import "prabench/models/device"

// headActs holds the flow head's activations for rows = m·tokens evaluations;
// hrows = tokens share one condition each.
type headActs struct {
	hc                  device.Buffer // [hrows, H] h·W_c + b
	features, tpre1, t1 device.Buffer // [rows, F], [rows, H]
	temb                device.Buffer // [rows, H]
	cpre, c             device.Buffer // [modrows, H]
	mod                 device.Buffer // [modrows, (3·blocks+2)·H]
	blocks              []headBlockActs
	last, stats, n, o   device.Buffer // residual stream, its normalisation, output [rows, d]
}

type headBlockActs struct {
	x, stats, n, pre, act, f device.Buffer // pre and f only for a backward pass
}

// headActs allocates for rows evaluations and modrows modulations; keep as in
// trunkActs. Without keep the time embedding is the caller's (see timeEmbedding).
func (n *network) headActs(m *memory, rows, modrows, hrows int, keep bool) *headActs {
	c := n.cfg
	H := c.HeadWidth
	a := &headActs{hc: m.act(hrows * H), c: m.act(modrows * H), mod: m.act(modrows * n.mod.out), stats: m.act(rows * 2), n: m.act(rows * H),
		o: m.act(rows * c.StateDim())}
	if keep {
		a.features, a.tpre1, a.t1 = m.act(rows*timeFeatures), m.act(rows*H), m.act(rows*H)
		a.temb, a.cpre = m.act(rows*H), m.act(rows*H)
	}
	block := func() headBlockActs {
		b := headBlockActs{x: m.act(rows * H), stats: m.act(rows * 2), n: m.act(rows * H), act: m.act(rows * H)}
		if keep {
			b.pre, b.f = m.act(rows*H), m.act(rows*H)
		}
		return b
	}
	if keep {
		for range c.HeadDepth {
			a.blocks = append(a.blocks, block())
		}
		a.last = m.act(rows * H)
		return a
	}
	shared, other := block(), m.act(rows*H)
	for range c.HeadDepth { // each block reads one of two streams and writes the other
		a.blocks = append(a.blocks, shared)
		shared.x, other = other, shared.x
	}
	a.last = shared.x
	return a
}

func (a *headActs) output(i int) device.Buffer {
	if i+1 < len(a.blocks) {
		return a.blocks[i+1].x
	}
	return a.last
}

// condition computes hc from h [hrows, W]: once for all flow steps.
func (n *network) condition(flat, hc, h device.Buffer, hrows int) {
	n.apply(n.cond, flat, hc, device.Buffer{}, h, hrows, device.None)
}

// timeEmbedding computes temb [rows, H] of the times t [rows].
func (n *network) timeEmbedding(flat, temb, features, tpre1, t1, t device.Buffer, rows int) {
	device.Do(n.be, device.Sinusoid{Out: features, T: t, Rows: rows, Dim: timeFeatures})
	n.apply(n.time1, flat, t1, tpre1, features, rows, device.SiLU)
	n.apply(n.time2, flat, temb, device.Buffer{}, t1, rows, device.None)
}

// modulate computes all adaLN modulations a.mod of rows evaluations in one
// product: from a.hc, repeated every hrows rows, and temb [trows, H], each for
// rows/trows rows in turn. They do not depend on the state, so the flow's later
// steps can have theirs together with the first.
func (n *network) modulate(flat device.Buffer, a *headActs, temb device.Buffer, rows, trows, hrows int) {
	device.Do(n.be, device.CondAct{
		Y: a.c, Pre: a.cpre, Time: temb, Cond: a.hc, Rows: rows, TimeRows: trows, CondRows: hrows, N: n.cfg.HeadWidth,
	})
	n.apply(n.mod, flat, a.mod, device.Buffer{}, a.c, rows, device.None)
}

// head evaluates the flow head at zt [rows, d] into a.o under the modulations
// mod [rows, (3·blocks+2)·H].
func (n *network) head(flat device.Buffer, a *headActs, mod, zt device.Buffer, rows int) {
	be, H, ld := n.be, n.cfg.HeadWidth, n.mod.out
	x := a.last
	if len(a.blocks) > 0 {
		x = a.blocks[0].x
	}
	n.apply(n.headIn, flat, x, device.Buffer{}, zt, rows, device.None)
	for i := range n.blocks {
		p, b, off := &n.blocks[i], &a.blocks[i], 3*i*H
		device.Do(be, device.ModNorm{Y: b.n, X: b.x, Stats: b.stats, Mod: mod, LDMod: ld, Shift: off, Scale: off + H, Rows: rows, N: H})
		n.apply(p.up, flat, b.act, b.pre, b.n, rows, device.SiLU)
		n.linear(p.down, flat, a.output(i), b.act, rows, device.Epilogue{Pre: b.f, Gate: mod, LDGate: ld, GateOff: off + 2*H, Residual: b.x})
	}
	off := 3 * len(n.blocks) * H
	device.Do(be, device.ModNorm{Y: a.n, X: a.last, Stats: a.stats, Mod: mod, LDMod: ld, Shift: off, Scale: off + H, Rows: rows, N: H})
	n.apply(n.headOut, flat, a.o, device.Buffer{}, a.n, rows, device.None)
}

// headGrads is the scratch of headBackward.
type headGrads struct {
	dx, dn, df, dc device.Buffer // [rows, H]
	dmod           device.Buffer // [rows, (3·blocks+2)·H]
	dhc            device.Buffer // [hrows, H]
}

func (n *network) headGrads(m *memory, rows, hrows int) *headGrads {
	H := n.cfg.HeadWidth
	return &headGrads{dx: m.act(rows * H), dn: m.act(rows * H), df: m.act(rows * H), dc: m.act(rows * H), dmod: m.act(rows * n.mod.out),
		dhc: m.act(hrows * H)}
}

// headBackward accumulates parameter gradients from do [rows, d] (which it
// overwrites nothing of) and writes dh [hrows, W].
func (n *network) headBackward(flat, grads device.Buffer, a *headActs, g *headGrads, dh, do, zt, h device.Buffer, rows, hrows int) {
	be, H, ld := n.be, n.cfg.HeadWidth, n.mod.out
	n.applyBackward(n.headOut, flat, grads, g.dn, 0, do, do, device.Buffer{}, a.n, rows, device.None)
	off := 3 * len(n.blocks) * H
	device.Do(be, device.ModNormBackward{
		DX: g.dx, DMod: g.dmod, DY: g.dn, X: a.last, Stats: a.stats, Mod: a.mod, LDMod: ld, Shift: off, Scale: off + H,
		Rows: rows, N: H,
	})
	for i := len(n.blocks) - 1; i >= 0; i-- {
		p, b, off := &n.blocks[i], &a.blocks[i], 3*i*H
		device.Do(be, device.GateBackward{
			DF: g.df, DMod: g.dmod, DOut: g.dx, F: b.f, Mod: a.mod, LDMod: ld, Gate: off + 2*H, Rows: rows, N: H,
		})
		n.applyBackward(p.down, flat, grads, g.dn, 0, g.df, g.df, device.Buffer{}, b.act, rows, device.None)
		n.applyBackward(p.up, flat, grads, g.df, 0, g.dn, g.dn, b.pre, b.n, rows, device.SiLU)
		device.Do(be, device.ModNormBackward{
			DX: g.dx, DMod: g.dmod, DY: g.df, X: b.x, Stats: b.stats, Mod: a.mod, LDMod: ld, Shift: off, Scale: off + H,
			Rows: rows, N: H, Add: true,
		})
	}
	n.applyBackward(n.headIn, flat, grads, device.Buffer{}, 0, g.dx, g.dx, device.Buffer{}, zt, rows, device.None)
	n.applyBackward(n.mod, flat, grads, g.dc, 0, g.dmod, g.dmod, device.Buffer{}, a.c, rows, device.None)
	device.Do(be, device.CondActBackward{DTime: g.dx, DCond: g.dhc, DY: g.dc, Pre: a.cpre, Rows: rows, CondRows: hrows, N: H})
	n.applyBackward(n.time2, flat, grads, g.dn, 0, g.dx, g.dx, device.Buffer{}, a.t1, rows, device.None)
	n.applyBackward(n.time1, flat, grads, device.Buffer{}, 0, g.dn, g.dn, a.tpre1, a.features, rows, device.SiLU)
	n.applyBackward(n.cond, flat, grads, dh, 0, g.dhc, g.dhc, device.Buffer{}, h, hrows, device.None)
}
