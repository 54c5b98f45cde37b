package report

import (
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"prabench/metrics/quantity"
	"prabench/results/record"
	"prabench/results/view"
)

// experiment is an experiment as the page shows it.
type experiment struct {
	Experiment
	ID       string // begins the ids of its elements
	Warnings []warning
	Tables   []*table
	Groups   []quantity.Group // of the columns there are
	Charts   []*chart
	Curves   *chart
	Sheets   []sheet
	Drawn    []drawnFigure
	Facts    []fact

	points   *table
	cellRows map[string]*row
}

// fact is a line of the heading.
type fact struct {
	Name  string
	Lines []string
}

// drawnFigure is a figure of the experiment file, in the page.
type drawnFigure struct {
	Name, Title     string
	Image           template.URL
	Markdown, LaTeX string
	Problem         string
}

func newExperiment(e Experiment, n int) (*experiment, error) {
	if len(e.Means) != len(e.Data.Cells) || len(e.Of) != len(e.Data.Cells) {
		return nil, fmt.Errorf("experiment %s: %d points have %d sets of means and %d of cells: each has one of both", e.Name, len(e.Data.Cells),
			len(e.Means), len(e.Of))
	}
	x := &experiment{Experiment: e, ID: fmt.Sprintf("e%d", n)}
	x.Tables = x.tables()
	for _, g := range groups {
		if slices.ContainsFunc(x.Tables[0].Columns, func(c *column) bool { return c.Group == g }) {
			x.Groups = append(x.Groups, g)
		}
	}
	x.Charts = x.paretos()
	x.Curves = x.curves()
	var err error
	if x.Sheets, err = x.sheets(); err != nil {
		return nil, err
	}
	for _, f := range e.Figures {
		d := drawnFigure{Name: f.Name, Title: f.Title, Markdown: f.Markdown, LaTeX: f.LaTeX, Problem: f.Problem}
		if len(f.SVG) > 0 {
			d.Image = dataURL("image/svg+xml", f.SVG)
		}
		x.Drawn = append(x.Drawn, d)
	}
	x.Warnings = x.warnings()
	x.Facts = x.facts()
	return x, nil
}

// facts are what was measured, when, on what and how.
func (e *experiment) facts() []fact {
	var out []fact
	counts := map[string]int{}
	var outcomes []string
	for i := range e.Cells {
		o := e.Cells[i].Outcome
		if counts[o] == 0 {
			outcomes = append(outcomes, o)
		}
		counts[o]++
	}
	slices.Sort(outcomes)
	var words []string
	for _, o := range outcomes {
		words = append(words, fmt.Sprintf("%d %s", counts[o], o))
	}
	cells := fmt.Sprintf("%d: %s", len(e.Cells), strings.Join(words, ", "))
	if n := len(e.Data.Cells); n != len(e.Cells) {
		cells = fmt.Sprintf("%d, seeds of %d points: %s", len(e.Cells), n, strings.Join(words, ", "))
	}
	out = append(out, fact{"Cells", []string{cells}})
	var from, to time.Time
	for _, a := range e.Attempts {
		if a.Outcome != record.OK {
			continue
		}
		if from.IsZero() || a.Started.Before(from) {
			from = a.Started
		}
		if a.Finished.After(to) {
			to = a.Finished
		}
	}
	if !from.IsZero() {
		out = append(out, fact{"Measured", []string{stampText(from) + " to " + stampText(to)}})
	}
	add := func(name string, of func(a *view.Provenance) string) {
		var lines []string
		for i := range e.Attempts {
			if v := of(&e.Attempts[i]); e.Attempts[i].Outcome == record.OK && v != "" && !slices.Contains(lines, v) {
				lines = append(lines, v)
			}
		}
		slices.Sort(lines)
		if len(lines) > 0 {
			out = append(out, fact{name, lines})
		}
	}
	add("Revision", func(a *view.Provenance) string { return a.Code })
	add("Machine", func(a *view.Provenance) string { return machine(e.Environments[a.Environment]) })
	return out
}

// Protocols are the protocols and what was measured under each.
func (e *experiment) Protocols() []fact {
	var out []fact
	at := map[string]int{}
	for _, c := range e.Tables[0].Columns {
		for _, p := range c.protocols {
			i, ok := at[p]
			if !ok {
				i = len(out)
				at[p] = i
				text := p
				if text == "" {
					text = "none stated"
				}
				out = append(out, fact{Name: text})
			}
			out[i].Lines = append(out[i].Lines, c.Metric)
		}
	}
	return out
}
