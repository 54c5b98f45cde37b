package pra

import (
	"math"

	"prabench/models/device"
	"prabench/models/layers"
)

// minRemain bounds 1 − t from below where the x-target divides by it.
const minRemain = 0.05

// flowPlan is how the flow is integrated: from t = anchor to 1.
type flowPlan struct {
	steps    int
	heun     bool
	guidance float64
	anchor   float64 // s: the flow starts at t = s from s·z + (1−s)·ω
}

// time of step i.
func (f flowPlan) time(i int) float64 {
	return f.anchor + (1-f.anchor)*float64(i)/float64(f.steps)
}

// evaluations of the head for one token.
func (f flowPlan) evaluations() int {
	if f.heun {
		return 2*f.steps - 1
	}
	return f.steps
}

// aheadRows is about how many rows the modulations are computed for at once:
// enough to make a matrix product of what would be products with few rows,
// few enough to stay in a cache of a processor. A backend may know better.
const aheadRows = 128

func ahead(be device.Backend) int {
	if rows := be.Caps().AheadRows; rows > 0 {
		return rows
	}
	return aheadRows
}

// repeat is all that a sequence of operations depends on that comes again and
// again, apart from what lies in buffers.
type repeat struct {
	step, batch       int
	key               uint64
	flat, anchor, out device.Buffer
}

// generator runs the state → pixel path of inference: trunk, flow, decoder;
// one AR step after another, or at all positions at once. Training uses it for
// the AR inputs of depth ≥ 2, sampling for everything.
type generator struct {
	*network
	mem   layers.Memory
	plan  flowPlan
	batch int // images at most
	span  int // tokens an image in one evaluation: B (sequential) or N (sweeps)
	ahead int // flow steps whose modulations are computed together
	from  int // first flow step and number of steps whose modulations are there
	have  int
	rep   int // 2 with guidance: the second half of the rows has the null class

	labels device.Ints // [rep·batch]
	ids    device.Ints // [batch]
	host   []int32

	trunkA *trunkActs
	headA  *layers.HeadActs
	decA   *layers.DecoderActs
	caches []device.Buffer
	again  layers.Repeats[repeat]

	times               device.Buffer // of the flow steps
	temb                *layers.TimeActs
	omega, z, v, v2, zt device.Buffer // [span·batch, d]; z and zt [rep·span·batch, d]
	token               device.Buffer // [rep·span·batch, P]
}

func newGenerator(n *network, plan flowPlan, batch int, sequential bool) (*generator, error) {
	c := n.cfg
	g := &generator{network: n, mem: layers.Memory{Be: n.be}, plan: plan, batch: batch, span: c.Tokens(), rep: 1}
	if sequential {
		g.span = c.Block
	}
	if plan.guidance != 0 {
		g.rep = 2
	}
	m := &g.mem
	rows, d := batch*g.span, c.StateDim()
	all := g.rep * rows
	g.labels, g.ids, g.host = m.Ints(g.rep*batch), m.Ints(batch), make([]int32, g.rep*batch)
	g.ahead = max(1, min(plan.steps, ahead(n.be)/all))
	g.trunkA, g.headA = n.trunkActs(m, all, false), n.flow.Acts(m, all, g.ahead*all, all, false)
	g.decA = n.decoderActs(m, rows)
	if sequential {
		for range c.Depth {
			g.caches = append(g.caches, m.Alloc(device.Cache, device.CacheElements(n.be, g.rep*batch, c.Tokens(), c.Heads, c.Width)))
		}
	}
	S := plan.steps
	g.times, g.temb = m.Act(S), n.flow.Time.Acts(m, S)
	g.omega, g.v, g.z, g.zt = m.Act(rows*d), m.Act(rows*d), m.Act(all*d), m.Act(all*d)
	if plan.heun {
		g.v2 = m.Act(rows * d)
	}
	g.token = m.Act(all * c.TokenDim())
	if m.Err != nil {
		m.Free()
		return nil, m.Err
	}
	t := make([]float32, S)
	for i := range t {
		t[i] = float32(plan.time(i))
	}
	n.be.Upload(g.times, t)
	return g, nil
}

