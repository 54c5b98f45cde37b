package pra

import (
	"math"

	"prabench/models/device"
	"prabench/models/layers"
)

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
	span  int // tokens per image in one evaluation: B (sequential), N (sweeps) or those of a window
	ahead int // evaluations whose modulations are computed together
	from  int // first evaluation and number of those whose modulations are there
	have  int
	rep   int // 2 with guidance: the second half of the rows has the null class

	labels device.Ints // [rep·batch]
	ids    device.Ints // [batch]
	host   []int32

	trunkA *trunkActs
	headA  *layers.HeadActs
	decA   *layers.DecoderActs
	caches []device.Buffer
	states []device.Buffer // caches of a causal decoder
	apart  *apart          // caches of each image
	front  *frontier       // images that settle one by one
	read   *reader         // of real tokens, made when it is first asked for
	again  layers.Repeats[repeat]

	at                  []float64     // times of the evaluations
	times               device.Buffer // the same
	temb                *layers.TimeActs
	omega, z, v, v2, zt device.Buffer // [span·batch, d]; z and zt [rep·span·batch, d]
	more, less          device.Buffer // [span·batch] 1+w and −w of every row, where they differ
	stats               device.Buffer // [span·batch, 2] of a state that is normalised again
	drawn               drawn
	token               device.Buffer // [rep·span·batch, P]
}

// pace is how many tokens of an image are evaluated at once, and where keys and values
// of those before them are.
type pace struct {
	tokens int
	caches caching
}

type caching int

const (
	none     caching = iota // there are no tokens before
	together                // a cache a layer for all images
	separate                // a cache a layer and image
)

func (c Config) stepwise() pace   { return pace{c.Block, together} }
func (c Config) everywhere() pace { return pace{c.Tokens(), none} }

func newGenerator(n *network, plan flowPlan, batch int, at pace) (*generator, error) {
	c := n.cfg
	g := &generator{network: n, mem: layers.Memory{Be: n.be}, plan: plan, batch: batch, span: at.tokens, rep: 1}
	if plan.guides() {
		g.rep = 2
	}
	m := &g.mem
	rows, d := batch*g.span, c.StateDim()
	all := g.rep * rows
	g.labels, g.ids, g.host = m.Ints(g.rep*batch), m.Ints(batch), make([]int32, g.rep*batch)
	g.at = plan.times()
	g.ahead = max(1, min(len(g.at), ahead(n.be)/all))
	g.trunkA, g.headA = n.trunkActs(m, all, false), n.flow.Acts(m, all, g.ahead*all, all, len(g.at), false)
	g.decA = n.decoderActs(m, rows)
	switch at.caches {
	case together:
		for range c.Depth {
			g.caches = append(g.caches, m.Alloc(device.Cache, device.CacheElements(n.be, g.rep*batch, c.Tokens(), c.Heads, c.Width)))
		}
		if n.coder.Causal != nil {
			g.states = n.coder.Causal.Caches(m, batch)
		}
	case separate:
		g.apart = newApart(n, m, g.rep, batch)
	}
	S := len(g.at)
	g.times, g.temb = m.Act(S), n.flow.Time.Acts(m, S)
	g.omega, g.v, g.z, g.zt = m.Act(rows*d), m.Act(rows*d), m.Act(all*d), m.Act(all*d)
	if plan.solver == "heun" || plan.solver == "euler-maruyama" {
		g.v2 = m.Act(rows * d)
	}
	if plan.renorm {
		g.stats = m.Act(rows * 2)
	}
	if plan.linear && at.caches != together && g.rep == 2 {
		g.more, g.less = m.Act(rows), m.Act(rows)
	}
	g.token = m.Act(all * c.TokenDim())
	if m.Err != nil {
		m.Free()
		return nil, m.Err
	}
	t := make([]float32, S)
	for i := range t {
		t[i] = float32(g.at[i])
	}
	n.be.Upload(g.times, t)
	g.strengths(0)
	return g, nil
}

// strengths uploads what guidance multiplies with where tokens of several AR steps
// are evaluated at once and their guidance differs: those from position at.
func (g *generator) strengths(at int) {
	if g.more.Absent() {
		return
	}
	more, less := make([]float32, g.more.N), make([]float32, g.more.N)
	for r := range more {
		w := g.strength((at + r%g.span) / g.cfg.Block)
		more[r], less[r] = 1+w, -w
	}
	g.be.Upload(g.more, more)
	g.be.Upload(g.less, less)
}

