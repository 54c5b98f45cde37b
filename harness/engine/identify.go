package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"prabench/harness/stage"
	"prabench/internal/atomicfile"
	"prabench/metrics"
	"prabench/metrics/embed"
	"prabench/metrics/embed/onnx"
	"prabench/models"
	"prabench/models/dataset"
)

// What bounds the data that a plan reads only to see what is cached: bytes of
// pixels, and pictures of a folder that has changed, which are decoded first.
const (
	tooLargeToLook = 4 << 30
	tooManyToLook  = 20_000
)

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
	counts    map[dataset.Spec]stage.Images
	embedders map[embedding]known
}

// embedding is what an embedder is chosen by.
type embedding struct {
	set  dataset.Spec
	form models.Shape
	want string
}

// known is what plans need of an embedder.
type known struct {
	name, hash string
	dim        int
}

// embedder is the one that a cell means.
func (id *Identifier) embedder(e embedding) (known, error) {
	if k, found := id.embedders[e]; found {
		return k, nil
	}
	if id.embedders == nil {
		id.embedders = map[embedding]known{}
	}
	of := embed.Form{Size: e.form.Size, Channels: e.form.Channels, Classes: e.form.Classes, Train: dataset.TrainImages(e.set),
		Own: e.set.Set == dataset.Folder}
	hash, err := embed.Choose(e.set.Set, of, e.want)
	if err != nil {
		return known{}, err
	}
	k := known{"the classifier of " + e.set.Set, hash, embed.ClassifierDim}
	if hash != embed.Trained {
		embedder, err := embed.For(e.set.Set, e.form.Size, e.form.Channels, e.want)
		if err != nil {
			return known{}, err
		}
		k = known{embedder.Name(), hash, embedder.Dim()}
	}
	id.embedders[e] = k
	return k, nil
}

// enough refuses a score that metrics.also asks for of too few images.
func enough(s *stage.Settings, features int) error {
	for _, name := range strings.Split(s.Also, ",") {
		for _, n := range []struct {
			key    string
			images int
		}{{"sample.count", s.Count}, {"metrics.samples", s.Samples}} {
			if least := metrics.NeedsMore(strings.TrimSpace(name), n.images, features); least > 0 && n.images > 0 { // 0 samples are all
				return Mistakef("metrics.also: %s needs %d images of an extractor with %d features, %s is %d: raise it, or leave %[1]s out",
					strings.TrimSpace(name), least, features, n.key, n.images)
			}
		}
	}
	return nil
}

// Identify fills in the data and embedder hashes and the chains of all cells.
// The notes say what stayed unknown and what folders hold. Errors are the user's, such as missing
// data.
func (id *Identifier) Identify(ctx context.Context, e *Experiment) (notes []string, err error) {
	if id.hashes == nil {
		id.hashes, id.counts = map[dataset.Spec]string{}, map[dataset.Spec]stage.Images{}
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
		if err := programFiles(e.File, &s.Program); err != nil {
			return notes, err
		}
		shape := s.Params.Shape()
		embedder, err := id.embedder(embedding{s.Data, shape, s.Embedder})
		if err == nil {
			s.EmbedderHash, err = embedder.hash, enough(s, embedder.dim)
		}
		if err != nil {
			return notes, err
		}
		if strings.HasPrefix(s.Embedder, onnx.Prefix) { // the program's own have few features, and their floors are known
			for _, n := range counts(s, embedder.dim) {
				if !slices.Contains(notes, n) {
					notes = append(notes, n)
				}
			}
		}
	}
	if err := chains(e.Cells); err != nil {
		return notes, err
	}
	e.lacks = id.lacks(e)
	return notes, nil
}

// lacks says which stages of the cells to do would have too few images, each reason
// once with how many points it is of.
func (id *Identifier) lacks(e *Experiment) error {
	points := map[string]int{}
	first := map[string]string{}
	var reasons []string
	seen := map[*stage.Settings]bool{}
	for i := range e.Cells {
		c := &e.Cells[i]
		if c.Skip || seen[c.Settings] {
			continue
		}
		seen[c.Settings] = true
		there := id.images(c.Settings.Data)
		for _, st := range c.Chain.Stages() {
			if st.Kind.Lacks == nil {
				continue
			}
			why := st.Kind.Lacks(c.Settings, there)
			if why == nil {
				continue
			}
			if points[why.Error()]++; points[why.Error()] == 1 {
				reasons = append(reasons, why.Error())
				first[why.Error()] = c.Label
			}
		}
	}
	var all []error
	for _, why := range reasons {
		text := first[why]
		if n := points[why]; n > 1 {
			text = fmt.Sprintf("%s and %d more", text, n-1)
		}
		all = append(all, Mistakef("%s: %s: %s", e.File, text, why))
	}
	return errors.Join(all...)
}

