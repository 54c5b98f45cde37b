package pra

import (
	"fmt"

	"prabench/models"
	"prabench/models/device"
	"prabench/models/layers"
	"prabench/models/safetensors"
)

// CoreVersion names the numbers that the core computes. It is part of the key
// of every training and every sample: raise it when any result changes.
const CoreVersion = "1"

// params are those of a file, which has nothing of sampling.
func (m *Model) params() Params { return Params{Model: m.Config, Train: m.Train} }

// state is what a model file holds: raw.NAME and ema.NAME for every tensor.
func (m *Model) state() layers.State {
	return layers.State{Be: m.net.be, Net: &m.net.Parameters, Flats: m.averages.Flats(m.raw)}
}

// SaveModel writes raw and averaged weights with the configuration to path, in
// one step.
func (m *Model) SaveModel(path string) error { return m.state().SaveModel(path, m.params(), m.Steps) }

// SaveModel writes the weights as they are now; see [Model.SaveModel].
func (t *Trainer) SaveModel(path string) error { return t.Model.SaveModel(path) }

// LoadModel reads a model file.
func LoadModel(be device.Backend, path string) (*Model, error) {
	f, err := safetensors.Read(path)
	if err != nil {
		return nil, fmt.Errorf("loading a model: %w", err)
	}
	defer f.Close()
	m, err := modelOf(be, f)
	if err != nil {
		return nil, fmt.Errorf("loading %s: %w", path, err)
	}
	return m, nil
}

// modelOf is the model in a file that was read.
func modelOf(be device.Backend, f *safetensors.File) (*Model, error) {
	p, steps, err := models.HeaderOf[Params](f, models.ModelFormat)
	if err != nil {
		return nil, err
	}
	m, err := emptyModel(be, p.Model, p.Train.EMA)
	if err != nil {
		return nil, err
	}
	m.Train, m.Steps = p.Train, steps
	if err := m.net.Upload(be, f, m.state().Flats); err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

// state is what a checkpoint holds: adam.m.NAME and adam.v.NAME as well.
func (t *Trainer) state() layers.State {
	s := t.Model.state()
	s.Flats["adam.m."], s.Flats["adam.v."] = t.adam.M, t.adam.V
	return s
}

// Save writes everything that [Trainer.Resume] needs to path, in one step.
func (t *Trainer) Save(path string) error {
	write, err := t.Snapshot()
	if err != nil {
		return err
	}
	return write(path)
}

// Snapshot copies what Save writes.
func (t *Trainer) Snapshot() (write func(path string) error, err error) {
	return t.state().Snapshot(t.Model.params(), t.Model.Steps, t.Note)
}

// Resume continues the training saved at path, which must have the same
// configuration, seed and core version.
func (t *Trainer) Resume(path string) error {
	steps, note, err := layers.ResumeTraining(t.state(), path, Params{Model: t.cfg, Train: t.whole})
	if err != nil {
		return err
	}
	t.done, t.Model.Steps, t.Note = steps, steps, note
	return nil
}
