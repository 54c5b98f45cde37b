package models

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"prabench/models/device"
	"prabench/models/safetensors"
)

// Formats of the files that families write: a model, and a training that goes on
// from there.
const (
	ModelFormat    = "prabench-model-1"
	TrainingFormat = "prabench-training-1"
)

// familyMember of a file's metadata names its family; without it the file is of
// the default one, as all were before there were others.
const familyMember = "family"

// Unverified is what to say of a model file that has no checksum, as other programs
// save it; "" of one that has. The weights are then taken as they are.
func Unverified(path string) string {
	if meta, err := safetensors.Metadata(path); err != nil || (&safetensors.File{Metadata: meta}).Verified() {
		return ""
	}
	return path + " has no checksum (metadata entry sha256), as files of other programs: its weights are unverified"
}

// Header is the metadata of a file: its format, the parameters but for sampling,
// the family's version and the steps done. Tensors are the family's own.
func Header(format string, p Params, steps int) map[string]string {
	w, err := Write(p)
	if err != nil {
		panic("models: parameters that JSON cannot hold: " + err.Error()) // numbers and words always can
	}
	h := map[string]string{"format": format, "core": core(p.Family()), "config": string(w.Model), "train": string(w.Train),
		"steps": strconv.Itoa(steps)}
	if w.Family != "" {
		h[familyMember] = w.Family
	}
	return h
}

// core is a family's version without its name.
func core(f Family) string {
	_, version, _ := strings.Cut(f.Version(), " ")
	return version
}

// ReadHeader gives back what a file's [Header] was made of; sampling is as by
// default.
func ReadHeader(f *safetensors.File, format string) (p Params, steps int, err error) {
	meta := f.Metadata
	if !f.Verified() && format != ModelFormat {
		return nil, 0, errors.New("it has no checksum: damaged, or not written by prabench")
	}
	if meta["format"] != format {
		return nil, 0, fmt.Errorf("its format is %q, not %q", meta["format"], format)
	}
	if meta["config"] == "" || meta["train"] == "" {
		return nil, 0, errors.New("it has no configuration")
	}
	w := Written{Family: meta[familyMember], Model: json.RawMessage(meta["config"]), Train: json.RawMessage(meta["train"])}
	if p, err = w.Read(); err != nil {
		return nil, 0, fmt.Errorf("its configuration: %w", err)
	}
	if steps, err = strconv.Atoi(meta["steps"]); err != nil || steps < 0 {
		return nil, 0, fmt.Errorf("its number of steps is %q", meta["steps"])
	}
	return p, steps, nil
}

// HeaderOf is [ReadHeader] for files of one family.
func HeaderOf[P Params](f *safetensors.File, format string) (p P, steps int, err error) {
	of, steps, err := ReadHeader(f, format)
	if err != nil {
		return p, 0, err
	}
	p, ok := of.(P)
	if !ok {
		return p, 0, fmt.Errorf("its model is of the family %s", of.Family().Name())
	}
	return p, steps, nil
}

// NoteMember is where a checkpoint has the note of its caller.
const NoteMember = "note"

// SameTraining says why a checkpoint cannot be gone on from by a training of want,
// or nil: it is another one's, or of another version of the family.
func SameTraining(f *safetensors.File, p, want Params) error {
	if have := core(want.Family()); f.Metadata["core"] != have {
		return fmt.Errorf("it was written by core version %s, this is %s", f.Metadata["core"], have)
	}
	a, b := p.Canonical(), want.Canonical()
	steps, err := strconv.Atoi(f.Metadata["steps"])
	if err == nil && sameTrunk(a, steps, b) {
		return nil
	}
	if Table(a, "model") != Table(b, "model") || Table(a, "train") != Table(b, "train") {
		return fmt.Errorf("it is a training of %+v, %+v, not of %+v, %+v", Table(a, "model"), Table(a, "train"),
			Table(b, "model"), Table(b, "train"))
	}
	return nil
}

// Load reads a model file of any family.
func Load(be device.Backend, path string) (Model, error) {
	f, err := safetensors.Read(path)
	if err != nil {
		return nil, fmt.Errorf("loading a model: %w", err)
	}
	defer f.Close()
	p, _, err := ReadHeader(f, ModelFormat)
	if err != nil {
		return nil, fmt.Errorf("loading %s: %w", path, err)
	}
	m, err := p.Family().Load(be, f)
	if err != nil {
		return nil, fmt.Errorf("loading %s: %w", path, err)
	}
	return m, nil
}
