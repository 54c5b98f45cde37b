package pra

import (
	"fmt"
	"math"

	"prabench/models"
	"prabench/models/device"
	"prabench/models/layers"
	"prabench/models/ranks"
)

// Trainer trains one model, step by step. Everything a step does is a function
// of (configuration, seed, step number, weights): a training that is saved and
// resumed equals one that never stopped, to the bit, at the same thread count.
type Trainer struct {
	Model *Model
	// Note is kept in checkpoints for the caller and is what it was again after
	// Resume; the training does not read it.
	Note string

	cfg   Config
	tc    TrainConfig // MicroBatch is this rank's
	whole TrainConfig // as it was given
	share layers.Share
	sums  [3]float64 // of the last step's losses over all ranks: flow, rec, features
	depth int        // rollout depth R, resolved
	net   *network
	mem   layers.Memory

	adam    *layers.AdamW
	batch   *trainBatch
	acts    *trainActs
	percept *layers.Features // of train.rec_loss = "features"; nil without
	rollout *shares          // of the AR inputs, depth ≥ 2
	exact   bool             // the rollout is sequential: depth ≥ K
	held    bool             // the context of the step before counts: tests hold it while a weight moves

	done int
	feed *layers.Feed
}

// trainActs is the device memory of a training step. R = m·rows head
// evaluations, rows = batch·N tokens.
type trainActs struct {
	coder *layers.CoderActs // nil for identity
	first *trunkActs        // of the first pass, which gives the coder its context; nil without
	trunk *trunkActs
	head  *layers.HeadActs
	cg    *layers.CoderGrads
	tg    *layers.StackGrads
	hg    *layers.HeadGrads

	x, in           device.Buffer // [rows, P] clean tokens, AR inputs
	swept           device.Buffer // [rows, P] AR inputs of depth ≥ 2 before mixing
	zn, noise       device.Buffer // [rows, d]
	pixelNoise      device.Buffer // [rows, P]
	rec, drec       device.Buffer // [rows, P]
	zt, eps, target device.Buffer // [R, d]
	do              device.Buffer // [R, d]
	dh              device.Buffer // [rows, W]
	lossRec         device.Buffer // [rows]
	lossFlow        device.Buffer // [R]
	a, b, w         device.Buffer // [R] row scalars
	ones            device.Buffer // [R]
	kept            device.Buffer // [2, rows] share of the state in a noised one, and zeros; none where that is 1
}

// Losses are the parts of the last step's loss, means over tokens and values.
type Losses struct {
	Step     int     `json:"step"`
	Flow     float64 `json:"flow"` // velocity error
	Rec      float64 `json:"rec"`  // reconstruction error of the coder
	Total    float64 `json:"total"`
	GradNorm float64 `json:"grad_norm"` // before clipping
	LR       float64 `json:"lr"`
}

// NewTrainer prepares a training on data, which must have the configuration's
// size and channels and labels under Classes.
func NewTrainer(be device.Backend, cfg Config, tc TrainConfig, data models.Images) (*Trainer, error) {
	return NewRank(be, cfg, tc, data, ranks.Alone{})
}

// NewRank prepares a training that a group of processes does together, as one of them.
func NewRank(be device.Backend, cfg Config, tc TrainConfig, data models.Images, g ranks.Group) (*Trainer, error) {
	if err := models.First(cfg.Validate(), tc.Validate(), data.Suit(Params{Model: cfg}.Shape())); err != nil {
		return nil, err
	}
	share, err := layers.ShareOf(g, tc.Batch, tc.MicroBatch)
	if err != nil {
		return nil, err
	}
	model, err := newModel(be, cfg, tc.EMA, tc.initSeed())
	if err != nil {
		return nil, err
	}
	model.Train = tc
	t := &Trainer{Model: model, cfg: cfg, whole: tc, share: share, net: model.net, mem: layers.Memory{Be: be},
		feed: layers.NewFeedOf(data, tc.orderSeed(), streamOrder, share)}
	tc.MicroBatch = share.Micro
	t.tc = tc
	t.depth = int(tc.RolloutDepth.Resolve(cfg.ARSteps()))
	t.exact = t.depth >= cfg.ARSteps()
	n, m := t.net, &t.mem
	t.adam = layers.NewAdamW(m, &n.Parameters, tc.recipe())
	t.batch = newTrainBatch(cfg, tc, m)
	t.acts = t.allocActs()
	if err := t.allocFeatures(); err != nil {
		t.Close()
		return nil, err
	}
	if m.Err != nil {
		t.Close()
		return nil, m.Err
	}
	if t.depth >= 2 {
		plan := flowPlan{Flow: layers.Flow{Steps: tc.SweepSteps, Solver: "euler", Anchor: tc.Anchor}}
		at := cfg.everywhere()
		if t.exact {
			at = cfg.stepwise()
		}
		if t.rollout, err = newShares(n, plan, tc.micro(), at); err != nil {
			t.Close()
			return nil, err
		}
	}
	device.Do(be, device.Fill{Dst: t.acts.ones, Value: 1})
	if !t.acts.kept.Absent() {
		device.Do(be, device.Fill{Dst: t.acts.kept})
	}
	return t, nil
}

