package mar

import (
	"fmt"
	"math"

	"prabench/models"
	"prabench/models/device"
	"prabench/models/layers"
	"prabench/models/ranks"
)

// Trainer trains one model. Everything a step does is a function of parameters,
// step number and weights.
type Trainer struct {
	model *Model
	mem   layers.Memory
	share layers.Share
	sum   [1]float64 // of the last step's loss over all ranks
	adam  *layers.AdamW
	feed  *layers.Feed

	acts                *acts
	head                *layers.HeadActs
	tg                  *layers.StackGrads
	hg                  *layers.HeadGrads
	x                   device.Buffer // [rows, P], rows = images·N
	zt, eps, target, do device.Buffer // [R, P], R = flow samples·rows
	dh                  device.Buffer // [rows, width]
	loss                device.Buffer // [parts·R]
	a, b, w, one, minus device.Buffer // [R]
	ids                 device.Ints

	hidden int // tokens of the step's images, which the loss is a mean over

	patches         layers.Patches
	raster, perm    []int32
	tokens          []float32 // [rows, P]
	labels, hostIDs []int32   // of images
	shown, masked   []float32 // [rows]
	t, rest, weight []float32 // [R]
}

func newTrainer(be device.Backend, p Params, data models.Images) (*Trainer, error) {
	return newRank(be, p, data, ranks.Alone{})
}

// newRank is newTrainer for one of several processes.
func newRank(be device.Backend, p Params, data models.Images, g ranks.Group) (*Trainer, error) {
	if err := models.First(p.Validate(), data.Suit(p.Shape())); err != nil {
		return nil, err
	}
	share, err := layers.ShareOf(g, p.Train.Batch, p.Train.MicroBatch)
	if err != nil {
		return nil, err
	}
	model, err := newModel(be, p)
	if err != nil {
		return nil, err
	}
	t := &Trainer{model: model, mem: layers.Memory{Be: be}, share: share,
		feed: layers.NewFeedOf(data, models.SeedOf(p.Train.SeedOrder, p.Train.Seed), streamOrder, share)}
	t.adam = layers.NewAdamW(&t.mem, &model.net.Parameters, p.Train.recipe())
	t.allocate()
	if t.mem.Err != nil {
		t.Close()
		return nil, t.mem.Err
	}
	device.Do(be, device.Fill{Dst: t.one, Value: 1})
	device.Do(be, device.Fill{Dst: t.minus, Value: -1})
	return t, nil
}

func (t *Trainer) allocate() {
	p, n, m := t.model.params, t.model.net, &t.mem
	B, N, P := t.share.Micro, p.Model.Tokens(), p.Model.TokenDim()
	rows := B * N
	R := rows * p.Train.FlowSamples
	t.acts = t.model.acts(m, B, true)
	t.head, t.hg = n.head.Acts(m, R, R, rows, R, true), n.head.Grads(m, R, rows)
	t.tg = n.stack.Grads(m, B, N)
	t.x, t.zt, t.eps, t.do = m.Act(rows*P), m.Act(R*P), m.Act(R*P), m.Act(R*P)
	if p.Model.Target == "v" {
		t.target = m.Act(R * P)
	}
	t.dh, t.loss = m.Act(rows*p.Model.Width), m.Act(t.share.Parts()*R)
	t.a, t.b, t.w, t.one, t.minus = m.Act(R), m.Act(R), m.Act(R), m.Act(R), m.Act(R)
	t.ids = m.Ints(B)
	t.patches, t.raster = p.Model.patches()
	t.perm, t.labels, t.hostIDs = make([]int32, N), make([]int32, B), make([]int32, B)
	t.tokens, t.shown, t.masked = make([]float32, rows*P), make([]float32, rows), make([]float32, rows)
	t.t, t.rest, t.weight = make([]float32, R), make([]float32, R), make([]float32, R)
}

