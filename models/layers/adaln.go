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

// Modulation is how the blocks of a [Head] come by shift, scale and gate.
type Modulation int

const (
	// PerBlock is one product for all blocks from c = silu(temb(t) + cond(h)).
	PerBlock Modulation = iota
	// Shared is one triple for all blocks, and the pair of the last normalisation.
	Shared
	// Separable is mod(silu(temb(t))) + modcond(silu(cond(h))): the part of the times
	// is computed once a time, that of the conditions once a condition.
	Separable
)

// Head is a residual MLP a token under adaptive layer normalisation: shift, scale
// and gate of every block, and of the last normalisation, are a function of a
// condition and of a time.
type Head struct {
	Cond    Linear // of the condition
	Time    TimeEmbedding
	In      Linear
	Mod     Linear  // width → (3·blocks + 2)·width; with Shared 5·width
	ModCond *Tensor // Separable: the same of the condition, without a bias
	Form    Modulation
	Blocks  []MLP
	Out     Linear
	Width   int
}

// NewHead declares NAME.cond, time1, time2, in, mod, modcond (Separable), i.up,
// i.down, out. Modulations and output begin as zeros.
func NewHead(l *Parameters, name string, cond, in, width, blocks, out int, form Modulation) Head {
	h := Head{Width: width, Form: form}
	h.Cond = l.Linear(name+".cond", cond, width)
	h.Time = NewTimeEmbedding(l, name+".time", width)
	h.In = l.Linear(name+".in", in, width)
	triples := blocks
	if form == Shared {
		triples = 1
	}
	h.Mod = l.LinearOf(name+".mod", width, (3*triples+2)*width, 0)
	if form == Separable {
		h.ModCond = l.Tensor(name+".modcond.weight", true, 0, width, h.Mod.Out)
	}
	for i := range blocks {
		at := fmt.Sprintf("%s.%d.", name, i)
		h.Blocks = append(h.Blocks, MLP{Up: l.Linear(at+"up", width, width), Down: l.Linear(at+"down", width, width), Act: device.SiLU})
	}
	h.Out = l.LinearOf(name+".out", width, out, 0)
	return h
}

// Weights are the matrices that inference multiplies by for every evaluation.
func (h *Head) Weights(flat device.Buffer) []device.Weight {
	out := Weights(flat, h.Cond, h.In)
	if h.Form == Separable {
		out = append(out, device.Weight{W: h.ModCond.Of(flat), In: h.Width, Out: h.Mod.Out})
	} else {
		out = append(out, h.Mod.Weight(flat))
	}
	out = append(out, h.Out.Weight(flat))
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
	Mod   device.Buffer // [mods, Mod.Out]; with wide the same for every block, as PerBlock has them
	Out   device.Buffer // [rows, out]
	last  device.Buffer // [rows, width] the residual stream, and its normalisation
	stats device.Buffer
	n     device.Buffer

	moments device.Buffer // of the residual stream, where layers normalise it

	columns               // of Mod
	narrow  device.Buffer // Shared, for a backward pass: [mods, 5·width] before it is made wide

	// Separable.
	ones, zeros device.Buffer // [rows], [width]
	ccpre, cc   device.Buffer // [conds, width] of the conditions alone
	mc          device.Buffer // [conds, Mod.Out]
	mt          device.Buffer // [times, Mod.Out]

	blocks []headBlockActs
}

// columns is where blocks find their modulations in a row.
type columns struct{ ld, block, pair int }

func (h *Head) columns(keep bool) columns {
	if h.Form == Shared && !keep {
		return columns{h.Mod.Out, 0, 3 * h.Width}
	}
	blocks := 3 * len(h.Blocks) * h.Width
	return columns{blocks + 2*h.Width, 3 * h.Width, blocks}
}

type headBlockActs struct {
	x, stats, n, f device.Buffer // f, before its gate, only for a backward pass
	mlp            MLPActs
}

