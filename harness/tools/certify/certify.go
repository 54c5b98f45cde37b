// Package certify measures certificates of feature extractors on data sets and keeps
// them among the artifacts.
//
// Its principle is that a certificate is found again and not measured again: it is named
// by the extractor, the data and the version of the criteria, what an interrupted
// measurement had is gone on from, and the same command says at once what was found.
package certify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"prabench/harness/artifact"
	"prabench/harness/certified"
	"prabench/harness/engine"
	"prabench/internal/atomicfile"
	"prabench/metrics/certificate"
	"prabench/metrics/embed"
	"prabench/models/dataset"
)

// ErrStopped says that somebody stopped a measurement.
var ErrStopped = errors.New("stopped before its end; the same command goes on from there")

// Certifying is what to certify and how.
type Certifying struct {
	Images  int // on each side; 0 is the default
	Threads int
	Again   bool // measure what was certified before
	Program string
	Out     io.Writer // progress
	// Draw makes the figure.
	Draw func(*certificate.Certificate) ([]byte, error)
}

// Measure certifies an extractor on a data set, or finds its certificate.
func (o Certifying) Measure(ctx context.Context, store artifact.Store, e embed.Embedder, d *dataset.Data, set string,
) (*certificate.Certificate, error) {
	ref := certified.Ref(e.Hash(), d.Hash)
	if c, err := certified.Find(store, e.Hash(), d.Hash); err == nil && c != nil && !o.Again && (o.Images == 0 || o.Images == c.Images) {
		return c, nil
	}
	unfinished := filepath.Join(store.Root, "tmp", fmt.Sprintf("certificate-%s-%d.json", ref.Key, o.Images))
	last := time.Time{}
	c, err := certificate.Measure(certificate.Subject{
		Extractor: e, Data: set, DataHash: d.Hash, Size: d.Size, Channels: d.Channels, Images: o.Images, Threads: max(1, o.Threads),
		Train: split(d.Train), HeldOut: split(d.Test), Known: kept(unfinished),
		Keep: func(known map[string]certificate.Pair) error { return keep(unfinished, known) },
		Progress: func(done, total int, what string) error {
			if time.Since(last) > 5*time.Second {
				fmt.Fprintf(o.Out, "%d of %d: %s\n", done, total, what)
				last = time.Now()
			}
			return context.Cause(ctx)
		},
	})
	if err != nil {
		return nil, o.explain(ctx, err)
	}
	c.Program, c.Made = o.Program, time.Now().UTC().Format(time.DateOnly)
	if err := o.Save(store, c); err != nil {
		return nil, err
	}
	if err := os.Remove(unfinished); err != nil && !errors.Is(err, os.ErrNotExist) {
		return c, &engine.Failure{Err: err}
	}
	return c, nil
}

func (o Certifying) explain(ctx context.Context, err error) error {
	few := (*certificate.TooFew)(nil)
	switch {
	case ctx.Err() != nil:
		return ErrStopped
	case errors.As(err, &few):
		return &engine.Mistake{Err: err}
	}
	return err
}

func split(s dataset.Split) certificate.Split {
	return certificate.Split{N: s.N, Labels: s.Labels, Read: s.Read}
}

// kept is what an interrupted measurement had; nothing where it cannot be read, which
// only saves time.
func kept(path string) map[string]certificate.Pair {
	raw, err := os.ReadFile(path)
	known := map[string]certificate.Pair{}
	if err != nil || json.Unmarshal(raw, &known) != nil {
		return nil
	}
	return known
}

func keep(path string, known map[string]certificate.Pair) error {
	raw, err := json.Marshal(known)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o755)
	}
	if err == nil {
		err = atomicfile.WriteBytes(path, 0o644, raw)
	}
	if err != nil {
		return &engine.Failure{Err: err}
	}
	return nil
}

// Save puts a certificate with its page and its figure among the artifacts.
func (o Certifying) Save(store artifact.Store, c *certificate.Certificate) error {
	raw, err := json.MarshalIndent(c, "", " ")
	if err != nil {
		return err
	}
	picture, err := o.Draw(c)
	if err != nil {
		return err
	}
	d, err := store.Begin(certified.Ref(c.ExtractorHash, c.DataHash))
	if err != nil {
		return &engine.Failure{Err: err}
	}
	defer d.Discard()
	for _, f := range []struct {
		name    string
		content []byte
	}{{certified.File, append(raw, '\n')}, {certified.Page, []byte(Markdown(c))}, {certified.Figure, picture}} {
		if err := d.Write(f.name, f.content); err != nil {
			return &engine.Failure{Err: err}
		}
	}
	if _, err := d.Commit(); err != nil {
		return &engine.Failure{Err: err}
	}
	return nil
}