func (t TrainConfig) recipe() layers.Recipe {
	return layers.Recipe{Steps: t.Steps, LR: t.LR, Schedule: t.schedule(), Warmup: t.Warmup,
		Beta1: 0.9, Beta2: t.Beta2, WeightDecay: t.WeightDecay, Clip: t.Clip,
		EMA: t.EMA.Decays()[0]}
}

// Done is the number of steps done.
func (t *Trainer) Done() int { return t.model.steps }

// Step does one optimisation step.
func (t *Trainer) Step() error {
	m := t.model
	for part := range t.share.Parts() {
		if err := t.loadBatch(part); err != nil {
			return fmt.Errorf("training step %d: %w", m.steps+1, err)
		}
		t.forwardBackward(part)
	}
	if err := t.share.Gather(m.be, t.adam, m.steps, t.sum[:], t.loss); err != nil {
		return fmt.Errorf("training step %d: %w", m.steps+1, err)
	}
	err := t.adam.EndStep(m.be, &m.net.Parameters, m.raw, &m.averages, m.steps)
	m.steps++
	return err
}

// loadBatch puts a part of the images of the next step on the device, with what is
// hidden of each.
func (t *Trainer) loadBatch(part int) error {
	m, tc, c := t.model, t.model.params.Train, t.model.params.Model
	per := c.Tokens() * c.TokenDim()
	if part == 0 {
		t.hidden = 0
		for i := range tc.Batch { // of all ranks
			t.hidden += tc.hidden(uint32(m.steps*tc.Batch+i), c.Tokens())
		}
	}
	for i := range t.share.Micro {
		at := t.share.At(m.steps, part, i)
		pixels, label, err := t.feed.Next(at)
		if err != nil {
			return err
		}
		t.patches.Cut(t.tokens[i*per:(i+1)*per], pixels, t.raster)
		t.hide(i, uint32(at), label)
	}
	m.be.Upload(t.x, t.tokens)
	m.be.Upload(t.acts.masks.Shown, t.shown)
	m.be.Upload(t.acts.masks.Hidden, t.masked)
	m.net.embedding.Label(m.be, t.acts.masks, t.labels)
	m.be.UploadInts(t.ids, t.hostIDs)
	m.be.Upload(t.a, t.t)
	m.be.Upload(t.b, t.rest)
	m.be.Upload(t.w, t.weight)
	return nil
}

// hide draws which tokens of the image at place i are hidden, and the times of their
// flows; the others have no weight in the loss.
func (t *Trainer) hide(i int, id uint32, label int32) {
	tc, c := t.model.params.Train, t.model.params.Model
	N, key := c.Tokens(), tc.noiseSeed()
	t.hostIDs[i], t.labels[i] = int32(id), label
	if layers.Uniform(key, streamDropout, id, 0) < tc.ClassDropout {
		t.labels[i] = int32(c.Classes)
	}
	layers.Shuffle(t.perm, key, streamPlaces, id)
	visible := N - tc.hidden(id, N)
	for k, j := range t.perm {
		r := i*N + int(j)
		t.shown[r], t.masked[r] = 0, 1
		if k < visible {
			t.shown[r], t.masked[r] = 1, 0
		}
		for s := range tc.FlowSamples {
			q := s*len(t.masked) + r
			time := 1 / (1 + math.Exp(-tc.TimeMean-tc.TimeStd*layers.Normal(key, streamTime+uint32(s), id, uint32(j), 0)))
			t.t[q], t.rest[q], t.weight[q] = float32(time), float32(1-time), t.masked[r]
			if c.Target == "x" {
				t.weight[q] *= float32(1 / math.Max(1-time, layers.MinRemain))
			}
		}
	}
}

