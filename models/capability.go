package models

import (
	"prabench/models/device"
	"prabench/models/ranks"
)

// What some families are capable of beside training and sampling. Who needs it
// asks for it: parameters while cells are planned, models and samplers at work.

// Stepped parameters are those of models that make an image in steps, one after
// another, of one token or more.
type Stepped interface {
	Tokens() int  // of an image
	ARSteps() int // of sequential sampling
}

// Indifferent parameters know of other trainings that end with the same model.
type Indifferent interface {
	// Alike gives all trainings that end with the same model, to the last bit, the same
	// parameters, whatever they take to get there.
	Alike() Params
}

// Patched parameters are those of models whose images are put together of square
// patches.
type Patched interface {
	PatchSide() int // in pixels
}

// Prefixed parameters are those of models that go on from the first steps of an
// image that is given. Their samplers are [Continuer].
type Prefixed interface {
	Stepped
	Patched
	// StepPositions lists for each step the raster positions of its tokens.
	StepPositions() [][]int
	Sequential() Params // the same model and noise, one step after another
	Parallel() Params   // every step at once, from real inputs
}

// Continuer is a sampler that goes on from real images [n, H, W, C]. The noise of
// a token is that of Sample with the same ids.
type Continuer interface {
	// Continue draws what follows the first given tokens; see [Prefixed.Sequential].
	Continue(real []uint8, labels []int32, ids []uint32, given int, out []uint8) error
	// Mosaic draws every token given the real ones before it; see [Prefixed.Parallel].
	Mosaic(real []uint8, labels []int32, ids []uint32, out []uint8) error
}

// Pooled parameters are those of models that make features of real images. Their
// models are [Featured].
type Pooled interface {
	PooledWeights() string // which of a model's weights make them
}

// Featured is a model that makes features of real images: [N, D], the mean over
// an image's tokens. batch images are read at once; done is called after each
// batch with the number so far, and its error ends the work.
type Featured interface {
	PooledFeatures(images Images, weights string, batch int, done func(int) error) ([]float32, error)
}

// Coded parameters are those of models that see an image through a coder of their own.
// Their models are [Reconstructor].
type Coded interface {
	CodedWeights() string // which of a model's weights the coder is of
	Codes() int           // size of the codebook; 0 where states are not discrete
}

// Reconstructor is a model that makes of real images what its decoder makes of what its
// encoder sees in them: pixels [N, H, W, C], and where there is a codebook the codes
// [N, tokens]. Labels are those of the images. batch images are read at once; done is
// called after each batch with the number so far, and its error ends the work.
type Reconstructor interface {
	Reconstruct(images Images, weights string, batch int, done func(int) error) (pixels []uint8, codes []int32, err error)
}

// Shared parameters are those of models whose training several processes can do
// together: the same training up to the order of sums, whatever their number.
type Shared interface {
	// NewRank is [Params].NewTrainer for one process of a group. All of them do the same
	// steps; what one of them saves, a group of any size goes on from.
	NewRank(be device.Backend, images Images, g ranks.Group) (Trainer, error)
}

// Starter is a sampler whose first tokens are final before the last ones are.
type Starter interface {
	// FirstBlock does what comes before the first tokens are final. It is for timing.
	FirstBlock(labels []int32, ids []uint32) error
}

// Tokenized parameters are those of trainings whose first steps make a tokenizer, which the
// others build on. Their trainers are [Tokenizing].
type Tokenized interface {
	// Tokenizer gives all trainings whose tokenizers are the same, to the last bit, the
	// same parameters: of a training that has it as its first steps.
	Tokenizer() (of Params, steps int)
}

// Tokenizing is a trainer that goes on after the steps of its tokenizer from the file that
// a trainer of [Tokenized.Tokenizer] saved when it had done them.
type Tokenizing interface {
	ResumeTokenizer(path string) (note string, err error)
}

// Settling parameters are those of samplings whose work the images decide.
type Settling interface {
	Settles() bool
}

// Sweeper is a sampler that may make all tokens of an image at once, again and again.
type Sweeper interface {
	// Sweeps are those that each image of the last call took, the mean over its tokens;
	// nil where tokens are made one after another.
	Sweeps() []float64
	// Evaluations of the head for a token in one sweep.
	Evaluations() int
}

// Snapshotter is a trainer whose state is copied in little time and written while it
// goes on. write does what Save would have done when Snapshot was called.
type Snapshotter interface {
	Snapshot(note string) (write func(path string) error, err error)
}
