package pra

import (
	"fmt"

	"prabench/models/device"
	"prabench/models/layers"
)

// Continue draws images whose first given tokens, in generation order, are
// those of real images [n, H, W, C]; the model draws the rest. given is a
// multiple of the block. The noise of a token is that of [Sampler.Sample] with
// the same ids, so that images differ by their prefixes alone: with given = 0
// they are the same. The sampler must be sequential (rollout depth 0).
func (s *Sampler) Continue(real []uint8, labels []int32, ids []uint32, given int, out []uint8) error {
	c := s.model.Config
	if s.how.sweeps != 0 {
		return fmt.Errorf("continuing real images: the sampler makes %d sweeps; it must be sequential, sample.rollout_depth = 0", s.how.sweeps)
	}
	if given < 0 || given > c.Tokens() || given%c.Block != 0 {
		return fmt.Errorf("continuing real images: %d given tokens; allowed are multiples of the block %d up to N = %d", given,
			c.Block, c.Tokens())
	}
	x, err := s.begin(real, labels, ids, out)
	if err != nil {
		return fmt.Errorf("continuing real images: %w", err)
	}
	if err := s.reading(given > 0); err != nil {
		return fmt.Errorf("continuing real images: %w", err)
	}
	err = s.each(x, labels, func(g *generator, flat device.Buffer, _, n int, x device.Buffer) {
		g.resume(flat, n, given/c.Block, s.Config.Seed, x)
	})
	if err != nil {
		return err
	}
	return s.finish(x, out)
}

// Mosaic draws every token of images given the real tokens before it, in one
// sweep over real images [n, H, W, C]: what the model generates when no error
// of its own is ever fed back. The noise is that of [Sampler.Sample]. The
// sampler must be made for sweeps (rollout depth 1 or more).
func (s *Sampler) Mosaic(real []uint8, labels []int32, ids []uint32, out []uint8) error {
	if s.how.sweeps == 0 {
		return fmt.Errorf("teacher-forced samples: the sampler is sequential; it must be made for sweeps, sample.rollout_depth = 1")
	}
	if c := s.model.Config; s.how.tokens != c.Tokens() {
		return fmt.Errorf("teacher-forced samples: the sampler has windows of %d of %d tokens; set sample.window = 0", s.how.tokens, c.Tokens())
	}
	x, err := s.begin(real, labels, ids, out)
	if err != nil {
		return fmt.Errorf("teacher-forced samples: %w", err)
	}
	if err := s.reading(true); err != nil {
		return fmt.Errorf("teacher-forced samples: %w", err)
	}
	err = s.each(x, labels, func(g *generator, flat device.Buffer, _, n int, x device.Buffer) {
		g.noise(s.Config.Seed, n, 0)
		if g.read == nil {
			g.sweep(flat, n, device.Buffer{}, x)
		} else {
			g.forced(flat, n, x)
		}
	})
	if err != nil {
		return err
	}
	return s.finish(x, out)
}

// reader is what a generator with a causal decoder needs for real tokens: their states
// stand in that decoder's caches.
type reader struct {
	mem    layers.Memory
	enc    *layers.EncoderActs
	step   *layers.DecoderActs // and what follows: of a block
	caches []device.Buffer
	z      device.Buffer // [batch·B, d]
	token  device.Buffer // [batch·B, P]
}

// reading prepares the generators to read real tokens, where their decoder needs that.
func (s *Sampler) reading(needed bool) error {
	for _, g := range s.shares.gens {
		if !needed || g.coder.Causal == nil || g.read != nil {
			continue
		}
		r := &reader{mem: layers.Memory{Be: g.be}}
		block, m := g.batch*g.cfg.Block, &r.mem
		r.enc, r.token = g.coder.EncoderActs(m, g.batch*g.span), m.Act(block*g.cfg.TokenDim())
		r.step, r.caches = g.decA, g.states
		if r.caches == nil { // the generator decodes all positions at once
			r.step, r.caches, r.z = g.coder.DecoderActs(m, block, false), g.coder.Causal.Caches(m, g.batch), m.Act(block*g.cfg.StateDim())
		}
		if m.Err != nil {
			m.Free()
			return m.Err
		}
		g.read = r
	}
	return nil
}

