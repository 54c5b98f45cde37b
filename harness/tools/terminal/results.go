package terminal

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"prabench/experiments"
	"prabench/harness/engine"
	"prabench/results"
	"prabench/results/table"
	"prabench/results/view"
)

// Query is which results are wanted, and how.
type Query struct {
	DBs         []string // of several, experiments are called DATABASE:NAME
	Experiments []string // NAME or NAME@VERSION; none is all that are shown
	Format      string   // one of [table.Formats], or "" for a table of points
	Metrics     []string
	Only        string // cells, as --only names them
	Mean, Cells bool
	Across      []string
	TimeTo      string    // METRIC=VALUE: what trainings cost until then
	Notes       io.Writer // where it is said that there are other versions
}

// Results writes what a query asks for: tables of points, or rows.
func Results(ctx context.Context, w io.Writer, q Query) error {
	if q.Format != "" && !slices.Contains(table.Formats(), q.Format) {
		return engine.Mistakef("--format %s: choose one of %s", q.Format, strings.Join(table.Formats(), ", "))
	}
	points := q.Format == "" && len(q.Metrics) == 0 && !q.Mean && !q.Cells && q.Only == "" && q.TimeTo == ""
	if q.Format == "" {
		q.Format = "table"
	}
	var all found
	for _, path := range q.DBs {
		db, err := results.OpenReadOnly(path)
		if err != nil {
			return err
		}
		named := ""
		if len(q.DBs) > 1 {
			named = filepath.Base(path) + ":"
			if slices.ContainsFunc(q.DBs, func(p string) bool { return p != path && filepath.Base(p) == filepath.Base(path) }) {
				named = path + ":"
			}
		}
		if points {
			err = pointTables(ctx, w, db, named, q)
		} else {
			err = all.read(ctx, db, named, q)
		}
		db.Close()
		if err != nil {
			return err
		}
	}
	if points {
		return nil
	}
	return all.write(w, q)
}

// found is what several experiments and databases have.
type found struct {
	rows  []results.Row
	cells []results.Cell
	why   string // there is nothing
}

func (f *found) read(ctx context.Context, db *results.DB, named string, q Query) error {
	params, err := experiments.Choices(q.Only)
	if err != nil {
		return err
	}
	refs := q.Experiments
	if len(refs) == 0 {
		refs = []string{""}
	}
	for _, ref := range refs {
		if q.Cells {
			cells, err := db.Cells(ctx, ref)
			if err != nil {
				return err
			}
			for i := range cells {
				cells[i].Experiment = named + cells[i].Experiment
			}
			f.cells = append(f.cells, cells...)
			continue
		}
		rows, err := db.Results(ctx, results.Filter{Experiment: ref, Metrics: q.Metrics, Params: params})
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			if f.why, err = db.WhyNone(ctx, ref, params); err != nil {
				return err
			}
		}
		for i := range rows {
			rows[i].Experiment = named + versioned(ref, rows[i].Experiment)
		}
		f.rows = append(f.rows, rows...)
	}
	return otherVersions(ctx, db, named, q)
}

// versioned is the name in the column experiment: that of the view, or the
// version that was asked for.
func versioned(ref, name string) string {
	if strings.Contains(ref, "@") {
		return ref
	}
	return name
}

// otherVersions says which experiments have versions that are not in the rows.
func otherVersions(ctx context.Context, db *results.DB, named string, q Query) error {
	if q.Notes == nil {
		return nil
	}
	es, err := db.Experiments(ctx)
	if err != nil {
		return err
	}
	for _, e := range es {
		ref := e.Name
		if i := slices.IndexFunc(q.Experiments, func(r string) bool { return r == e.Name || strings.HasPrefix(r, e.Name+"@") }); i >= 0 {
			ref = q.Experiments[i]
		} else if len(q.Experiments) > 0 {
			continue
		}
		others, err := db.Others(ctx, ref)
		if err != nil {
			return err
		}
		if others != "" {
			fmt.Fprintln(q.Notes, "note: "+named+ref+": "+others)
		}
	}
	return nil
}

func (f *found) write(w io.Writer, q Query) error {
	if q.Cells {
		return table.ExportCells(w, q.Format, f.cells)
	}
	if len(f.rows) == 0 {
		return engine.Mistakef("%s", f.why)
	}
	if q.TimeTo != "" {
		if err := TimeTo(w, f.rows, q.TimeTo); err != nil {
			return engine.Mistakef("%w", err)
		}
		return nil
	}
	if !q.Mean {
		return table.Export(w, q.Format, f.rows)
	}
	means, err := view.Averaging{Across: q.Across}.Mean(f.rows)
	if err != nil {
		return engine.Mistakef("%w", err)
	}
	return table.ExportMeans(w, q.Format, means)
}

// pointTables prints the points of the experiments asked for, or of all.
func pointTables(ctx context.Context, w io.Writer, db *results.DB, named string, q Query) error {
	es, err := db.Experiments(ctx)
	if err != nil {
		return err
	}
	var names []string
	for _, e := range es {
		names = append(names, e.Name)
	}
	refs := q.Experiments
	if len(refs) == 0 {
		refs = names
	}
	for _, ref := range refs {
		if !strings.Contains(ref, "@") && !slices.Contains(names, ref) {
			return engine.Mistakef("%s: the database has no such experiment, only: %s", ref, strings.Join(names, ", "))
		}
		if err := Experiment(ctx, w, db, ref, named, q.Across); err != nil {
			return err
		}
	}
	return nil
}

// Experiment prints the points of a version of an experiment, and says which
// others there are.
func Experiment(ctx context.Context, w io.Writer, db *results.DB, ref, named string, across []string) error {
	s, err := db.Summary(ctx, ref, MostLines, across)
	if err != nil {
		return err
	}
	others, err := db.Others(ctx, ref)
	if err != nil || len(s.Points) == 0 {
		return err
	}
	return Points(w, named+ref, s, others)
}
