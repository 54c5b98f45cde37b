package mar

import (
	"fmt"

	"prabench/models"
	"prabench/models/device"
	"prabench/models/layers"
)

// repeat is all that a sequence of operations depends on that comes again and again.
type repeat struct{ images, steps int }

// Sampler draws images, at most its batch at a time.
type Sampler struct {
	model  *Model
	cfg    SampleConfig
	batch  int
	rep    int   // 2 with guidance: the second half has the null class
	counts []int // tokens of an image that each AR step draws

	mem              layers.Memory
	acts             *acts
	flow             *layers.FlowSolver
	x                device.Buffer // [rep·batch·N, P] the tokens so far, the others 0
	omega, noises    device.Buffer // [batch·N, P] noise of all tokens, and of a solver's step
	h                device.Buffer // [rep·batch·most, width] of the tokens of a step
	ones, minus      device.Buffer // [rep·batch·most]
	ids              device.Ints
	at               []device.Ints // rows of x that each AR step draws; with guidance then those of its second half
	kept             device.Kept
	again            layers.Repeats[repeat]
	host             []float32
	hostIDs, perm    []int32
	hostLabels, rows []int32 // [rep·batch·N]
}

// Sampler prepares sampling.
func (m *Model) Sampler(params models.Params, batch int) (models.Sampler, error) {
	p, ok := params.(Params)
	if !ok {
		return nil, fmt.Errorf("sample: parameters of the family %s for a model of mar", params.Family().Name())
	}
	c, be := m.params.Model, m.be
	if err := models.First(p.Sample.validate(c), m.params.Train.EMA.CheckWeights(p.Sample.Weights)); err != nil {
		return nil, err
	}
	if batch < 1 {
		return nil, models.BadKey("sample.batch", "must be 1 or more, not %d", batch)
	}
	s := &Sampler{model: m, cfg: p.Sample, batch: batch, rep: 1, mem: layers.Memory{Be: be}}
	p.Model = c
	s.counts = counts(c.Tokens(), p.ARSteps())
	flow := s.cfg.flow(c.Target)
	if flow.Guides() {
		s.rep = 2
	}
	most := 0
	for _, n := range s.counts {
		most = max(most, n)
	}
	mem, images := &s.mem, s.rep*batch
	size, all := batch*c.Tokens()*c.TokenDim(), images*most
	s.acts, s.flow = m.acts(mem, images, false), m.net.head.Solver(mem, flow, batch*most)
	s.x, s.omega, s.h = mem.Act(s.rep*size), mem.Act(size), mem.Act(all*c.Width)
	if s.cfg.Solver == "euler-maruyama" {
		s.noises = mem.Act(size)
	}
	s.ones, s.minus, s.ids = mem.Act(all), mem.Act(all), mem.Ints(batch)
	for _, n := range s.counts {
		s.at = append(s.at, mem.Ints(images*n))
	}
	if mem.Err != nil {
		s.Close()
		return nil, mem.Err
	}
	device.Do(be, device.Fill{Dst: s.ones, Value: 1})
	device.Do(be, device.Fill{Dst: s.minus, Value: -1})
	s.host, s.hostIDs, s.perm = make([]float32, size), make([]int32, batch), make([]int32, c.Tokens())
	s.hostLabels, s.rows = make([]int32, images), make([]int32, images*c.Tokens())
	if k := be.Caps().Keeper; k != nil {
		s.kept = k.Keeping(m.generating(s.flat()))
	}
	return s, nil
}

// flat is the weights that the images are drawn with.
func (s *Sampler) flat() device.Buffer {
	return s.model.averages.Of(s.cfg.Weights, s.model.raw)
}

// Sample draws len(labels) images into out [n, H, W, C]. ids key the noise and the order
// of the tokens.
func (s *Sampler) Sample(labels []int32, ids []uint32, out []uint8) error {
	c, bytes := s.model.params.Model, s.model.params.Shape().Bytes()
	if len(out) != len(labels)*bytes {
		return fmt.Errorf("sample: room for %d bytes where %d images need %d", len(out), len(labels), len(labels)*bytes)
	}
	tokens, err := s.tokens(labels, ids)
	if err != nil {
		return err
	}
	patches, order := c.patches()
	patches.JoinAll(out, len(labels), tokens, order)
	return nil
}

// tokens draws images as their unclipped tokens [n, N, P]. The slice is the
// sampler's, good until the next call.
func (s *Sampler) tokens(labels []int32, ids []uint32) ([]float32, error) {
	if err := s.run(labels, ids, len(s.counts)); err != nil {
		return nil, err
	}
	size, be := len(labels)*s.model.params.Model.Tokens()*s.model.params.Model.TokenDim(), s.model.be
	be.Download(s.host[:size], s.x.Slice(0, size))
	return s.host[:size], be.Err()
}

// FirstBlock does what sampling does before its first tokens are final: one AR step. It
// is for timing.
func (s *Sampler) FirstBlock(labels []int32, ids []uint32) error { return s.run(labels, ids, 1) }

var _ models.Starter = (*Sampler)(nil)

