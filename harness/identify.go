package harness

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"prabench/harness/stage"
	"prabench/metrics/embed"
	"prabench/models/dataset"
)

// tooLargeToLook bounds the data that a plan reads only to see what is cached.
const tooLargeToLook = 4 << 30

// Identifier finds out which data and which embedder the cells mean, and from
// that their stages' keys.
type Identifier struct {
	Places Places
	// Read makes it read every data set; a run must. Without it, what an
	// earlier run found is believed, and a set that is missing or large is
	// left unknown: then no stage counts as done.
	Read bool
	Say  func(what string, done, total int64)

	hashes map[string]string
}

// Identify fills in the data and embedder hashes and the chains of all cells.
// The notes say what stayed unknown. Errors are the user's, such as missing
// data.
func (id *Identifier) Identify(ctx context.Context, e *Experiment) (notes []string, err error) {
	if id.hashes == nil {
		id.hashes = map[string]string{}
	}
	for i := range e.Cells {
		s := &e.Cells[i].Settings
		hash, note, err := id.dataHash(ctx, s.Data)
		if err != nil {
			return notes, err
		}
		if note != "" {
			notes = append(notes, note)
		}
		s.DataHash = hash
		embedder, err := embed.For(s.Data.Set, s.Model.Size, s.Model.Channels, s.Embedder)
		if err != nil {
			return notes, err
		}
		s.EmbedderHash = embedder.Hash()
		if e.Cells[i].Chain, err = stage.Of(*s); err != nil {
			return notes, err
		}
	}
	return notes, nil
}

// dataHash names the data of a description; "" when unknown.
func (id *Identifier) dataHash(ctx context.Context, spec dataset.Spec) (hash, note string, err error) {
	raw, err := json.Marshal(spec)
	if err != nil {
		return "", "", err
	}
	sum := sha256.Sum256(raw)
	name := hex.EncodeToString(sum[:16])
	if hash, known := id.hashes[name]; known {
		return hash, "", nil
	}
	kept := id.Places.dataHash(name)
	if !id.Read {
		var before struct{ Hash string }
		if b, err := os.ReadFile(kept); err == nil && json.Unmarshal(b, &before) == nil && before.Hash != "" {
			id.hashes[name] = before.Hash
			return before.Hash, "", nil
		}
		if err := dataset.Available(spec); err != nil {
			id.hashes[name] = ""
			return "", err.Error(), nil
		}
		info, err := dataset.Describe(spec)
		if err != nil {
			return "", "", err
		}
		if bytes := int64(info.Train+info.Test) * int64(info.Size*info.Size*info.Channels); info.Train < 0 || bytes > tooLargeToLook {
			id.hashes[name] = ""
			return "", fmt.Sprintf("data.set: %s was not read; what is cached is known after the first run", spec.Set), nil
		}
	}
	data, err := dataset.Load(ctx, spec, id.Say)
	if err != nil {
		return "", "", err
	}
	id.hashes[name] = data.Hash
	if id.Read {
		found, _ := json.Marshal(struct {
			Spec dataset.Spec
			Hash string
		}{spec, data.Hash})
		// Only a shortcut for plan and status: a failure costs them time.
		if os.MkdirAll(filepath.Dir(kept), 0o755) == nil {
			os.WriteFile(kept, found, 0o644)
		}
	}
	return data.Hash, "", nil
}
