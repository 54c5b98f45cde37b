// Package stage turns the cells of an experiment into the work they share.
//
// It believes that a stage is what it reads: its key is a hash of the part of
// the settings that can change its result, of the version of the code that
// makes it, and of the keys of the stages it builds on. Cells that differ only
// in sampling therefore share one training by themselves, and a result never
// has to be thrown away for a setting it does not depend on. What only makes a
// stage faster or slower (batch of sampling, number of jobs, hardware) is in no
// key, except for timings, which measure just that.
package stage

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
)

// Versions of the code behind each kind of stage, raised when its results
// change. The model core and the metrics have their own.
const (
	scoreVersion = "1"
	drawVersion  = "1"
	trainVersion = "1"
	timeVersion  = "3"
)

// identity is what a key is the hash of.
type identity struct { // in the order of its keys, as canonical JSON has it
	Code   string          `json:"code"`
	Inputs []string        `json:"inputs"`
	Kind   string          `json:"kind"`
	Part   json.RawMessage `json:"part"`
}

// Key is the SHA-256, in hex, of a stage's identity as canonical JSON, and that
// JSON.
func Key(kind, code string, part any, inputs ...string) (key string, config json.RawMessage, err error) {
	raw, err := canonical(part)
	if err != nil {
		return "", nil, fmt.Errorf("the settings of a %s stage: %w", kind, err)
	}
	if inputs == nil {
		inputs = []string{}
	}
	config, err = json.Marshal(identity{code, inputs, kind, raw})
	if err != nil {
		return "", nil, err
	}
	sum := sha256.Sum256(config)
	return hex.EncodeToString(sum[:]), config, nil
}

// canonicals remembers the text of parts that were written before: a sweep has
// few, again and again. It holds at most maxCanonicals.
var canonicals sync.Map

var canonicalCount atomic.Int64

const maxCanonicals = 10_000

// canonical is JSON with sorted keys, no blanks, and numbers as they were
// first written, so that it does not depend on the order of struct fields.
func canonical(v any) (json.RawMessage, error) {
	known := v != nil && reflect.TypeOf(v).Comparable()
	if known {
		if text, ok := canonicals.Load(v); ok {
			return text.(json.RawMessage), nil
		}
	}
	text, err := written(v)
	if err == nil && known && canonicalCount.Add(1) <= maxCanonicals {
		canonicals.Store(v, text)
	}
	return text, err
}

func written(v any) (json.RawMessage, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		return nil, err
	}
	return json.Marshal(tree) // maps are written in the order of their keys
}
