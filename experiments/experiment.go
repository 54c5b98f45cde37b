// Package experiments reads experiment files: parse, validate, expand. What
// comes out is a list of cells, each a complete setting of every key with one
// seed; what happens to them is decided elsewhere.
//
// Its principle is that a mistake in a file should cost seconds, not a night: a file
// is either wholly valid or refused before anything starts, and all that is
// wrong is said at once, each with its line, what is allowed there and the
// nearest known key. It also holds that a default has one place (see [Defaults]),
// that a cell is named by its settings and by nothing else, so that renaming an
// experiment or reordering its file renames no cell, and that expansion is
// pure: the same file gives the same cells on every machine.
package experiments

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"prabench/models/dataset"
	"prabench/plots/figure"
)

// maxFile bounds an experiment file in bytes.
const maxFile = 1 << 20

// MaxCells bounds the points of a sweep before exclusion, and its cells.
const MaxCells = 250_000

// Options says how a file is read, besides its text.
type Options struct {
	// Set holds "key=value" in order; the last value of a key wins. The value is
	// TOML, or a bare word that is taken as a string. A list of values makes the
	// key an axis (or replaces its axis, in place), a single value fixes the key
	// and ends its axis; "sweep.model.patch=[4,7]" says the first by name.
	Set []string
	// Only holds "key=value,key=value": cells with all of these values. A key
	// named twice accepts either value.
	Only string
	// Describe gives what a data set has, without reading it. Nil asks
	// [dataset.Describe]. An error of type *dataset.Error names its key.
	Describe func(Data) (dataset.Info, error)

	maxCells int // of tests; 0 is MaxCells
}

// Experiment is a valid file, expanded.
type Experiment struct {
	Name        string // of the experiment and of the folder of its figures
	Description string
	File        string // as given to Load
	Hash        string // SHA-256 of the file's bytes in hex
	Repeats     int    // seeds a point
	Seed        uint64 // the first seed; the others follow it

	Base      Settings // what holds where nothing is swept, sizes as written
	Axes      []Axis   // in the order of the file, first slowest
	Figures   []figure.Figure
	Claims    []Claim
	Cells     []Cell     // points in sweep order, the seeds of a point next to each other
	Total     int        // cells before Options.Only
	Externals []External // cells of [[external]], their seeds next to each other
	Warnings  []Warning
	Part      string // which part of the sweep's points the cells are, in words; "" where they are all

	base    *draft           // Base, for every family
	sources map[string]place // where a key was given; a key that is absent has its default

	figureKeys map[string]map[string]place // by the names of figures
}

// Axis is what moves together in a sweep: one key, or the keys of a zip.
type Axis struct {
	Keys         []string
	Values       [][]any // [step][key], plain values: int, float64, uint64 or string
	Source       string  // file:line:column or the --set that made it
	Line, Column int     // 0 for --set
}

// AxisKeys are the keys of each axis: those of a zip move together.
func (e *Experiment) AxisKeys() [][]string {
	var out [][]string
	for _, a := range e.Axes {
		out = append(out, a.Keys)
	}
	return out
}

// Cell is one point of an experiment with one seed.
type Cell struct {
	ID    string // 12 hex digits of the settings that matter for results, with the seed
	Label string // the point for people: "patch=7 block=2 rollout_depth=1"
	// Point holds the swept keys, dotted, with their values as written ("exact"
	// stays a word), and "label" when a zip names its steps. Cells that differ in
	// their seed only share it: do not write to it.
	Point    map[string]any
	Seed     uint64   // also of Settings.Params
	Settings Settings // resolved: sizes of the data filled in, "exact" replaced by K
}

// Get gives a setting, "seed", or "label" of a cell, see [Settings.Get].
func (c *Cell) Get(key string) (any, bool) {
	switch key {
	case "seed":
		return c.Seed, true
	case labelKey:
		if v, ok := c.Point[labelKey]; ok {
			return v, true
		}
		return c.Label, true
	}
	return c.Settings.Get(key)
}

// Load reads an experiment file. The error joins an [*Error] for everything
// that is wrong with it; then no experiment is returned.
func Load(path string, opts Options) (*Experiment, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	defer f.Close()
	src, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, unreadable(path, err)
	}
	return Parse(path, src, opts)
}

func unreadable(path string, err error) error {
	cause := err
	var pe *os.PathError
	if errors.As(err, &pe) {
		cause = pe.Err
	}
	return &Error{File: path, Problem: fmt.Sprintf("the experiment file cannot be read: %v", cause), cause: err}
}

// Parse is [Load] for text that was read already; file is its name in messages.
func Parse(file string, src []byte, opts Options) (*Experiment, error) {
	if len(src) > maxFile {
		return nil, &Error{File: file, Problem: fmt.Sprintf("the file is larger than %d bytes, which no experiment needs", maxFile)}
	}
	if opts.Describe == nil {
		opts.Describe = func(d Data) (dataset.Info, error) { return dataset.Describe(d.Spec()) }
	}
	if opts.maxCells == 0 {
		opts.maxCells = MaxCells
	}
	doc, err := readDocument(file, src)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(src)
	r := &reading{
		doc: doc, opts: opts,
		base: newDraft(), faulty: map[string]bool{}, sources: map[string]place{},
		exp: &Experiment{File: file, Hash: hex.EncodeToString(sum[:]), Repeats: defaultRepeats, Seed: defaultSeed,
			Name: stem(file)},
	}
	r.readOverrides()
	r.readTop()
	r.readSweep()
	r.checkFamilies()
	r.exp.Base, r.exp.base, r.exp.sources = r.base.settings(), r.base, r.sources
	r.expand()
	r.readExternals()
	r.readFigures()
	r.readClaims()
	if err := r.problems.join(); err != nil {
		return nil, err
	}
	r.exp.Cells, r.exp.Externals = r.exp.chosen(opts.Only, &r.problems)
	if err := r.problems.join(); err != nil {
		return nil, err
	}
	return r.exp, nil
}

// stem is the file's name without its extension: an experiment's default name.
func stem(file string) string {
	base := filepath.Base(file)
	return strings.TrimSuffix(base, filepath.Ext(base))
}

// reading is a file on its way to an experiment.
type reading struct {
	doc      *document
	opts     Options
	problems problems
	exp      *Experiment
	base     *draft
	faulty   map[string]bool  // keys already reported: what follows from them is not said again
	sources  map[string]place // where a key was given a single value
	set      []override       // of --set, one per key
	axes     []*axis
	excludes []exclude
}
