package jit

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

	acts                         *acts
	grads                        *layers.DenoiserGrads
	x, eps, zt, target, do, dlow device.Buffer // [batch·N, ·]
	loss, a, b, w                device.Buffer // [batch·N]
	times                        device.Buffer // [batch]
	labels, ids                  device.Ints

	tokens                 []float32 // [batch, N, P]
	hostLabels, hostIDs    []int32
	hostA, hostB, hostW, t []float32
	feed                   *layers.Feed
}

func newTrainer(be device.Backend, p Params, data models.Images) (*Trainer, error) {
	return newRank(be, p, data, ranks.Alone{})
}

// newRank is newTrainer for one of several processes.
func newRank(be device.Backend, p Params, data models.Images, g ranks.Group) (*Trainer, error) {
	c := p.Model
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
	B, N, P := share.Micro, c.Tokens(), c.TokenDim()
	rows := B * N
	t := &Trainer{model: model, mem: layers.Memory{Be: be}, share: share,
		feed:   layers.NewFeedOf(data, models.SeedOf(p.Train.SeedOrder, p.Train.Seed), streamOrder, share),
		tokens: make([]float32, rows*P), hostLabels: make([]int32, B), hostIDs: make([]int32, B), t: make([]float32, B),
		hostA: make([]float32, rows), hostB: make([]float32, rows), hostW: make([]float32, rows)}
	m := &t.mem
	t.adam = layers.NewAdamW(m, &model.net.Parameters, p.Train.recipe())
	t.acts = model.acts(m, B, B, true)
	t.grads = model.net.trunk.Grads(m, model.sequences(B))
	t.x, t.eps, t.zt, t.do = m.Act(rows*P), m.Act(rows*P), m.Act(rows*P), m.Act(rows*P)
	t.target, t.dlow = m.Act(rows*P), m.Act(rows*c.Bottleneck)
	t.loss, t.a, t.b, t.w, t.times = m.Act(share.Images*N), m.Act(rows), m.Act(rows), m.Act(rows), m.Act(B)
	t.labels, t.ids = m.Ints(B), m.Ints(B)
	if m.Err != nil {
		t.Close()
		return nil, m.Err
	}
	return t, nil
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

// loadBatch puts a part of the images of the next step on the device, with the t of
// each.
func (t *Trainer) loadBatch(part int) error {
	m, tc := t.model, t.model.params.Train
	c := m.params.Model
	patches, order := c.patches()
	N, per, key := c.Tokens(), c.Tokens()*c.TokenDim(), tc.noiseSeed()
	for i := range t.share.Micro {
		at := t.share.At(m.steps, part, i)
		id := uint32(at)
		pixels, label, err := t.feed.Next(at)
		if err != nil {
			return err
		}
		patches.Cut(t.tokens[i*per:(i+1)*per], pixels, order)
		t.hostIDs[i], t.hostLabels[i] = int32(id), label
		if layers.Uniform(key, streamDropout, id, 0) < tc.ClassDropout {
			t.hostLabels[i] = int32(c.Classes)
		}
		time := 1 / (1 + math.Exp(-tc.TimeMean-tc.TimeStd*layers.Normal(key, streamTime, id, 0, 0)))
		weight := 1.0
		if c.Target == "x" {
			weight = 1 / math.Max(1-time, layers.MinRemain)
		}
		t.t[i] = float32(time)
		for j := i * N; j < (i+1)*N; j++ {
			t.hostA[j], t.hostB[j], t.hostW[j] = float32(time), float32(1-time), float32(weight)
		}
	}
	m.be.Upload(t.x, t.tokens)
	m.be.Upload(t.times, t.t)
	m.be.Upload(t.a, t.hostA)
	m.be.Upload(t.b, t.hostB)
	m.be.Upload(t.w, t.hostW)
	m.be.UploadInts(t.labels, t.hostLabels)
	m.be.UploadInts(t.ids, t.hostIDs)
	return nil
}

// forwardBackward computes the loss of the loaded part of a batch and adds its share
// of all gradients.
func (t *Trainer) forwardBackward(part int) {
	m, be, c, B := t.model, t.model.be, t.model.params.Model, t.share.Micro
	p := m.pass(m.raw, t.adam.Grads)
	rows, P := B*c.Tokens(), c.TokenDim()
	if part == 0 {
		device.Do(be, device.Fill{Dst: t.adam.Grads})
	}
	device.Do(be, device.Normal{Dst: t.eps, IDs: t.ids, Batch: B, Tokens: c.Tokens(), Dim: P, Key: m.params.Train.noiseSeed(),
		Stream: streamNoise})
	device.Do(be, device.RowMix{Dst: t.zt, A: t.a, X: t.x, B: t.b, Y: t.eps, Rows: rows, N: P, XRows: rows})
	m.net.trunk.Condition(p, t.acts.DenoiserActs, t.labels, B)
	m.net.trunk.Time.Forward(p, t.acts.Time, t.times, B)
	m.net.trunk.Modulate(p, t.acts.DenoiserActs, t.acts.Time.Out, B, B, true)
	m.forward(p, t.acts, t.acts.Mod, t.zt, B)
	target := t.x
	if c.Target == "v" {
		target = t.target
		device.Do(be, device.Mix{Dst: target, A: 1, X: t.x, B: -1, Y: t.eps})
	}
	device.Do(be, device.WeightedError{Loss: t.loss.Slice(part*rows, rows), Grad: t.do, Pred: t.acts.Out, Target: target, W: t.w, Rows: rows,
		N: P, TargetRows: rows, Scale: float32(1 / float64(t.share.Batch*c.Tokens()*P))})
	m.backward(p, t.acts, t.grads, t.dlow, t.do, t.zt, t.labels, B)
}

// Losses are those of the last step: the squared error of the velocity.
func (t *Trainer) Losses() models.Losses {
	if t.share.Group.Size() == 1 {
		t.sum[0] = layers.SumOf(t.model.be, t.loss)
	}
	flow := t.sum[0] / float64(t.loss.N*t.share.Group.Size()*t.model.params.Model.TokenDim())
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
