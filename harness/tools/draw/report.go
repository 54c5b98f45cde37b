package draw

import (
	"context"
	"fmt"
	"io"

	"prabench/harness/certified"
	"prabench/harness/engine"
	"prabench/harness/stage"
	"prabench/harness/work"
	"prabench/plots"
	"prabench/plots/figure"
	"prabench/plots/report"
	"prabench/results"
	"prabench/results/record"
	"prabench/results/view"
)

// TooManyCells refuses a report that no browser would open.
type TooManyCells struct{ Cells int }

// MostReported is how many cells a page can have: some 70 MiB.
const MostReported = 10000

func (e *TooManyCells) Error() string {
	return fmt.Sprintf("a report of %d cells would be too large to open (at most %d): name files of fewer cells, or see `prabench export`",
		e.Cells, MostReported)
}

// Report is what a report shows of the experiments of some files, or of all in
// the database when there are none: at most so many sheets of images of each.
// The files are those whose cells the database has.
func (s Source) Report(ctx context.Context, database string, files []engine.Loaded, sheets int) (report.Content, error) {
	if err := CheckAcross(s.Across); err != nil {
		return report.Content{}, err
	}
	content := report.Content{Database: database}
	stored, err := s.DB.Experiments(ctx)
	if err != nil {
		return content, err
	}
	if len(files) == 0 && len(stored) == 0 {
		return content, engine.Mistakef("%s has no experiment to report on: run one first (prabench run FILE), or name another database "+
			"with --db", database)
	}
	if n := cellsOf(stored, files); n > MostReported {
		return content, &TooManyCells{n}
	}
	if len(files) == 0 {
		for _, e := range stored {
			files = append(files, engine.Loaded{Exp: &engine.Experiment{Name: e.Name, Description: e.Description}})
		}
	}
	for _, f := range files {
		r := reader{Source: s, sheets: sheets}
		e, err := r.experiment(ctx, f)
		if err != nil {
			return content, err
		}
		content.Experiments = append(content.Experiments, e)
	}
	return content, nil
}

// cellsOf is how many cells the experiments of the files have, or all.
func cellsOf(stored []results.Experiment, files []engine.Loaded) (n int) {
	for _, f := range files {
		n += len(f.Exp.Cells)
	}
	if len(files) == 0 {
		for _, e := range stored {
			n += e.Cells
		}
	}
	return n
}

// reader reads what a report shows of experiments.
type reader struct {
	Source
	stages []results.CellStage
	sheets int
}

// experiment reads one; without a file it has no figures of its own.
func (r reader) experiment(ctx context.Context, f engine.Loaded) (report.Experiment, error) {
	name := f.Exp.Ref()
	out := report.Experiment{Name: name, Description: f.Exp.Description}
	var err error
	if r.stages, err = r.DB.CellStages(ctx, name); err != nil {
		return out, err
	}
	if out.Cells, err = r.DB.Cells(ctx, name); err != nil {
		return out, err
	}
	if out.Rows, err = r.DB.Results(ctx, results.Filter{Experiment: name}); err != nil {
		return out, err
	}
	if out.Attempts, err = r.DB.Provenance(ctx, name); err != nil {
		return out, err
	}
	environments, err := r.DB.Environments(ctx, name)
	if err != nil {
		return out, err
	}
	out.Environments = map[string]record.Environment{}
	for _, x := range environments {
		out.Environments[x.ID] = x
	}
	e, err := r.read(ctx, r.planned(name, out.Cells))
	if err != nil {
		return out, err
	}
	if others, err := r.DB.Others(ctx, name); err != nil {
		return out, err
	} else if others != "" {
		out.Notes = append(out.Notes, others)
	}
	for _, n := range e.left.Notes() {
		out.Notes = append(out.Notes, n+"; --across NAME accepts a difference")
	}
	out.Notes = append(out.Notes, certified.Notes(e.Store, valuesOf(e.points))...)
	out.Data, _ = e.data(figure.Means)
	for i := range e.points {
		out.Means = append(out.Means, e.points[i].Means)
		out.Of = append(out.Of, e.points[i].Cells)
	}
	out.Notes = append(out.Notes, r.pictures(e, &out)...)
	if f.File != nil {
		drawInto(e, f.File.Figures, &out)
	}
	return out, nil
}

// planned is the experiment as the database knows it: the keys of its stages.
func (r reader) planned(name string, cells []view.Cell) *engine.Experiment {
	x := &engine.Experiment{Name: name}
	keys := map[string]map[string]string{} // cell → kind → key
	for _, s := range r.stages {
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
func (r reader) pictures(e *experiment, out *report.Experiment) (notes []string) {
	done := map[string]bool{} // what has an artifact, if nobody removed it
	for _, s := range r.stages {
		done[s.Key] = s.Outcome == record.OK
	}
	lost := 0
	there := func(kind *stage.Kind, c *engine.Cell) bool {
		key := c.Chain.Key(kind)
		if !done[key] {
			return false
		}
		done[key] = false // shown once
		_, err := e.Store.Stat(kind.Ref(key))
		if err != nil {
			lost++
		}
		return err == nil
	}
	sheets := 0
	for i := range e.points {
		c, p := e.first(&e.points[i]), e.points[i]
		var errs [2]error
		if there(work.Train, c) {
			p.Curve, errs[0] = e.curve(c)
		}
		if there(work.Sample, c) {
			if sheets < r.sheets {
				p.Sheet, errs[1] = e.sheet(c)
				sheets++
			} else {
				out.SheetsLeft++
			}
		}
		for _, err := range errs {
			if err != nil {
				notes = append(notes, again(err, c))
			}
		}
		out.Data.Cells[i] = cellData(p)
	}
	if lost > 0 {
		notes = append(notes, fmt.Sprintf("%d artifacts with samples or training curves are not in %s, or damaged, so these are not shown; "+
			"prabench run FILE --force CELL makes them again",
			lost, e.Store.Root))
	}
	return notes
}

// drawInto draws the figures of a file into its report; the chart takes the axes
// of its first Pareto figure.
func drawInto(e *experiment, figures []figure.Figure, out *report.Experiment) {
	for _, fig := range figures {
		name, err := fig.Stem()
		drawn := report.Figure{Name: name, Title: fig.Title}
		if err == nil {
			data, warnings := e.dataOf(fig)
			out.Notes = append(out.Notes, warnings...)
			if fig.Text() {
				drawn.Markdown, drawn.LaTeX, err = plots.Tables(fig, data)
			} else {
				drawn.SVG, err = plots.Render(fig, data, "svg")
			}
		}
		if err != nil {
			drawn.Problem = err.Error()
		}
		if fig.Kind == figure.Pareto && out.Pareto.X == "" && len(drawn.SVG) > 0 && fig.Where == nil {
			out.Pareto = fig
		}
		out.Figures = append(out.Figures, drawn)
	}
}

// WriteReport writes a report as one HTML file.
func WriteReport(w io.Writer, c report.Content) error { return report.Write(w, c) }

// CheckFormats refuses names of formats that no figure and no table has.
func CheckFormats(formats []string) error { return plots.CheckFormats(formats) }
