package engine

import (
	"context"
	"fmt"
	"slices"

	"prabench/results"
)

// NotPlanned says that the database has nothing of an experiment, or another
// version of it, whose cells would be shown as the file's.
type NotPlanned struct {
	File, Experiment, DB string
	Stored, Same, Wanted int // cells in the database, those that are the file's too, and the file's
}

func (e *NotPlanned) Error() string {
	if e.Stored == 0 {
		return fmt.Sprintf("%s: the database %s has nothing of %q yet; run it first: prabench run %[1]s", e.File, e.DB, e.Experiment)
	}
	return fmt.Sprintf("%s: the database holds another version of %q: %d cells, of which %d are among the %d of the file; "+
		"run the file, or repeat the --set it was run with",
		e.File, e.Experiment, e.Stored, e.Same, e.Wanted)
}

// CheckPlanned gives a [*NotPlanned] unless the database holds exactly the cells
// of the experiment.
func (e *Experiment) CheckPlanned(ctx context.Context, db *results.DB) error {
	cells, err := db.Cells(ctx, e.Name)
	if err != nil {
		return err
	}
	in := map[string]bool{}
	for i := range e.Cells {
		in[e.Cells[i].ID] = true
	}
	cells = slices.DeleteFunc(cells, results.Beside)
	same := 0
	for i := range cells {
		if in[cells[i].Cell] {
			same++
		}
	}
	if len(cells) > 0 && same == len(cells) && same == len(e.Cells) {
		return nil
	}
	return &NotPlanned{File: e.File, Experiment: e.Name, DB: db.Path(), Stored: len(cells), Same: same, Wanted: len(e.Cells)}
}
