package vq

import (
	"fmt"

	"prabench/models"
	"prabench/models/device"
	"prabench/models/layers"
)

// repeat is all that a sequence of operations depends on that comes again and again.
type repeat struct{ step, images int } // step K is the decoder

// Sampler draws images, at most its batch at a time.
type Sampler struct {
	model *Model
	cfg   SampleConfig
	batch int
	rep   int // 2 with guidance: the second half has the null class

	mem                layers.Memory
	acts               *layers.StackActs
	caches             []device.Buffer
	proj, prev, logits device.Buffer // [rep·batch·B, width], […, d], […, K]
	dec                *decoderActs
	labels             device.Ints // [rep·batch]
	step, codes        device.Ints // [rep·batch·B], [batch·N]
	kept               device.Kept
	again              layers.Repeats[repeat]
	chooser            *chooser
	host, out          []float32
	hostLabels         []int32
	hostStep, drawn    []int32
}

// Sampler prepares sampling.
func (m *Model) Sampler(params models.Params, batch int) (models.Sampler, error) {
	p, ok := params.(Params)
	if !ok {
		return nil, fmt.Errorf("sample: parameters of the family %s for a model of vq", params.Family().Name())
	}
	c, be := m.params.Model, m.be
	if err := models.First(p.Sample.validate(c.Codes), m.params.Train.EMA.CheckWeights(p.Sample.Weights)); err != nil {
		return nil, err
	}
	if batch < 1 {
		return nil, models.BadKey("sample.batch", "must be 1 or more, not %d", batch)
	}
	s := &Sampler{model: m, cfg: p.Sample, batch: batch, rep: 1, mem: layers.Memory{Be: be}, chooser: newChooser(p.Sample, c.Codes)}
	if s.cfg.Guidance != 0 {
		s.rep = 2
	}
	mem, images := &s.mem, s.rep*batch
	rows := images * c.Block
	s.acts = m.net.stack.StepActs(mem, images, c.Block)
	for range c.Depth {
		s.caches = append(s.caches, mem.Alloc(device.Cache, device.CacheElements(be, images, c.ClassTokens+c.Tokens(), c.Heads, c.Width)))
	}
	s.proj, s.prev, s.logits = mem.Act(rows*c.Width), mem.Act(rows*c.CodeDim), mem.Act(rows*c.Codes)
	s.dec = m.tok.decoderActs(mem, batch, false)
	s.labels, s.step, s.codes = mem.Ints(images), mem.Ints(rows), mem.Ints(batch*c.Tokens())
	if mem.Err != nil {
		s.Close()
		return nil, mem.Err
	}
	s.host, s.out = make([]float32, rows*c.Codes), make([]float32, batch*c.Tokens()*c.TokenDim())
	s.hostLabels, s.hostStep, s.drawn = make([]int32, images), make([]int32, rows), make([]int32, batch*c.Tokens())
	if k := be.Caps().Keeper; k != nil {
		s.kept = k.Keeping(m.generating(s.flat()))
	}
	return s, nil
}

// flat is the weights that the codes are drawn with.
func (s *Sampler) flat() device.Buffer {
	return s.model.averages.Of(s.cfg.Weights, s.model.raw)
}

// Sample draws len(labels) images into out [n, H, W, C]. ids key the noise.
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

// tokens draws images as their unclipped tokens [n, N, P], and leaves their codes in
// s.drawn [n, N]. The slice is the sampler's, good until the next call.
func (s *Sampler) tokens(labels []int32, ids []uint32) ([]float32, error) {
	n, c, be := len(labels), s.model.params.Model, s.model.be
	if err := models.CheckDraw(labels, ids, s.batch, c.Classes); err != nil {
		return nil, err
	}
	for i, l := range labels {
		s.hostLabels[i] = l
		if s.rep == 2 {
			s.hostLabels[n+i] = int32(c.Classes)
		}
	}
	be.UploadInts(s.labels, s.hostLabels[:s.rep*n])
	if s.kept != nil {
		s.kept.Begin()
		defer s.kept.End()
	}
	for k := range c.ARSteps() {
		s.again.Do(be, repeat{k, n}, func() { s.evaluate(n, k) })
		s.choose(ids, k)
		if err := be.Err(); err != nil {
			return nil, err
		}
	}
	rows := n * c.Tokens()
	be.UploadInts(s.codes, s.drawn[:rows])
	s.again.Do(be, repeat{c.ARSteps(), n}, func() {
		s.model.book.gather(be, s.dec.zq, s.codes, rows)
		s.model.tok.decode(s.model.pass(s.model.coder, device.Buffer{}), s.dec, n)
	})
	size := rows * c.TokenDim()
	be.Download(s.out[:size], s.dec.y.Slice(0, size))
	return s.out[:size], be.Err()
}

// evaluate leaves the logits of the tokens of step k in s.logits; s.step has the codes
// of the step before.
func (s *Sampler) evaluate(n, k int) {
	m, be, c := s.model, s.model.be, s.model.params.Model
	p, images := m.pass(s.flat(), device.Buffer{}), s.rep*n
	rows, seq := images*c.Block, m.sequences(images, s.labels)
	if k > 0 {
		m.book.gather(be, s.prev, s.step, rows)
	} else {
		m.net.stack.Prefix(p, s.acts, s.caches, seq)
	}
	m.net.embedding.Step(p, s.acts.Input(), s.proj, s.prev, s.labels, m.order, images, k*c.Block)
	m.net.stack.Step(p, s.acts, s.caches, seq, k*c.Block)
	m.net.logits.Apply(p, s.logits, device.Buffer{}, s.acts.H, rows, device.None)
}

// choose draws the codes of step k from s.logits: that of token i of an image by the
// random number at (image, i).
func (s *Sampler) choose(ids []uint32, k int) {
	c, be, n := s.model.params.Model, s.model.be, len(ids)
	B, K := c.Block, c.Codes
	host := s.host[:s.rep*n*B*K]
	be.Download(host, s.logits.Slice(0, len(host)))
	for i, id := range ids {
		for b := range B {
			r, token := i*B+b, k*B+b
			var null []float32
			if s.rep == 2 {
				null = host[(n*B+r)*K:][:K]
			}
			code := s.chooser.draw(host[r*K:][:K], null, layers.Uniform(s.cfg.Seed, streamSample, id, uint32(token)))
			s.drawn[i*c.Tokens()+token], s.hostStep[r] = code, code
			if s.rep == 2 {
				s.hostStep[n*B+r] = code
			}
		}
	}
	be.UploadInts(s.step, s.hostStep[:s.rep*n*B])
}

// Close frees the sampler's memory, and first the recordings that use it.
func (s *Sampler) Close() {
	s.again.Close()
	if s.kept != nil {
		s.kept.Close()
	}
	s.mem.Free()
}
