package engine

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
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
		"run the file, or repeat the --set it was run with (`prabench experiments` lists the versions)",
		e.File, e.Experiment, e.Stored, e.Same, e.Wanted)
}

// CheckPlanned finds the version of the experiment's name that has exactly its
// cells, for [Experiment.Ref]; it gives a [*NotPlanned] where the database has
// none.
func (e *Experiment) CheckPlanned(ctx context.Context, db *results.DB) error {
	e.ref = ""
	ids := make([]string, len(e.Cells))
	in := make(map[string]bool, len(e.Cells))
	for i := range e.Cells {
		ids[i] = e.Cells[i].ID
		in[ids[i]] = true
	}
	v, found, err := db.Matching(ctx, e.Name, results.IDs(ids))
	if found {
		e.at(v)
	}
	if err != nil || found {
		return err
	}
	// One of before schema 6 is known by its cells alone.
	cells, err := db.Cells(ctx, e.Name)
	if err != nil {
		return err
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

// at takes a version as the experiment's.
func (e *Experiment) at(v results.Version) {
	e.ref = ""
	if !v.Shown {
		e.ref = v.Ref()
	}
}

// keep records the experiment's plan as a version of its name, and says how it
// stands to the others.
func (e *Experiment) keep(ctx context.Context, db *results.DB, plan results.Plan, say func(format string, args ...any)) error {
	before, had, err := db.Find(ctx, e.Name)
	if err != nil {
		return err
	}
	v, err := db.RecordVersion(ctx, plan)
	if err != nil {
		return err
	}
	said := e.ref
	e.at(v)
	switch {
	case !had || v.Number == before.Number || v.Ref() == said:
	case v.Shown:
		say("note: version %d of %s (%s) is shown from now on; version %d (%s, %d cells) is kept: prabench results %s", v.Number, e.Name,
			v.Kind(), before.Number, before.Kind(), before.Cells, before.Ref())
	default:
		say("note: this is version %d of %s (%s); version %d (%s, %d cells) stays what results and report show without FILE, "+
			"and what figures/%s has; prabench results %s shows this one", v.Number, e.Name, v.Kind(), before.Number, before.Kind(), before.Cells,
			e.Name, v.Ref())
	}
	return nil
}

// OtherSource says that another file's experiment has the name.
type OtherSource struct{ Experiment, File, Other, DB string }

func (e *OtherSource) Error() string {
	return fmt.Sprintf("%s: %s has an experiment %q from another file, %s: give this one a name of its own (name = \"…\" in the file), "+
		"choose another database with --db, or, if it takes the place of that file, prabench run %[1]s --take-over; "+
		"the versions of both are kept; nothing was started", e.File, e.DB, e.Experiment, e.Other)
}

// source is the experiment's file as an absolute path, "" where it has none.
func (e *Experiment) source() string {
	if !isFile(e.File) {
		return ""
	}
	path, err := filepath.Abs(e.File)
	if err != nil {
		return ""
	}
	return path
}

// CheckSource gives an [*OtherSource] where the name was last run from another
// file that is still there and says something else: a file that moved or was
// copied goes on under its name.
func (e *Experiment) CheckSource(ctx context.Context, db *results.DB) error {
	own := e.source()
	if e.Beside || own == "" {
		return nil
	}
	last, err := db.LastSource(ctx, e.Name)
	if err != nil || last == "" || sameFile(last, own) {
		return err
	}
	theirs, err := os.ReadFile(last)
	if err != nil { // moved, or on another machine
		return nil
	}
	if ours, err := os.ReadFile(own); err == nil && bytes.Equal(ours, theirs) {
		return nil
	}
	return &OtherSource{Experiment: e.Name, File: e.File, Other: last, DB: db.Path()}
}

func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}
