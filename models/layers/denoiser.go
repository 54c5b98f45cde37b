package layers

import (
	"fmt"
	"math"

	"prabench/models/device"
)

// Denoiser is a transformer over all tokens of an image at once, under modulations
// that are a function of a time and of a class, the same for all tokens of an image
// (adaLN-zero; Peebles and Xie 2023): with m = (m₁ … m₆) of a block,
// x ← x + m₃·attention(norm(x)·(1+m₂) + m₁), x ← x + m₆·MLP(norm(x)·(1+m₅) + m₄).
type Denoiser struct {
	Time   TimeEmbedding
	Class  Table
	Mod    Linear // width → (6·depth + 2)·width
	Blocks []DenoiserBlock
	Out    Linear
	Width  int
}

// DenoiserBlock is what a block has beside its modulations.
type DenoiserBlock struct {
	Attention Attention
	MLP       MLP
}

// NewDenoiser declares NAME.time1, time2, class, mod, i.qkv, i.out, i.up, i.down and
// NAME.out. Modulations and output begin as zeros. The last class is no class.
func NewDenoiser(l *Parameters, name string, classes, out int, of StackShape) Denoiser {
	depth, width := of.Depth, of.Width
	d := Denoiser{Width: width, Time: NewTimeEmbedding(l, name+".time", width), Class: NewTable(l, name+".class", classes+1, width, 0.1)}
	d.Mod = l.LinearOf(name+".mod", width, (6*depth+2)*width, 0)
	residual := 1 / math.Sqrt(2*float64(depth))
	for i := range depth {
		at := fmt.Sprintf("%s.%d.", name, i)
		d.Blocks = append(d.Blocks, DenoiserBlock{
			Attention: of.newAttention(l, at, residual), MLP: of.newMLP(l, at, residual),
		})
	}
	d.Out = l.LinearOf(name+".out", width, out, 0)
	return d
}

// Weights are the matrices that inference multiplies by for every evaluation.
func (d *Denoiser) Weights(flat device.Buffer) []device.Weight {
	out := Weights(flat, d.Mod, d.Out)
	for _, b := range d.Blocks {
		out = append(out, Weights(flat, b.Attention.QKV, b.Attention.Out, b.MLP.Up, b.MLP.Down)...)
	}
	return out
}

// DenoiserActs holds the activations of so many images.
type DenoiserActs struct {
	Cond  device.Buffer // [images, width] of the classes
	Time  *TimeActs     // only for a backward pass: otherwise the caller's
	cpre  device.Buffer // [mods, width], only for a backward pass
	c     device.Buffer
	Mod   device.Buffer // [mods, (6·depth+2)·width]
	last  device.Buffer // [rows, width] the residual stream, and its normalisation
	stats device.Buffer
	n     device.Buffer
	Out   device.Buffer // [rows, out]

	blocks []denoiserBlockActs
}

type denoiserBlockActs struct {
	x, mid         device.Buffer // [rows, width] the residual stream
	stats1, stats2 device.Buffer
	n1, n2         device.Buffer
	f1, f2         device.Buffer // before the gates
	attention      AttentionActs
	mlp            MLPActs
}

// Acts allocates for whole images and mods modulations, at least one per image. Where
// nothing is kept for a backward pass, all blocks share one set.
func (d *Denoiser) Acts(m *Memory, of Sequences, mods int, keep bool) *DenoiserActs {
	rows := of.Batch * of.Tokens
	size := rows * d.Width
	a := &DenoiserActs{Cond: m.Act(of.Batch * d.Width), c: m.Act(mods * d.Width), Mod: m.Act(mods * d.Mod.Out), stats: m.Act(rows * 2),
		n: m.Act(size), Out: m.Act(rows * d.Out.Out)}
	if keep {
		a.Time, a.cpre = d.Time.Acts(m, mods), m.Act(mods*d.Width)
	}
	for i := range d.Blocks {
		if !keep && i > 0 {
			a.blocks = append(a.blocks, a.blocks[0])
			continue
		}
		b := denoiserBlockActs{x: m.Act(size), mid: m.Act(size), stats1: m.Act(rows * 2), stats2: m.Act(rows * 2), n1: m.Act(size),
			attention: d.Blocks[i].Attention.Acts(m, rows), mlp: d.Blocks[i].MLP.Acts(m, rows, keep), f1: m.Act(size)}
		b.n2, b.f2 = b.n1, b.f1
		if keep {
			b.n2, b.f2 = m.Act(size), m.Act(size)
		}
		a.blocks = append(a.blocks, b)
	}
	a.last = a.blocks[0].x
	if keep {
		a.last = m.Act(size)
	}
	return a
}

// Input is where the stream begins: [rows, width].
func (a *DenoiserActs) Input() device.Buffer { return a.blocks[0].x }

func (a *DenoiserActs) output(i int) device.Buffer {
	if i+1 < len(a.blocks) {
		return a.blocks[i+1].x
	}
	return a.last
}

// Condition computes a.Cond of the classes of images: once for all times.
func (d *Denoiser) Condition(p *Pass, a *DenoiserActs, labels device.Ints, images int) {
	d.Class.Forward(p, a.Cond, labels, images)
}

// Modulate computes the modulations a.Mod [times·images, …] from a.Cond and temb
// [times, width], those of all images for one time after the other. Where as many
// times as images are given and own says so, each image has its own time.
func (d *Denoiser) Modulate(p *Pass, a *DenoiserActs, temb device.Buffer, times, images int, own bool) {
	rows := times * images
	if own {
		rows = images
	}
	device.Do(p.Be, device.CondAct{
		Y: a.c, Pre: a.cpre, Time: temb, Cond: a.Cond, Rows: rows, TimeRows: times, CondRows: images, N: d.Width,
	})
	d.Mod.Apply(p, a.Mod, none, a.c, rows, device.None)
}

