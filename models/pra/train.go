package pra

import (
	"fmt"
	"math"

	"prabench/models"
	"prabench/models/device"
)

// Optimiser constants of the recipe.
const (
	beta1   = 0.9
	epsilon = 1e-8
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
	tc    TrainConfig
	depth int // rollout depth R, resolved
	net   *network
	data  models.Images
	mem   memory

	grads, m1, m2 device.Buffer
	batch         *trainBatch
	acts          *trainActs
	rollout       *shares // of the AR inputs, depth ≥ 2
	exact         bool    // the rollout is sequential: depth ≥ K

	done     int
	epoch    int
	shuffle  []int32
	gradNorm float64
	lr       float64
}

// trainActs is the device memory of a training step. R = m·rows head
// evaluations, rows = batch·N tokens.
type trainActs struct {
	coder *coderActs
	trunk *trunkActs
	head  *headActs
	cg    *coderGrads
	tg    *trunkGrads
	hg    *headGrads

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
	if err := models.First(cfg.Validate(), tc.Validate()); err != nil {
		return nil, err
	}
	if data.N < 1 || data.Size != cfg.Size || data.Channels != cfg.Channels {
		return nil, fmt.Errorf("train: %d images of %d×%d×%d; the model needs at least one of %d×%d×%d", data.N, data.Size, data.Size,
			data.Channels, cfg.Size, cfg.Size, cfg.Channels)
	}
	model, err := NewModel(be, cfg, tc.Seed)
	if err != nil {
		return nil, err
	}
	t := &Trainer{Model: model, cfg: cfg, tc: tc, net: model.net, data: data, mem: memory{be: be}, epoch: -1}
	model.Train = tc
	t.depth = int(tc.RolloutDepth.Resolve(cfg.ARSteps()))
	t.exact = t.depth >= cfg.ARSteps()
	n, m := t.net, &t.mem
	t.grads, t.m1, t.m2 = m.alloc(device.Model, n.total), m.alloc(device.Model, n.total), m.alloc(device.Model, n.total)
	t.batch = newTrainBatch(cfg, tc, m)
	t.acts = t.allocActs()
	if m.err != nil {
		t.Close()
		return nil, m.err
	}
	if t.depth >= 2 {
		plan := flowPlan{steps: tc.SweepSteps, anchor: tc.Anchor}
		if t.rollout, err = newShares(n, plan, tc.Batch, t.exact); err != nil {
			t.Close()
			return nil, err
		}
	}
	device.Do(be, device.Fill{Dst: t.m1})
	device.Do(be, device.Fill{Dst: t.m2})
	device.Do(be, device.Fill{Dst: t.acts.ones, Value: 1})
	return t, nil
}

func (t *Trainer) allocActs() *trainActs {
	n, m, c := t.net, &t.mem, t.cfg
	rows, P, d := t.tc.Batch*c.Tokens(), c.TokenDim(), c.StateDim()
	R := rows * t.tc.FlowSamples
	a := &trainActs{
		coder: n.coderActs(m, rows), trunk: n.trunkActs(m, rows, true), head: n.headActs(m, R, R, rows, true),
		cg: n.coderGrads(m, rows), tg: n.trunkGrads(m, rows), hg: n.headGrads(m, R, rows),
		x: m.act(rows * P), in: m.act(rows * P), noise: m.act(rows * d),
		zt: m.act(R * d), eps: m.act(R * d), target: m.act(R * d), do: m.act(R * d),
		dh: m.act(rows * c.Width), lossFlow: m.act(R), a: m.act(R), b: m.act(R), w: m.act(R), ones: m.act(R),
	}
	if c.State > 0 {
		a.zn, a.rec, a.drec, a.lossRec = m.act(rows*d), m.act(rows*P), m.act(rows*P), m.act(rows)
	}
	if t.depth >= 2 {
		a.swept = m.act(rows * P)
	}
	if t.tc.InputNoise > 0 {
		a.pixelNoise = m.act(rows * P)
	}
	return a
}

// Done is the number of steps done.
func (t *Trainer) Done() int { return t.done }

// Step does one optimisation step.
func (t *Trainer) Step() error {
	t.loadBatch()
	t.forwardBackward()
	t.update()
	t.done++
	t.Model.Steps = t.done
	if err := t.net.be.Err(); err != nil {
		return fmt.Errorf("training step %d: %w", t.done, err)
	}
	if math.IsNaN(t.gradNorm) || math.IsInf(t.gradNorm, 0) {
		return fmt.Errorf("training step %d: the gradient norm is %v: the training has diverged; lower train.lr or set train.clip",
			t.done, t.gradNorm)
	}
	return nil
}

