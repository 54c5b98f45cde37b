package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"prabench/experiments"
	"prabench/plots"
	"prabench/plots/figure"
	"prabench/plots/paper"
	"prabench/results"
	"prabench/results/record"
)

// paperDocument collects from the database what the folder shows. An experiment
// of which the database has nothing, or another version, is a part with a
// problem.
func (a *app) paperDocument(ctx context.Context, db *results.DB, files []string, parts []paperPart, o paperOptions) (paper.Paper, error) {
	doc := paper.Paper{Command: a.paperLine(files, "", o), Say: func(part string) { fmt.Fprintln(a.stderr, "drawing "+part) }}
	for _, p := range parts {
		name := p.exp.Name
		out := paper.Part{Name: name, Description: p.file.Description, Source: p.source, Points: len(p.exp.Cells) / p.file.Repeats, Seeds: p.file.Repeats}
		if len(files) == 0 {
			out.Command = a.paperLine(nil, name, o)
		} else {
			out.Command = a.paperLine([]string{p.file.File}, "", o)
		}
		err := asPlanned(ctx, db, p.loaded)
		if mistake := (*usageError)(nil); errors.As(err, &mistake) {
			out.Problem = fmt.Sprintf("the database has nothing of it, or another version: %s makes it", out.Command)
			doc.Parts = append(doc.Parts, out)
			continue
		} else if err != nil {
			return doc, err
		}
		if err := a.readPart(ctx, db, p, o.across, &out); err != nil {
			return doc, err
		}
		doc.Parts = append(doc.Parts, out)
	}
	return doc, nil
}

// readPart fills in figures, claims and what is behind them.
func (a *app) readPart(ctx context.Context, db *results.DB, p paperPart, across []string, out *paper.Part) error {
	d, notes, err := a.figureData(ctx, db, p.loaded, across)
	if err != nil {
		return err
	}
	out.Notes = notes
	behind, err := db.Behind(ctx, p.exp.Name)
	if err != nil {
		return err
	}
	names := map[string]string{}
	for _, point := range d.points { // as the file names them now
		for _, c := range point.cells {
			names[c.Cell] = point.label
		}
	}
	for _, b := range behind {
		out.Attempts = append(out.Attempts, paper.Attempt{Cell: b.Cell, Label: names[b.Cell], Seed: b.Seed, Kind: b.Kind, Stage: b.Stage,
			ID: b.Attempt, Device: b.DeviceClass, Code: b.Code, Environment: b.Environment})
	}
	environments, err := db.Environments(ctx, p.exp.Name)
	if err != nil {
		return err
	}
	for _, e := range environments {
		out.Environments = append(out.Environments, paper.Environment{ID: e.ID, Facts: environmentFacts(e)})
	}
	for _, fig := range p.file.Figures {
		data := d.of(fig.Needs())
		out.Notes = append(out.Notes, data.warnings...)
		fig = printed(fig)
		if fig.Text() && fig.Title == "" { // LaTeX wants a caption
			fig.Title = strings.NewReplacer("-", " ", "_", " ").Replace(fig.Name) + ": " + p.file.Description
		}
		out.Figures = append(out.Figures, paper.Figure{Figure: fig, Data: data.Data})
	}
	out.Data = d.of(figure.Means).Data
	for _, c := range p.file.Claims {
		out.Claims = append(out.Claims, claim(c, p.file.Axes))
	}
	return nil
}

// printed gives a figure that says no width that of one column, or of both where
// it has panels side by side.
func printed(f figure.Figure) figure.Figure {
	if f.Width == 0 {
		f.Width = oneColumn
		if f.Wide() {
			f.Width = bothColumns
		}
	}
	return f
}

// Widths in inches on a page of two columns.
const (
	oneColumn   = 3.25
	bothColumns = 6.75
)

// claim translates a [[claim]] of a file. The axes that neither side names have
// to agree.
func claim(c experiments.Claim, axes []experiments.Axis) paper.Claim {
	out := paper.Claim{Text: c.Text, Metric: c.Metric, Of: c.Of, Over: c.Over, Figure: c.Figure}
	switch c.Expect {
	case "lower":
		out.Sign = -1
	case "higher":
		out.Sign = +1
	default:
		out.Sign = plots.Better(c.Metric)
	}
	named := func(key string) bool {
		_, of := c.Of[key]
		_, over := c.Over[key]
		return of || over
	}
	labelled := slices.ContainsFunc(axes, func(x experiments.Axis) bool { return slices.Contains(x.Keys, "label") })
	for _, axis := range axes {
		if slices.ContainsFunc(axis.Keys, named) || named("label") && !labelled {
			continue
		}
		out.Match = append(out.Match, axis.Keys...)
	}
	return out
}

// paperLine is the command that makes a part, or all of them. Where it draws to
// and reads from is left out: the folder has to be the same wherever it lies.
func (a *app) paperLine(files []string, only string, o paperOptions) string {
	words := append([]string{"paper"}, files...)
	if only != "" {
		words = append(words, "--only", only)
	}
	for _, s := range a.set {
		words = append(words, "--set", s)
	}
	if a.device != "" {
		words = append(words, "--device", a.device)
	}
	for _, s := range o.across {
		words = append(words, "--across", s)
	}
	return commandLine(words)
}

// environmentFacts are what a reader wants to know of a machine.
func environmentFacts(e record.Environment) [][2]string {
	var out [][2]string
	add := func(name, value string) {
		if value != "" && value != "0" {
			out = append(out, [2]string{name, value})
		}
	}
	add("CPU", e.CPU)
	add("cores", fmt.Sprint(e.Cores))
	add("threads", fmt.Sprint(e.Threads))
	if e.MemoryBytes > 0 {
		add("memory", bytesText(e.MemoryBytes))
	}
	add("GPU", e.GPU)
	add("driver", e.Driver)
	add("OS", e.OS)
	add("kernel", e.Kernel)
	add("Go", e.Go)
	add("code", e.Code())
	add("matrix products", e.GEMM)
	for _, k := range slices.Sorted(maps.Keys(e.Extra)) {
		add(k, e.Extra[k])
	}
	return out
}

func problemTexts(list []paper.Problem) []string {
	out := []string{}
	for _, p := range list {
		out = append(out, p.Error())
	}
	return out
}
