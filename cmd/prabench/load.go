package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"prabench/experiments"
	"prabench/harness"
	"prabench/results"
)

// loaded is an experiment file and what the harness makes of it.
type loaded struct {
	file *experiments.Experiment // all cells
	exp  *harness.Experiment     // all cells; those that --only leaves out are skipped
}

// load reads experiment files. All errors of all files come together, and
// nothing is started.
func (a *app) load(files []string) ([]loaded, error) {
	set := a.set
	if a.device != "" {
		set = append(append([]string{}, set...), fmt.Sprintf("measure.device=%q", a.device))
	}
	var out []loaded
	var errs []error
	seen := map[string]string{}
	for _, path := range files {
		whole, err := experiments.Load(path, experiments.Options{Set: set})
		if err != nil {
			errs = append(errs, err)
			continue
		}
		var chosen *experiments.Experiment
		if a.only != "" {
			if chosen, err = experiments.Load(path, experiments.Options{Set: set, Only: a.only}); err != nil {
				errs = append(errs, err)
				continue
			}
		}
		for _, w := range whole.Warnings {
			fmt.Fprintln(a.stderr, "warning: "+w.String())
		}
		if other, twice := seen[whole.Name]; twice {
			errs = append(errs, usage("%s and %s are both named %q: one would replace the other's cells and figures; give one of them another name", other, path, whole.Name))
		}
		seen[whole.Name] = path
		out = append(out, loaded{whole, harness.FromFile(whole, chosen)})
	}
	return out, errors.Join(errs...)
}

func exps(ls []loaded) []*harness.Experiment {
	var out []*harness.Experiment
	for _, l := range ls {
		out = append(out, l.exp)
	}
	return out
}

// identified is a plan of the files as an earlier run would see it: nothing is
// trained, and data are read only when they are at hand and small.
func (a *app) identified(ctx context.Context, ls []loaded) (*harness.Plan, []string, error) {
	id := &harness.Identifier{Places: a.places()}
	var notes []string
	for _, l := range ls {
		n, err := id.Identify(ctx, l.exp)
		if err != nil {
			return nil, nil, err
		}
		notes = append(notes, n...)
	}
	return harness.NewPlan(exps(ls)...), notes, nil
}

// readDB opens the database for reading; without one it gives nil.
func (a *app) readDB() (*results.DB, error) {
	db, err := results.OpenReadOnly(a.db)
	if errors.Is(err, results.ErrMissing) || errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return db, err
}
