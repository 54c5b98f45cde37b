package vq

import (
	"fmt"
	"math"

	"prabench/models"
	"prabench/models/device"
	"prabench/models/layers"
	"prabench/models/safetensors"
)

// Trainer trains one model: first its tokenizer, then the transformer on the codes.
// Everything a step does is a function of parameters, step number and weights.
type Trainer struct {
	model *Model
	feed  *layers.Feed
	mem   layers.Memory
	adam  *layers.AdamW // of the transformer
	coder *layers.AdamW // of the tokenizer
	spare device.Buffer // the tokenizer's weights, which are not averaged

	enc        *encoderActs
	dec        *decoderActs
	coderGrads *coderGrads
	x, dy      device.Buffer // [batch·N, P]
	dcommit    device.Buffer // [batch·N, d]
	rec, held  device.Buffer // [batch·N] squared errors: of the patches, of the codes

	stack  *layers.StackActs
	grads  *layers.StackGrads
	proj   device.Buffer // [batch·N, width]
	dh     device.Buffer
	logits device.Buffer // [batch·N, K], and their gradient
	nats   device.Buffer // [batch·N] cross entropies
	labels device.Ints
	codes  device.Ints // [batch·N]

	tokens                []float32 // [batch, N, P]
	hostLabels, hostCodes []int32
	host                  []float32 // [batch·N, K]
	z                     []float32 // [batch·N, d]
	last                  struct{ rec, commit, entropy, perplexity, reset float64 }
}

func newTrainer(be device.Backend, p Params, data models.Images) (*Trainer, error) {
	c := p.Model
	if err := models.First(p.Validate(), data.Suit(p.Shape())); err != nil {
		return nil, err
	}
	model, err := newModel(be, p)
	if err != nil {
		return nil, err
	}
	B, N, P := p.Train.Batch, c.Tokens(), c.TokenDim()
	rows := B * N
	t := &Trainer{model: model, mem: layers.Memory{Be: be}, tokens: make([]float32, rows*P), hostLabels: make([]int32, B),
		feed:      layers.NewFeed(data, models.SeedOf(p.Train.SeedOrder, p.Train.Seed), streamOrder, B),
		hostCodes: make([]int32, rows), host: make([]float32, rows*c.Codes), z: make([]float32, rows*c.CodeDim)}
	m := &t.mem
	t.adam = layers.NewAdamW(m, &model.net.Parameters, p.Train.recipe())
	t.coder = layers.NewAdamW(m, &model.tok.Parameters, p.Train.tokenizerRecipe())
	t.spare = m.Alloc(device.Model, model.tok.Total)
	t.enc, t.dec = model.tok.encoderActs(m, B, true), model.tok.decoderActs(m, B, true)
	t.coderGrads = model.tok.grads(m, rows)
	t.x, t.dy, t.dcommit, t.rec, t.held = m.Act(rows*P), m.Act(rows*P), m.Act(rows*c.CodeDim), m.Act(rows), m.Act(rows)
	t.stack, t.grads = model.net.stack.Acts(m, B, N, true), model.net.stack.Grads(m, B, N)
	t.proj, t.dh, t.logits = m.Act(rows*c.Width), m.Act(rows*c.Width), m.Act(rows*c.Codes)
	t.nats = m.Act(rows)
	t.labels, t.codes = m.Ints(B), m.Ints(rows)
	if m.Err != nil {
		t.Close()
		return nil, m.Err
	}
	device.Do(be, device.Fill{Dst: t.spare}) // an average with decay 0 reads it
	return t, nil
}

func (t TrainConfig) recipe() layers.Recipe {
	return layers.Recipe{Steps: t.Steps - t.tokenizerSteps(), LR: t.LR, Schedule: t.schedule(), Warmup: t.Warmup, Beta1: 0.9, Beta2: t.Beta2,
		WeightDecay: t.WeightDecay, Clip: t.Clip, EMA: t.EMA.Decays()[0]}
}

func (t TrainConfig) tokenizerRecipe() layers.Recipe {
	r := t.recipe()
	r.Steps, r.LR, r.EMA = t.tokenizerSteps(), t.TokenizerLR, 0
	r.Schedule = models.Schedule{WarmSteps: min(t.WarmupSteps, r.Steps)}
	return r
}

// Done is the number of steps done.
func (t *Trainer) Done() int { return t.model.steps }

