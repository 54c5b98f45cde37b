package pra

import (
	"prabench/models/device"
	"prabench/models/layers"
)

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
	rep   int // 2 with guidance: the second half of the rows has the null class

	labels device.Ints // [rep·batch]
	ids    device.Ints // [batch]
	host   []int32

	trunkA *trunkActs
	solver *layers.FlowSolver
	decA   *layers.DecoderActs
	caches []device.Buffer
	states []device.Buffer // caches of a causal decoder
	apart  *apart          // caches of each image
	front  *frontier       // images that settle one by one
	read   *reader         // of real tokens, made when it is first asked for
	again  layers.Repeats[repeat]

	omega device.Buffer // [span·batch, d]
	z     device.Buffer // [rep·span·batch, d], the solver's
	stats device.Buffer // [span·batch, 2] of a state that is normalised again
	drawn drawn
	added func(dst device.Buffer, step int) // diffusion
	token device.Buffer                     // [rep·span·batch, P]
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
	plan.Clean = c.Target == "x"
	g.plan = plan
	if plan.Guides() {
		g.rep = 2
	}
	m := &g.mem
	rows, d := batch*g.span, c.StateDim()
	all := g.rep * rows
	g.labels, g.ids, g.host = m.Ints(g.rep*batch), m.Ints(batch), make([]int32, g.rep*batch)
	if at.caches == none {
		g.trunkA = n.trunkActs(m, g.rep*batch, false)
	} else {
		g.trunkA = n.stepActs(m, g.rep*batch, g.span)
	}
	g.solver, g.decA = n.flow.Solver(m, plan.Flow, rows), n.decoderActs(m, rows)
	g.omega, g.z, g.added = m.Act(rows*d), g.solver.Z, g.diffusion
	switch at.caches {
	case together:
		for range c.Depth {
			g.caches = append(g.caches, m.Alloc(device.Cache, device.CacheElements(n.be, g.rep*batch, c.cached(), c.Heads, c.Width)))
		}
		if n.coder.Causal != nil {
			g.states = n.coder.Causal.Caches(m, batch)
		}
	case separate:
		g.apart = newApart(n, m, g.rep, batch)
	}
	if plan.renorm {
		g.stats = m.Act(rows * 2)
	}
	if plan.linear && at.caches != together && g.rep == 2 {
		g.solver.More, g.solver.Less = m.Act(rows), m.Act(rows)
	}
	g.token = m.Act(all * c.TokenDim())
	if m.Err != nil {
		m.Free()
		return nil, m.Err
	}
	g.strengths(0)
	return g, nil
}

// strengths uploads what guidance multiplies with where tokens of several AR steps
// are evaluated at once and their guidance differs: those from position at.
func (g *generator) strengths(at int) {
	n := g.solver.More.N
	if n == 0 {
		return
	}
	more, less := make([]float32, n), make([]float32, n)
	for r := range more {
		w := g.strength((at + r%g.span) / g.cfg.Block)
		more[r], less[r] = 1+w, -w
	}
	g.be.Upload(g.solver.More, more)
	g.be.Upload(g.solver.Less, less)
}

// strength is the guidance in AR step k.
func (g *generator) strength(k int) float32 {
	if g.plan.linear {
		return float32(g.plan.Guidance * float64(k+1) / float64(g.cfg.ARSteps()))
	}
	return float32(g.plan.Guidance)
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
	g.solver.Begin(g.pass(flat, device.Buffer{}))
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
// anchor states where given, and leaves the states in g.z. trunkA.H holds the
// conditions of rep·rows tokens.
func (g *generator) solve(flat device.Buffer, rows int, anchor device.Buffer) {
	d := g.cfg.StateDim()
	size := rows * d
	z, omega := g.z.Slice(0, size), g.omega.Slice(0, size)
	if s := float32(g.plan.Anchor); s == 0 {
		device.Do(g.be, device.Copy{Dst: z, Src: omega})
	} else {
		device.Do(g.be, device.Mix{Dst: z, A: s, X: anchor.Slice(0, size), B: 1 - s, Y: omega})
	}
	g.solver.Solve(g.pass(flat, device.Buffer{}), g.trunkA.H, rows, float64(g.drawn.guidance), g.added)
	if g.plan.renorm {
		zt := g.solver.Scratch(size)
		device.Do(g.be, device.Norm{Y: zt, X: z, Stats: g.stats, Rows: rows, N: d, Form: g.coder.Norm})
		device.Do(g.be, device.Copy{Dst: z, Src: zt})
	}
}

// diffusion draws what euler-maruyama adds in step i of the flow.
func (g *generator) diffusion(dst device.Buffer, i int) {
	device.Do(g.be, device.Normal{
		Dst: dst, IDs: g.ids, Batch: g.drawn.batch, Tokens: g.span, At: g.drawn.at, Dim: g.cfg.StateDim(), Key: g.drawn.key,
		Stream: streamSolver + uint32(i),
	})
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
			g.noise(key, batch, k*B)
			var a device.Buffer
			if g.plan.Anchor != 0 {
				a = g.solver.Scratch(rows * d)
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
	g.solve(flat, rows, anchor)
}
