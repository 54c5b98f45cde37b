// Package stage turns the cells of an experiment into the work they share.
//
// Its principle is that a stage is what it reads: its key is a hash of the part of
// the settings that can change its result, of the version of the code that
// makes it, and of the keys of the stages it builds on. Cells that differ only
// in sampling therefore share one training by themselves, and a result never
// has to be thrown away for a setting it does not depend on. What only makes a
// stage faster or slower (batch of sampling, number of jobs, hardware) is in no
// key, except for timings, which measure just that.
package stage

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// identity is what a key is the hash of.
type identity struct {
	Code   string   `json:"code"`
	Inputs []string `json:"inputs"`
	Kind   string   `json:"kind"`
	Part   any      `json:"part"`
}

// Key is the SHA-256, in hex, of a stage's identity as canonical JSON, and that
// JSON.
func Key(kind, code string, part any, inputs ...string) (key string, config json.RawMessage, err error) {
	if inputs == nil {
		inputs = []string{}
	}
	return new(writer).key(identity{code, inputs, kind, part})
}

// writer keeps what neighbouring cells of a sweep share: the buffer that keys
// are hashed from, and the last part of each kind with its text.
type writer struct {
	text  []byte
	parts map[string]writtenPart // nil remembers none
}

type writtenPart struct {
	part any
	text []byte
}

// key is the key of an identity; the config is valid until the next call. With
// memory, parts must be comparable.
func (w *writer) key(id identity) (key string, config json.RawMessage, err error) {
	known, ok := w.parts[id.Kind]
	if !ok || known.part != id.Part {
		known.part = id.Part
		if known.text, err = canonical(known.text[:0], id.Part); err != nil {
			delete(w.parts, id.Kind)
			return "", nil, fmt.Errorf("the settings of a %s stage: %w", id.Kind, err)
		}
		if w.parts != nil {
			w.parts[id.Kind] = known
		}
	}
	b := append(w.text[:0], `{"code":`...)
	b = appendString(b, id.Code)
	b = append(b, `,"inputs":[`...)
	for i, in := range id.Inputs {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, in)
	}
	b = append(b, `],"kind":`...)
	b = appendString(b, id.Kind)
	b = append(b, `,"part":`...)
	b = append(b, known.text...)
	w.text = append(b, '}')
	sum := sha256.Sum256(w.text)
	return hex.EncodeToString(sum[:]), w.text, nil
}
