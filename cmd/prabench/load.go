package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"prabench/experiments"
	"prabench/harness/engine"
	"prabench/results"
)

// loaded is an experiment file and what the harness makes of it.
type loaded struct {
	file *experiments.Experiment // without its cells
	exp  *engine.Experiment      // all cells; those that --only leaves out are skipped
}

// load reads experiment files. All errors of all files come together, and
// nothing is started.
func (a *app) load(files []string) ([]loaded, error) {
	return a.loadWith(files, experiments.Load)
}

// loadWith is load with another reader of files, such as of those that are part
// of the program.
func (a *app) loadWith(files []string, read func(path string, o experiments.Options) (*experiments.Experiment, error)) ([]loaded, error) {
	set := a.set
	if a.device != "" {
		set = append(append([]string{}, set...), fmt.Sprintf("measure.device=%q", a.device))
	}
	var out []loaded
	var errs []error
	seen := map[string]string{}
	for _, path := range files {
		whole, err := read(path, experiments.Options{Set: set})
		if err != nil {
			errs = append(errs, err)
			continue
		}
		var chosen *experiments.Experiment
		if a.only != "" {
			if chosen, err = read(path, experiments.Options{Set: set, Only: a.only}); err != nil {
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
		exp := engine.FromFile(whole, chosen)
		whole.Cells = nil // the harness has them; a large sweep should not be held twice
		out = append(out, loaded{whole, exp})
	}
	return out, errors.Join(errs...)
}

func exps(ls []loaded) []*engine.Experiment {
	var out []*engine.Experiment
	for _, l := range ls {
		out = append(out, l.exp)
	}
	return out
}

// identified is a plan of the files as an earlier run would see it: nothing is
// trained, and data are read only when they are at hand and small.
func (a *app) identified(ctx context.Context, ls []loaded) (*engine.Plan, []string, error) {
	id := &engine.Identifier{Places: a.places()}
	var notes []string
	for _, l := range ls {
		n, err := id.Identify(ctx, l.exp)
		if err != nil {
			return nil, nil, err
		}
		notes = append(notes, n...)
	}
	return engine.NewPlan(exps(ls)...), notes, nil
}

// inspected is a plan of the files beside what the database and the artifacts
// have of it; nothing is started. The notes are for the user.
func (a *app) inspected(ctx context.Context, files []string) (ls []loaded, p *engine.Plan, notes []string, err error) {
	if ls, err = a.load(files); err != nil {
		return nil, nil, nil, err
	}
	p, notes, err = a.inspect(ctx, ls)
	return ls, p, notes, err
}

// inspect is inspected for files that are loaded.
func (a *app) inspect(ctx context.Context, ls []loaded) (*engine.Plan, []string, error) {
	p, notes, err := a.identified(ctx, ls)
	if err != nil {
		return nil, nil, err
	}
	db, err := a.readDB()
	if err != nil {
		return nil, nil, err
	}
	if db != nil {
		defer db.Close()
	}
	if err := p.Inspect(ctx, db, a.places().Store(), false); err != nil {
		return nil, nil, err
	}
	return p, notes, p.FindStale(ctx, db)
}

// readDB opens the database for reading; without one it gives nil.
func (a *app) readDB() (*results.DB, error) {
	db, err := results.OpenReadOnly(a.db)
	if errors.Is(err, results.ErrMissing) || errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return db, err
}

// asPlanned refuses a file whose cells are not those that the database holds
// under its name: they would be shown as the file's.
func asPlanned(ctx context.Context, db *results.DB, l loaded) error {
	cells, err := db.Cells(ctx, l.exp.Name)
	if err != nil {
		return err
	}
	if len(cells) == 0 {
		return usage("%s: the database %s has nothing of %q yet; run it first: prabench run %s", l.file.File, db.Path(), l.exp.Name, l.file.File)
	}
	in := map[string]bool{}
	for _, c := range l.exp.Cells {
		in[c.ID] = true
	}
	same := 0
	for _, c := range cells {
		if in[c.Cell] {
			same++
		}
	}
	if same == len(cells) && same == len(l.exp.Cells) {
		return nil
	}
	return usage("%s: the database holds another version of %q: %d cells, of which %d are among the %d of the file; run the file, or repeat the --set it was run with", l.file.File, l.exp.Name, len(cells), same, len(l.exp.Cells))
}
