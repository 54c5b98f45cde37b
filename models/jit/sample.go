package jit

import (
	"fmt"

	"prabench/models"
	"prabench/models/device"
	"prabench/models/layers"
)

// plan is how the flow is integrated, the last step by Euler.
func (s SampleConfig) plan(target string) layers.Flow {
	return layers.Flow{Steps: s.FlowSteps, Solver: s.Solver, Guidance: s.Guidance, From: s.GuidanceFrom, To: s.GuidanceTo,
		Clean: target == "x"}
}

// Sampler draws images, at most its batch at a time.
type Sampler struct {
	model *Model
	cfg   SampleConfig
	plan  layers.Flow
	batch int
	rep   int // 2 with guidance: the second half has the null class
	ahead int // times whose modulations are computed together
	have  int // how many of these there are, from time from
	from  int

	mem         layers.Memory
	acts        *acts
	temb        *layers.TimeActs
	times       device.Buffer
	z, zt       device.Buffer // [rep·batch·N, P]
	v, v2       device.Buffer // [batch·N, P]
	labels, ids device.Ints
	kept        device.Kept
	again       layers.Repeats[int]
	host        []float32
	hostLabels  []int32
	hostIDs     []int32
}

// Sampler prepares sampling.
func (m *Model) Sampler(params models.Params, batch int) (models.Sampler, error) {
	p, ok := params.(Params)
	if !ok {
		return nil, fmt.Errorf("sample: parameters of the family %s for a model of jit", params.Family().Name())
	}
	if err := models.First(p.Sample.validate(), m.params.Train.EMA.CheckWeights(p.Sample.Weights)); err != nil {
		return nil, err
	}
	if batch < 1 {
		return nil, models.BadKey("sample.batch", "must be 1 or more, not %d", batch)
	}
	c, be := m.params.Model, m.be
	s := &Sampler{model: m, cfg: p.Sample, plan: p.Sample.plan(c.Target), batch: batch, rep: 1, mem: layers.Memory{Be: be}}
	if s.plan.Guides() {
		s.rep = 2
	}
	images := s.rep * batch
	s.ahead = layers.Ahead(be, s.plan.Steps, images)
	size := batch * c.Tokens() * c.TokenDim()
	mem := &s.mem
	s.acts = m.acts(mem, images, s.ahead*images, false)
	s.times, s.temb = mem.Act(s.plan.Steps), m.net.trunk.Time.Acts(mem, s.plan.Steps)
	s.z, s.v = mem.Act(s.rep*size), mem.Act(size)
	if s.plan.Solver == "heun" {
		s.zt, s.v2 = mem.Act(s.rep*size), mem.Act(size)
	}
	s.labels, s.ids = mem.Ints(images), mem.Ints(batch)
	if mem.Err != nil {
		s.Close()
		return nil, mem.Err
	}
	s.host, s.hostLabels, s.hostIDs = make([]float32, size), make([]int32, images), make([]int32, batch)
	t := make([]float32, s.plan.Steps)
	for i := range t {
		t[i] = float32(s.plan.Time(i))
	}
	be.Upload(s.times, t)
	if k := be.Caps().Keeper; k != nil {
		s.kept = k.Keeping(m.generating(s.flat()))
	}
	return s, nil
}

// flat is the weights that the images are drawn with.
func (s *Sampler) flat() device.Buffer {
	return s.model.averages.Of(s.cfg.Weights, s.model.raw)
}

// Sample draws len(labels) images into out [n, H, W, C]. ids key the noise.
func (s *Sampler) Sample(labels []int32, ids []uint32, out []uint8) error {
	c, bytes := s.model.params.Model, s.model.params.Shape().Bytes()
	if len(out) != len(labels)*bytes {
		return fmt.Errorf("sample: room for %d bytes where %d images need %d", len(out), len(labels), len(labels)*bytes)
	}
	tokens, err := s.Tokens(labels, ids)
	if err != nil {
		return err
	}
	patches, order := c.patches()
	patches.JoinAll(out, len(labels), tokens, order)
	return nil
}

