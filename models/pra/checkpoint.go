package pra

import (
	"fmt"
	"slices"

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

// collect downloads flat arrays as named tensors.
func (m *Model) collect(flats map[string]device.Buffer) []safetensors.Tensor {
	var out []safetensors.Tensor
	prefixes := make([]string, 0, len(flats))
	for p := range flats {
		prefixes = append(prefixes, p)
	}
	slices.Sort(prefixes)
	for _, p := range prefixes {
		host := make([]float32, m.net.total)
		m.net.be.Download(host, flats[p])
		for _, t := range m.net.tensors {
			out = append(out, safetensors.Tensor{Name: p + t.Name, Shape: t.Shape, Data: host[t.Offset : t.Offset+t.N]})
		}
	}
	return out
}

// restore uploads named tensors into flat arrays; every tensor of the
// architecture must be there, with its shape, and no other.
func (m *Model) restore(f *safetensors.File, flats map[string]device.Buffer) error {
	have := map[string]safetensors.Tensor{}
	for _, t := range f.Tensors {
		have[t.Name] = t
	}
	for p, flat := range flats {
		host := make([]float32, m.net.total)
		for _, t := range m.net.tensors {
			got, ok := have[p+t.Name]
			if !ok {
				return fmt.Errorf("it has no tensor %q", p+t.Name)
			}
			if !slices.Equal(got.Shape, t.Shape) {
				return fmt.Errorf("tensor %q has shape %v, the configuration needs %v", p+t.Name, got.Shape, t.Shape)
			}
			copy(host[t.Offset:], got.Data)
			delete(have, p+t.Name)
		}
		m.net.be.Upload(flat, host)
	}
	for name := range have {
		return fmt.Errorf("it has a tensor %q that the configuration does not", name)
	}
	return nil
}

// SaveModel writes raw and averaged weights with the configuration to path, in
// one step.
func (m *Model) SaveModel(path string) error {
	return safetensors.Write(path, &safetensors.File{
		Metadata: m.header(models.ModelFormat),
		Tensors:  m.collect(map[string]device.Buffer{"raw.": m.raw, "ema.": m.ema}),
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
	m, err := emptyModel(be, p.Model)
	if err != nil {
		return nil, err
	}
	m.Train, m.Steps = p.Train, steps
	if err := m.restore(f, map[string]device.Buffer{"raw.": m.raw, "ema.": m.ema}); err != nil {
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
	return map[string]device.Buffer{"raw.": t.Model.raw, "ema.": t.Model.ema, "adam.m.": t.m1, "adam.v.": t.m2}
}

// Save writes everything that [Trainer.Resume] needs to path, in one step.
func (t *Trainer) Save(path string) error {
	meta := t.Model.header(models.TrainingFormat)
	meta[noteMember] = t.Note
	return safetensors.Write(path, &safetensors.File{Metadata: meta, Tensors: t.Model.collect(t.flats())})
}

// Resume continues the training saved at path, which must have the same
// configuration, seed and core version.
func (t *Trainer) Resume(path string) error {
	f, err := safetensors.Read(path)
	if err != nil {
		return fmt.Errorf("resuming a training: %w", err)
	}
	p, steps, err := readHeader(f, models.TrainingFormat)
	if err != nil {
		return fmt.Errorf("resuming %s: %w", path, err)
	}
	if err := models.SameTraining(f, p, Params{Model: t.cfg, Train: t.tc}); err != nil {
		return fmt.Errorf("resuming %s: %w", path, err)
	}
	if err := t.Model.restore(f, t.flats()); err != nil {
		return fmt.Errorf("resuming %s: %w", path, err)
	}
	t.done, t.Model.Steps = steps, steps
	t.Note = f.Metadata[noteMember]
	return nil
}
