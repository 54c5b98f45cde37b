package draw

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"prabench/harness/engine"
	"prabench/harness/tools/tensorboard"
	"prabench/internal/atomicfile"
	"prabench/results"
	"prabench/results/record"
)

// eventsFile is the same for every export, so that another one replaces it:
// TensorBoard looks for the middle of the name.
const eventsFile = "events.out.tfevents.0.prabench"

// Events writes the training curves and results of an experiment for TensorBoard: a
// folder for each cell that is not skipped, with one event file. Results stand at the
// last step of the training. It gives the number of files.
func (s Source) Events(ctx context.Context, exp *engine.Experiment, dir string) (files int, err error) {
	rows, err := s.DB.Results(ctx, results.Filter{Experiment: exp.Ref()})
	if err != nil {
		return 0, err
	}
	of := map[string][]results.Row{}
	for _, r := range rows {
		of[r.Cell] = append(of[r.Cell], r)
	}
	e := &experiment{Source: s, exp: exp}
	for i := range exp.Cells {
		c := &exp.Cells[i]
		if c.Skip {
			continue
		}
		scalars, err := e.scalars(c, of[c.ID])
		if err != nil {
			return files, fmt.Errorf("%s", again(err, c))
		}
		if len(scalars) == 0 {
			continue
		}
		run := filepath.Join(dir, strings.ReplaceAll(fmt.Sprintf("%s seed %d", c.Label, c.Seed), string(filepath.Separator), "-"))
		if err := os.MkdirAll(run, 0o777); err != nil {
			return files, &engine.Mistake{Err: err}
		}
		err = atomicfile.Output(filepath.Join(run, eventsFile), 0o644, func(w io.Writer) error { return tensorboard.Write(w, scalars) })
		if err != nil {
			return files, &engine.Mistake{Err: err}
		}
		files++
	}
	if files == 0 {
		return 0, engine.Mistakef("no chosen cell of %s has a curve or a result yet; prabench run %s", exp.Name, exp.File)
	}
	return files, nil
}

// scalars are a cell's curve, then its results.
func (e *experiment) scalars(c *engine.Cell, rows []results.Row) (out []tensorboard.Scalar, err error) {
	var at time.Time
	for _, r := range rows {
		if at.IsZero() || r.CreatedAt.Before(at) {
			at = r.CreatedAt
		}
	}
	last := 0
	if !c.Settings.Program.Is() {
		curve, err := e.curve(c)
		if err != nil {
			return nil, err
		}
		last = c.Settings.StepsTrained()
		for _, p := range curve {
			for _, name := range slices.Sorted(maps.Keys(p.Values)) {
				out = append(out, tensorboard.Scalar{Name: "training/" + name, Step: int64(p.Step), Value: p.Values[name], Time: at})
			}
		}
	}
	if len(out) == 0 && !slices.ContainsFunc(rows, func(r results.Row) bool { return r.Kind != record.Reference }) {
		return nil, nil // what is known of the reference alone is no run
	}
	for _, r := range rows {
		out = append(out, tensorboard.Scalar{Name: "results/" + r.Metric, Step: int64(last), Value: r.Value, Time: r.CreatedAt})
	}
	return out, nil
}
