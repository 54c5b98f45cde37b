package pra

import (
	"fmt"

	"prabench/models"
	"prabench/models/device"
	"prabench/models/safetensors"
)

// CoreVersion names the numbers that the core computes. It is part of the key
// of every training and every sample: raise it when any result changes.
const CoreVersion = "1"

// A model file holds raw.NAME and ema.NAME for every tensor; a training
// checkpoint adam.m.NAME and adam.v.NAME as well, and the note of its caller. What
// else stands in both is [models.Header].
const noteMember = "note"

func (m *Model) header(format string) map[string]string {
	return models.Header(format, Params{Model: m.Config, Train: m.Train}, m.Steps)
}

// SaveModel writes raw and averaged weights with the configuration to path, in
// one step.
func (m *Model) SaveModel(path string) error {
	return safetensors.Write(path, &safetensors.File{
		Metadata: m.header(models.ModelFormat),
		Tensors:  m.net.Download(m.net.be, m.averages.Flats(m.raw)),
	})
}

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
	p, steps, err := readHeader(f, models.ModelFormat)
	if err != nil {
		return nil, err
	}
	m, err := emptyModel(be, p.Model, p.Train.EMA)
	if err != nil {
		return nil, err
	}
	m.Train, m.Steps = p.Train, steps
	if err := m.net.Upload(be, f, m.averages.Flats(m.raw)); err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

// readHeader is [models.ReadHeader] for files of this family.
func readHeader(f *safetensors.File, format string) (Params, int, error) {
	of, steps, err := models.ReadHeader(f, format)
	if err != nil {
		return Params{}, 0, err
	}
	p, ok := of.(Params)
	if !ok {
		return Params{}, 0, fmt.Errorf("its model is of the family %s", of.Family().Name())
	}
	return p, steps, nil
}

func (t *Trainer) flats() map[string]device.Buffer {
	flats := t.Model.averages.Flats(t.Model.raw)
	flats["adam.m."], flats["adam.v."] = t.adam.M, t.adam.V
	return flats
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
	meta := t.Model.header(models.TrainingFormat)
	meta[noteMember] = t.Note
	f := &safetensors.File{Metadata: meta, Tensors: t.net.Download(t.net.be, t.flats())}
	if err := t.net.be.Err(); err != nil {
		return nil, err
	}
	return func(path string) error { return safetensors.Write(path, f) }, nil
}

// Resume continues the training saved at path, which must have the same
// configuration, seed and core version.
func (t *Trainer) Resume(path string) error {
	f, err := safetensors.Read(path)
	if err != nil {
		return fmt.Errorf("resuming a training: %w", err)
	}
	defer f.Close()
	p, steps, err := readHeader(f, models.TrainingFormat)
	if err != nil {
		return fmt.Errorf("resuming %s: %w", path, err)
	}
	if err := models.SameTraining(f, p, Params{Model: t.cfg, Train: t.whole}); err != nil {
		return fmt.Errorf("resuming %s: %w", path, err)
	}
	if err := t.net.Upload(t.net.be, f, t.flats()); err != nil {
		return fmt.Errorf("resuming %s: %w", path, err)
	}
	t.done, t.Model.Steps = steps, steps
	t.Note = f.Metadata[noteMember]
	return nil
}