// forced is a sweep over real x [batch, N, P] in which a causal decoder, too, sees real
// tokens before the block that it decodes: their states, one block after another.
func (g *generator) forced(flat device.Buffer, batch int, x device.Buffer) {
	c, r := g.cfg, g.read
	B, N, P, d := c.Block, c.Tokens(), c.TokenDim(), c.StateDim()
	g.everywhere(flat, batch, device.Buffer{}, x)
	g.coder.Encode(g.pass(flat, device.Buffer{}), r.enc, x, g.trunkA.H, batch*N)
	for k := range c.ARSteps() {
		for _, z := range []device.Buffer{g.z, r.enc.Z} {
			device.Do(g.be, device.Copy2D{Dst: r.z, LDDst: B * d, Src: z.Slice(k*B*d, batch*N*d-k*B*d), LDSrc: N * d, Rows: batch, N: B * d})
			g.decodeStep(flat, r.step, r.caches, r.token, r.z, g.trunkA.H, batch, k)
			if z == g.z {
				device.Do(g.be, device.Copy2D{Dst: x.Slice(k*B*P, x.N-k*B*P), LDDst: N * P, Src: r.token, LDSrc: B * P, Rows: batch, N: B * P})
			}
		}
	}
}

// begin checks a call's arguments and puts the tokens of the real images into
// x [n, N, P] on the device.
func (s *Sampler) begin(real []uint8, labels []int32, ids []uint32, out []uint8) (x device.Buffer, err error) {
	c, n := s.model.Config, len(labels)
	size, per := c.Size*c.Size*c.Channels, c.Tokens()*c.TokenDim()
	if n == 0 || n > s.batch || len(ids) != n || len(real) != n*size || len(out) != n*size {
		return x, fmt.Errorf("%d labels, %d ids, %d bytes of images and room for %d; a call takes 1 to %d images of %d bytes", n, len(ids),
			len(real), len(out), s.batch, size)
	}
	for i, l := range labels {
		if l < 0 || int(l) > c.Classes {
			return x, fmt.Errorf("label %d; allowed are 0 to %d, and %d for no class", l, c.Classes-1, c.Classes)
		}
		s.ids[i] = int32(ids[i])
		c.patches().Cut(s.host[i*per:(i+1)*per], real[i*size:(i+1)*size], s.order)
	}
	x = s.x.Slice(0, n*per)
	s.model.net.be.Upload(x, s.host[:n*per])
	return x, nil
}

// finish brings the images of x to the host.
func (s *Sampler) finish(x device.Buffer, out []uint8) error {
	c := s.model.Config
	size := c.Size * c.Size * c.Channels
	be := s.model.net.be
	be.Download(s.host[:x.N], x)
	if err := be.Err(); err != nil {
		return err
	}
	c.patches().JoinAll(out, len(out)/size, s.host, s.order)
	return nil
}

// resume is sequential from AR step first on: the blocks before it are there,
// in x [batch, N, P], and only fill the caches.
func (g *generator) resume(flat device.Buffer, batch, first int, key uint64, x device.Buffer) {
	c := g.cfg
	B, N, P := c.Block, c.Tokens(), c.TokenDim()
	rows := batch * B
	for k := range c.ARSteps() {
		g.trunkStep(flat, g.trunkA, g.caches, g.token, g.labels, g.rep*batch, k)
		block := x.Slice(k*B*P, x.N-k*B*P)
		if k < first {
			device.Do(g.be, device.Copy2D{Dst: g.token, LDDst: B * P, Src: block, LDSrc: N * P, Rows: batch, N: B * P})
			if r := g.read; r != nil {
				g.coder.Encode(g.pass(flat, device.Buffer{}), r.enc, g.token, g.trunkA.H, rows)
				g.decodeStep(flat, r.step, r.caches, r.token, r.enc.Z, g.trunkA.H, batch, k)
			}
		} else {
			g.noise(key, batch, k*B)
			g.solve(flat, rows, device.Buffer{})
			g.decodeStep(flat, g.decA, g.states, g.token, g.z, g.trunkA.H, batch, k)
			device.Do(g.be, device.Copy2D{Dst: block, LDDst: N * P, Src: g.token, LDSrc: B * P, Rows: batch, N: B * P})
		}
		if g.rep == 2 {
			device.Do(g.be, device.Copy{Dst: g.token.Slice(rows*P, rows*P), Src: g.token.Slice(0, rows*P)})
		}
	}
}
