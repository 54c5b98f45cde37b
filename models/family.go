// Package models says what a family of models is: what every other part of the
// program asks of a model, a training and a sampler, and nothing of how they
// compute.
//
// Its principle is that a family is one folder and one line of registration: its
// keys are the fields of its parameters, its costs are counted by running it on
// a backend that only counts, and what needs more than training and sampling
// asks for it by a type assertion (see [Prefixed], [Pooled], [Patched],
// [Starter]) and does without where a family has no such thing. README.md beside
// this file says how to add one.
package models

import (
	"prabench/models/device"
	"prabench/models/safetensors"
)

// Family is a kind of model: a value of the key model.family.
type Family interface {
	// Name is what files of experiments and of models call it. It never changes.
	Name() string
	// Version names the numbers that it computes, two words such as "core 1". It is
	// part of the key of every training and every sample, and no other family's:
	// raise it when a result changes.
	Version() string
	// Defaults are the parameters of an empty file, for images of some shape.
	Defaults() Params
	// Related lists, for keys whose validity depends on other keys, those others.
	Related() map[string][]string
	// Load is the model in a file that its own [Trainer] or [Model] wrote.
	Load(be device.Backend, f *safetensors.File) (Model, error)
}

// Params is all that one model, its training and its sampling depend on, apart
// from the training images: a comparable struct of three structs with the tags
// toml and json "model", "train" and "sample", whose fields are the keys of these
// tables of an experiment file (see [Fields]). It is a value; what changes it
// gives another one.
type Params interface {
	Family() Family
	// Shape is that of the images; For gives the same parameters for others.
	Shape() Shape
	For(Shape) Params
	// Seed is that of the training; Seeded gives the same parameters with another one.
	Seed() uint64
	Seeded(seed uint64) Params
	// Resolved replaces what stands for a number, such as "exact", by it.
	Resolved() Params
	// Validate reports the first key whose value is not allowed, as a *[KeyError].
	Validate() error
	// Canonical gives two trainings that compute the same numbers the same tables
	// [model] and [train]: values that nothing reads under the other settings are
	// replaced by a fixed one. Stage keys are made of it.
	Canonical() Params

	Training() Training
	Size() int64 // trained parameters
	Costs() Costs
	TrainMemory() MemoryEstimate
	SampleMemory(batch int) MemoryEstimate // of sampling batch images at a time

	// NewTrainer prepares a training; NewModel is the model that it begins with.
	NewTrainer(be device.Backend, images Images) (Trainer, error)
	NewModel(be device.Backend) (Model, error)
}

// Training is what a training is to who plans and times it.
type Training struct {
	Steps   int
	Batch   int // images per step; 0: a step reads all training images
	Threads int // compute threads, part of the result's identity
}

// Trainer trains one model, step by step. Everything a step does is a function
// of parameters, step number and weights: a training that is saved and resumed
// equals one that never stopped.
type Trainer interface {
	Step() error
	Done() int // steps
	Losses() Losses
	// Save writes all that Resume needs to a file, with a note of the caller's, which
	// Resume gives back.
	Save(path, note string) error
	Resume(path string) (note string, err error)
	// SaveModel writes the model as it is now.
	SaveModel(path string) error
	Close() // and the model
}

// Model is a trained model on a backend.
type Model interface {
	Params() Params // sampling as by default
	// Sampler draws at most batch images per call, by the table [sample] of p.
	Sampler(p Params, batch int) (Sampler, error)
	SaveModel(path string) error
	Close() // samplers before
}

// Sampler draws images. An image is a function of (weights, seed, label, id) and
// of nothing else.
type Sampler interface {
	// Sample draws len(labels) images into out [n, H, W, C]. ids key the noise.
	Sample(labels []int32, ids []uint32, out []uint8) error
	Close()
}

// Default is the family of files that name none.
const Default = "pra"

// FamilyKey is the key that says which family a cell has.
const FamilyKey = "model.family"
