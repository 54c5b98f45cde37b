package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"prabench/harness/stage"
	"prabench/internal/atomicfile"
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

	hashes    map[dataset.Spec]string
	embedders map[embedding]string
}

// embedding is what an embedder is chosen by.
type embedding struct {
	set            string
	size, channels int
	want           string
}

// embedderHash names the embedder that a cell means.
func (id *Identifier) embedderHash(e embedding) (string, error) {
	if hash, known := id.embedders[e]; known {
		return hash, nil
	}
	embedder, err := embed.For(e.set, e.size, e.channels, e.want)
	if err != nil {
		return "", err
	}
	id.embedders[e] = embedder.Hash()
	return id.embedders[e], nil
}

// Identify fills in the data and embedder hashes and the chains of all cells.
// The notes say what stayed unknown and what folders hold. Errors are the user's, such as missing
// data.
func (id *Identifier) Identify(ctx context.Context, e *Experiment) (notes []string, err error) {
	if id.hashes == nil {
		id.hashes, id.embedders = map[dataset.Spec]string{}, map[embedding]string{}
	}
	for i := range e.Cells {
		s := e.Cells[i].Settings
		hash, note, err := id.dataHash(ctx, s.Data)
		if err != nil {
			return notes, err
		}
		if note != "" {
			notes = append(notes, note)
		}
		s.DataHash = hash
		shape := s.Params.Shape()
		if s.EmbedderHash, err = id.embedderHash(embedding{s.Data.Set, shape.Size, shape.Channels, s.Embedder}); err != nil {
			return notes, err
		}
	}
	return notes, chains(e.Cells)
}

// chains fills in the chains of cells, some thousand at a time on every
// processor.
func chains(cells []Cell) error {
	const portion = 4096
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for part := range slices.Chunk(cells, portion) {
		g.Go(func() (err error) {
			for i := range part {
				if part[i].Chain, err = stage.Of(part[i].Full()); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

// dataHash names the data of a description; "" when unknown.
func (id *Identifier) dataHash(ctx context.Context, spec dataset.Spec) (hash, note string, err error) {
	spec.Flip = 0 // the set is the same with any
	if hash, known := id.hashes[spec]; known {
		return hash, "", nil
	}
	raw, err := json.Marshal(spec)
	if err != nil {
		return "", "", err
	}
	sum := sha256.Sum256(raw)
	name := hex.EncodeToString(sum[:16])
	kept := id.Places.dataHash(name)
	if !id.Read {
		var before struct {
			Hash  string
			Found []string
		}
		if b, err := os.ReadFile(kept); err == nil && json.Unmarshal(b, &before) == nil && before.Hash != "" {
			id.hashes[spec] = before.Hash
			return before.Hash, foundIn(spec, before.Found), nil
		}
		if err := dataset.Available(spec); err != nil {
			id.hashes[spec] = ""
			return "", err.Error(), nil
		}
		info, err := dataset.Describe(spec)
		if err != nil {
			return "", "", err
		}
		if bytes := int64(info.Train+info.Test) * int64(info.Size*info.Size*info.Channels); info.Train < 0 || bytes > tooLargeToLook {
			id.hashes[spec] = ""
			return "", fmt.Sprintf("data.set: %s was not read; what is cached is known after the first run", spec.Set), nil
		}
	}
	data, err := dataset.Load(ctx, spec, id.Say)
	if err != nil {
		return "", "", err
	}
	id.hashes[spec] = data.Hash
	if id.Read {
		found, _ := json.Marshal(struct {
			Spec  dataset.Spec
			Hash  string
			Found []string `json:",omitempty"`
		}{spec, data.Hash, data.Found})
		// Only a shortcut for plan and status: a failure costs them time.
		if os.MkdirAll(filepath.Dir(kept), 0o755) == nil {
			_ = atomicfile.WriteVolatile(kept, 0o644, found)
		}
	}
	return data.Hash, foundIn(spec, data.Found), nil
}

// foundIn says what a folder of images holds and what was left out of it.
func foundIn(spec dataset.Spec, found []string) string {
	if len(found) == 0 {
		return ""
	}
	return fmt.Sprintf("data.root: %s has %s", spec.Root, strings.Join(found, "; "))
}
