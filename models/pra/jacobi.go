package pra

import (
	"math"

	"prabench/models/device"
	"prabench/models/layers"
)

// jacobi is how images are made in sweeps: one window after another, each from a start
// that is swept over until it has settled or the sweeps are used up.
type jacobi struct {
	sweeps    int // of a window at most, 0: none, sampling is sequential
	tokens    int // of a window
	tolerance float32
	decoder   bool // sweeps start from the decoder's guess
	asked     bool // anything but a number of sweeps over all tokens from 0
}

func (s SampleConfig) jacobi(c Config) jacobi {
	k := c.ARSteps()
	s = s.parallel(k)
	j := jacobi{sweeps: min(int(s.RolloutDepth.Resolve(k)), k), tokens: c.Tokens(), tolerance: float32(s.Tolerance),
		decoder: s.Start == "decoder"}
	if s.Window > 0 {
		j.tokens = s.Window * c.Block
	}
	j.asked = j.tolerance > 0 || j.decoder || j.tokens < c.Tokens()
	return j
}

// pace is that of a generator that makes such images.
func (j *jacobi) pace(c Config) pace {
	switch {
	case j.sweeps == 0:
		return c.stepwise()
	case j.tokens < c.Tokens():
		return pace{j.tokens, separate}
	}
	return c.everywhere()
}

// apart are caches that each image has for itself, so that one that has settled leaves a
// batch without moving those of others.
type apart struct {
	trunk  [][]device.Buffer // by layer, of image i and, under guidance, of batch + i without class
	states [][]device.Buffer // by image, the layers of a causal decoder
	chosen [][]device.Buffer // by layer, those of the images at work
}

func newApart(n *network, m *layers.Memory, rep, batch int) *apart {
	c, a := n.cfg, &apart{}
	per := (device.CacheElements(n.be, 1, c.cached(), c.Heads, c.Width) + 15) / 16 * 16
	for range c.Depth {
		all := m.Alloc(device.Cache, rep*batch*per)
		if m.Err != nil {
			return a
		}
		var each []device.Buffer
		for i := range rep * batch {
			each = append(each, all.Slice(i*per, per))
		}
		a.trunk = append(a.trunk, each)
	}
	if n.coder.Causal != nil {
		for range batch {
			a.states = append(a.states, n.coder.Causal.Caches(m, 1))
		}
	}
	a.chosen = make([][]device.Buffer, c.Depth)
	return a
}

// choose sets the images at work, of a generator for so many.
func (a *apart) choose(at []int, batch, rep int) {
	for l, caches := range a.trunk {
		a.chosen[l] = a.chosen[l][:0]
		for r := range rep {
			for _, i := range at {
				a.chosen[l] = append(a.chosen[l], caches[r*batch+i])
			}
		}
	}
}

// frontier is a generator's room for images that settle one by one: those at work lie
// side by side.
type frontier struct {
	now, before device.Buffer // [batch, span, P] tokens of the window after and before a sweep
	stats       device.Buffer // [batch·span, 2] of the start's states
	host        []float32
	at          []int   // images at work
	labels, ids []int32 // theirs
}

// images are what is made: used counts the sweeps of each, as a mean over its tokens.
type images struct {
	labels, ids []int32
	used        []float64
	seed        uint64
}

func (g *generator) prepare(how jacobi) {
	if how.sweeps == 0 || !how.asked {
		return
	}
	size, m := g.batch*g.span*g.cfg.TokenDim(), &g.mem
	f := &frontier{now: m.Act(size), before: m.Act(size), host: make([]float32, size)}
	if how.decoder {
		f.stats = m.Act(2 * g.batch * g.span)
	}
	g.front = f
}

// parallel makes images in x [n, N, P] by sweeps; first ends after the first of them.
func (g *generator) parallel(flat device.Buffer, how *jacobi, im images, first bool, x device.Buffer) {
	n := len(im.labels)
	for i := range im.used {
		im.used[i] = 0
	}
	device.Do(g.be, device.Fill{Dst: x})
	if !how.asked {
		g.noise(im.seed, n, 0)
		for r := range how.sweeps {
			if r == 0 || !first {
				g.sweep(flat, n, device.Buffer{}, x)
			}
		}
		for i := range im.used {
			im.used[i] = float64(how.sweeps)
		}
		return
	}
	for at := 0; at < g.cfg.Tokens(); at += g.span {
		g.strengths(at)
		g.window(flat, how, im, at, first, x)
		if first {
			return
		}
	}
}