// Step does one optimisation step, of the tokenizer or of the transformer.
func (t *Trainer) Step() error {
	if err := t.loadBatch(); err != nil {
		return err
	}
	m := t.model
	adam, first := t.adam, m.params.Train.tokenizerSteps()
	if m.steps < first {
		adam = t.coder
		t.tokenizerStep()
		adam.Update(m.be, &m.tok.Parameters, m.coder, t.spare, m.steps)
	} else {
		t.forwardBackward()
		adam.Update(m.be, &m.net.Parameters, m.raw, m.averages.First, m.steps-first)
		m.averages.Follow(m.be, m.raw, m.steps-first)
	}
	m.steps++
	if err := m.be.Err(); err != nil {
		return fmt.Errorf("training step %d: %w", m.steps, err)
	}
	if g := adam.GradNorm; math.IsNaN(g) || math.IsInf(g, 0) {
		return fmt.Errorf("training step %d: the gradient norm is %v: the training has diverged; "+
			"lower train.lr or train.tokenizer_lr, or set train.clip", m.steps, g)
	}
	return nil
}

// loadBatch puts the images of the next step on the device.
func (t *Trainer) loadBatch() error {
	m, tc := t.model, t.model.params.Train
	c := m.params.Model
	patches, order := c.patches()
	per := c.Tokens() * c.TokenDim()
	for i := range tc.Batch {
		at := m.steps*tc.Batch + i
		pixels, label, err := t.feed.Next(at)
		if err != nil {
			return err
		}
		patches.Cut(t.tokens[i*per:(i+1)*per], pixels, order)
		t.hostLabels[i] = label
		if layers.Uniform(tc.noiseSeed(), streamDropout, uint32(at), 0) < tc.ClassDropout {
			t.hostLabels[i] = int32(c.Classes)
		}
	}
	m.be.Upload(t.x, t.tokens)
	m.be.UploadInts(t.labels, t.hostLabels)
	return nil
}

// tokenize leaves the codes of the loaded batch in t.codes and their vectors in t.dec.zq.
func (t *Trainer) tokenize() {
	m, be := t.model, t.model.be
	m.book.nearest(be, t.hostCodes, t.host, t.enc.z, t.enc.scores)
	be.UploadInts(t.codes, t.hostCodes)
	m.book.gather(be, t.dec.zq, t.codes, len(t.hostCodes))
}

// tokenizerStep computes the tokenizer's loss and gradients for the loaded batch, and
// moves the codebook.
func (t *Trainer) tokenizerStep() {
	m, be, tc, c := t.model, t.model.be, t.model.params.Train, t.model.params.Model
	B, rows := tc.Batch, tc.Batch*c.Tokens()
	p := m.pass(m.coder, t.coder.Grads)
	device.Do(be, device.Fill{Dst: t.coder.Grads})
	m.tok.encode(p, t.enc, t.x, B)
	be.Download(t.z, t.enc.z)
	if m.steps == 0 {
		m.book.scatter(tc.noiseSeed(), t.z)
		m.book.upload(be)
	}
	t.tokenize()
	m.tok.decode(p, t.dec, B)
	device.Do(be, device.WeightedError{Loss: t.rec, Grad: t.dy, Pred: t.dec.y, Target: t.x, W: t.enc.ones, Rows: rows, N: c.TokenDim(),
		TargetRows: rows, Scale: float32(1 / float64(rows*c.TokenDim()))})
	device.Do(be, device.WeightedError{Loss: t.held, Grad: t.dcommit, Pred: t.enc.z, Target: t.dec.zq, W: t.enc.ones, Rows: rows,
		N: c.CodeDim, TargetRows: rows, Scale: float32(tc.Commitment / float64(rows*c.CodeDim))})
	m.tok.backward(p, t.enc, t.dec, t.coderGrads, t.dy, t.dcommit, t.x, B)
	t.last.rec, t.last.commit = t.mean(t.rec, c.TokenDim()), t.mean(t.held, c.CodeDim)
	t.last.perplexity = perplexity(t.hostCodes, c.Codes)
	t.last.reset = float64(m.book.update(tc, m.steps, t.hostCodes, t.z))
	m.book.upload(be)
}

// mean is that of a buffer with the sum of n numbers in each row.
func (t *Trainer) mean(b device.Buffer, n int) float64 {
	h := make([]float32, b.N)
	t.model.be.Download(h, b)
	var sum float64
	for _, v := range h {
		sum += float64(v)
	}
	return sum / float64(b.N*n)
}

// perplexity of how often the codes occur: K where all do equally, 1 where one does.
func perplexity(codes []int32, k int) float64 {
	count, entropy := make([]float64, k), 0.0
	for _, c := range codes {
		count[c]++
	}
	for _, n := range count {
		if n > 0 {
			q := n / float64(len(codes))
			entropy -= q * math.Log(q)
		}
	}
	return math.Exp(entropy)
}

