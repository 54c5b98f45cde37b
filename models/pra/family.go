package pra

import (
	"prabench/models"
	"prabench/models/device"
	"prabench/models/ranks"
	"prabench/models/safetensors"
)

func init() { models.Register(family{}) }

// family is PRA as the rest of the program asks for it. The structs and functions
// of this package are the same thing by their own names, for tools and tests that
// mean this family alone.
type family struct{}

func (family) Name() string    { return models.Default }
func (family) Version() string { return "core " + CoreVersion }

func (family) Defaults() models.Params {
	return Params{DefaultConfig(), DefaultTrain(), DefaultSample()}
}

func (family) Related() map[string][]string {
	steps := []string{"model.block", "model.patch", "data.size", "data.set"}
	return map[string][]string{
		"model.patch":          {"data.size", "data.set"},
		"model.block":          {"model.patch", "data.size", "data.set"},
		"model.heads":          {"model.width"},
		"train.rollout_depth":  steps,
		"sample.rollout_depth": steps,
		"sample.window":        steps,
	}
}

func (family) Load(be device.Backend, f *safetensors.File) (models.Model, error) {
	m, err := modelOf(be, f)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// Params is a model with its training and its sampling.
type Params struct {
	Model  Config       `toml:"model" json:"model"`
	Train  TrainConfig  `toml:"train" json:"train"`
	Sample SampleConfig `toml:"sample" json:"sample"`
}

var _ interface {
	models.Params
	models.Prefixed
	models.Pooled
	models.Coded
	models.Shared
	models.Perceptive
} = Params{}

// Edit gives parameters of this family that f has changed.
func Edit(p models.Params, f func(*Params)) models.Params {
	own := p.(Params)
	f(&own)
	return own
}

func (p Params) Family() models.Family { return family{} }

func (p Params) Shape() models.Shape {
	return models.Shape{Size: p.Model.Size, Channels: p.Model.Channels, Classes: p.Model.Classes}
}

func (p Params) For(s models.Shape) models.Params {
	p.Model.Size, p.Model.Channels, p.Model.Classes = s.Size, s.Channels, s.Classes
	return p
}

func (p Params) Seed() uint64 { return p.Train.Seed }

func (p Params) Seeded(seed uint64) models.Params {
	p.Train.Seed = seed
	return p
}

// Resolved replaces the depth "exact" by K.
func (p Params) Resolved() models.Params {
	k := p.Model.ARSteps()
	p.Train.RolloutDepth, p.Sample.RolloutDepth = p.Train.RolloutDepth.Resolve(k), p.Sample.RolloutDepth.Resolve(k)
	return p
}

// Alike is [models.Indifferent]. With one AR step the trunk sees no token, and where all
// images keep inputs of depth 1 deeper sweeps are computed and not used. Unlike what
// [Canonical] makes the same, these trainings differ in what they cost.
func (p Params) Alike() models.Params {
	t := &p.Train
	t.RolloutDepth = t.RolloutDepth.Resolve(p.Model.ARSteps())
	if t.RolloutDepth >= 2 && t.Mix == 1 {
		t.RolloutDepth = 1
	}
	if p.Model.ARSteps() == 1 {
		t.RolloutDepth, t.InputNoise = 0, 0
	}
	return p
}

func (p Params) Validate() error {
	return models.First(p.Model.Validate(), p.Train.Validate(), p.Sample.Validate(), p.depths(), p.classifier(),
		p.Train.EMA.CheckWeights(p.Sample.Weights))
}

// depths holds that no rollout is deeper than K: after K sweeps nothing
// changes any more, and a cell that pays for more would be mistaken for another
// one. It is asked where the architecture is valid.
func (p Params) depths() error {
	if p.Model.Validate() != nil {
		return nil
	}
	c, k := p.Model, p.Model.ARSteps()
	for _, d := range []struct {
		key   string
		depth models.Depth
	}{{"train.rollout_depth", p.Train.RolloutDepth}, {"sample.rollout_depth", p.Sample.RolloutDepth}} {
		if int(d.depth) > k {
			return models.BadKey(d.key,
				"%d is more than K = %d AR steps (size %d, patch %d, block %d), after which nothing changes; allowed: 0 to %d, or \"exact\"",
				d.depth, k, c.Size, c.Patch, c.Block, k)
		}
	}
	if w := p.Sample.Window; w > 0 && k%w != 0 {
		return models.BadKey("sample.window", "%d does not divide K = %d AR steps (size %d, patch %d, block %d); allowed: 0 (all) and %v", w, k,
			c.Size, c.Patch, c.Block, models.Divisors(k))
	}
	return nil
}

// Perceives is whether the coder learns in the features of a classifier.
func (p Params) Perceives() bool { return p.Train.perceives(p.Model) }

func (t TrainConfig) perceives(c Config) bool {
	return t.RecLoss == "features" && t.RecFeatureWeight > 0 && c.State > 0
}

// classifier says why there is none for the images.
func (p Params) classifier() error {
	c := p.Model
	if !p.Perceives() {
		return nil
	}
	if _, err := models.ClassifierOf(c.Size, c.Channels); err != nil {
		return models.BadKey("train.rec_loss", "\"features\": %v; take \"l2\" or \"l1\"", err)
	}
	if c.Classes < 2 {
		return models.BadKey("train.rec_loss",
			"\"features\" are those of a classifier, and this data set has no two classes; take \"l2\" or \"l1\"")
	}
	return nil
}

func (p Params) Canonical() models.Params {
	p.Model, p.Train = Canonical(p.Model, p.Train)
	p.Sample = p.Sample.canonical().parallel(p.Model.ARSteps())
	return p
}

// Trunk is the same training at its peak rate without an end.
func (p Params) Trunk() (trunk models.Params, steps int, why string) {
	return models.WithoutEnd(p, p.Train.schedule(), p.Train.Warmup, 0)
}

func (p Params) Training() models.Training {
	return models.Training{Steps: p.Train.Steps, Batch: p.Train.Batch, Threads: p.Train.Threads}
}

func (p Params) Size() int64         { return p.Model.Params() }
func (p Params) Costs() models.Costs { return p.Model.Costs(p.Train, p.Sample) }

func (p Params) TrainMemory() models.MemoryEstimate { return p.Model.TrainMemory(p.Train) }

func (p Params) SampleMemory(batch int) models.MemoryEstimate {
	return models.CountSampling(p, batch)
}

// The steps of an image.

func (p Params) Tokens() int            { return p.Model.Tokens() }
func (p Params) ARSteps() int           { return p.Model.ARSteps() }
func (p Params) PatchSide() int         { return p.Model.Patch }
func (p Params) StepPositions() [][]int { return p.Model.StepPositions() }

func (p Params) Sequential() models.Params {
	p.Sample = p.Sample.swept(0)
	return p
}

func (p Params) Parallel() models.Params {
	p.Sample = p.Sample.swept(1)
	return p
}

// swept is the same model and noise by so many sweeps over all tokens, or by none.
func (s SampleConfig) swept(sweeps models.Depth) SampleConfig {
	usual := DefaultSample()
	s.RolloutDepth, s.Window, s.Tolerance, s.Start = sweeps, usual.Window, usual.Tolerance, usual.Start
	return s
}

// Settles says whether an image takes as many sweeps as it needs.
func (p Params) Settles() bool {
	how := p.Sample.jacobi(p.Model)
	return how.tolerance > 0 && how.sweeps > 1
}

func (p Params) PooledWeights() string { return p.Sample.Weights }

func (p Params) NewTrainer(be device.Backend, images models.Images) (models.Trainer, error) {
	t, err := NewTrainer(be, p.Model, p.Train, images)
	if err != nil {
		return nil, err
	}
	return trainer{t}, nil
}

// NewRank is NewTrainer for one of several processes.
func (p Params) NewRank(be device.Backend, images models.Images, g ranks.Group) (models.Trainer, error) {
	t, err := NewRank(be, p.Model, p.Train, images, g)
	if err != nil {
		return nil, err
	}
	return trainer{t}, nil
}

func (p Params) NewModel(be device.Backend) (models.Model, error) {
	m, err := newModel(be, p.Model, p.Train.EMA, p.Train.initSeed())
	if err != nil {
		return nil, err
	}
	m.Train = p.Train
	return m, nil
}

// trainer is a [Trainer] whose losses have names and whose note is an argument.
type trainer struct{ *Trainer }

func (t trainer) Losses() models.Losses {
	l := t.Trainer.Losses()
	return models.Losses{Step: l.Step, Values: []models.Loss{
		{Name: "flow", Value: l.Flow}, {Name: "rec", Value: l.Rec}, {Name: models.Total, Value: l.Total},
		{Name: "grad_norm", Value: l.GradNorm}, {Name: "lr", Value: l.LR},
	}}
}

func (t trainer) Save(path, note string) error {
	t.Note = note
	return t.Trainer.Save(path)
}

func (t trainer) Snapshot(note string) (write func(path string) error, err error) {
	t.Note = note
	return t.Trainer.Snapshot()
}

func (t trainer) Resume(path string) (note string, err error) {
	err = t.Trainer.Resume(path)
	return t.Note, err
}

// Params are those of the model and its training; sampling is as by default.
func (m *Model) Params() models.Params { return Params{m.Config, m.Train, DefaultSample()} }

// Sampler is [NewSampler] for parameters of this family.
func (m *Model) Sampler(p models.Params, batch int) (models.Sampler, error) {
	s, err := NewSampler(m, p.(Params).Sample, batch)
	if err != nil {
		return nil, err
	}
	return s, nil
}

var (
	_ models.Featured = (*Model)(nil)

	_ models.Reconstructor = (*Model)(nil)

	_ models.Snapshotter = trainer{}
	_ models.Perceiver   = trainer{}
	_ models.Continuer   = (*Sampler)(nil)
	_ models.Starter     = (*Sampler)(nil)
	_ models.Sweeper     = (*Sampler)(nil)
	_ models.Settling    = Params{}
)