// Acts allocates for rows evaluations, mods modulations, conds conditions and times
// times; keep says that a backward pass follows. Where none does, the blocks share
// two streams.
func (h *Head) Acts(m *Memory, rows, mods, conds, times int, keep bool) *HeadActs {
	size := rows * h.Width
	a := &HeadActs{Cond: m.Act(conds * h.Width), columns: h.columns(keep), stats: m.Act(rows * 2), n: m.Act(size),
		Out: m.Act(rows * h.Out.Out), moments: momentsFor(m, rows, h.Width, keep)}
	a.c, a.Mod = m.Act(mods*h.Width), m.Act(mods*a.ld)
	if keep {
		a.Time, a.cpre = h.Time.Acts(m, rows), m.Act(size)
	}
	switch h.Form {
	case Shared:
		if keep {
			a.narrow = m.Act(mods * h.Mod.Out)
		}
	case Separable:
		h.separableActs(m, a, max(rows, mods), conds, times)
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

func (h *Head) separableActs(m *Memory, a *HeadActs, rows, conds, times int) {
	a.ones, a.zeros = m.Act(rows), m.Act(h.Width)
	a.ccpre, a.cc, a.mc = m.Act(conds*h.Width), m.Act(conds*h.Width), m.Act(conds*h.Mod.Out)
	a.mt = m.Act(times * h.Mod.Out)
	if a.c.N < times*h.Width {
		a.c = m.Act(times * h.Width)
	}
	if m.Err == nil {
		device.Do(m.Be, device.Fill{Dst: a.ones, Value: 1})
		device.Do(m.Be, device.Fill{Dst: a.zeros})
	}
}

func (a *HeadActs) output(i int) device.Buffer {
	if i+1 < len(a.blocks) {
		return a.blocks[i+1].x
	}
	return a.last
}

// Condition computes a.Cond from x [conds, cond]: once for all times. With Separable
// also what it adds to the modulations.
func (h *Head) Condition(p *Pass, a *HeadActs, x device.Buffer, conds int) {
	h.Cond.Apply(p, a.Cond, none, x, conds, device.None)
	if h.Form != Separable {
		return
	}
	device.Do(p.Be, device.CondAct{
		Y: a.cc, Pre: a.ccpre, Time: a.zeros, Cond: a.Cond, Rows: conds, TimeRows: 1, CondRows: conds, N: h.Width,
	})
	device.Do(p.Be, device.Linear{Y: a.mc, X: a.cc, W: h.ModCond.Of(p.Weights), Rows: conds, In: h.Width, Out: h.Mod.Out})
}

// Times prepares the modulations of temb [times, width], where they do not depend on
// the conditions: once for all conditions.
func (h *Head) Times(p *Pass, a *HeadActs, temb device.Buffer, times int) {
	if h.Form != Separable {
		return
	}
	device.Do(p.Be, device.CondAct{
		Y: a.c, Pre: a.cpre, Time: temb, Cond: a.zeros, Rows: times, TimeRows: times, CondRows: 1, N: h.Width,
	})
	h.Mod.Apply(p, a.mt, none, a.c, times, device.None)
}

// Modulate computes all modulations a.Mod of rows evaluations in one product: from
// a.Cond, repeated every conds rows, and the times [first, first+times) of temb [·,
// width], each for rows/times rows in turn. They do not depend on the state, so a
// flow's later steps can have theirs together with the first.
func (h *Head) Modulate(p *Pass, a *HeadActs, temb device.Buffer, rows, first, times, conds int) {
	if h.Form == Separable {
		h.add(p, a, rows, first, times, conds)
		return
	}
	device.Do(p.Be, device.CondAct{
		Y: a.c, Pre: a.cpre, Time: temb.Slice(first*h.Width, times*h.Width), Cond: a.Cond, Rows: rows, TimeRows: times, CondRows: conds,
		N: h.Width,
	})
	if a.narrow.Absent() {
		h.Mod.Apply(p, a.Mod, none, a.c, rows, device.None)
		return
	}
	h.Mod.Apply(p, a.narrow, none, a.c, rows, device.None)
	for i := range h.Blocks {
		h.columnsOf(p, a.Mod, i*a.block, a.ld, a.narrow, 0, h.Mod.Out, rows, 3)
	}
	h.columnsOf(p, a.Mod, a.pair, a.ld, a.narrow, 3*h.Width, h.Mod.Out, rows, 2)
}

// add is a.Mod ← mt of the times + mc of the conditions.
func (h *Head) add(p *Pass, a *HeadActs, rows, first, times, conds int) {
	M := h.Mod.Out
	if times == rows { // every evaluation has a time of its own
		device.Do(p.Be, device.RowMix{
			Dst: a.Mod, A: a.ones, X: a.mc, B: a.ones, Y: a.mt.Slice(first*M, times*M), Rows: rows, N: M, XRows: conds,
		})
		return
	}
	for i := range times {
		device.Do(p.Be, device.RowMix{
			Dst: a.Mod.Slice(i*conds*M, conds*M), A: a.ones, X: a.mt.Slice((first+i)*M, M), B: a.ones, Y: a.mc, Rows: conds, N: M, XRows: 1,
		})
	}
}

// columnsOf copies n widths of columns of every row.
func (h *Head) columnsOf(p *Pass, dst device.Buffer, to, ldDst int, src device.Buffer, from, ldSrc, rows, n int) {
	device.Do(p.Be, device.Copy2D{
		Dst: dst.Slice(to, dst.N-to), LDDst: ldDst, Src: src.Slice(from, src.N-from), LDSrc: ldSrc, Rows: rows, N: n * h.Width,
	})
}

// Forward computes a.Out at x [rows, in] under the modulations mod.
func (h *Head) Forward(p *Pass, a *HeadActs, mod, x device.Buffer, rows int) {
	if !a.moments.Absent() {
		h.forwardNormed(p, a, mod, x, rows)
		return
	}
	H, ld := h.Width, a.ld
	h.In.Apply(p, a.blocks[0].x, none, x, rows, device.None)
	for i := range h.Blocks {
		b, off := &a.blocks[i], i*a.block
		device.Do(p.Be, device.ModNorm{Y: b.n, X: b.x, Stats: b.stats, Mod: mod, LDMod: ld, Shift: off, Scale: off + H, Rows: rows, N: H})
		h.Blocks[i].Forward(p, &b.mlp, a.output(i), b.n, rows,
			device.Epilogue{Pre: b.f, Gate: mod, LDGate: ld, GateOff: off + 2*H, Residual: b.x})
	}
	off := a.pair
	device.Do(p.Be, device.ModNorm{Y: a.n, X: a.last, Stats: a.stats, Mod: mod, LDMod: ld, Shift: off, Scale: off + H, Rows: rows, N: H})
	h.Out.Apply(p, a.Out, none, a.n, rows, device.None)
}

// forwardNormed is Forward with the normalisations in the layers that follow them.
func (h *Head) forwardNormed(p *Pass, a *HeadActs, mod, x device.Buffer, rows int) {
	norm := func(x device.Buffer, off int) (n device.NormLinear) {
		n.X, n.Known, n.Normed, n.Stats = x, a.moments, a.n, a.stats
		n.Mod, n.LDMod, n.Shift, n.Scale = mod, a.ld, off, off+h.Width
		return n
	}
	h.In.Forward(p, a.blocks[0].x, x, rows, device.Epilogue{Moments: a.moments})
	for i := range h.Blocks {
		l, b, off := &h.Blocks[i], &a.blocks[i], i*a.block
		l.Up.Normed(p, b.mlp.Act, norm(b.x, off), rows, l.Act)
		l.Down.Forward(p, a.output(i), b.mlp.Act, rows,
			device.Epilogue{Gate: mod, LDGate: a.ld, GateOff: off + 2*h.Width, Residual: b.x, Moments: a.moments})
	}
	h.Out.Normed(p, a.Out, norm(a.last, a.pair), rows, device.None)
}

// HeadGrads is the scratch of a backward pass.
type HeadGrads struct {
	dx, dn, df, dc device.Buffer // [rows, width]
	dmod           device.Buffer // [rows, (3·blocks+2)·width]
	dcond          device.Buffer // [conds, width]

	narrow, one, two device.Buffer // Shared: [rows, 5·width], [rows, 3·width] twice
	dcc, dummy       device.Buffer // Separable: [conds, width]; what nobody asks for
}

// Grads allocates for rows evaluations and conds conditions.
func (h *Head) Grads(m *Memory, rows, conds int) *HeadGrads {
	size := rows * h.Width
	g := &HeadGrads{dx: m.Act(size), dn: m.Act(size), df: m.Act(size), dc: m.Act(size), dmod: m.Act(rows * h.columns(true).ld),
		dcond: m.Act(conds * h.Width)}
	switch h.Form {
	case Shared:
		g.narrow, g.one, g.two = m.Act(rows*h.Mod.Out), m.Act(3*size), m.Act(3*size)
	case Separable:
		g.dcc, g.dummy = m.Act(conds*h.Width), m.Act(conds*h.Width)
	}
	return g
}

// Backward accumulates parameter gradients from dy [rows, out], which it leaves,
// and writes dcond [conds, cond], the gradient of the conditions' input cond. A
// modulation a row is needed.
func (h *Head) Backward(p *Pass, a *HeadActs, g *HeadGrads, dcond, dy, x, cond device.Buffer, rows, conds int) {
	H, ld := h.Width, a.ld
	h.Out.Backward(p, g.dn, 0, dy, dy, none, a.n, rows, device.None)
	device.Do(p.Be, device.ModNormBackward{
		DX: g.dx, DMod: g.dmod, DY: g.dn, X: a.last, Stats: a.stats, Mod: a.Mod, LDMod: ld, Shift: a.pair, Scale: a.pair + H,
		Rows: rows, N: H,
	})
	for i := len(h.Blocks) - 1; i >= 0; i-- {
		b, off := &a.blocks[i], i*a.block
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
	if h.Form == Separable {
		h.separately(p, a, g, rows, conds)
	} else {
		dmod := g.dmod
		if h.Form == Shared {
			dmod = h.gathered(p, a, g, rows)
		}
		h.Mod.Backward(p, g.dc, 0, dmod, dmod, none, a.c, rows, device.None)
		device.Do(p.Be, device.CondActBackward{DTime: g.dx, DCond: g.dcond, DY: g.dc, Pre: a.cpre, Rows: rows, CondRows: conds, N: H})
	}
	h.Time.Backward(p, a.Time, g.dn, g.dx, rows)
	h.Cond.Backward(p, dcond, 0, g.dcond, g.dcond, none, cond, conds, device.None)
}

// gathered is the gradient of the shared modulations: the sum over the blocks.
func (h *Head) gathered(p *Pass, a *HeadActs, g *HeadGrads, rows int) device.Buffer {
	W, M := h.Width, h.Mod.Out
	h.columnsOf(p, g.one, 0, 3*W, g.dmod, 0, a.ld, rows, 3)
	for i := 1; i < len(h.Blocks); i++ {
		h.columnsOf(p, g.two, 0, 3*W, g.dmod, i*a.block, a.ld, rows, 3)
		device.Do(p.Be, device.Mix{Dst: g.one, A: 1, X: g.one, B: 1, Y: g.two})
	}
	h.columnsOf(p, g.narrow, 0, M, g.one, 0, 3*W, rows, 3)
	h.columnsOf(p, g.narrow, 3*W, M, g.dmod, a.pair, a.ld, rows, 2)
	return g.narrow
}

// separately goes back through the two products of Separable: to the times into
// g.dx, to the conditions into g.dcond.
func (h *Head) separately(p *Pass, a *HeadActs, g *HeadGrads, rows, conds int) {
	H, M := h.Width, h.Mod.Out
	h.Mod.Backward(p, g.dc, 0, g.dmod, g.dmod, none, a.c, rows, device.None)
	device.Do(p.Be, device.CondActBackward{DTime: g.dx, DCond: g.dummy.Slice(0, H), DY: g.dc, Pre: a.cpre, Rows: rows, CondRows: 1, N: H})
	sum := g.dmod.Slice(0, conds*M)
	for at := conds; at < rows; at += conds {
		device.Do(p.Be, device.Mix{Dst: sum, A: 1, X: sum, B: 1, Y: g.dmod.Slice(at*M, conds*M)})
	}
	product(p, g.dcc, 0, sum, a.cc, h.ModCond, conds, H, M)
	device.Do(p.Be, device.CondActBackward{DTime: g.dcond, DCond: g.dummy, DY: g.dcc, Pre: a.ccpre, Rows: conds, CondRows: conds, N: H})
}
