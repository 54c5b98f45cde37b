// Package gaussian is the floor that any model has to beat: for each class the
// mean and the covariance of its training images' pixels, from which images are
// drawn.
//
// Its principle is that a number says little without the number of the least that
// could be done: a model whose samples are no nearer to the data than these has
// learnt nothing beyond second moments. README.md beside this file has its
// equations.
package gaussian

import (
	"prabench/metrics/quantity"
	"prabench/models"
	"prabench/models/device"
	"prabench/models/device/counter"
	"prabench/models/safetensors"
)

func init() { models.Register(family{}) }

// Version names the numbers that the family computes: raise it when one changes.
const Version = "1"

var _ = quantity.Keys("model",
	quantity.Key{Name: "shrinkage", Label: "shrinkage of the covariance",
		Doc: "s of Σ ← (1−s)·Σ + s·(tr Σ/D)·I: how far each class's covariance is drawn to that of independent pixels"},
)

// Config is the table [model].
type Config struct {
	Size     int `toml:"-" json:"size"` // image side in pixels
	Channels int `toml:"-" json:"channels"`
	Classes  int `toml:"-" json:"classes"`

	Shrinkage float64 `toml:"shrinkage" json:"shrinkage"`
}

// TrainConfig is the table [train]. A fit has one step and draws no numbers.
type TrainConfig struct {
	Threads int    `toml:"threads" json:"threads"`
	Seed    uint64 `toml:"-" json:"seed"` // not read
}

// SampleConfig is the table [sample].
type SampleConfig struct {
	Seed uint64 `toml:"seed" json:"seed"`
}

// Params is the family's parameters.
type Params struct {
	Model  Config       `toml:"model" json:"model"`
	Train  TrainConfig  `toml:"train" json:"train"`
	Sample SampleConfig `toml:"sample" json:"sample"`
}

type family struct{}

func (family) Name() string                 { return "gaussian" }
func (family) Version() string              { return "gaussian " + Version }
func (family) Related() map[string][]string { return nil }

func (family) Defaults() models.Params {
	return Params{
		Model: Config{Size: 28, Channels: 1, Classes: 10, Shrinkage: 0.1},
		Train: TrainConfig{Threads: 1}, Sample: SampleConfig{Seed: 1},
	}
}

func (family) Load(be device.Backend, f *safetensors.File) (models.Model, error) {
	return load(be, f, models.ModelFormat)
}

// Family is this one.
func (p Params) Family() models.Family { return family{} }

// Shape is that of the images.
func (p Params) Shape() models.Shape {
	return models.Shape{Size: p.Model.Size, Channels: p.Model.Channels, Classes: p.Model.Classes}
}

// For gives the same parameters for other images.
func (p Params) For(s models.Shape) models.Params {
	p.Model.Size, p.Model.Channels, p.Model.Classes = s.Size, s.Channels, s.Classes
	return p
}

// Seed is that of the training, which no fit reads.
func (p Params) Seed() uint64 { return p.Train.Seed }

// Seeded gives the same parameters with another seed.
func (p Params) Seeded(seed uint64) models.Params {
	p.Train.Seed = seed
	return p
}

// Resolved has nothing to replace.
func (p Params) Resolved() models.Params { return p }

// mostValues bounds D, the values of an image: a class needs D² numbers.
const mostValues = 4096

// Validate reports the first key whose value is not allowed.
func (p Params) Validate() error {
	c := p.Model
	if err := models.First(models.Positive("data.size", c.Size), models.Positive("data.channels", c.Channels),
		models.Positive("train.threads", p.Train.Threads), models.Within("model.shrinkage", c.Shrinkage, 0, 1)); err != nil {
		return err
	}
	switch {
	case c.Classes < 1:
		return models.BadKey("data.set", "a data set needs at least one class, this one has %d", c.Classes)
	case c.Shrinkage == 0:
		return models.BadKey("model.shrinkage", "must be more than 0: the covariance of pixels that never change is singular")
	case c.values() > mostValues:
		return models.BadKey("data.size",
			"a Gaussian over %d×%d×%d = %d values has as many covariances a class, squared; allowed: up to %d values",
			c.Size, c.Size, c.Channels, c.values(), mostValues)
	}
	return nil
}

// values is D.
func (c Config) values() int { return c.Size * c.Size * c.Channels }

// Canonical leaves the seed out: every seed's fit is the same, and is done once.
func (p Params) Canonical() models.Params {
	p.Train.Seed = 0
	return p
}

// Training is one step over all images.
func (p Params) Training() models.Training {
	return models.Training{Steps: 1, Threads: p.Train.Threads}
}

// Size is the means and the factors of the covariances, which are triangular.
func (p Params) Size() int64 {
	d := int64(p.Model.values())
	return int64(p.Model.Classes) * (d + d*(d+1)/2)
}

// Costs are counted where a backend computes. The fit is the processor's: of an
// image it takes the D(D+1)/2 products of its values, which are added up. All
// pixels of an image are drawn in one step.
func (p Params) Costs() models.Costs {
	d := float64(p.Model.values())
	out := models.Costs{ARSteps: 1, NFE: 1, FLOPsTrainImage: d * (d + 1)}
	out.FLOPsImage = models.CountImage(p)
	return out
}

// TrainMemory is the model, and what the fit holds on the processor: the
// covariance of a class, its factor and the factor's inverse, and the images that
// are added at once, in float64.
func (p Params) TrainMemory() models.MemoryEstimate {
	be := counter.New()
	if _, err := p.NewModel(be); err != nil {
		return models.MemoryEstimate{}
	}
	d := int64(p.Model.values())
	return models.MemoryEstimate{Model: be.Peak(device.Model), Activations: 8 * (4*d*d + atOnce*d)}
}

// SampleMemory is counted.
func (p Params) SampleMemory(batch int) models.MemoryEstimate { return models.CountSampling(p, batch) }

// NewTrainer prepares a fit.
func (p Params) NewTrainer(be device.Backend, images models.Images) (models.Trainer, error) {
	return newTrainer(be, p, images)
}

// NewModel is a model of standard normal pixels.
func (p Params) NewModel(be device.Backend) (models.Model, error) { return newModel(be, p) }