func (t *Trainer) allocActs() *trainActs {
	n, m, c := t.net, &t.mem, t.cfg
	rows, P, d := t.tc.micro()*c.Tokens(), c.TokenDim(), c.StateDim()
	R := rows * t.tc.FlowSamples
	parts := t.share.Parts()
	a := &trainActs{
		trunk: n.trainActs(m, t.tc.micro(), t.tc.Recompute == "layers"), head: n.flow.Acts(m, R, R, rows, R, true),
		tg: n.stack.Grads(m, t.tc.micro(), c.Tokens()), hg: n.flow.Grads(m, R, rows),
		x: m.Act(rows * P), in: m.Act(rows * P), noise: m.Act(rows * d),
		zt: m.Act(R * d), eps: m.Act(R * d), target: m.Act(R * d), do: m.Act(R * d),
		dh: m.Act(rows * c.Width), lossFlow: m.Act(parts * R), a: m.Act(R), b: m.Act(R), w: m.Act(R), ones: m.Act(R),
	}
	if c.State > 0 {
		a.coder, a.cg = n.coder.Acts(m, rows), n.coder.Grads(m, rows)
		if n.coder.EncContext+n.coder.DecContext > 0 {
			a.first = n.trunkActs(m, t.tc.micro(), false)
		}
		a.zn, a.rec, a.drec, a.lossRec = m.Act(rows*d), m.Act(rows*P), m.Act(rows*P), m.Act(parts*rows)
	}
	if t.depth >= 2 {
		a.swept = m.Act(rows * P)
	}
	if t.tc.InputNoise > 0 {
		a.pixelNoise = m.Act(rows * P)
	}
	if t.tc.StateNoiseKind == "interpolate" {
		a.kept = m.Act(2 * rows)
	}
	return a
}

// allocFeatures prepares the reconstruction loss in the features of a classifier.
func (t *Trainer) allocFeatures() error {
	if !t.tc.perceives(t.cfg) {
		return nil
	}
	c, err := models.ClassifierOf(t.cfg.Size, t.cfg.Channels)
	if err != nil {
		return err
	}
	n := t.tc.micro()
	t.percept = layers.NewFeatures(&t.mem, c, t.cfg.patches(), t.cfg.order(), n, n*t.share.Parts())
	return nil
}

// Perceive gives a training under train.rec_loss = "features" its classifier, which it
// needs before the first step, after a Resume too.
func (t *Trainer) Perceive(c *models.Classifier) error {
	if t.percept == nil {
		return fmt.Errorf("this training compares images in no classifier's features: train.rec_loss = %q", t.tc.RecLoss)
	}
	return t.percept.Give(t.net.be, c)
}

// Done is the number of steps done.
func (t *Trainer) Done() int { return t.done }

// Step does one optimisation step.
func (t *Trainer) Step() error {
	if t.percept != nil && !t.percept.Ready() && !t.net.be.Caps().Counts {
		return fmt.Errorf("training step %d: train.rec_loss = \"features\" needs a classifier, and the training was given none", t.done+1)
	}
	for part := range t.share.Parts() {
		if err := t.loadBatch(part); err != nil {
			return fmt.Errorf("training step %d: %w", t.done+1, err)
		}
		t.forwardBackward(part)
	}
	if err := t.share.Gather(t.net.be, t.adam, t.done, t.sums[:], t.losses()...); err != nil {
		return fmt.Errorf("training step %d: %w", t.done+1, err)
	}
	err := t.adam.EndStep(t.net.be, &t.net.Parameters, t.Model.raw, &t.Model.averages, t.done)
	t.done++
	t.Model.Steps = t.done
	return err
}

