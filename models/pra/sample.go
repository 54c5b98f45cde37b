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
	how    jacobi
	used   []float64 // sweeps that images of the last call took
}

// NewSampler prepares sampling with at most batch images per call.
func NewSampler(m *Model, sc SampleConfig, batch int) (*Sampler, error) {
	if err := models.First(sc.Validate(), m.Train.EMA.CheckWeights(sc.Weights)); err != nil {
		return nil, err
	}
	if batch < 1 {
		return nil, models.BadKey("sample.batch", "must be 1 or more, not %d", batch)
	}
	c := m.Config
	s := &Sampler{Config: sc, model: m, mem: layers.Memory{Be: m.net.be}, batch: batch, how: sc.jacobi(c), order: c.order()}
	plan := sc.plan()
	var err error
	if s.shares, err = newShares(m.net, plan, batch, s.how.pace(c)); err != nil {
		return nil, err
	}
	s.shares.keep(m.net, m.weights(sc.Weights))
	size := batch * c.Tokens() * c.TokenDim()
	s.x = s.mem.Act(size)
	for _, g := range s.shares.gens {
		g.prepare(s.how)
		s.mem.Err = models.First(s.mem.Err, g.mem.Err)
	}
	if s.mem.Err != nil {
		s.Close()
		return nil, s.mem.Err
	}
	s.host, s.ids, s.used = make([]float32, size), make([]int32, batch), make([]float64, batch)
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
	c.patches().JoinAll(out, len(labels), tokens, s.order)
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
	if err := models.CheckDraw(labels, ids, s.batch, c.Classes); err != nil {
		return err
	}
	for i := range labels {
		s.ids[i] = int32(ids[i])
	}
	s.used = s.used[:n]
	return s.each(s.x.Slice(0, n*c.Tokens()*c.TokenDim()), labels, func(g *generator, flat device.Buffer, lo, n int, x device.Buffer) {
		if s.how.sweeps == 0 {
			g.sequential(flat, n, steps, s.Config.Seed, device.Buffer{}, x)
			return
		}
		g.parallel(flat, &s.how, images{labels[lo : lo+n], s.ids[lo : lo+n], s.used[lo : lo+n], s.Config.Seed}, steps == 1, x)
	})
}

// each has the generators work on the images of x [n, N, P], each on its own; lo is a
// generator's first.
func (s *Sampler) each(x device.Buffer, labels []int32, f func(g *generator, flat device.Buffer, lo, n int, x device.Buffer)) error {
	flat, image := s.model.weights(s.Config.Weights), s.model.Config.Tokens()*s.model.Config.TokenDim()
	s.shares.each(len(labels), func(g *generator, lo, n int) {
		g.begin(flat, labels[lo:lo+n], s.ids[lo:lo+n])
		f(g, flat, lo, n, x.Slice(lo*image, n*image))
	})
	return s.model.net.be.Sync()
}

// Sweeps are those that each image of the last call took, the mean over its tokens, of
// which those of one window took equally many; nil where sampling is sequential.
func (s *Sampler) Sweeps() []float64 {
	if s.how.sweeps == 0 {
		return nil
	}
	return s.used
}

// Evaluations of the head for a token in one sweep, or in the only one.
func (s *Sampler) Evaluations() int { return s.Config.plan().Evaluations() }

// Close frees the sampler's memory.
func (s *Sampler) Close() {
	s.shares.close()
	s.mem.Free()
}
