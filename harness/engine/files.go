package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"prabench/experiments"
	"prabench/harness/stage"
	"prabench/results"
)

// Loaded is an experiment file and what the engine makes of it.
type Loaded struct {
	File *experiments.Experiment // without its cells: a large sweep is not held twice
	Exp  *Experiment             // all cells; those that are left out are skipped
}

// LoadOptions says how files are read.
type LoadOptions struct {
	Set    []string // keys and values, as in [experiments.Options]
	Only   string   // the cells that are not to be skipped, likewise
	Device string   // measure.device of all; what files say without it
	// Read is another reader of files, such as of those that are part of the
	// program; [experiments.Load] without one.
	Read func(path string, o experiments.Options) (*experiments.Experiment, error)
}

// Load reads experiment files, each once. Everything that is wrong with any of
// them comes in one error, beside those that are right.
func Load(files []string, o LoadOptions) ([]Loaded, error) {
	if o.Read == nil {
		o.Read = experiments.Load
	}
	set := o.Set
	if o.Device != "" {
		set = append(append([]string{}, set...), fmt.Sprintf("measure.device=%q", o.Device))
	}
	var out []Loaded
	var errs []error
	seen := map[string]string{}
	for _, path := range files {
		l, err := load(path, experiments.Options{Set: set}, o)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if other, twice := seen[l.File.Name]; twice {
			errs = append(errs, Mistakef("%s and %s are both named %q: one would replace the other's cells and figures; give one of them another "+
				"name", other, path, l.File.Name))
		}
		seen[l.File.Name] = path
		out = append(out, l)
	}
	return out, errors.Join(errs...)
}

func load(path string, opts experiments.Options, o LoadOptions) (Loaded, error) {
	whole, err := o.Read(path, opts)
	if err != nil {
		return Loaded{}, err
	}
	var chosen *experiments.Experiment
	if o.Only != "" {
		if chosen, err = whole.Choose(o.Only); err != nil {
			return Loaded{}, err
		}
	}
	exp := FromFile(whole, chosen)
	var sets []string
	for _, s := range o.Set { // not a device, which changes no part of the file
		sets = append(sets, "--set "+s)
	}
	exp.Narrowed = strings.Join(sets, " ")
	checked := ""
	for i := range exp.Cells {
		if m := exp.Cells[i].Settings.Measure; m.Timeouts != checked {
			if _, err := stage.TimeoutsOf(m.Timeouts); err != nil {
				return Loaded{}, Mistakef("%s: %v", path, err)
			}
			checked = m.Timeouts
		}
	}
	whole.Cells = nil
	return Loaded{whole, exp}, nil
}

// LooksLikeFile says that an argument is a file's path rather than an
// experiment's name.
func LooksLikeFile(arg string) bool {
	return isFile(arg) || strings.HasSuffix(arg, ".toml") || strings.ContainsRune(arg, filepath.Separator)
}

// Experiments are those of files.
func Experiments(ls []Loaded) []*Experiment {
	var out []*Experiment
	for _, l := range ls {
		out = append(out, l.Exp)
	}
	return out
}

// Foresee plans experiments as an earlier run would see them: nothing is
// trained, and data are read only when they are at hand and small. The notes
// are for the user.
func Foresee(ctx context.Context, places Places, es ...*Experiment) (*Plan, []string, error) {
	id := &Identifier{Places: places}
	var notes []string
	for _, e := range es {
		n, err := id.Identify(ctx, e)
		if err != nil {
			return nil, nil, err
		}
		notes = append(notes, n...)
	}
	return NewPlan(es...), notes, nil
}

// Inspect is [Foresee] beside what the database and the artifacts have of it:
// what is done, has failed (nothing with retry, which tries that again) or is
// stale. Nothing is started, and a database that is not there is an empty one.
func Inspect(ctx context.Context, places Places, retry bool, es ...*Experiment) (*Plan, []string, error) {
	p, notes, err := Foresee(ctx, places, es...)
	if err != nil {
		return nil, nil, err
	}
	db, err := results.OpenReadOnly(places.DB)
	if errors.Is(err, results.ErrMissing) || errors.Is(err, fs.ErrNotExist) {
		db = nil
	} else if err != nil {
		return nil, nil, err
	} else {
		defer db.Close()
	}
	if err := p.Inspect(ctx, db, places.Store(), retry); err != nil {
		return nil, nil, err
	}
	for _, e := range es {
		if db == nil {
			break
		}
		if err := e.CheckSource(ctx, db); err != nil {
			notes = append(notes, "run refuses this: "+err.Error())
		}
	}
	return p, notes, p.FindStale(ctx, db)
}