// forwardBackward computes the loss of the loaded part of a batch and adds its share
// of all gradients.
func (t *Trainer) forwardBackward(part int) {
	m, be, c, tc, n := t.model, t.model.be, t.model.params.Model, t.model.params.Train, t.model.net
	p := m.pass(m.raw, t.adam.Grads)
	B, N, P := t.share.Micro, c.Tokens(), c.TokenDim()
	rows := B * N
	R := rows * tc.FlowSamples
	if part == 0 {
		device.Do(be, device.Fill{Dst: t.adam.Grads})
	}
	m.trunk(p, t.acts, t.x, B)
	n.head.Condition(p, t.head, t.acts.H, rows)
	for s := range tc.FlowSamples {
		device.Do(be, device.Normal{Dst: t.eps.Slice(s*rows*P, rows*P), IDs: t.ids, Batch: B, Tokens: N, Dim: P, Key: tc.noiseSeed(),
			Stream: streamFlow + uint32(s)})
	}
	device.Do(be, device.RowMix{Dst: t.zt, A: t.a, X: t.x, B: t.b, Y: t.eps, Rows: R, N: P, XRows: rows})
	n.head.Time.Forward(p, t.head.Time, t.a, R)
	n.head.Times(p, t.head, t.head.Time.Out, R)
	n.head.Modulate(p, t.head, t.head.Time.Out, R, 0, R, rows)
	n.head.Forward(p, t.head, t.head.Mod, t.zt, R)
	target, of := t.x, rows
	if c.Target == "v" {
		device.Do(be, device.RowMix{Dst: t.target, A: t.one, X: t.x, B: t.minus, Y: t.eps, Rows: R, N: P, XRows: rows})
		target, of = t.target, R
	}
	device.Do(be, device.WeightedError{Loss: t.loss.Slice(part*R, R), Grad: t.do, Pred: t.head.Out, Target: target, W: t.w, Rows: R, N: P,
		TargetRows: of, Scale: float32(1 / float64(t.hidden*tc.FlowSamples*P))})
	n.head.Backward(p, t.head, t.hg, t.dh, t.do, t.zt, t.acts.H, R, rows)
	m.trunkBackward(p, t.acts, t.tg, t.dh, t.x, B)
}

// Losses are those of the last step: the squared error of the velocity of hidden tokens.
func (t *Trainer) Losses() models.Losses {
	if t.share.Group.Size() == 1 {
		t.sum[0] = layers.SumOf(t.model.be, t.loss)
	}
	flow := t.sum[0] / float64(max(1, t.hidden)*t.model.params.Train.FlowSamples*t.model.params.Model.TokenDim())
	return models.Losses{Step: t.model.steps, Values: []models.Loss{
		{Name: "flow", Value: flow}, {Name: models.Total, Value: flow}, {Name: "grad_norm", Value: t.adam.GradNorm},
		{Name: "lr", Value: t.adam.LR},
	}}
}

// state is what a checkpoint holds: adam.m.NAME and adam.v.NAME as well.
func (t *Trainer) state() layers.State {
	s := t.model.state()
	s.Flats["adam.m."], s.Flats["adam.v."] = t.adam.M, t.adam.V
	return s
}

// SaveModel writes the weights as they are now.
func (t *Trainer) SaveModel(path string) error { return t.model.SaveModel(path) }

// Save writes everything that Resume needs.
func (t *Trainer) Save(path, note string) error {
	write, err := t.Snapshot(note)
	if err != nil {
		return err
	}
	return write(path)
}

// Snapshot copies what Save writes.
func (t *Trainer) Snapshot(note string) (write func(path string) error, err error) {
	return t.state().Snapshot(t.model.params, t.model.steps, note)
}

// Resume continues the training saved at path.
func (t *Trainer) Resume(path string) (note string, err error) {
	steps, note, err := layers.ResumeTraining(t.state(), path, t.model.params)
	if err == nil {
		t.model.steps = steps
	}
	return note, err
}

// Close frees everything, the model included.
func (t *Trainer) Close() {
	t.share.Close()
	t.feed.Close()
	t.mem.Free()
	t.model.Close()
}