// losses are the buffers with the losses of this rank's images, in the order of sums.
func (t *Trainer) losses() []device.Buffer {
	list := []device.Buffer{t.acts.lossFlow, t.acts.lossRec}
	if t.percept != nil {
		list = append(list, t.percept.Loss)
	}
	return list
}

// loadBatch puts a part of the images of the next step on the device.
func (t *Trainer) loadBatch(part int) error {
	b := t.batch
	key := t.tc.noiseSeed()
	for i := range t.tc.micro() {
		if err := b.pick(i, t.share.At(t.done, part, i), t.feed, key); err != nil {
			return err
		}
	}
	be := t.net.be
	be.Upload(t.acts.x, b.tokens)
	be.UploadInts(b.labels, b.hostLabels)
	be.UploadInts(b.ids, b.hostIDs)
	return nil
}

// forwardBackward computes the loss of the loaded part of a batch and adds its share
// of all gradients.
func (t *Trainer) forwardBackward(part int) {
	n, be, a, c := t.net, t.net.be, t.acts, t.cfg
	flat := t.Model.raw
	p := n.pass(flat, t.adam.Grads)
	B := t.tc.micro()
	rows, P, d := B*c.Tokens(), c.TokenDim(), c.StateDim()
	if part == 0 {
		device.Do(be, device.Fill{Dst: t.adam.Grads})
	}
	whole := t.tc.Batch * c.Tokens() // rows that losses are means over

	// The state and its loss. For identity the state is the token.
	z := a.x
	if c.State > 0 {
		h := t.context(flat)
		n.coder.Encode(p, a.coder.EncoderActs, a.x, h, rows)
		z = a.coder.Z
		t.noisedState(a.zn, z)
		n.coder.Decode(p, a.coder.Dec, a.rec, a.zn, h, n.sequences(B))
		scale := float32(t.tc.RecWeight / float64(whole*P))
		device.Do(be, device.WeightedError{
			Loss: a.lossRec.Slice(part*rows, rows), Grad: a.drec, Pred: a.rec, Target: a.x, W: a.ones, Rows: rows, N: P, TargetRows: rows,
			Scale: scale, Absolute: t.tc.RecLoss == "l1",
		})
		if f := t.percept; f != nil {
			scale := float32(t.tc.RecWeight * t.tc.RecFeatureWeight / float64(t.tc.Batch*f.Values()))
			f.Compare(p, a.drec, a.rec, a.x, B, part*B, scale)
		}
	}
	t.buildInputs(z)
	if c.State > 0 {
		n.coder.Backward(p, a.coder, a.cg, a.drec, a.zn, a.x, a.kept, n.sequences(B))
	}

	n.trunk(flat, a.trunk, a.in, t.batch.labels, B)
	m := t.tc.FlowSamples
	R := m * rows
	n.flow.Condition(p, a.head, a.trunk.H, rows)
	t.drawFlow(z)
	n.flow.Time.Forward(p, a.head.Time, a.a, R)
	n.flow.Times(p, a.head, a.head.Time.Out, R)
	n.flow.Modulate(p, a.head, a.head.Time.Out, R, 0, R, rows)
	n.flow.Forward(p, a.head, a.head.Mod, a.zt, R)
	target, trows := z, rows
	if c.Target == "v" {
		device.Do(be, device.RowMix{Dst: a.target, A: a.ones, X: z, B: t.minusOnes(), Y: a.eps, Rows: R, N: d, XRows: rows})
		target, trows = a.target, R
	}
	device.Do(be, device.WeightedError{
		Loss: a.lossFlow.Slice(part*R, R), Grad: a.do, Pred: a.head.Out, Target: target, W: a.w, Rows: R, N: d, TargetRows: trows,
		Scale: float32(1 / float64(whole*m*d)),
	})
	n.flow.Backward(p, a.head, a.hg, a.dh, a.do, a.zt, a.trunk.H, R, rows)
	n.trunkBackward(flat, t.adam.Grads, a.trunk, a.tg, a.dh, a.in, t.batch.labels, B)
}

// context is h of a first pass over the clean tokens, where encoder or decoder see it: a
// constant of the loss.
func (t *Trainer) context(flat device.Buffer) device.Buffer {
	a := t.acts.first
	if a == nil {
		return device.Buffer{}
	}
	if !t.held {
		t.net.trunk(flat, a, t.acts.x, t.batch.labels, t.tc.micro())
	}
	return a.H
}