func (d *Denoiser) norm(p *Pass, y, x, stats, mod device.Buffer, off int, of Sequences) {
	device.Do(p.Be, device.ModNorm{Y: y, X: x, Stats: stats, Mod: mod, LDMod: d.Mod.Out, Shift: off, Scale: off + d.Width,
		Rows: of.Batch * of.Tokens, N: d.Width, Each: of.Tokens})
}

func (d *Denoiser) gate(p *Pass, y, x, f, mod device.Buffer, off int, of Sequences) {
	device.Do(p.Be, device.Gate{Y: y, X: x, F: f, Mod: mod, LDMod: d.Mod.Out, Gate: off, Rows: of.Batch * of.Tokens, N: d.Width,
		Each: of.Tokens})
}

// Forward computes a.Out [rows, out] from a.Input() under the modulations mod, one an
// image.
func (d *Denoiser) Forward(p *Pass, a *DenoiserActs, mod device.Buffer, of Sequences) {
	W, rows := d.Width, of.Batch*of.Tokens
	of.Block = of.Tokens
	for i := range d.Blocks {
		l, b, off := &d.Blocks[i], &a.blocks[i], 6*i*W
		d.norm(p, b.n1, b.x, b.stats1, mod, off, of)
		l.Attention.Forward(p, &b.attention, b.f1, b.n1, rows, device.Epilogue{}, func() { l.Attention.Over(p, &b.attention, of) })
		d.gate(p, b.mid, b.x, b.f1, mod, off+2*W, of)
		d.norm(p, b.n2, b.mid, b.stats2, mod, off+3*W, of)
		l.MLP.Forward(p, &b.mlp, b.f2, b.n2, rows, device.Epilogue{})
		d.gate(p, a.output(i), b.mid, b.f2, mod, off+5*W, of)
	}
	d.norm(p, a.n, a.last, a.stats, mod, 6*len(d.Blocks)*W, of)
	d.Out.Apply(p, a.Out, none, a.n, rows, device.None)
}

// DenoiserGrads is the scratch of a backward pass.
type DenoiserGrads struct {
	DX        device.Buffer // [rows, width] afterwards the gradient of the input
	dn, df    device.Buffer // [rows, width]
	hidden    device.Buffer // [rows, scratch of the MLP]
	attention AttentionGrads
	dmod      device.Buffer // [images, (6·depth+2)·width]
	dc, dtime device.Buffer // [images, width]
	dcond     device.Buffer
	scratch   device.Buffer
}

// Grads allocates for whole images.
func (d *Denoiser) Grads(m *Memory, of Sequences) *DenoiserGrads {
	rows, one := of.Batch*of.Tokens, of.Batch*d.Width
	b := &d.Blocks[0]
	return &DenoiserGrads{DX: m.Act(rows * d.Width), dn: m.Act(rows * d.Width), df: m.Act(rows * d.Width),
		hidden: m.Act(rows * b.MLP.Scratch()), attention: b.Attention.Grads(m, rows), dmod: m.Act(of.Batch * d.Mod.Out),
		dc: m.Act(one), dtime: m.Act(one), dcond: m.Act(one),
		scratch: m.Act(one)}
}

// Backward accumulates parameter gradients from dy [rows, out], which it leaves, and
// leaves the gradient of the input in g.DX. The forward pass had a.Mod, a time an
// image.
func (d *Denoiser) Backward(p *Pass, a *DenoiserActs, g *DenoiserGrads, dy device.Buffer, labels device.Ints, of Sequences) {
	W, rows := d.Width, of.Batch*of.Tokens
	of.Block = of.Tokens
	norm := func(dx, dy, x, stats device.Buffer, off int, add bool) {
		device.Do(p.Be, device.ModNormBackward{DX: dx, DMod: g.dmod, DY: dy, X: x, Stats: stats, Mod: a.Mod, LDMod: d.Mod.Out, Shift: off,
			Scale: off + W, Rows: rows, N: W, Each: of.Tokens, Add: add})
	}
	gate := func(f device.Buffer, off int) {
		device.Do(p.Be, device.GateBackward{DF: g.df, DMod: g.dmod, DOut: g.DX, F: f, Mod: a.Mod, LDMod: d.Mod.Out, Gate: off, Rows: rows,
			N: W, Each: of.Tokens})
	}
	d.Out.Backward(p, g.dn, 0, dy, dy, none, a.n, rows, device.None)
	norm(g.DX, g.dn, a.last, a.stats, 6*len(d.Blocks)*W, false)
	for i := len(d.Blocks) - 1; i >= 0; i-- {
		l, b, off := &d.Blocks[i], &a.blocks[i], 6*i*W
		gate(b.f2, off+5*W)
		l.MLP.Backward(p, &b.mlp, g.hidden, g.dn, g.df, b.n2, rows)
		norm(g.DX, g.dn, b.mid, b.stats2, off+3*W, true)
		gate(b.f1, off+2*W)
		l.Attention.Backward(p, &b.attention, &g.attention, g.dn, g.df, b.n1, of)
		norm(g.DX, g.dn, b.x, b.stats1, off, true)
	}
	d.Mod.Backward(p, g.dc, 0, g.dmod, g.dmod, none, a.c, of.Batch, device.None)
	device.Do(p.Be, device.CondActBackward{DTime: g.dtime, DCond: g.dcond, DY: g.dc, Pre: a.cpre, Rows: of.Batch, CondRows: of.Batch, N: W})
	d.Time.Backward(p, a.Time, g.scratch, g.dtime, of.Batch)
	d.Class.Backward(p, g.dcond, labels, of.Batch)
}
