package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"prabench/harness/engine"
	"prabench/harness/stage"
	"prabench/harness/work"
	"prabench/plots"
	"prabench/plots/figure"
	"prabench/plots/report"
	"prabench/results"
	"prabench/results/record"
)

// reportOptions is what a report shows, and where it goes.
type reportOptions struct {
	out     string
	samples int
	across  []string
}

func (a *app) reportCommand() *cobra.Command {
	var o reportOptions
	c := &cobra.Command{
		Use:   "report [FILE…]",
		Short: "Write one HTML file with numbers, figures, samples and where each number comes from",
		Long: `report writes what is in the database as one HTML file that stands alone: it can
be sent, opened offline, sorted, filtered and printed. With experiment files it
has their figures; without any it tells of all experiments in the database. It
reads only, and the same database gives the same bytes.`,
		RunE: func(c *cobra.Command, files []string) error { return a.reportHTML(c.Context(), files, o) },
	}
	f := c.Flags()
	f.StringVarP(&o.out, "out", "o", "report.html", "file to write; - is the standard output")
	f.IntVar(&o.samples, "samples", 24, "sheets of images shown of each experiment")
	f.StringSliceVar(&o.across, "across", nil, "average in spite of a difference in `NAME`: code, device, protocol")
	return c
}

func (a *app) reportHTML(ctx context.Context, files []string, o reportOptions) error {
	if o.samples < 0 {
		return usage("--samples %d: a number of sheets, 0 for none", o.samples)
	}
	if a.only != "" {
		return usage("--only: a report has all cells of its experiments; the filter on the page chooses among them")
	}
	var ls []loaded
	if len(files) > 0 {
		var err error
		if ls, err = a.load(files); err != nil {
			return err
		}
	}
	db, err := results.OpenReadOnly(a.db)
	if err != nil {
		return err
	}
	defer db.Close()
	for _, l := range ls {
		if err := asPlanned(ctx, db, l); err != nil {
			return err
		}
	}
	chain, err := db.CellStages(ctx)
	if err != nil {
		return err
	}
	es, err := db.Experiments(ctx)
	if err != nil {
		return err
	}
	if n := cellsOf(es, ls); n > mostReported {
		return usage("a report of %d cells would be too large to open (at most %d): name files of fewer cells, or see `prabench export`", n, mostReported)
	}
	content := report.Content{Database: filepath.Base(a.db)}
	collect := func(name, description string, l *loaded) error {
		r := &reportReader{app: a, ctx: ctx, db: db, options: o, chain: chain}
		e, err := r.experiment(name, description, l)
		content.Experiments = append(content.Experiments, e)
		return err
	}
	if len(ls) > 0 {
		for i := range ls {
			if err := collect(ls[i].exp.Name, ls[i].exp.Description, &ls[i]); err != nil {
				return err
			}
		}
	} else {
		for _, e := range es {
			if err := collect(e.Name, e.Description, nil); err != nil {
				return err
			}
		}
	}
	if o.out == "-" {
		return report.Write(a.stdout, content)
	}
	if err := writeOut(o.out, func(w io.Writer) error { return report.Write(w, content) }); err != nil {
		return err
	}
	if a.json {
		return a.printJSON(struct {
			File string `json:"file"`
		}{o.out})
	}
	fmt.Fprintln(a.stdout, o.out)
	return nil
}

// mostReported is how many cells a page can have: some 70 MiB.
const mostReported = 10000

// cellsOf is how many cells the experiments of the files have, or all.
func cellsOf(es []results.Experiment, ls []loaded) (n int) {
	for _, l := range ls {
		n += len(l.exp.Cells)
	}
	if len(ls) == 0 {
		for _, e := range es {
			n += e.Cells
		}
	}
	return n
}

// reportReader reads what a report shows of experiments.
type reportReader struct {
	*app
	ctx     context.Context
	db      *results.DB
	options reportOptions
	chain   []results.CellStage
}

