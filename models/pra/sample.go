package pra

import (
	"fmt"

	"prabench/models"
	"prabench/models/device"
	"prabench/models/layers"
)

// Sampler draws images from a model, at most its batch at a time. An image is
// a function of (weights, seed, label, id) and of nothing else.
type Sampler struct {
	Config SampleConfig

	model  *Model
	shares *shares
	mem    layers.Memory
	x      device.Buffer // [batch, N, P]
	host   []float32
	ids    []int32
	order  []int32
	batch  int
	sweeps int // 0: sequential
}

// NewSampler prepares sampling with at most batch images per call.
func NewSampler(m *Model, sc SampleConfig, batch int) (*Sampler, error) {
	if err := models.First(sc.Validate(), m.named(sc.Weights)); err != nil {
		return nil, err
	}
	if batch < 1 {
		return nil, models.BadKey("sample.batch", "must be 1 or more, not %d", batch)
	}
	c := m.Config
	s := &Sampler{Config: sc, model: m, mem: layers.Memory{Be: m.net.be}, batch: batch, sweeps: int(sc.RolloutDepth.Resolve(c.ARSteps())),
		order: c.order()}
	plan := sc.plan()
	var err error
	if s.shares, err = newShares(m.net, plan, batch, s.sweeps == 0); err != nil {
		return nil, err
	}
	s.shares.keep(m.net, m.weights(sc.Weights))
	size := batch * c.Tokens() * c.TokenDim()
	s.x = s.mem.Act(size)
	if s.mem.Err != nil {
		s.Close()
		return nil, s.mem.Err
	}
	s.host, s.ids = make([]float32, size), make([]int32, batch)
	return s, nil
}

// Sample draws len(labels) images into out [n, H, W, C]. ids key the noise:
// equal ids give equal images whatever else is drawn.
func (s *Sampler) Sample(labels []int32, ids []uint32, out []uint8) error {
	c := s.model.Config
	size := c.Size * c.Size * c.Channels
	if len(out) != len(labels)*size {
		return fmt.Errorf("sample: room for %d bytes where %d images need %d", len(out), len(labels), len(labels)*size)
	}
	tokens, err := s.Tokens(labels, ids)
	if err != nil {
		return err
	}
	per := c.Tokens() * c.TokenDim()
	for i := range labels {
		c.patches().Join(out[i*size:(i+1)*size], tokens[i*per:(i+1)*per], s.order)
	}
	return nil
}

// Tokens draws len(labels) images as their unclipped tokens [n, N, P] in
// generation order. The slice is the sampler's, good until the next call.
func (s *Sampler) Tokens(labels []int32, ids []uint32) ([]float32, error) {
	if err := s.run(labels, ids, s.model.Config.ARSteps()); err != nil {
		return nil, err
	}
	n := len(labels) * s.model.Config.Tokens() * s.model.Config.TokenDim()
	be := s.model.net.be
	be.Download(s.host[:n], s.x.Slice(0, n))
	return s.host[:n], be.Err()
}

// FirstBlock does what sampling does before its first tokens are final: one AR
// step, or one sweep. It is for timing.
func (s *Sampler) FirstBlock(labels []int32, ids []uint32) error {
	return s.run(labels, ids, 1)
}

func (s *Sampler) run(labels []int32, ids []uint32, steps int) error {
	n, c := len(labels), s.model.Config
	if n == 0 || n > s.batch || len(ids) != n {
		return fmt.Errorf("sample: %d labels and %d ids; a call takes 1 to %d of each", n, len(ids), s.batch)
	}
	for i, l := range labels {
		if l < 0 || int(l) > c.Classes {
			return fmt.Errorf("sample: label %d; allowed are 0 to %d, and %d for no class", l, c.Classes-1, c.Classes)
		}
		s.ids[i] = int32(ids[i])
	}
	return s.each(s.x.Slice(0, n*c.Tokens()*c.TokenDim()), labels, func(g *generator, flat device.Buffer, n int, x device.Buffer) {
		if s.sweeps == 0 {
			g.sequential(flat, n, steps, s.Config.Seed, device.Buffer{}, x)
			return
		}
		device.Do(g.be, device.Fill{Dst: x})
		g.noise(s.Config.Seed, n, 0)
		for range min(s.sweeps, steps) {
			g.sweep(flat, n, device.Buffer{}, x)
		}
	})
}

// each has the generators work on the images of x [n, N, P], each on its own.
func (s *Sampler) each(x device.Buffer, labels []int32, f func(g *generator, flat device.Buffer, n int, x device.Buffer)) error {
	flat, image := s.model.weights(s.Config.Weights), s.model.Config.Tokens()*s.model.Config.TokenDim()
	s.shares.each(len(labels), func(g *generator, lo, n int) {
		g.begin(flat, labels[lo:lo+n], s.ids[lo:lo+n])
		f(g, flat, n, x.Slice(lo*image, n*image))
	})
	return s.model.net.be.Sync()
}

// Close frees the sampler's memory.
func (s *Sampler) Close() {
	s.shares.close()
	s.mem.Free()
}