// window makes the tokens of all images from position at, given those before.
func (g *generator) window(flat device.Buffer, how *jacobi, im images, at int, first bool, x device.Buffer) {
	n, f := len(im.labels), g.front
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	g.work(im, all, at)
	if at == 0 && g.apart != nil {
		g.trunkPrefix(flat, g.trunkA, g.apart.chosen, g.labels, g.rep*n)
	}
	if how.decoder {
		g.guess(flat, at, x)
	}
	var late []int // images whose last keys and values are not those of their tokens
	for r := 1; r <= how.sweeps && len(f.at) > 0; r++ {
		g.onward(flat, n, at, x)
		for _, i := range f.at {
			im.used[i] += float64(g.span) / float64(g.cfg.Tokens())
		}
		if first {
			return
		}
		if how.tolerance == 0 || r == how.sweeps {
			continue
		}
		settled, rest := g.settled(how.tolerance)
		late = append(late, settled...)
		if len(settled) > 0 {
			g.work(im, rest, at)
		}
	}
	if how.sweeps*g.cfg.Block < g.span { // else the last blocks were final before the last sweep
		late = append(late, f.at...)
	}
	if g.apart != nil && at+g.span < g.cfg.Tokens() && len(late) > 0 {
		g.work(im, late, at)
		g.conditions(flat, at, x)
	}
}

// work makes images at those that are worked on.
func (g *generator) work(im images, at []int, from int) {
	f := g.front
	f.at, f.labels, f.ids = at, f.labels[:0], f.ids[:0]
	if len(at) == 0 {
		return
	}
	for _, i := range at {
		f.labels, f.ids = append(f.labels, im.labels[i]), append(f.ids, im.ids[i])
	}
	g.choose(f.labels, f.ids)
	if g.apart != nil {
		g.apart.choose(at, g.batch, g.rep)
	}
	g.noise(im.seed, len(at), from)
}

// onward sweeps once over the window of the images at work.
func (g *generator) onward(flat device.Buffer, n, at int, x device.Buffer) {
	f := g.front
	size := len(f.at) * g.span * g.cfg.TokenDim()
	g.gather(f.before, x, at)
	if g.apart == nil {
		device.Do(g.be, device.Copy{Dst: f.now.Slice(0, size), Src: f.before.Slice(0, size)})
		g.sweep(flat, len(f.at), device.Buffer{}, f.now)
	} else {
		part := func() {
			g.conditions(flat, at, x)
			rows := len(f.at) * g.span
			g.solve(flat, rows, device.Buffer{})
			g.decodeWindow(flat, at)
		}
		if len(f.at) == n {
			g.again.Do(g.be, repeat{step: at / g.cfg.Block, batch: n, key: g.drawn.key, flat: flat, anchor: x, out: f.now}, part)
		} else {
			part() // which images are left is not the same twice
		}
	}
	g.scatter(x, at)
}

// conditions leaves in trunkA.H what the trunk makes of the tokens before each of the
// window's, and their keys and values in the caches.
func (g *generator) conditions(flat device.Buffer, at int, x device.Buffer) {
	size := len(g.front.at) * g.span * g.cfg.TokenDim()
	g.gather(g.token, x, max(at-g.cfg.Block, 0))
	if g.rep == 2 {
		device.Do(g.be, device.Copy{Dst: g.token.Slice(size, size), Src: g.token.Slice(0, size)})
	}
	batch := g.rep * len(g.front.at)
	if g.apart == nil {
		g.trunk(flat, g.trunkA, g.token, g.labels, batch)
		return
	}
	g.trunkWindow(flat, g.trunkA, g.apart.chosen, g.token, g.labels, batch, at, g.span)
}