// Tokens draws images as their unclipped tokens [n, N, P]. The slice is the
// sampler's, good until the next call.
func (s *Sampler) Tokens(labels []int32, ids []uint32) ([]float32, error) {
	n, c, be := len(labels), s.model.params.Model, s.model.be
	if err := models.CheckDraw(labels, ids, s.batch, c.Classes); err != nil {
		return nil, err
	}
	for i, l := range labels {
		s.hostLabels[i], s.hostIDs[i] = l, int32(ids[i])
		if s.rep == 2 {
			s.hostLabels[n+i] = int32(c.Classes)
		}
	}
	be.UploadInts(s.labels, s.hostLabels[:s.rep*n])
	be.UploadInts(s.ids, s.hostIDs[:n])
	if s.kept != nil {
		s.kept.Begin()
		defer s.kept.End()
	}
	s.again.Do(be, n, func() { s.integrate(n) })
	if err := be.Sync(); err != nil {
		return nil, err
	}
	size := n * c.Tokens() * c.TokenDim()
	be.Download(s.host[:size], s.z.Slice(0, size))
	return s.host[:size], be.Err()
}

// integrate leaves n images in s.z.
func (s *Sampler) integrate(n int) {
	m, be, c := s.model, s.model.be, s.model.params.Model
	p := m.pass(s.flat(), device.Buffer{})
	size := n * c.Tokens() * c.TokenDim()
	z, v := s.z.Slice(0, size), s.v.Slice(0, size)
	m.net.trunk.Condition(p, s.acts.DenoiserActs, s.labels, s.rep*n)
	m.net.trunk.Time.Forward(p, s.temb, s.times, s.plan.Steps)
	device.Do(be, device.Normal{Dst: z, IDs: s.ids, Batch: n, Tokens: c.Tokens(), Dim: c.TokenDim(), Key: s.cfg.Seed, Stream: streamSample})
	s.have = 0
	for i := range s.plan.Steps {
		at, dt := s.plan.Time(i), float32(s.plan.Time(i+1)-s.plan.Time(i))
		o, null := s.evaluate(p, s.z, i, n)
		w, inv := float32(s.plan.Guidance), s.plan.Inverse(at)
		if s.plan.Solver != "heun" || i == s.plan.Steps-1 {
			device.Do(be, device.FlowStep{Z: z, V: v, O: o, Null: null, Guidance: w, Inv: inv, DT: dt})
			continue
		}
		device.Do(be, device.Velocity{V: v, O: o, Null: null, Z: z, Guidance: w, Inv: inv})
		zt, v2 := s.zt.Slice(0, size), s.v2.Slice(0, size)
		device.Do(be, device.Mix{Dst: zt, A: 1, X: z, B: dt, Y: v})
		o, null = s.evaluate(p, s.zt, i+1, n)
		device.Do(be, device.Velocity{V: v2, O: o, Null: null, Z: zt, Guidance: w, Inv: s.plan.Inverse(s.plan.Time(i + 1))})
		device.Do(be, device.Mix{Dst: v, A: 0.5, X: v, B: 0.5, Y: v2})
		device.Do(be, device.Mix{Dst: z, A: 1, X: z, B: dt, Y: v})
	}
}

// evaluate is the network's output at the first n images of z, at the time of step i;
// with guidance also that of the null class.
func (s *Sampler) evaluate(p *layers.Pass, z device.Buffer, i, n int) (o, null device.Buffer) {
	c := s.model.params.Model
	size := n * c.Tokens() * c.TokenDim()
	images := n
	if s.plan.Guided(s.plan.Time(i)) {
		images = 2 * n
		device.Do(p.Be, device.Copy{Dst: z.Slice(size, size), Src: z.Slice(0, size)})
	}
	s.model.forward(p, s.acts, s.modulations(p, i, s.rep*n), z, images)
	if images > n {
		null = s.acts.Out.Slice(size, size)
	}
	return s.acts.Out.Slice(0, size), null
}

// modulations are those of all images at the time of step i; where they are missing
// they are computed together with those of the next steps.
func (s *Sampler) modulations(p *layers.Pass, i, images int) device.Buffer {
	trunk := &s.model.net.trunk
	if i < s.from || i >= s.from+s.have {
		W := trunk.Width
		s.from, s.have = i, min(s.ahead, s.plan.Steps-i)
		trunk.Modulate(p, s.acts.DenoiserActs, s.temb.Out.Slice(i*W, s.have*W), s.have, images, false)
	}
	size := images * trunk.Mod.Out
	return s.acts.Mod.Slice((i-s.from)*size, size)
}

// Close frees the sampler's memory, and first the recordings that use it.
func (s *Sampler) Close() {
	s.again.Close()
	if s.kept != nil {
		s.kept.Close()
	}
	s.mem.Free()
}