// begin sets the images to be made and prepares what depends on the weights.
func (g *generator) begin(flat device.Buffer, labels []int32, ids []int32) {
	n := len(labels)
	copy(g.host, labels)
	if g.rep == 2 {
		for i := range n {
			g.host[n+i] = int32(g.cfg.Classes)
		}
	}
	g.be.UploadInts(g.labels, g.host[:g.rep*n])
	g.be.UploadInts(g.ids, ids[:n])
	g.flow.Time.Forward(g.pass(flat, device.Buffer{}), g.temb, g.times, g.plan.steps)
}

// noise fills ω for the span tokens from position at.
func (g *generator) noise(key uint64, batch, at int) {
	d := g.cfg.StateDim()
	device.Do(g.be, device.Normal{
		Dst: g.omega.Slice(0, batch*g.span*d), IDs: g.ids, Batch: batch, Tokens: g.span, At: at, Dim: d, Key: key,
		Stream: streamSample,
	})
}

// solve integrates the flow of the first rows tokens from ω, mixed with the
// anchor states where given, and leaves the states in g.z. headA.Cond holds the
// conditions of rep·rows tokens.
func (g *generator) solve(flat device.Buffer, rows int, anchor device.Buffer) {
	d := g.cfg.StateDim()
	size := rows * d
	z, v, omega := g.z.Slice(0, size), g.v.Slice(0, size), g.omega.Slice(0, size)
	if s := float32(g.plan.anchor); s == 0 {
		device.Do(g.be, device.Copy{Dst: z, Src: omega})
	} else {
		device.Do(g.be, device.Mix{Dst: z, A: s, X: anchor.Slice(0, size), B: 1 - s, Y: omega})
	}
	g.have = 0
	for i := range g.plan.steps {
		t := g.plan.time(i)
		dt := float32(g.plan.time(i+1) - t)
		if !g.plan.heun || i == g.plan.steps-1 {
			g.euler(flat, v, z, i, rows, dt)
			continue
		}
		g.velocity(flat, v, z, i, rows)
		zt, v2 := g.zt.Slice(0, size), g.v2.Slice(0, size)
		device.Do(g.be, device.Mix{Dst: zt, A: 1, X: z, B: dt, Y: v})
		g.velocity(flat, v2, zt, i+1, rows)
		device.Do(g.be, device.Mix{Dst: v, A: 0.5, X: v, B: 0.5, Y: v2})
		device.Do(g.be, device.Mix{Dst: z, A: 1, X: z, B: dt, Y: v})
	}
}

// euler is z ← z + dt·v with the velocity v at z.
func (g *generator) euler(flat, v, z device.Buffer, i, rows int, dt float32) {
	o, null := g.evaluate(flat, z, i, rows)
	device.Do(g.be, device.FlowStep{Z: z, V: v, O: o, Null: null, Guidance: float32(g.plan.guidance), Inv: g.inverse(i), DT: dt})
}

// velocity evaluates the head at z and writes the flow's velocity.
func (g *generator) velocity(flat, v, z device.Buffer, i, rows int) {
	o, null := g.evaluate(flat, z, i, rows)
	device.Do(g.be, device.Velocity{V: v, O: o, Null: null, Z: z, Guidance: float32(g.plan.guidance), Inv: g.inverse(i)})
}

// evaluate is the head's output at z [rows, d], the start of a buffer of
// rep·rows, at the time of step i; with guidance also that of the null class.
func (g *generator) evaluate(flat, z device.Buffer, i, rows int) (o, null device.Buffer) {
	size := rows * g.cfg.StateDim()
	in := device.Buffer{Base: z.Base, Off: z.Off, N: g.rep * size}
	if g.rep == 2 {
		device.Do(g.be, device.Copy{Dst: in.Slice(size, size), Src: z})
	}
	all := g.rep * rows
	g.flow.Forward(g.pass(flat, device.Buffer{}), g.headA, g.modulations(flat, i, all), in, all)
	if g.rep == 2 {
		null = g.headA.Out.Slice(size, size)
	}
	return g.headA.Out.Slice(0, size), null
}