// strength is the guidance in AR step k.
func (g *generator) strength(k int) float32 {
	if g.plan.linear {
		return float32(g.plan.guidance * float64(k+1) / float64(g.cfg.ARSteps()))
	}
	return float32(g.plan.guidance)
}

// drawn is where the noise of a solver comes from, besides the step.
type drawn struct {
	key       uint64
	batch, at int
	guidance  float32 // of this AR step
}

// begin sets the images to be made and prepares what depends on the weights.
func (g *generator) begin(flat device.Buffer, labels []int32, ids []int32) {
	g.choose(labels, ids)
	p := g.pass(flat, device.Buffer{})
	g.flow.Time.Forward(p, g.temb, g.times, len(g.at))
	g.flow.Times(p, g.headA, g.temb.Out, len(g.at))
}

// choose sets the images alone.
func (g *generator) choose(labels []int32, ids []int32) {
	n := len(labels)
	copy(g.host, labels)
	if g.rep == 2 {
		for i := range n {
			g.host[n+i] = int32(g.cfg.Classes)
		}
	}
	g.be.UploadInts(g.labels, g.host[:g.rep*n])
	g.be.UploadInts(g.ids, ids[:n])
}

// noise fills ω for the span tokens from position at.
func (g *generator) noise(key uint64, batch, at int) {
	g.drawn = drawn{key, batch, at, g.strength(at / g.cfg.Block)}
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
		g.step(flat, v, z, i, rows)
	}
	if g.plan.renorm {
		zt := g.zt.Slice(0, size)
		device.Do(g.be, device.Norm{Y: zt, X: z, Stats: g.stats, Rows: rows, N: d, Form: g.coder.Norm})
		device.Do(g.be, device.Copy{Dst: z, Src: zt})
	}
}

// step takes the states z from step i of the flow to the next.
func (g *generator) step(flat, v, z device.Buffer, i, rows int) {
	t, e := g.plan.time(i), g.plan.first(i)
	dt := g.plan.time(i+1) - t
	zt := g.zt.Slice(0, z.N)
	switch {
	case g.plan.solver == "midpoint":
		g.velocity(flat, v, z, e, rows)
		device.Do(g.be, device.Mix{Dst: zt, A: 1, X: z, B: float32(dt / 2), Y: v})
		g.velocity(flat, v, zt, e+1, rows)
		device.Do(g.be, device.Mix{Dst: z, A: 1, X: z, B: float32(dt), Y: v})
	case g.plan.solver == "heun" && i < g.plan.steps-1:
		v2 := g.v2.Slice(0, z.N)
		g.velocity(flat, v, z, e, rows)
		device.Do(g.be, device.Mix{Dst: zt, A: 1, X: z, B: float32(dt), Y: v})
		g.velocity(flat, v2, zt, e+1, rows)
		device.Do(g.be, device.Mix{Dst: v, A: 0.5, X: v, B: 0.5, Y: v2})
		device.Do(g.be, device.Mix{Dst: z, A: 1, X: z, B: float32(dt), Y: v})
	case g.plan.solver == "euler-maruyama":
		g.velocity(flat, v, z, e, rows)
		g.diffuse(v, z, i, t, dt)
	default:
		o, null := g.evaluate(flat, z, e, rows)
		device.Do(g.be, device.FlowStep{Z: z, V: v, O: o, Null: null, Guidance: g.drawn.guidance, Inv: g.inverse(e), DT: float32(dt)})
	}
}

// diffuse is a step of Euler and Maruyama on dz = (v + ½(t·v − z))·dt + √(1−t)·dW,
// whose states are distributed as those of the flow at every time: (t·v − z)/(1−t) is
// the score, and 1−t how strong the noise is. The last step adds none.
func (g *generator) diffuse(v, z device.Buffer, i int, t, dt float64) {
	device.Do(g.be, device.Mix{Dst: z, A: float32(1 - dt/2), X: z, B: float32(dt * (1 + t/2)), Y: v})
	if i == g.plan.steps-1 {
		return
	}
	n := g.v2.Slice(0, z.N)
	device.Do(g.be, device.Normal{
		Dst: n, IDs: g.ids, Batch: g.drawn.batch, Tokens: g.span, At: g.drawn.at, Dim: g.cfg.StateDim(), Key: g.drawn.key,
		Stream: streamSolver + uint32(i),
	})
	device.Do(g.be, device.Mix{Dst: z, A: 1, X: z, B: float32(math.Sqrt((1 - t) * dt)), Y: n})
}