// decodeWindow leaves in front.now the tokens of the states in g.z.
func (g *generator) decodeWindow(flat device.Buffer, at int) {
	c, f := g.cfg, g.front
	n, B, P, d := len(f.at), c.Block, c.TokenDim(), c.StateDim()
	if c.State == 0 {
		g.identity(f.now, g.z, n*g.span)
		return
	}
	p := g.pass(flat, device.Buffer{})
	if g.coder.Causal == nil || g.apart == nil {
		g.coder.Decode(p, g.decA, f.now, g.z, g.trunkA.H, layers.Sequences{Batch: n, Tokens: g.span, Block: B})
		return
	}
	for s, i := range f.at {
		for j := 0; j < g.span; j += B {
			row := s*g.span + j
			g.coder.DecodeStep(p, g.decA, g.apart.states[i], f.now.Slice(row*P, B*P), g.z.Slice(row*d, B*d), device.Buffer{}, g.sequences(1), at+j)
		}
	}
}

// guess makes the start of a window: what the decoder makes of ω, normalised as states
// are. A decoder that sees h sees that of the tokens before and zeros in the window.
func (g *generator) guess(flat device.Buffer, at int, x device.Buffer) {
	f, rows := g.front, len(g.front.at)*g.span
	size := rows * g.cfg.StateDim()
	if g.coder.DecContext > 0 {
		g.conditions(flat, at, x)
	}
	z, omega := g.z.Slice(0, size), g.omega.Slice(0, size)
	if g.cfg.State == 0 {
		device.Do(g.be, device.Copy{Dst: z, Src: omega})
	} else {
		device.Do(g.be, device.Norm{Y: z, X: omega, Stats: f.stats, Rows: rows, N: g.cfg.StateDim(), Form: g.coder.Norm})
	}
	g.decodeWindow(flat, at)
	g.scatter(x, at)
}

// settled divides the images at work by whether no value moved further than the
// tolerance in the last sweep.
func (g *generator) settled(tolerance float32) (settled, rest []int) {
	f, per := g.front, g.span*g.cfg.TokenDim()
	size := len(f.at) * per
	d := f.before.Slice(0, size)
	device.Do(g.be, device.Mix{Dst: d, A: 1, X: f.now.Slice(0, size), B: -1, Y: d})
	g.be.Download(f.host[:size], d)
	counts := g.be.Caps().Counts // nothing was computed: the most that there can be is asked for
	for s, i := range f.at {
		still := !counts
		for _, v := range f.host[s*per : (s+1)*per] {
			if !(float32(math.Abs(float64(v))) <= tolerance) {
				still = false
				break
			}
		}
		if still {
			settled = append(settled, i)
		} else {
			rest = append(rest, i)
		}
	}
	return settled, rest
}

// gather copies span tokens from position at of the images at work in x [n, N, P] side
// by side; scatter copies front.now back.
func (g *generator) gather(dst, x device.Buffer, at int) {
	N, P := g.cfg.Tokens(), g.cfg.TokenDim()
	runs(g.front.at, func(slot, image, n int) {
		from, to := (image*N+at)*P, slot*g.span*P
		device.Do(g.be, device.Copy2D{Dst: dst.Slice(to, dst.N-to), LDDst: g.span * P, Src: x.Slice(from, x.N-from), LDSrc: N * P,
			Rows: n, N: g.span * P})
	})
}

func (g *generator) scatter(x device.Buffer, at int) {
	N, P, now := g.cfg.Tokens(), g.cfg.TokenDim(), g.front.now
	runs(g.front.at, func(slot, image, n int) {
		to, from := (image*N+at)*P, slot*g.span*P
		device.Do(g.be, device.Copy2D{Dst: x.Slice(to, x.N-to), LDDst: N * P, Src: now.Slice(from, now.N-from), LDSrc: g.span * P,
			Rows: n, N: g.span * P})
	})
}

// runs calls f for each run of images that follow each other.
func runs(at []int, f func(slot, image, n int)) {
	for s := 0; s < len(at); {
		n := 1
		for s+n < len(at) && at[s+n] == at[s]+n {
			n++
		}
		f(s, at[s], n)
		s += n
	}
}