// experiment reads one; without a file it has no figures of its own.
func (r *reportReader) experiment(name, description string, l *loaded) (report.Experiment, error) {
	e := report.Experiment{Name: name, Description: description}
	var err error
	if e.Cells, err = r.db.Cells(r.ctx, name); err != nil {
		return e, err
	}
	if e.Rows, err = r.db.Results(r.ctx, results.Filter{Experiment: name}); err != nil {
		return e, err
	}
	if e.Attempts, err = r.db.Provenance(r.ctx, name); err != nil {
		return e, err
	}
	environments, err := r.db.Environments(r.ctx, name)
	if err != nil {
		return e, err
	}
	e.Environments = map[string]record.Environment{}
	for _, x := range environments {
		e.Environments[x.ID] = x
	}
	d, notes, err := r.figureData(r.ctx, r.db, loaded{exp: r.planned(name, e.Cells)}, r.options.across)
	if err != nil {
		return e, err
	}
	for _, n := range notes {
		e.Notes = append(e.Notes, n+"; --across NAME accepts a difference")
	}
	data := d.of(figure.Means)
	e.Data = data.Data
	for _, p := range d.points {
		e.Means = append(e.Means, p.means)
		var ids []string
		for _, c := range p.cells {
			ids = append(ids, c.Cell)
		}
		e.Of = append(e.Of, ids)
	}
	e.Notes = append(e.Notes, r.pictures(d, &e)...)
	if l != nil {
		r.figures(d, l, &e)
	}
	return e, nil
}

// planned is the experiment as the database knows it: the keys of its stages.
func (r *reportReader) planned(name string, cells []results.Cell) *engine.Experiment {
	x := &engine.Experiment{Name: name}
	keys := map[string]map[string]string{} // cell → kind → key
	for _, s := range r.chain {
		if s.Experiment != name {
			continue
		}
		if keys[s.Cell] == nil {
			keys[s.Cell] = map[string]string{}
		}
		keys[s.Cell][s.Kind] = s.Key
	}
	for _, c := range cells {
		x.Cells = append(x.Cells, engine.Cell{ID: c.Cell, Label: c.Label, Seed: c.Seed, Params: c.Params, Chain: stage.Known(keys[c.Cell])})
	}
	return x
}

// pictures adds the sheets and training curves of points, a stage that several
// points share once, and tells what could not be read.
func (r *reportReader) pictures(d figureData, e *report.Experiment) (notes []string) {
	chains := map[string]engine.Cell{}
	for _, c := range d.exp.Cells {
		chains[c.ID] = c
	}
	done := map[string]bool{} // what has an artifact, if nobody removed it
	for _, s := range r.chain {
		done[s.Key] = s.Outcome == record.OK
	}
	lost := 0
	there := func(kind *stage.Kind, c engine.Cell) bool {
		key := c.Chain.Key(kind)
		if !done[key] {
			return false
		}
		done[key] = false // shown once
		_, err := d.store.Stat(kind.Ref(key))
		if err != nil {
			lost++
		}
		return err == nil
	}
	sheets := 0
	for i, p := range d.points {
		c, cell := chains[p.cells[0].Cell], &e.Data.Cells[i]
		var errs [2]error
		if there(work.Train, c) {
			cell.Curve, errs[0] = d.curve(c)
		}
		if there(work.Sample, c) {
			if sheets < r.options.samples {
				cell.Grid, errs[1] = d.grid(c)
				sheets++
			} else {
				e.SheetsLeft++
			}
		}
		for _, err := range errs {
			if err != nil {
				notes = append(notes, err.Error()+"; prabench run makes it again")
			}
		}
	}
	if lost > 0 {
		notes = append(notes, fmt.Sprintf("%d artifacts with samples or training curves are not in %s, or damaged, so these are not shown; prabench run makes them again", lost, r.artifacts))
	}
	return notes
}

// figures draws the figures of the file; the chart takes the axes of its first
// Pareto figure.
func (r *reportReader) figures(d figureData, l *loaded, e *report.Experiment) {
	for _, fig := range l.file.Figures {
		name, err := fig.Stem()
		out := report.Figure{Name: name, Title: fig.Title}
		if err == nil {
			data := d.of(fig.Needs())
			e.Notes = append(e.Notes, data.warnings...)
			if fig.Text() {
				out.Markdown, out.LaTeX, err = plots.Tables(fig, data.Data)
			} else {
				out.SVG, err = plots.Render(fig, data.Data, "svg")
			}
		}
		if err != nil {
			out.Problem = err.Error()
		}
		if fig.Kind == figure.Pareto && e.Pareto.X == "" && len(out.SVG) > 0 && fig.Where == nil {
			e.Pareto = fig
		}
		e.Figures = append(e.Figures, out)
	}
}