// forwardBackward computes the transformer's loss for the codes of the loaded batch,
// and all gradients.
func (t *Trainer) forwardBackward() {
	m, be, c, B := t.model, t.model.be, t.model.params.Model, t.model.params.Train.Batch
	rows, seq := B*c.Tokens(), m.sequences(B, t.labels)
	m.tok.encode(m.pass(m.coder, device.Buffer{}), t.enc, t.x, B)
	t.tokenize()
	p := m.pass(m.raw, t.adam.Grads)
	device.Do(be, device.Fill{Dst: t.adam.Grads})
	m.net.embedding.Forward(p, t.stack.Input(), t.proj, t.dec.zq, t.labels, m.order, B)
	m.net.stack.Forward(p, t.stack, seq)
	m.net.logits.Apply(p, t.logits, device.Buffer{}, t.stack.H, rows, device.None)
	device.Do(be, device.CrossEntropy{Loss: t.nats, Grad: t.logits, X: t.logits, Target: t.codes, Rows: rows, N: c.Codes,
		Scale: float32(1 / float64(rows))})
	t.last.entropy = t.mean(t.nats, 1)
	m.net.logits.Backward(p, t.dh, 0, t.logits, t.logits, device.Buffer{}, t.stack.H, rows, device.None)
	m.net.stack.Backward(p, t.stack, t.grads, t.dh, seq)
	m.net.embedding.Backward(p, t.grads.Scratch(), t.grads.DX, t.dec.zq, t.labels, m.order, B)
}

// Losses are those of the last step: of the tokenizer while it is trained, then the
// cross entropy of a code in nats.
func (t *Trainer) Losses() models.Losses {
	of, l := t.model.params.Train, t.last
	if t.model.steps <= of.tokenizerSteps() {
		return models.Losses{Step: t.model.steps, Values: []models.Loss{
			{Name: "rec", Value: l.rec}, {Name: "commitment", Value: l.commit},
			{Name: models.Total, Value: l.rec + of.Commitment*l.commit}, {Name: "perplexity", Value: l.perplexity},
			{Name: "reset", Value: l.reset}, {Name: "grad_norm", Value: t.coder.GradNorm}, {Name: "lr", Value: t.coder.LR},
		}}
	}
	return models.Losses{Step: t.model.steps, Values: []models.Loss{
		{Name: "entropy", Value: l.entropy}, {Name: models.Total, Value: l.entropy}, {Name: "grad_norm", Value: t.adam.GradNorm},
		{Name: "lr", Value: t.adam.LR},
	}}
}

func (t *Trainer) parts() parts {
	all := t.model.parts()
	all.net["adam.m."], all.net["adam.v."] = t.adam.M, t.adam.V
	all.tok["adam.m."], all.tok["adam.v."] = t.coder.M, t.coder.V
	return all
}

// SaveModel writes the weights as they are now.
func (t *Trainer) SaveModel(path string) error { return t.model.SaveModel(path) }

// Save writes everything that Resume needs.
func (t *Trainer) Save(path, note string) error {
	meta := models.Header(models.TrainingFormat, t.model.params, t.model.steps)
	meta[models.NoteMember] = note
	return t.model.write(path, meta, t.parts())
}

// Resume continues the training saved at path.
func (t *Trainer) Resume(path string) (note string, err error) {
	f, err := safetensors.Read(path)
	if err != nil {
		return "", fmt.Errorf("resuming a training: %w", err)
	}
	defer f.Close()
	p, steps, err := models.HeaderOf[Params](f, models.TrainingFormat)
	if err == nil {
		if err = models.SameTraining(f, p, t.model.params); err == nil {
			err = t.model.read(f, t.parts())
		}
	}
	if err != nil {
		return "", fmt.Errorf("resuming %s: %w", path, err)
	}
	t.model.steps = steps
	return f.Metadata[models.NoteMember], nil
}

// ResumeTokenizer goes on with the first step of the transformer from the file of a
// training of the same tokenizer that was saved after the tokenizer's last step.
func (t *Trainer) ResumeTokenizer(path string) (note string, err error) {
	f, err := safetensors.Read(path)
	if err != nil {
		return "", fmt.Errorf("building on a tokenizer: %w", err)
	}
	defer f.Close()
	of, done, err := models.HeaderOf[Params](f, models.TrainingFormat)
	own, steps := t.model.params.Tokenizer()
	if err == nil {
		err = models.SameTraining(f, of, own)
	}
	if err == nil && done != steps {
		err = fmt.Errorf("it stopped after step %d of the %d steps of the tokenizer", done, steps)
	}
	if err == nil {
		err = t.model.read(tokenizerIn(f), parts{tok: t.parts().tok})
	}
	if err != nil {
		return "", fmt.Errorf("building on %s: %w", path, err)
	}
	t.model.steps = steps
	return f.Metadata[models.NoteMember], nil
}

// Close frees everything, the model included.
func (t *Trainer) Close() {
	t.feed.Close()
	t.mem.Free()
	t.model.Close()
}