// images is how many a data set has, as far as that is known.
func (id *Identifier) images(spec dataset.Spec) stage.Images {
	spec = same(spec)
	n, known := id.counts[spec]
	if !known {
		n = stage.Images{Train: -1, Test: -1}
		if info, err := dataset.Describe(spec); err == nil {
			n = stage.Images{Train: info.Train, Test: info.Test}
		}
		id.counts[spec] = n
	}
	return n
}

// same is the description of a set without what does not change its images.
func same(spec dataset.Spec) dataset.Spec {
	spec.Flip = 0
	if spec.Decoder == "go" {
		spec.Decoder = "" // as before there was another
	}
	return spec
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

// seen is what a run has found out about data, for those who only look.
type seen struct {
	Spec    dataset.Spec
	Hash    string
	Found   []string `json:",omitempty"`
	Listing string   `json:",omitempty"` // of the files when they were read, see [dataset.Listing]
}

// dataHash names the data of a description; "" when unknown.
func (id *Identifier) dataHash(ctx context.Context, spec dataset.Spec) (hash, note string, err error) {
	spec = same(spec)
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
		hash, note, read, err := look(spec, kept)
		if !read || err != nil {
			id.hashes[spec] = hash
			return hash, note, err
		}
	}
	listing, _ := dataset.Listing(spec) // before they are read: what changes meanwhile differs from it
	data, err := dataset.Load(ctx, spec, id.Say)
	if err != nil {
		return "", "", err
	}
	id.hashes[spec] = data.Hash
	id.counts[spec] = stage.Images{Train: data.Train.N, Test: data.Test.N}
	if id.Read {
		found, _ := json.Marshal(seen{spec, data.Hash, data.Found, listing})
		// Only a shortcut for plan and status: a failure costs them time.
		if os.MkdirAll(filepath.Dir(kept), 0o755) == nil {
			_ = atomicfile.WriteVolatile(kept, 0o644, found)
		}
	}
	return data.Hash, foundIn(spec, data.Found), nil
}

// look says what can be told of data from what an earlier run has kept of them;
// read says that they are to be read after all.
func look(spec dataset.Spec, kept string) (hash, note string, read bool, err error) {
	var before seen
	known, files := false, 0
	if b, err := os.ReadFile(kept); err == nil && json.Unmarshal(b, &before) == nil && before.Hash != "" {
		var now string
		known = true
		now, files = dataset.Listing(spec)
		// An older program kept no listing: it is believed, as it was.
		if before.Listing == "" || now == before.Listing {
			return before.Hash, foundIn(spec, before.Found), false, nil
		}
		if now == "" {
			return before.Hash, fmt.Sprintf("data.set: the files of %s are not found any more: what is shown is of those that were read",
				strings.TrimSpace(spec.Set+" "+spec.Root)), false, nil
		}
	}
	if err := dataset.Available(spec); err != nil {
		return "", err.Error(), false, nil
	}
	info, err := dataset.Describe(spec)
	if err != nil {
		return "", "", false, err
	}
	bytes := int64(info.Train+info.Test) * int64(info.Size*info.Size*info.Channels)
	if info.Train >= 0 && bytes <= tooLargeToLook || info.Train < 0 && known && files <= tooManyToLook {
		return "", "", true, nil
	}
	if known {
		return "", fmt.Sprintf("data.root: the files of %s have changed since they were read, and are too many to be read again now: "+
			"what is cached is known after the next run", spec.Root), false, nil
	}
	return "", fmt.Sprintf("data.set: %s was not read; what is cached is known after the first run", spec.Set), false, nil
}

// foundIn says what a folder of images holds and what was left out of it.
func foundIn(spec dataset.Spec, found []string) string {
	if len(found) == 0 {
		return ""
	}
	return fmt.Sprintf("data.root: %s has %s", spec.Root, strings.Join(found, "; "))
}
