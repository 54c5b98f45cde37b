package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"prabench/harness/engine"
	"prabench/harness/tools/check"
)

// baselinePath is the file of a baseline: beside the experiment file, unless
// the name is a path itself.
func baselinePath(experimentFile, experiment, name string) string {
	if strings.HasSuffix(name, ".json") || strings.ContainsRune(name, filepath.Separator) {
		return name
	}
	return filepath.Join(filepath.Dir(experimentFile), "baselines", experiment+"-"+name+".json")
}

func (a *app) saveBaseline(ctx context.Context, b check.Bench, cells []check.Cell, o check.Options, rep *check.Report, name string, known map[string]check.Quality) error {
	bl, err := b.Save(ctx, cells, o, rep, name)
	var refused *check.Refusal
	if errors.As(err, &refused) {
		fmt.Fprintln(a.stderr, "prabench: "+refused.Problem)
		a.code = check.Inconclusive.ExitCode()
		return nil
	}
	if err != nil {
		return &engine.Failure{Err: err}
	}
	bl.Quality = known
	path := baselinePath(rep.File, rep.Experiment, name)
	if err := bl.Write(path); err != nil {
		return &engine.Failure{Err: err}
	}
	for _, w := range bl.Doubts(o.Metrics) {
		fmt.Fprintln(a.stderr, "warning: "+w)
	}
	fmt.Fprintf(a.stdout, "%s\ncells: %d, on %s, %d threads: peak %.4g GFLOP/s, copies %.4g GB/s; commit it and compare with --baseline %s\n", path, len(bl.Cells), bl.Device, bl.Threads, bl.Peak/1e9, bl.Bandwidth/1e9, name)
	return nil
}

// fitBaseline reads a baseline and says what of it is not comparable.
func (a *app) fitBaseline(cells []check.Cell, o check.Options, rep *check.Report, name string) (*check.Baseline, error) {
	bl, err := check.ReadBaseline(baselinePath(rep.File, rep.Experiment, name))
	if err == nil {
		bl, err = bl.Fit(cells, o, rep)
	}
	var refused *check.Refusal
	if errors.As(err, &refused) {
		return nil, &usageError{err}
	}
	if err != nil {
		return nil, &engine.Failure{Err: err}
	}
	rep.Old, rep.Shares = check.Program{Name: "baseline " + name, Revision: bl.Revision}, true
	return bl, nil
}
