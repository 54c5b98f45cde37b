package layers

import (
	"fmt"

	"prabench/models/device"
)

// TimeFeatures is the number of sinusoidal features of a flow's time.
const TimeFeatures = 64

// TimeEmbedding is temb = SiLU(sinusoid(t)·One)·Two.
type TimeEmbedding struct{ One, Two Linear }

// NewTimeEmbedding declares NAME1 and NAME2.
func NewTimeEmbedding(l *Parameters, name string, width int) TimeEmbedding {
	return TimeEmbedding{l.Linear(name+"1", TimeFeatures, width), l.Linear(name+"2", width, width)}
}

// TimeActs is what a backward pass needs, and the embedding.
type TimeActs struct {
	features, pre, act device.Buffer // [rows, TimeFeatures], [rows, width]
	Out                device.Buffer // [rows, width]
}

// Acts allocates for rows times.
func (e *TimeEmbedding) Acts(m *Memory, rows int) *TimeActs {
	H := e.One.Out
	return &TimeActs{m.Act(rows * TimeFeatures), m.Act(rows * H), m.Act(rows * H), m.Act(rows * H)}
}

// Forward computes a.Out of the times t [rows].
func (e *TimeEmbedding) Forward(p *Pass, a *TimeActs, t device.Buffer, rows int) {
	device.Do(p.Be, device.Sinusoid{Out: a.features, T: t, Rows: rows, Dim: TimeFeatures})
	e.One.Apply(p, a.act, a.pre, a.features, rows, device.SiLU)
	e.Two.Apply(p, a.Out, none, a.act, rows, device.None)
}

// Backward accumulates parameter gradients from dy [rows, width], which it
// overwrites; scratch is of its size.
func (e *TimeEmbedding) Backward(p *Pass, a *TimeActs, scratch, dy device.Buffer, rows int) {
	e.Two.Backward(p, scratch, 0, dy, dy, none, a.act, rows, device.None)
	e.One.Backward(p, none, 0, scratch, scratch, a.pre, a.features, rows, device.SiLU)
}

// Head is a residual MLP a token under adaptive layer normalisation: shift, scale
// and gate of every block, and of the last normalisation, are a function of a
// condition and of a time.
type Head struct {
	Cond   Linear // of the condition
	Time   TimeEmbedding
	In     Linear
	Mod    Linear // width → (3·blocks + 2)·width
	Blocks []MLP
	Out    Linear
	Width  int
}

// NewHead declares NAME.cond, time1, time2, in, mod, i.up, i.down, out. Modulations
// and output begin as zeros.
func NewHead(l *Parameters, name string, cond, in, width, blocks, out int) Head {
	h := Head{Width: width}
	h.Cond = l.Linear(name+".cond", cond, width)
	h.Time = NewTimeEmbedding(l, name+".time", width)
	h.In = l.Linear(name+".in", in, width)
	h.Mod = l.LinearOf(name+".mod", width, (3*blocks+2)*width, 0)
	for i := range blocks {
		at := fmt.Sprintf("%s.%d.", name, i)
		h.Blocks = append(h.Blocks, MLP{Up: l.Linear(at+"up", width, width), Down: l.Linear(at+"down", width, width), Act: device.SiLU})
	}
	h.Out = l.LinearOf(name+".out", width, out, 0)
	return h
}

// Weights are the matrices that inference multiplies by for every evaluation.
func (h *Head) Weights(flat device.Buffer) []device.Weight {
	out := Weights(flat, h.Cond, h.In, h.Mod, h.Out)
	for i := range h.Blocks {
		b := &h.Blocks[i]
		out = append(out, Weights(flat, b.Up, b.Down)...)
	}
	return out
}

// HeadActs holds the activations of rows evaluations, of which each of the conds
// conditions has as many.
type HeadActs struct {
	Cond  device.Buffer // [conds, width]
	Time  *TimeActs     // only for a backward pass: otherwise the caller's
	cpre  device.Buffer // [mods, width], only for a backward pass
	c     device.Buffer
	Mod   device.Buffer // [mods, (3·blocks+2)·width]
	Out   device.Buffer // [rows, out]
	last  device.Buffer // [rows, width] the residual stream, and its normalisation
	stats device.Buffer
	n     device.Buffer

	blocks []headBlockActs
}

type headBlockActs struct {
	x, stats, n, f device.Buffer // f, before its gate, only for a backward pass
	mlp            MLPActs
}

// Acts allocates for rows evaluations, mods modulations and conds conditions; keep
// says that a backward pass follows. Where none does, the blocks share two
// streams.
func (h *Head) Acts(m *Memory, rows, mods, conds int, keep bool) *HeadActs {
	size := rows * h.Width
	a := &HeadActs{Cond: m.Act(conds * h.Width), c: m.Act(mods * h.Width), Mod: m.Act(mods * h.Mod.Out), stats: m.Act(rows * 2),
		n: m.Act(size), Out: m.Act(rows * h.Out.Out)}
	if keep {
		a.Time, a.cpre = h.Time.Acts(m, rows), m.Act(size)
	}
	block := func(b *MLP) headBlockActs {
		of := headBlockActs{x: m.Act(size), stats: m.Act(rows * 2), n: m.Act(size), mlp: b.Acts(m, rows, keep)}
		if keep {
			of.f = m.Act(size)
		}
		return of
	}
	if keep {
		for i := range h.Blocks {
			b := &h.Blocks[i]
			a.blocks = append(a.blocks, block(b))
		}
		a.last = m.Act(size)
		return a
	}
	shared, other := block(&h.Blocks[0]), m.Act(size)
	for range h.Blocks { // each block reads one of two streams and writes the other
		a.blocks = append(a.blocks, shared)
		shared.x, other = other, shared.x
	}
	a.last = shared.x
	return a
}

