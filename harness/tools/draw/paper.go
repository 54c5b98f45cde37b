package draw

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"prabench/experiments"
	"prabench/harness/engine"
	"prabench/internal/numeral"
	"prabench/plots"
	"prabench/plots/figure"
	"prabench/plots/paper"
	"prabench/results/record"
)

// Paper is what a paper's folder shows of its experiments, as the database has
// them. An experiment of which the database has nothing, or another version, is
// a part with a problem. command makes all parts.
func (s Source) Paper(ctx context.Context, command string, parts []Part) (paper.Paper, error) {
	doc := paper.Paper{Command: command}
	for _, p := range parts {
		out := paper.Part{Name: p.Exp.Name, Description: p.File.Description, Command: p.Command, Source: p.Source,
			Points: len(p.Exp.Cells) / p.File.Repeats, Seeds: p.File.Repeats}
		err := p.Exp.CheckPlanned(ctx, s.DB)
		if other := (*engine.NotPlanned)(nil); errors.As(err, &other) {
			out.Problem = fmt.Sprintf("the database has nothing of it, or another version: %s makes it", out.Command)
		} else if err == nil {
			err = s.part(ctx, p, &out)
		}
		if err != nil && out.Problem == "" {
			return doc, err
		}
		doc.Parts = append(doc.Parts, out)
	}
	return doc, nil
}

// part fills in figures, claims and what is behind them.
func (s Source) part(ctx context.Context, p Part, out *paper.Part) error {
	e, err := s.read(ctx, p.Exp)
	if err != nil {
		return err
	}
	out.Notes = e.left.Notes()
	names := map[string]string{}
	for _, point := range e.points { // as the file names them now
		for _, id := range point.Cells {
			names[id] = point.Label
		}
	}
	for _, b := range e.behind {
		out.Attempts = append(out.Attempts, paper.Attempt{Cell: b.Cell, Label: names[b.Cell], Seed: b.Seed, Kind: b.Kind, Stage: b.Stage,
			ID: b.Attempt, Device: b.DeviceClass, Code: b.Code, Environment: b.Environment})
	}
	environments, err := s.DB.Environments(ctx, p.Exp.Ref())
	if err != nil {
		return err
	}
	for _, env := range environments {
		out.Environments = append(out.Environments, paper.Environment{ID: env.ID, Facts: environmentFacts(env)})
	}
	file := p.File
	for _, fig := range file.Figures {
		data, warnings := e.dataOf(fig)
		out.Notes = append(out.Notes, warnings...)
		fig = printed(fig)
		if fig.Text() && fig.Title == "" { // LaTeX wants a caption
			fig.Title = caption(fig.Name, file.Description)
		}
		out.Figures = append(out.Figures, paper.Figure{Figure: fig, Data: data})
	}
	out.Data, _ = e.data(figure.Means)
	for _, c := range file.Claims {
		out.Claims = append(out.Claims, claim(c, file.Axes))
	}
	return nil
}

// caption is that of a table without a title: its name, and what its experiment is about
// where the file says so.
func caption(name, about string) string {
	title := strings.NewReplacer("-", " ", "_", " ").Replace(name)
	if about = strings.Join(strings.Fields(about), " "); about != "" {
		title += ": " + about
	}
	return title
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
		add("memory", numeral.Bytes(e.MemoryBytes))
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