// loadBatch puts the images of the next step on the device.
func (t *Trainer) loadBatch() {
	b := t.batch
	key := t.tc.Seed
	for i := range t.tc.Batch {
		at := t.done*t.tc.Batch + i
		if e := at / t.data.N; e != t.epoch {
			t.epoch, t.shuffle = e, shuffled(key, uint32(e), t.data.N)
		}
		b.pick(i, at, t.shuffle[at%t.data.N], t.data, key)
	}
	be := t.net.be
	be.Upload(t.acts.x, b.tokens)
	be.UploadInts(b.labels, b.hostLabels)
	be.UploadInts(b.ids, b.hostIDs)
}

// forwardBackward computes the loss of the loaded batch and all gradients.
func (t *Trainer) forwardBackward() {
	n, be, a, c := t.net, t.net.be, t.acts, t.cfg
	flat := t.Model.raw
	B := t.tc.Batch
	rows, P, d := B*c.Tokens(), c.TokenDim(), c.StateDim()
	device.Do(be, device.Fill{Dst: t.grads})

	// The state and its loss. For identity the state is the token.
	z := a.x
	if c.State > 0 {
		n.encode(flat, a.coder, a.x, rows)
		z = a.coder.z
		t.noisedState(a.zn, z)
		n.decode(flat, a.coder.dec, a.rec, a.zn, rows)
		scale := float32(t.tc.RecWeight / float64(rows*P))
		device.Do(be, device.WeightedError{
			Loss: a.lossRec, Grad: a.drec, Pred: a.rec, Target: a.x, W: a.ones, Rows: rows, N: P, TargetRows: rows,
			Scale: scale,
		})
	}
	t.buildInputs(z)
	if c.State > 0 {
		n.coderBackward(flat, t.grads, a.coder, a.cg, a.drec, a.zn, a.x, rows)
	}

	n.trunk(flat, a.trunk, a.in, t.batch.labels, B)
	m := t.tc.FlowSamples
	R := m * rows
	n.condition(flat, a.head.hc, a.trunk.h, rows)
	t.drawFlow(z)
	n.timeEmbedding(flat, a.head.temb, a.head.features, a.head.tpre1, a.head.t1, a.a, R)
	n.modulate(flat, a.head, a.head.temb, R, R, rows)
	n.head(flat, a.head, a.head.mod, a.zt, R)
	target, trows := z, rows
	if c.Target == "v" {
		device.Do(be, device.RowMix{Dst: a.target, A: a.ones, X: z, B: t.minusOnes(), Y: a.eps, Rows: R, N: d, XRows: rows})
		target, trows = a.target, R
	}
	device.Do(be, device.WeightedError{
		Loss: a.lossFlow, Grad: a.do, Pred: a.head.o, Target: target, W: a.w, Rows: R, N: d, TargetRows: trows,
		Scale: float32(1 / float64(R*d)),
	})
	n.headBackward(flat, t.grads, a.head, a.hg, a.dh, a.do, a.zt, a.trunk.h, R, rows)
	n.trunkBackward(flat, t.grads, a.trunk, a.tg, a.dh, a.in, t.batch.labels, B)
}

// minusOnes fills the second row scalars, free after drawFlow, with −1.
func (t *Trainer) minusOnes() device.Buffer {
	device.Do(t.net.be, device.Fill{Dst: t.acts.b, Value: -1})
	return t.acts.b
}

// noisedState is dst ← z + σ_z·u·n with u uniform a token, n normal.
func (t *Trainer) noisedState(dst, z device.Buffer) {
	be, a, c := t.net.be, t.acts, t.cfg
	rows, d := t.tc.Batch*c.Tokens(), c.StateDim()
	device.Do(be, device.Normal{
		Dst: a.noise, IDs: t.batch.ids, Batch: t.tc.Batch, Tokens: c.Tokens(), Dim: d, Key: t.tc.Seed,
		Stream: streamState,
	})
	t.strengths(streamStateSize, t.tc.StateNoise)
	device.Do(be, device.RowMix{Dst: dst, A: a.ones, X: z, B: a.b, Y: a.noise, Rows: rows, N: d, XRows: rows})
}

// strengths uploads strength·u to the row scalars b, u uniform a token.
func (t *Trainer) strengths(stream uint32, strength float64) {
	N, h := t.cfg.Tokens(), t.batch.scalars
	for i, id := range t.batch.hostIDs {
		for j := range N {
			h[i*N+j] = float32(strength * uniformAt(t.tc.Seed, stream, uint32(id), uint32(j)))
		}
	}
	t.net.be.Upload(t.acts.b.Slice(0, len(t.batch.hostIDs)*N), h[:len(t.batch.hostIDs)*N])
}

