package pra

import "prabench/models/device"

// coderActs holds the activations of encoder and decoder for rows tokens.
type coderActs struct {
	epre, eact device.Buffer // [rows, C]
	raw, stats device.Buffer // [rows, d] before normalisation
	z          device.Buffer // [rows, d]
	dec        *decoderActs
}

type decoderActs struct {
	pre1, act1, pre2, act2 device.Buffer // [rows, C]
}

func (n *network) decoderActs(m *memory, rows int) *decoderActs {
	if n.cfg.State == 0 {
		return nil
	}
	C := n.cfg.CoderWidth
	return &decoderActs{m.act(rows * C), m.act(rows * C), m.act(rows * C), m.act(rows * C)}
}

func (n *network) coderActs(m *memory, rows int) *coderActs {
	if n.cfg.State == 0 {
		return nil
	}
	C, d := n.cfg.CoderWidth, n.cfg.State
	return &coderActs{epre: m.act(rows * C), eact: m.act(rows * C), raw: m.act(rows * d), stats: m.act(rows * 2), z: m.act(rows * d),
		dec: n.decoderActs(m, rows)}
}

func (n *network) stateNorm() device.NormKind {
	if n.cfg.StateNorm == "sphere" {
		return device.Sphere
	}
	return device.LayerNorm
}

// encode computes a.z = norm(E(x)) of tokens x [rows, P].
func (n *network) encode(flat device.Buffer, a *coderActs, x device.Buffer, rows int) {
	n.apply(n.enc1, flat, a.eact, a.epre, x, rows, device.SiLU)
	n.apply(n.enc2, flat, a.raw, device.Buffer{}, a.eact, rows, device.None)
	device.Do(n.be, device.Norm{Y: a.z, X: a.raw, Stats: a.stats, Rows: rows, N: n.cfg.State, Form: n.stateNorm()})
}

// decode computes tokens x [rows, P] = D(z). For identity the state is the
// token.
func (n *network) decode(flat device.Buffer, a *decoderActs, x, z device.Buffer, rows int) {
	if n.cfg.State == 0 {
		size := rows * n.cfg.TokenDim()
		device.Do(n.be, device.Copy{Dst: x.Slice(0, size), Src: z.Slice(0, size)})
		return
	}
	n.apply(n.dec1, flat, a.act1, a.pre1, z, rows, device.SiLU)
	n.apply(n.dec2, flat, a.act2, a.pre2, a.act1, rows, device.SiLU)
	n.apply(n.dec3, flat, x, device.Buffer{}, a.act2, rows, device.None)
}

// coderGrads is the scratch of coderBackward.
type coderGrads struct{ da, db, dz, draw device.Buffer }

func (n *network) coderGrads(m *memory, rows int) *coderGrads {
	if n.cfg.State == 0 {
		return nil
	}
	C, d := n.cfg.CoderWidth, n.cfg.State
	return &coderGrads{m.act(rows * C), m.act(rows * C), m.act(rows * d), m.act(rows * d)}
}

// coderBackward accumulates the gradients of decoder and encoder from
// dx = ∂L/∂D(ẑ) with ẑ = z + noise.
func (n *network) coderBackward(flat, grads device.Buffer, a *coderActs, g *coderGrads, dx, zn, x device.Buffer, rows int) {
	none := device.Buffer{}
	n.applyBackward(n.dec3, flat, grads, g.da, 0, dx, dx, none, a.dec.act2, rows, device.None)
	n.applyBackward(n.dec2, flat, grads, g.db, 0, g.da, g.da, a.dec.pre2, a.dec.act1, rows, device.SiLU)
	n.applyBackward(n.dec1, flat, grads, g.dz, 0, g.db, g.db, a.dec.pre1, zn, rows, device.SiLU)
	device.Do(n.be, device.NormBackward{DX: g.draw, DY: g.dz, X: a.raw, Stats: a.stats, Rows: rows, N: n.cfg.State, Form: n.stateNorm()})
	n.applyBackward(n.enc2, flat, grads, g.da, 0, g.draw, g.draw, none, a.eact, rows, device.None)
	n.applyBackward(n.enc1, flat, grads, none, 0, g.da, g.da, a.epre, x, rows, device.SiLU)
}
