package main

import (
	"context"
	"fmt"

	"prabench/experiments"
	"prabench/harness/engine"
	"prabench/harness/tools/draw"
	"prabench/results"
)

// load reads experiment files. All errors of all files come together, and
// nothing is started.
func (a *app) load(files []string) ([]engine.Loaded, error) { return a.loadWith(files, nil) }

// loadWith is load with another reader of files, such as of those that are part
// of the program.
func (a *app) loadWith(
	files []string, read func(path string, o experiments.Options) (*experiments.Experiment, error),
) ([]engine.Loaded, error) {
	ls, err := engine.Load(files, engine.LoadOptions{Set: a.set, Only: a.only, Device: a.device, Read: read})
	for _, l := range ls {
		for _, w := range l.File.Warnings {
			a.warn(w.String())
		}
	}
	return ls, err
}

func (a *app) warn(text string) { fmt.Fprintln(a.stderr, "warning: "+text) }

func exps(ls []engine.Loaded) []*engine.Experiment { return engine.Experiments(ls) }

// foresee refuses figures that cannot be drawn whatever is measured.
func (a *app) foresee(files []string, ls []engine.Loaded, p *engine.Plan) error {
	return draw.Foresee(files, ls, engine.LoadOptions{Set: a.set, Only: a.only}, p, a.warn)
}

func (a *app) identified(ctx context.Context, ls []engine.Loaded) (*engine.Plan, []string, error) {
	return engine.Foresee(ctx, a.places(), exps(ls)...)
}

// inspected is a plan of the files beside what the database and the artifacts
// have of it; nothing is started. The notes are for the user.
func (a *app) inspected(ctx context.Context, files []string) (ls []engine.Loaded, p *engine.Plan, notes []string, err error) {
	if ls, err = a.load(files); err != nil {
		return nil, nil, nil, err
	}
	p, notes, err = a.inspect(ctx, ls)
	return ls, p, notes, err
}

// inspect is inspected for files that are loaded.
func (a *app) inspect(ctx context.Context, ls []engine.Loaded) (*engine.Plan, []string, error) {
	p, notes, err := engine.Inspect(ctx, a.places(), false, exps(ls)...)
	if err == nil {
		err = p.Drop(ctx, a.places(), ls...)
	}
	return p, notes, err
}

// asPlanned refuses a file whose cells are not those that the database holds
// under its name: they would be shown as the file's.
func asPlanned(ctx context.Context, db *results.DB, l engine.Loaded) error {
	return l.Exp.CheckPlanned(ctx, db)
}
