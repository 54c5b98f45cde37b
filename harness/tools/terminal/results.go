package terminal

import (
	"context"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"prabench/experiments"
	"prabench/harness/artifact"
	"prabench/harness/certified"
	"prabench/harness/engine"
	"prabench/metrics/quantity"
	"prabench/results"
	"prabench/results/table"
	"prabench/results/view"
	"prabench/results/where"
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
	Artifacts   string    // where certificates of features are; empty: nothing is said of them
}

// Results writes what a query asks for: tables of points, or rows.
func Results(ctx context.Context, w io.Writer, q Query) error {
	if err := q.check(); err != nil {
		return err
	}
	points := q.Format == "" && len(q.Metrics) == 0 && !q.Mean && !q.Cells && q.TimeTo == ""
	if q.Format == "" {
		q.Format = "table"
	}
	dbs := make([]*results.DB, len(q.DBs))
	for i, path := range q.DBs {
		db, err := results.OpenReadOnly(path)
		if err != nil {
			return err
		}
		defer db.Close()
		dbs[i] = db
	}
	if err := q.known(ctx, dbs); err != nil {
		return err
	}
	var all found
	for i, path := range q.DBs {
		named := ""
		if len(q.DBs) > 1 {
			named = filepath.Base(path) + ":"
			if slices.ContainsFunc(q.DBs, func(p string) bool { return p != path && filepath.Base(p) == filepath.Base(path) }) {
				named = path + ":"
			}
		}
		var err error
		if points {
			err = pointTables(ctx, w, dbs[i], named, q)
		} else {
			err = all.read(ctx, dbs[i], named, q)
		}
		if err != nil {
			return err
		}
	}
	if points {
		return nil
	}
	return all.write(w, q)
}

// check refuses what contradicts itself, before any database is opened.
func (q *Query) check() error {
	if q.Format != "" && !slices.Contains(table.Formats(), q.Format) {
		return engine.Mistakef("--format %s: choose one of %s", q.Format, strings.Join(table.Formats(), ", "))
	}
	if q.TimeTo != "" && (len(q.Metrics) > 0 || q.Mean || q.Cells) {
		return engine.Mistakef("--time-to has columns of its own, averaged over seeds: it goes with none of --metric, --mean and --cells")
	}
	if err := view.CheckAcross(q.Across); err != nil {
		return &engine.Mistake{Err: err}
	}
	return nil
}

// known refuses experiments by a name that none of the databases has: results of the
// others would look like an answer. Versions are refused where they are looked up.
func (q *Query) known(ctx context.Context, dbs []*results.DB) error {
	var names []string
	for _, db := range dbs {
		es, err := db.Experiments(ctx)
		if err != nil {
			return err
		}
		for _, e := range es {
			if !slices.Contains(names, e.Name) {
				names = append(names, e.Name)
			}
		}
	}
	for _, ref := range q.Experiments {
		if !strings.Contains(ref, "@") && !slices.Contains(names, ref) {
			return engine.Mistakef("%s: the database has no such experiment, only: %s", ref, strings.Join(names, ", "))
		}
	}
	return nil
}

// found is what several experiments and databases have.
type found struct {
	rows  []results.Row
	cells []results.Cell
	why   string // there is nothing
}