// minusOnes fills the second row scalars, free after drawFlow, with −1.
func (t *Trainer) minusOnes() device.Buffer {
	device.Do(t.net.be, device.Fill{Dst: t.acts.b, Value: -1})
	return t.acts.b
}

// noisedState is dst ← z + σ_z·u·n with u uniform a token, n normal; or
// t·z + (1−t)·n with t = 1 − (1−t_min)·u, which acts.kept then holds.
func (t *Trainer) noisedState(dst, z device.Buffer) {
	be, a, c := t.net.be, t.acts, t.cfg
	rows, d := t.tc.micro()*c.Tokens(), c.StateDim()
	device.Do(be, device.Normal{
		Dst: a.noise, IDs: t.batch.ids, Batch: t.tc.micro(), Tokens: c.Tokens(), Dim: d, Key: t.tc.noiseSeed(),
		Stream: streamState,
	})
	keep := a.ones
	if t.tc.StateNoiseKind == "interpolate" {
		t.strengths(streamStateSize, 1-t.tc.StateNoiseMin)
		keep = a.kept.Slice(0, rows)
		device.Do(be, device.Mix{Dst: keep, A: 1, X: a.ones.Slice(0, rows), B: -1, Y: a.b.Slice(0, rows)})
	} else {
		t.strengths(streamStateSize, t.tc.StateNoise)
	}
	device.Do(be, device.RowMix{Dst: dst, A: keep, X: z, B: a.b, Y: a.noise, Rows: rows, N: d, XRows: rows})
}

// strengths uploads strength·u to the row scalars b, u uniform a token.
func (t *Trainer) strengths(stream uint32, strength float64) {
	N, h := t.cfg.Tokens(), t.batch.scalars
	for i, id := range t.batch.hostIDs {
		for j := range N {
			h[i*N+j] = float32(strength * layers.Uniform(t.tc.noiseSeed(), stream, uint32(id), uint32(j)))
		}
	}
	t.net.be.Upload(t.acts.b.Slice(0, len(t.batch.hostIDs)*N), h[:len(t.batch.hostIDs)*N])
}

// buildInputs leaves the AR inputs x̃ in acts.in: clean (depth 0), through the
// coder with noise on the state (depth 1), or through further sweeps.
func (t *Trainer) buildInputs(z device.Buffer) {
	be, a, c := t.net.be, t.acts, t.cfg
	rows, P := t.tc.micro()*c.Tokens(), c.TokenDim()
	switch {
	case t.depth == 0:
		device.Do(be, device.Copy{Dst: a.in, Src: a.x})
	case c.State > 0:
		device.Do(be, device.Copy{Dst: a.in, Src: a.rec})
	default:
		t.noisedState(a.in, a.x)
	}
	if t.depth >= 2 {
		t.rolloutInputs(z)
	}
	if t.tc.InputNoise > 0 {
		device.Do(be, device.Normal{
			Dst: a.pixelNoise, IDs: t.batch.ids, Batch: t.tc.micro(), Tokens: c.Tokens(), Dim: P, Key: t.tc.noiseSeed(),
			Stream: streamInput,
		})
		t.strengths(streamInputSize, t.tc.InputNoise)
		device.Do(be, device.RowMix{Dst: a.in, A: a.ones, X: a.in, B: a.b, Y: a.pixelNoise, Rows: rows, N: P, XRows: rows})
	}
}