// run does the first AR steps.
func (s *Sampler) run(labels []int32, ids []uint32, steps int) error {
	n, c, be := len(labels), s.model.params.Model, s.model.be
	if err := models.CheckDraw(labels, ids, s.batch, c.Classes); err != nil {
		return err
	}
	s.plan(labels, ids)
	if s.kept != nil {
		s.kept.Begin()
		defer s.kept.End()
	}
	s.again.Do(be, repeat{n, steps}, func() { s.draw(n, steps) })
	return be.Sync()
}

// plan uploads labels and the rows that each AR step draws: the tokens of an image are
// drawn in an order of its own.
func (s *Sampler) plan(labels []int32, ids []uint32) {
	n, c, be := len(labels), s.model.params.Model, s.model.be
	N := c.Tokens()
	for i, id := range ids {
		s.hostIDs[i] = int32(id)
		layers.Shuffle(s.perm, s.cfg.Seed, streamPlaces, id)
		first := 0 // of this step's tokens in perm
		for _, m := range s.counts {
			for j := range m {
				row := int32(i*N) + s.perm[first+j]
				at := s.rep*n*first + i*m + j
				s.rows[at] = row
				if s.rep == 2 {
					s.rows[at+n*m] = int32(n*N) + row
				}
			}
			first += m
		}
		s.hostLabels[i] = labels[i]
		if s.rep == 2 {
			s.hostLabels[n+i] = int32(c.Classes)
		}
	}
	be.UploadInts(s.ids, s.hostIDs[:n])
	s.model.net.embedding.Label(be, s.acts.masks, s.hostLabels[:s.rep*n])
	first := 0
	for k, m := range s.counts {
		be.UploadInts(s.at[k], s.rows[s.rep*n*first:][:s.rep*n*m])
		first += m
	}
}

// draw leaves the tokens of the first AR steps of n images in s.x.
func (s *Sampler) draw(n, steps int) {
	m, be, c := s.model, s.model.be, s.model.params.Model
	p := m.pass(s.flat(), device.Buffer{})
	N, P := c.Tokens(), c.TokenDim()
	size, masks := n*N*P, s.acts.masks
	device.Do(be, device.Fill{Dst: s.x.Slice(0, s.rep*size)})
	device.Do(be, device.Fill{Dst: masks.Hidden, Value: 1})
	device.Do(be, device.Fill{Dst: masks.Shown})
	device.Do(be, device.Normal{Dst: s.omega.Slice(0, size), IDs: s.ids, Batch: n, Tokens: N, Dim: P, Key: s.cfg.Seed, Stream: streamSample})
	s.flow.Begin(p)
	known := 0
	for k := range steps {
		known += s.counts[k]
		rows := n * s.counts[k]
		at, all := s.at[k], s.rep*rows
		m.trunk(p, s.acts, s.x, s.rep*n)
		device.Do(be, device.Gather{Y: s.h, Table: s.acts.H, Index: at, Rows: all, N: c.Width})
		device.Do(be, device.Gather{Y: s.flow.Z, Table: s.omega, Index: at, Rows: rows, N: P})
		s.flow.Solve(p, s.h, rows, s.guidance(known), func(dst device.Buffer, i int) { s.noise(dst, at, n, rows, i) })
		// Every row is drawn once, so adding to zeros puts the tokens into their places.
		device.Do(be, device.GatherBackward{DTable: s.x.Slice(0, size), DY: s.flow.Z, Index: at, Rows: rows, N: P})
		device.Do(be, device.GatherBackward{DTable: masks.Shown, DY: s.ones, Index: at, Rows: all, N: 1})
		device.Do(be, device.GatherBackward{DTable: masks.Hidden, DY: s.minus, Index: at, Rows: all, N: 1})
		if s.rep == 2 {
			device.Do(be, device.Copy{Dst: s.x.Slice(size, size), Src: s.x.Slice(0, size)})
		}
	}
}

// guidance is the weight of the AR step after which so many tokens are known.
func (s *Sampler) guidance(known int) float64 {
	if s.cfg.GuidanceSchedule == "linear" {
		return s.cfg.Guidance * float64(known) / float64(s.model.params.Model.Tokens())
	}
	return s.cfg.Guidance
}

// noise draws what euler-maruyama adds in step i to the tokens at rows: the noise of a
// token is that of its place.
func (s *Sampler) noise(dst device.Buffer, at device.Ints, n, rows, i int) {
	be, c := s.model.be, s.model.params.Model
	all := s.noises.Slice(0, n*c.Tokens()*c.TokenDim())
	device.Do(be, device.Normal{Dst: all, IDs: s.ids, Batch: n, Tokens: c.Tokens(), Dim: c.TokenDim(), Key: s.cfg.Seed,
		Stream: streamSolver + uint32(i)})
	device.Do(be, device.Gather{Y: dst, Table: all, Index: at, Rows: rows, N: c.TokenDim()})
}

// Close frees the sampler's memory, and first the recordings that use it.
func (s *Sampler) Close() {
	s.again.Close()
	if s.kept != nil {
		s.kept.Close()
	}
	s.mem.Free()
}