// buildInputs leaves the AR inputs x̃ in acts.in: clean (depth 0), through the
// coder with noise on the state (depth 1), or through further sweeps.
func (t *Trainer) buildInputs(z device.Buffer) {
	be, a, c := t.net.be, t.acts, t.cfg
	rows, P := t.tc.Batch*c.Tokens(), c.TokenDim()
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
			Dst: a.pixelNoise, IDs: t.batch.ids, Batch: t.tc.Batch, Tokens: c.Tokens(), Dim: P, Key: t.tc.Seed,
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
	B, N, P, d := t.tc.Batch, c.Tokens(), c.TokenDim(), c.StateDim()
	flat := t.Model.raw
	if !t.exact {
		device.Do(be, device.Copy{Dst: a.swept, Src: a.in})
	}
	t.rollout.each(B, func(g *generator, lo, n int) {
		anchor, out := z.Slice(lo*N*d, n*N*d), a.swept.Slice(lo*N*P, n*N*P)
		g.begin(flat, t.batch.hostLabels[lo:lo+n], t.batch.hostIDs[lo:lo+n])
		if t.exact {
			g.sequential(flat, n, c.ARSteps(), t.tc.Seed, anchor, out)
			return
		}
		g.noise(t.tc.Seed, n, 0)
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
		if uniformAt(t.tc.Seed, streamMix, uint32(id), 0) < t.tc.Mix {
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
	N, rows, d := c.Tokens(), t.tc.Batch*c.Tokens(), c.StateDim()
	for s := range t.tc.FlowSamples {
		device.Do(be, device.Normal{
			Dst: a.eps.Slice(s*rows*d, rows*d), IDs: b.ids, Batch: t.tc.Batch, Tokens: N, Dim: d, Key: t.tc.Seed,
			Stream: streamFlow + uint32(s),
		})
		for i, id := range b.hostIDs {
			for j := range N {
				r := s*rows + i*N + j
				time := 1 / (1 + math.Exp(-normalAt(t.tc.Seed, streamTime+uint32(s), uint32(id), uint32(j), 0)))
				b.scalars[r], b.scalars2[r], b.weights[r] = float32(time), float32(1-time), 1
				if c.Target == "x" {
					b.weights[r] = float32(1 / math.Max(1-time, minRemain))
				}
			}
		}
	}
	be.Upload(a.a, b.scalars)
	be.Upload(a.b, b.scalars2)
	be.Upload(a.w, b.weights)
	device.Do(be, device.RowMix{Dst: a.zt, A: a.a, X: z, B: a.b, Y: a.eps, Rows: t.tc.FlowSamples * rows, N: d, XRows: rows})
}

// schedule is the learning rate of step s: linear warm-up, then cosine to 0.
func (t TrainConfig) schedule(s int) float64 {
	warm := math.Ceil(t.Warmup * float64(t.Steps))
	if float64(s) < warm {
		return t.LR * float64(s+1) / warm
	}
	x := (float64(s) - warm) / math.Max(1, float64(t.Steps)-warm)
	return t.LR * 0.5 * (1 + math.Cos(math.Pi*math.Min(1, x)))
}

// update clips the gradient and applies AdamW with the averaged weights.
func (t *Trainer) update() {
	be, n := t.net.be, t.net
	t.lr = t.tc.schedule(t.done)
	t.gradNorm = math.Sqrt(device.SquaredNorm(be, t.grads))
	scale := 1.0
	if t.tc.Clip > 0 && t.gradNorm > t.tc.Clip {
		scale = t.tc.Clip / t.gradNorm
	}
	s := float64(t.done + 1)
	h := device.AdamW{
		LR: t.lr, Beta1: beta1, Beta2: t.tc.Beta2, Eps: epsilon, WeightDecay: t.tc.WeightDecay,
		Correct1: 1 - math.Pow(beta1, s), Correct2: 1 - math.Pow(t.tc.Beta2, s), GradScale: scale,
		EMA: math.Min(t.tc.EMA, s/(9+s)), // (1+n)/(10+n) with n = s−1
	}
	apply := func(lo, size int, h device.AdamW) {
		if size == 0 {
			return
		}
		h.P, h.G, h.Avg = t.Model.raw.Slice(lo, size), t.grads.Slice(lo, size), t.Model.ema.Slice(lo, size)
		h.M, h.V = t.m1.Slice(lo, size), t.m2.Slice(lo, size)
		device.Do(be, h)
	}
	apply(0, n.decayed, h)
	h.WeightDecay = 0
	apply(n.decayed, n.total-n.decayed, h)
}

// Losses reads the parts of the last step's loss from the device.
func (t *Trainer) Losses() Losses {
	mean := func(b device.Buffer, by int) float64 {
		if b.Absent() {
			return 0
		}
		h := make([]float32, b.N)
		t.net.be.Download(h, b)
		var s float64
		for _, v := range h {
			s += float64(v)
		}
		return s / float64(b.N*by)
	}
	l := Losses{Step: t.done, Flow: mean(t.acts.lossFlow, t.cfg.StateDim()), Rec: mean(t.acts.lossRec, t.cfg.TokenDim()),
		GradNorm: t.gradNorm, LR: t.lr}
	l.Total = l.Flow + t.tc.RecWeight*l.Rec
	return l
}

// Close frees everything, the model included.
func (t *Trainer) Close() {
	if t.rollout != nil {
		t.rollout.close()
	}
	t.mem.free()
	t.Model.Close()
}