// rolloutInputs replaces acts.in by what depth−1 sweeps make of it, or by the
// exact rollout from depth K on; a share Mix of the images keeps what it had.
func (t *Trainer) rolloutInputs(z device.Buffer) {
	be, a, c := t.net.be, t.acts, t.cfg
	B, N, P, d := t.tc.micro(), c.Tokens(), c.TokenDim(), c.StateDim()
	flat := t.Model.raw
	if !t.exact {
		device.Do(be, device.Copy{Dst: a.swept, Src: a.in})
	}
	t.rollout.each(B, func(g *generator, lo, n int) {
		anchor, out := z.Slice(lo*N*d, n*N*d), a.swept.Slice(lo*N*P, n*N*P)
		g.begin(flat, t.batch.hostLabels[lo:lo+n], t.batch.hostIDs[lo:lo+n])
		if t.exact {
			g.sequential(flat, n, c.ARSteps(), t.tc.noiseSeed(), anchor, out)
			return
		}
		g.noise(t.tc.noiseSeed(), n, 0)
		for range t.depth - 1 {
			g.sweep(flat, n, anchor, out)
		}
	})
	if t.tc.Mix == 0 {
		device.Do(be, device.Copy{Dst: a.in, Src: a.swept})
		return
	}
	keep, h := t.batch.scalars, t.batch.scalars2
	for i, id := range t.batch.hostIDs {
		k := float32(0)
		if layers.Uniform(t.tc.noiseSeed(), streamMix, uint32(id), 0) < t.tc.Mix {
			k = 1
		}
		for j := range N {
			keep[i*N+j], h[i*N+j] = k, 1-k
		}
	}
	rows := B * N
	be.Upload(a.a.Slice(0, rows), keep[:rows])
	be.Upload(a.b.Slice(0, rows), h[:rows])
	device.Do(be, device.RowMix{Dst: a.in, A: a.a, X: a.in, B: a.b, Y: a.swept, Rows: rows, N: P, XRows: rows})
}

// drawFlow draws t and ε: z_t = t·z + (1−t)·ε, rows s·(B·N)+i for flow sample
// s. Afterwards a holds t and w the loss weight's square root.
func (t *Trainer) drawFlow(z device.Buffer) {
	be, a, c, b := t.net.be, t.acts, t.cfg, t.batch
	N, rows, d := c.Tokens(), t.tc.micro()*c.Tokens(), c.StateDim()
	for s := range t.tc.FlowSamples {
		device.Do(be, device.Normal{
			Dst: a.eps.Slice(s*rows*d, rows*d), IDs: b.ids, Batch: t.tc.micro(), Tokens: N, Dim: d, Key: t.tc.noiseSeed(),
			Stream: streamFlow + uint32(s),
		})
		for i, id := range b.hostIDs {
			for j := range N {
				r := s*rows + i*N + j
				g := t.tc.TimeMean + t.tc.TimeStd*layers.Normal(t.tc.noiseSeed(), streamTime+uint32(s), uint32(id), uint32(j), 0)
				time := 1 / (1 + math.Exp(-g))
				b.scalars[r], b.scalars2[r], b.weights[r] = float32(time), float32(1-time), 1
				if c.Target == "x" {
					b.weights[r] = float32(1 / math.Max(1-time, layers.MinRemain))
				}
			}
		}
	}
	be.Upload(a.a, b.scalars)
	be.Upload(a.b, b.scalars2)
	be.Upload(a.w, b.weights)
	device.Do(be, device.RowMix{Dst: a.zt, A: a.a, X: z, B: a.b, Y: a.eps, Rows: t.tc.FlowSamples * rows, N: d, XRows: rows})
}

// recipe is how the weights move.
func (t TrainConfig) recipe() layers.Recipe {
	return layers.Recipe{Steps: t.Steps, LR: t.LR, Floor: t.LRFloor, Schedule: t.schedule(), Warmup: t.Warmup, Beta1: t.Beta1, Beta2: t.Beta2,
		WeightDecay: t.WeightDecay, Clip: t.Clip, EMA: t.EMA.Decays()[0]}
}

// Losses reads the parts of the last step's loss from the device.
func (t *Trainer) Losses() Losses {
	if t.share.Group.Size() == 1 {
		for i, b := range t.losses() {
			t.sums[i] = layers.SumOf(t.net.be, b)
		}
	}
	mean := func(i int, b device.Buffer, by int) float64 {
		if b.Absent() {
			return 0
		}
		return t.sums[i] / float64(b.N*t.share.Group.Size()*by)
	}
	l := Losses{Step: t.done, Flow: mean(0, t.acts.lossFlow, t.cfg.StateDim()), Rec: mean(1, t.acts.lossRec, t.cfg.TokenDim()),
		GradNorm: t.adam.GradNorm, LR: t.adam.LR}
	if f := t.percept; f != nil {
		l.Rec += t.tc.RecFeatureWeight * mean(2, f.Loss, f.Channels())
	}
	l.Total = l.Flow + t.tc.RecWeight*l.Rec
	return l
}

// Close frees everything, the model included.
func (t *Trainer) Close() {
	t.share.Close()
	t.feed.Close()
	if t.rollout != nil {
		t.rollout.close()
	}
	t.mem.Free()
	t.Model.Close()
}