// velocity evaluates the head at z and writes the flow's velocity.
func (g *generator) velocity(flat, v, z device.Buffer, e, rows int) {
	o, null := g.evaluate(flat, z, e, rows)
	device.Do(g.be, device.Velocity{V: v, O: o, Null: null, Z: z, Guidance: g.drawn.guidance, Inv: g.inverse(e)})
}

// evaluate is the head's output at z [rows, d], the start of a buffer of
// rep·rows, at the time of evaluation e; with guidance also that of the null class,
// unless it is in o already.
func (g *generator) evaluate(flat, z device.Buffer, e, rows int) (o, null device.Buffer) {
	size := rows * g.cfg.StateDim()
	p, mod := g.pass(flat, device.Buffer{}), g.modulations(flat, e, g.rep*rows)
	o = g.headA.Out.Slice(0, size)
	if g.rep == 1 || !g.plan.guided(g.at[e]) {
		g.flow.Forward(p, g.headA, mod, z, rows)
		return o, device.Buffer{}
	}
	in := device.Buffer{Base: z.Base, Off: z.Off, N: g.rep * size}
	device.Do(g.be, device.Copy{Dst: in.Slice(size, size), Src: z})
	g.flow.Forward(p, g.headA, mod, in, g.rep*rows)
	null = g.headA.Out.Slice(size, size)
	if g.more.Absent() {
		return o, null
	}
	device.Do(g.be, device.RowMix{
		Dst: o, A: g.more.Slice(0, rows), X: o, B: g.less.Slice(0, rows), Y: null, Rows: rows, N: g.cfg.StateDim(), XRows: rows,
	})
	return o, device.Buffer{}
}

// inverse is what Velocity multiplies with in evaluation e: 0 for the v-target.
func (g *generator) inverse(e int) float32 {
	if g.cfg.Target != "x" {
		return 0
	}
	return inverse(g.at[e])
}

// modulations are those of evaluation e for rows tokens; where they are missing they
// are computed together with those of the next ones.
func (g *generator) modulations(flat device.Buffer, e, rows int) device.Buffer {
	if e < g.from || e >= g.from+g.have {
		g.from, g.have = e, min(g.ahead, len(g.at)-e)
		g.flow.Modulate(g.pass(flat, device.Buffer{}), g.headA, g.temb.Out, g.have*rows, e, g.have, rows)
	}
	size := rows * g.flow.Mod.Out
	return g.headA.Mod.Slice((e-g.from)*size, size)
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
			g.decodeStep(flat, g.decA, g.states, g.token, g.z, g.trunkA.H, batch, k)
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
	if g.read != nil {
		g.read.mem.Free()
	}
	g.mem.Free()
}

// sweep is one Jacobi sweep x ← decode(head(trunk(x); ω)) at all positions of
// x [batch, N, P], with the ω that noise left.
func (g *generator) sweep(flat device.Buffer, batch int, anchor, x device.Buffer) {
	g.again.Do(g.be, repeat{batch: batch, key: g.drawn.key, flat: flat, anchor: anchor, out: x}, func() {
		g.everywhere(flat, batch, anchor, x)
		g.decode(flat, g.decA, x, g.z, g.trunkA.H, batch)
	})
}

// everywhere leaves in g.z the states of all positions, each given the tokens of x
// before it.
func (g *generator) everywhere(flat device.Buffer, batch int, anchor, x device.Buffer) {
	rows := batch * g.cfg.Tokens()
	size := rows * g.cfg.TokenDim()
	in := x
	if g.rep == 2 {
		in = g.token
		device.Do(g.be, device.Copy{Dst: in.Slice(0, size), Src: x.Slice(0, size)})
		device.Do(g.be, device.Copy{Dst: in.Slice(size, size), Src: x.Slice(0, size)})
	}
	g.trunk(flat, g.trunkA, in, g.labels, g.rep*batch)
	g.flow.Condition(g.pass(flat, device.Buffer{}), g.headA, g.trunkA.H, g.rep*rows)
	g.solve(flat, rows, anchor)
}