// inverse is what Velocity multiplies with at step i: 0 for the v-target.
func (g *generator) inverse(i int) float32 {
	if g.cfg.Target != "x" {
		return 0
	}
	return float32(1 / math.Max(1-g.plan.time(i), minRemain))
}

// modulations are those of flow step i for rows evaluations; where they are
// missing they are computed together with those of the next steps.
func (g *generator) modulations(flat device.Buffer, i, rows int) device.Buffer {
	if i < g.from || i >= g.from+g.have {
		H := g.cfg.HeadWidth
		g.from, g.have = i, min(g.ahead, g.plan.steps-i)
		g.flow.Modulate(g.pass(flat, device.Buffer{}), g.headA, g.temb.Out.Slice(i*H, g.have*H), g.have*rows, g.have, rows)
	}
	size := rows * g.flow.Mod.Out
	return g.headA.Mod.Slice((i-g.from)*size, size)
}

// sequential makes the first steps of K blocks into out [batch, N, P], token by
// token as at inference. anchor [batch, N, d] is read where the plan has one.
func (g *generator) sequential(flat device.Buffer, batch, steps int, key uint64, anchor, out device.Buffer) {
	c := g.cfg
	B, N, P, d := c.Block, c.Tokens(), c.TokenDim(), c.StateDim()
	rows := batch * B
	for k := range steps {
		g.again.Do(g.be, repeat{step: k, batch: batch, key: key, flat: flat, anchor: anchor, out: out}, func() {
			g.trunkStep(flat, g.trunkA, g.caches, g.token, g.labels, g.rep*batch, k)
			g.flow.Condition(g.pass(flat, device.Buffer{}), g.headA, g.trunkA.H, g.rep*rows)
			g.noise(key, batch, k*B)
			var a device.Buffer
			if g.plan.anchor != 0 {
				a = g.zt.Slice(0, rows*d)
				device.Do(g.be, device.Copy2D{
					Dst: a, LDDst: B * d, Src: anchor.Slice(k*B*d, anchor.N-k*B*d), LDSrc: N * d, Rows: batch, N: B * d,
				})
			}
			g.solve(flat, rows, a)
			g.decode(flat, g.decA, g.token, g.z, rows)
			if g.rep == 2 {
				device.Do(g.be, device.Copy{Dst: g.token.Slice(rows*P, rows*P), Src: g.token.Slice(0, rows*P)})
			}
			device.Do(g.be, device.Copy2D{Dst: out.Slice(k*B*P, out.N-k*B*P), LDDst: N * P, Src: g.token, LDSrc: B * P, Rows: batch, N: B * P})
		})
	}
}

// close frees the generator's memory, and first the recordings that use it.
func (g *generator) close() {
	g.again.Close()
	g.mem.Free()
}

// sweep is one Jacobi sweep x ← decode(head(trunk(x); ω)) at all positions of
// x [batch, N, P], with the ω that noise left.
func (g *generator) sweep(flat device.Buffer, batch int, anchor, x device.Buffer) {
	c := g.cfg
	rows := batch * c.Tokens()
	size := rows * c.TokenDim()
	g.again.Do(g.be, repeat{batch: batch, flat: flat, anchor: anchor, out: x}, func() {
		in := x
		if g.rep == 2 {
			in = g.token
			device.Do(g.be, device.Copy{Dst: in.Slice(0, size), Src: x.Slice(0, size)})
			device.Do(g.be, device.Copy{Dst: in.Slice(size, size), Src: x.Slice(0, size)})
		}
		g.trunk(flat, g.trunkA, in, g.labels, g.rep*batch)
		g.flow.Condition(g.pass(flat, device.Buffer{}), g.headA, g.trunkA.H, g.rep*rows)
		g.solve(flat, rows, anchor)
		g.decode(flat, g.decA, x, g.z, rows)
	})
}