func (f *found) read(ctx context.Context, db *results.DB, named string, q Query) error {
	refs := q.Experiments
	if len(refs) == 0 {
		refs = []string{""}
	}
	for _, ref := range refs {
		of, err := filter(ctx, db, ref, q.Only)
		if err != nil {
			return err
		}
		if q.Cells {
			cells, err := db.CellsOf(ctx, of)
			if err != nil {
				return err
			}
			for i := range cells {
				cells[i].Experiment = named + cells[i].Experiment
			}
			if f.cells = append(f.cells, cells...); len(cells) > 0 || q.Only == "" {
				continue
			}
			if f.why, err = db.WhyNone(ctx, ref, of.Params); err != nil {
				return err
			}
			continue
		}
		of.Metrics = q.Metrics
		rows, err := db.Results(ctx, of)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			if f.why, err = db.WhyNone(ctx, ref, of.Params); err == nil && len(q.Metrics) > 0 {
				f.why, err = otherMetrics(ctx, db, of, f.why)
			}
			if err != nil {
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

// otherMetrics says which metrics the chosen cells have where they have none of those
// that were asked for; why where they have nothing at all.
func otherMetrics(ctx context.Context, db *results.DB, of results.Filter, why string) (string, error) {
	asked := strings.Join(of.Metrics, ", ")
	of.Metrics = nil
	rows, err := db.Results(ctx, of)
	if err != nil || len(rows) == 0 {
		return why, err
	}
	var have []string
	for i := range rows {
		if m := rows[i].Metric; !slices.Contains(have, m) {
			have = append(have, m)
		}
	}
	slices.SortStableFunc(have, quantity.Order)
	return fmt.Sprintf("--metric %s: no result has it; there are %s", asked, strings.Join(have, ", ")), nil
}

// filter is what --only chooses among the cells of an experiment, or of all.
func filter(ctx context.Context, db *results.DB, ref, only string) (results.Filter, error) {
	f := results.Filter{Experiment: ref}
	if strings.TrimSpace(only) == "" {
		return f, nil
	}
	cells, err := db.Cells(ctx, ref)
	if err != nil {
		return f, err
	}
	varied := map[string]bool{}
	for i := range cells {
		for key := range cells[i].Params {
			varied[key] = true
		}
	}
	f.Params, f.Cells, err = experiments.ChoicesAmong(only, len(cells), func(i int) where.Cell {
		c := &cells[i]
		step, _ := c.Params["label"].(string)
		return where.Cell{ID: c.Cell, Label: c.Label, Step: step, Seed: c.Seed}
	}, slices.Sorted(maps.Keys(varied)))
	return f, err
}

// StoredCells are the cells of an experiment, or of all, that --only chooses; all
// where it is empty. That there is none is a mistake.
func StoredCells(ctx context.Context, db *results.DB, ref, only string) ([]results.Cell, error) {
	f, err := filter(ctx, db, ref, only)
	if err != nil {
		return nil, err
	}
	cells, err := db.CellsOf(ctx, f)
	if err != nil || len(cells) > 0 || only == "" {
		return cells, err
	}
	why, err := db.WhyNone(ctx, ref, f.Params)
	if err != nil {
		return nil, err
	}
	return nil, engine.Mistakef("%s", why)
}

// checkMetrics refuses names that neither the catalogue nor the results know, and
// notes those of which there are none: rows of the others would look like an answer.
func (f *found) checkMetrics(q Query) error {
	for _, name := range q.Metrics {
		if slices.ContainsFunc(f.rows, func(r results.Row) bool { return r.Metric == name }) {
			continue
		}
		if quantity.Find(name) == nil {
			return engine.Mistakef("--metric %s: there is no such metric%s; `prabench help metrics` lists them", name,
				experiments.DidYouMean(name, quantity.Names(nil)))
		}
		if len(f.rows) > 0 && q.Notes != nil {
			fmt.Fprintf(q.Notes, "note: no result has %s\n", name)
		}
	}
	return nil
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
	if q.Cells && (len(f.cells) > 0 || q.Only == "") {
		return table.ExportCells(w, q.Format, f.cells)
	}
	if err := f.checkMetrics(q); err != nil {
		return err
	}
	if len(f.rows) == 0 {
		return engine.Mistakef("%s", f.why)
	}
	if q.TimeTo != "" {
		return TimeTo(w, q.Format, f.rows, q.TimeTo)
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
	var none error
	shown := 0
	for _, ref := range refs {
		if !strings.Contains(ref, "@") && !slices.Contains(names, ref) {
			continue // another database has it
		}
		err := chosenPoints(ctx, w, db, ref, named, q)
		switch {
		case err != nil && q.Only != "" && engine.IsMistake(err):
			none = err // another experiment may have such cells
		case err != nil:
			return err
		default:
			shown++
		}
	}
	if shown == 0 {
		return none
	}
	return nil
}

// Experiment prints the points of a version of an experiment, and says which
// others there are.
func Experiment(ctx context.Context, w io.Writer, db *results.DB, ref, artifacts string) error {
	return chosenPoints(ctx, w, db, ref, "", Query{Artifacts: artifacts})
}

func chosenPoints(ctx context.Context, w io.Writer, db *results.DB, ref, named string, q Query) error {
	of, err := filter(ctx, db, ref, q.Only)
	if err != nil {
		return err
	}
	s, err := db.SummaryOf(ctx, of, MostLines, q.Across)
	if err != nil {
		return err
	}
	if len(s.Points) == 0 && q.Only != "" {
		why, err := db.WhyNone(ctx, ref, of.Params)
		if err != nil {
			return err
		}
		return engine.Mistakef("%s", why)
	}
	others, err := db.Others(ctx, ref)
	if err != nil || len(s.Points) == 0 {
		return err
	}
	return Points(w, named+ref, s, others, Uncertified(q.Artifacts, s)...)
}

// Uncertified is what is said of the features behind the metrics that a table shows, by
// the certificates in a folder of artifacts; nothing without one.
func Uncertified(artifacts string, s view.Summary) []string {
	if artifacts == "" {
		return nil
	}
	var values []certified.Of
	for i := range s.Points {
		for _, m := range s.Metrics {
			if v, ok := s.Points[i].Means[m]; ok {
				values = append(values, certified.Of{Metric: m, Protocol: v.Protocol})
			}
		}
	}
	return certified.Notes(artifact.Store{Root: artifacts}, values)
}
