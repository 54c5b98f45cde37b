package sampler

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"

	"prabench/harness/artifact"
	"prabench/harness/engine"
	"prabench/harness/outside"
	"prabench/harness/work"
	"prabench/internal/atomicfile"
)

// IndexFile says which images are of which cell, in the folder of [WriteKept].
const IndexFile = "samples.csv"

// WriteKept writes the images of an experiment's cells into a folder and says on w
// how many there are.
func WriteKept(ctx context.Context, w io.Writer, store artifact.Store, e *engine.Experiment, dir string) error {
	files, missing, err := kept(ctx, store, e, dir)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s: %d samplings and %s; %d cells have no images yet\n", dir, files, IndexFile, missing)
	return err
}

// kept writes the images that were scored, of the cells that are not skipped, into a
// folder that must be new or empty: an .npz file for each sampling, as ADM's programs
// write it, and [IndexFile]. It gives the number of files and of cells that have no
// images yet.
func kept(ctx context.Context, store artifact.Store, e *engine.Experiment, dir string) (files, missing int, err error) {
	if there, err := os.ReadDir(dir); err == nil && len(there) > 0 {
		return 0, 0, engine.Mistakef("%s is not empty: images of two exports must not mix; name a new folder", dir)
	} else if err == nil || os.IsNotExist(err) {
		err = os.MkdirAll(dir, 0o777)
		if err != nil {
			return 0, 0, &engine.Mistake{Err: err}
		}
	}
	rows := [][]string{{"file", "cell", "label", "seed", "count", "stage"}}
	named := map[string]string{} // by the key of the sampling: cells may share it
	taken := map[string]bool{}
	for i := range e.Cells {
		c := &e.Cells[i]
		key := c.Chain.Key(work.Sample)
		if c.Skip || key == "" {
			continue
		}
		if err := ctx.Err(); err != nil {
			return files, missing, err
		}
		if _, err := store.Stat(work.Sample.Ref(key)); err != nil {
			missing++
			continue
		}
		d, pixels, err := work.ReadDrawn(store, key)
		if err != nil {
			return files, missing, fmt.Errorf("%w; prabench run makes it again", err)
		}
		if named[key] == "" {
			name := fmt.Sprintf("%s-seed%d-%d.npz", plain(c.Label), c.Seed, d.Count)
			if taken[name] {
				name = fmt.Sprintf("%s-%s", c.ID, name)
			}
			m := outside.Images{Size: d.Size, Channels: d.Channels, Pixels: pixels, Labels: d.Labels, Classes: d.Classes}
			if err := outside.Write(filepath.Join(dir, name), m); err != nil {
				return files, missing, &engine.Mistake{Err: err}
			}
			named[key], taken[name] = name, true
			files++
		}
		rows = append(rows, []string{named[key], c.ID, c.Label, strconv.FormatUint(c.Seed, 10), strconv.Itoa(d.Count), key})
	}
	if files == 0 {
		return 0, missing, engine.Mistakef("no chosen cell of %s has images yet; prabench run %s draws them", e.Name, e.File)
	}
	return files, missing, atomicfile.Output(filepath.Join(dir, IndexFile), 0o644, func(w io.Writer) error {
		return csv.NewWriter(w).WriteAll(rows)
	})
}

// plain is a label as a part of a file name.
func plain(label string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("=.-_", r) {
			return r
		}
		return '-'
	}, label), "-.")
}