func (a *HeadActs) output(i int) device.Buffer {
	if i+1 < len(a.blocks) {
		return a.blocks[i+1].x
	}
	return a.last
}

// Condition computes a.Cond from x [conds, cond]: once for all times.
func (h *Head) Condition(p *Pass, a *HeadActs, x device.Buffer, conds int) {
	h.Cond.Apply(p, a.Cond, none, x, conds, device.None)
}

// Modulate computes all modulations a.Mod of rows evaluations in one product: from
// a.Cond, repeated every conds rows, and temb [times, width], each for rows/times
// rows in turn. They do not depend on the state, so a flow's later steps can have
// theirs together with the first.
func (h *Head) Modulate(p *Pass, a *HeadActs, temb device.Buffer, rows, times, conds int) {
	device.Do(p.Be, device.CondAct{
		Y: a.c, Pre: a.cpre, Time: temb, Cond: a.Cond, Rows: rows, TimeRows: times, CondRows: conds, N: h.Width,
	})
	h.Mod.Apply(p, a.Mod, none, a.c, rows, device.None)
}

// Forward computes a.Out at x [rows, in] under the modulations mod.
func (h *Head) Forward(p *Pass, a *HeadActs, mod, x device.Buffer, rows int) {
	H, ld := h.Width, h.Mod.Out
	h.In.Apply(p, a.blocks[0].x, none, x, rows, device.None)
	for i := range h.Blocks {
		b, off := &a.blocks[i], 3*i*H
		device.Do(p.Be, device.ModNorm{Y: b.n, X: b.x, Stats: b.stats, Mod: mod, LDMod: ld, Shift: off, Scale: off + H, Rows: rows, N: H})
		h.Blocks[i].Forward(p, &b.mlp, a.output(i), b.n, rows,
			device.Epilogue{Pre: b.f, Gate: mod, LDGate: ld, GateOff: off + 2*H, Residual: b.x})
	}
	off := 3 * len(h.Blocks) * H
	device.Do(p.Be, device.ModNorm{Y: a.n, X: a.last, Stats: a.stats, Mod: mod, LDMod: ld, Shift: off, Scale: off + H, Rows: rows, N: H})
	h.Out.Apply(p, a.Out, none, a.n, rows, device.None)
}

// HeadGrads is the scratch of a backward pass.
type HeadGrads struct {
	dx, dn, df, dc device.Buffer // [rows, width]
	dmod           device.Buffer // [rows, (3·blocks+2)·width]
	dcond          device.Buffer // [conds, width]
}

// Grads allocates for rows evaluations and conds conditions.
func (h *Head) Grads(m *Memory, rows, conds int) *HeadGrads {
	size := rows * h.Width
	return &HeadGrads{dx: m.Act(size), dn: m.Act(size), df: m.Act(size), dc: m.Act(size), dmod: m.Act(rows * h.Mod.Out),
		dcond: m.Act(conds * h.Width)}
}

// Backward accumulates parameter gradients from dy [rows, out], which it leaves,
// and writes dcond [conds, cond], the gradient of the conditions' input cond. A
// modulation a row is needed.
func (h *Head) Backward(p *Pass, a *HeadActs, g *HeadGrads, dcond, dy, x, cond device.Buffer, rows, conds int) {
	H, ld := h.Width, h.Mod.Out
	h.Out.Backward(p, g.dn, 0, dy, dy, none, a.n, rows, device.None)
	off := 3 * len(h.Blocks) * H
	device.Do(p.Be, device.ModNormBackward{
		DX: g.dx, DMod: g.dmod, DY: g.dn, X: a.last, Stats: a.stats, Mod: a.Mod, LDMod: ld, Shift: off, Scale: off + H,
		Rows: rows, N: H,
	})
	for i := len(h.Blocks) - 1; i >= 0; i-- {
		b, off := &a.blocks[i], 3*i*H
		device.Do(p.Be, device.GateBackward{
			DF: g.df, DMod: g.dmod, DOut: g.dx, F: b.f, Mod: a.Mod, LDMod: ld, Gate: off + 2*H, Rows: rows, N: H,
		})
		h.Blocks[i].Backward(p, &b.mlp, g.dn, g.df, g.df, b.n, rows)
		device.Do(p.Be, device.ModNormBackward{
			DX: g.dx, DMod: g.dmod, DY: g.df, X: b.x, Stats: b.stats, Mod: a.Mod, LDMod: ld, Shift: off, Scale: off + H,
			Rows: rows, N: H, Add: true,
		})
	}
	h.In.Backward(p, none, 0, g.dx, g.dx, none, x, rows, device.None)
	h.Mod.Backward(p, g.dc, 0, g.dmod, g.dmod, none, a.c, rows, device.None)
	device.Do(p.Be, device.CondActBackward{DTime: g.dx, DCond: g.dcond, DY: g.dc, Pre: a.cpre, Rows: rows, CondRows: conds, N: H})
	h.Time.Backward(p, a.Time, g.dn, g.dx, rows)
	h.Cond.Backward(p, dcond, 0, g.dcond, g.dcond, none, cond, conds, device.None)
}
