package layers

import (
	"fmt"

	"prabench/models"
	"prabench/models/device"
	"prabench/models/safetensors"
)

// State is what a file holds of a model, or of a training: flat arrays by the prefixes
// of their tensors' names.
type State struct {
	Be    device.Backend
	Net   *Parameters
	Flats map[string]device.Buffer
}

// SaveModel writes a model file of these parameters.
func (s State) SaveModel(path string, p models.Params, steps int) error {
	write, err := s.snapshot(models.Header(models.ModelFormat, p, steps))
	if err != nil {
		return err
	}
	return write(path)
}

// Snapshot copies a training's state; write writes it with a note of the caller's.
func (s State) Snapshot(p models.Params, steps int, note string) (write func(path string) error, err error) {
	meta := models.Header(models.TrainingFormat, p, steps)
	meta[models.NoteMember] = note
	return s.snapshot(meta)
}

func (s State) snapshot(meta map[string]string) (write func(path string) error, err error) {
	f := &safetensors.File{Metadata: meta, Tensors: s.Net.Download(s.Be, s.Flats)}
	if err := s.Be.Err(); err != nil {
		return nil, err
	}
	return func(path string) error { return safetensors.Write(path, f) }, nil
}

// ResumeTraining reads the state of the training of these parameters that was saved at
// path, with the steps done and the note.
func ResumeTraining[P models.Params](s State, path string, want P) (steps int, note string, err error) {
	f, err := safetensors.Read(path)
	if err != nil {
		return 0, "", fmt.Errorf("resuming a training: %w", err)
	}
	defer f.Close()
	p, steps, err := models.HeaderOf[P](f, models.TrainingFormat)
	if err == nil {
		err = models.SameTraining(f, p, want)
	}
	if err == nil {
		err = s.Net.Upload(s.Be, f, s.Flats)
	}
	if err != nil {
		return 0, "", fmt.Errorf("resuming %s: %w", path, err)
	}
	return steps, f.Metadata[models.NoteMember], nil
}
