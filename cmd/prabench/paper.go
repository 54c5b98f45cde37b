package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"prabench/experiments"
	"prabench/harness/engine"
	"prabench/harness/tools/draw"
	"prabench/plots"
	"prabench/results"
)

// paperOptions is what is wanted of the paper.
type paperOptions struct {
	only     []string // names of experiments that are run
	out      string
	dry      bool
	drawOnly bool
	across   []string
	retry    string
	jobs     int
}

func (a *app) paperCommand() *cobra.Command {
	var o paperOptions
	c := &cobra.Command{
		Use:   "paper [FILE…]",
		Short: "Do what is missing of the paper's experiments and draw all figures into one folder",
		Long: `paper does the stages of the paper's experiments that are missing, draws every
figure as PDF, SVG and PNG and every table as LaTeX and Markdown into one folder,
and writes an index (index.html, index.md) that shows for each the command, the
attempts behind it, the environment, the code and the protocol, and for each claim
whether it holds here.

Without FILE the experiments are those of experiments/paper below the current
folder, or where there is none those that are part of the program. With --only
the named experiments alone are run; the others are drawn as far as the database
has them. Drawn twice from one database, every file is the same to the byte.`,
		RunE: func(c *cobra.Command, files []string) error {
			if o.retry != "" && o.retry != "failed" {
				return usage("--retry %s: the only choice is `failed`", o.retry)
			}
			if err := checkAcross(o.across); err != nil {
				return err
			}
			if o.dry && o.drawOnly {
				return usage("--dry-run and --draw-only exclude each other: the one writes nothing, the other runs nothing")
			}
			return a.paper(c.Context(), files, o)
		},
	}
	f := c.Flags()
	f.StringSliceVar(&o.only, "only", nil, "run only the experiment of this `NAME`, its own or its file's (several with commas)")
	f.StringVar(&o.out, "out", "paper", "folder of the figures, tables and the index")
	f.BoolVar(&o.dry, "dry-run", false, "say what would be run and drawn; write nothing")
	f.BoolVar(&o.drawOnly, "draw-only", false, "run nothing, draw from what is in the database")
	f.StringSliceVar(&o.across, "across", nil, "average, compare and share an axis in spite of a difference in `NAME`: code, device, protocol")
	f.StringVar(&o.retry, "retry", "", "`failed`: try stages again that failed before")
	f.IntVar(&o.jobs, "jobs", 0, "stages side by side; 0 is as many as the cores and the memory bear")
	return c
}

// paperPart is an experiment of the paper.
type paperPart struct {
	loaded
	source []byte
	chosen bool // by --only, or there is none
}

func (a *app) paper(ctx context.Context, files []string, o paperOptions) error {
	parts, err := a.paperParts(files, o.only)
	if err != nil {
		return err
	}
	var chosen []loaded
	for _, p := range parts {
		if p.chosen {
			chosen = append(chosen, p.loaded)
		}
	}
	if err := checkClaims(parts); err != nil {
		return err
	}
	if o.dry {
		return a.paperPlan(ctx, parts, chosen, o)
	}
	if !o.drawOnly {
		r := engine.Run{Jobs: o.jobs, Retry: o.retry == "failed", Name: strings.TrimSpace("prabench paper " + strings.Join(files, " "))}
		sum, err := a.doStages(ctx, chosen, files, r)
		if err != nil {
			return err
		}
		if err := a.conclude(files, sum); err != nil {
			return err
		}
		if sum.Stopped { // half of it would look like all of it
			return nil
		}
	}
	return a.drawPaper(context.WithoutCancel(ctx), files, parts, o)
}

// paperParts reads the experiments: the files given, else those below the
// current folder, else those of the program.
func (a *app) paperParts(files, only []string) ([]paperPart, error) {
	sources := map[string][]byte{}
	if len(files) == 0 {
		found, err := filepath.Glob(filepath.Join(filepath.FromSlash(experiments.PaperFolder), "*.toml"))
		if err != nil {
			return nil, err
		}
		where := "experiments: " + experiments.PaperFolder + ", of this folder"
		if files = found; len(files) == 0 {
			where = "experiments: those that are part of the program (there is no " + experiments.PaperFolder + " here)"
			for _, f := range experiments.PaperFiles() {
				files = append(files, f.Path)
				sources[f.Path] = f.Source
			}
		}
		if len(files) == 0 {
			return nil, usage("there are no files in %s, neither here nor in the program: name experiment files", experiments.PaperFolder)
		}
		fmt.Fprintln(a.stderr, where)
	}
	for _, f := range files {
		if sources[f] != nil {
			continue
		}
		raw, err := os.ReadFile(f)
		if err != nil { // Load says it as for every other command
			raw = nil
		}
		sources[f] = raw
	}
	ls, err := a.loadWith(files, func(path string, opts experiments.Options) (*experiments.Experiment, error) {
		if sources[path] == nil {
			return experiments.Load(path, opts)
		}
		return experiments.Parse(path, sources[path], opts)
	})
	if err != nil {
		return nil, err
	}
	var names []string
	parts := make([]paperPart, len(ls))
	for i, l := range ls {
		names = append(names, l.exp.Name)
		parts[i] = paperPart{l, sources[files[i]], len(only) == 0}
	}
	for _, n := range only {
		known := false
		for i := range parts {
			stem := strings.TrimSuffix(filepath.Base(files[i]), filepath.Ext(files[i]))
			if n == parts[i].exp.Name || n == stem {
				parts[i].chosen, known = true, true
			}
		}
		if !known {
			return nil, usage("--only %s: there is no such experiment; there are %s", n, strings.Join(names, ", "))
		}
	}
	return parts, nil
}

// checkClaims refuses claims that expect what nobody knows to be better.
func checkClaims(parts []paperPart) error {
	var errs []error
	for _, p := range parts {
		for _, c := range p.file.Claims {
			if c.Expect == "better" && plots.Better(c.Metric) == 0 {
				errs = append(errs, usage("%s: claim.expect: it is not known whether more or less %s is better; set expect to lower or higher", c.Source, c.Metric))
			}
		}
	}
	return errors.Join(errs...)
}

// paperPlan says what would be done.
func (a *app) paperPlan(ctx context.Context, parts []paperPart, chosen []loaded, o paperOptions) error {
	p, notes, err := a.inspect(ctx, chosen)
	if err != nil {
		return err
	}
	if a.json {
		return a.planJSON(chosen, p)
	}
	t := results.Table{Columns: []string{"experiment", "cells", "points", "seeds", "figures", "claims", "run", "what"}}
	for _, part := range parts {
		f := part.file
		run := "no, --only"
		if part.chosen {
			run = "yes"
		}
		t.Rows = append(t.Rows, []any{f.Name, int64(len(part.exp.Cells)), int64(len(part.exp.Cells) / f.Repeats), int64(f.Repeats), int64(len(f.Figures)), int64(len(f.Claims)), run, f.Description})
	}
	if err := results.WriteText(a.stdout, t); err != nil {
		return err
	}
	stageTable(a.stdout, p)
	fmt.Fprintln(a.stdout)
	for _, part := range parts {
		for _, fig := range part.file.Figures {
			for _, format := range plots.Formats(fig.Kind) {
				fmt.Fprintln(a.stdout, filepath.Join(o.out, part.exp.Name, fig.Name+"."+format))
			}
		}
	}
	fmt.Fprintln(a.stdout, filepath.Join(o.out, "index.html"))
	fmt.Fprintln(a.stdout, filepath.Join(o.out, "index.md"))
	for _, n := range notes {
		fmt.Fprintln(a.stdout, "note: "+n)
	}
	if err := engine.CheckMachine(workerCommand, exps(chosen)...); err != nil {
		fmt.Fprintln(a.stdout, "note: not on this machine: "+err.Error())
	}
	return nil
}

// drawPaper writes the folder from what the database has.
func (a *app) drawPaper(ctx context.Context, files []string, parts []paperPart, o paperOptions) error {
	var ls []loaded
	for _, p := range parts {
		ls = append(ls, p.loaded)
	}
	if _, _, err := a.identified(ctx, ls); err != nil { // the keys of images and curves
		return err
	}
	db, err := results.OpenReadOnly(a.db)
	if err != nil {
		return err
	}
	defer db.Close()
	doc, err := a.source(db, o.across).Paper(ctx, a.paperLine(files, "", o), a.drawnParts(files, parts, o))
	if err != nil {
		return err
	}
	doc.Say = func(part string) { fmt.Fprintln(a.stderr, "drawing "+part) }
	written, problems, err := doc.Write(o.out)
	if err != nil {
		return &engine.Failure{Err: err}
	}
	for _, f := range written {
		if !a.json {
			fmt.Fprintln(a.stdout, filepath.Join(o.out, filepath.FromSlash(f)))
		}
	}
	failed, texts := 0, []string{}
	for _, p := range problems {
		texts = append(texts, p.Error())
		fmt.Fprintf(a.stderr, "warning: %v\n", p)
		i := slices.IndexFunc(parts, func(part paperPart) bool { return part.exp.Name == p.Part })
		if parts[i].chosen {
			failed++
		}
	}
	if a.json {
		err = a.printJSON(struct {
			Out      string   `json:"out"`
			Files    []string `json:"files"`
			Problems []string `json:"problems"`
		}{o.out, written, texts})
	}
	if failed > 0 {
		a.code = exitFailed
	}
	return err
}

// drawnParts are the parts with the commands that make each of them.
func (a *app) drawnParts(files []string, parts []paperPart, o paperOptions) []draw.Part {
	var out []draw.Part
	for _, p := range parts {
		command := a.paperLine([]string{p.file.File}, "", o)
		if len(files) == 0 {
			command = a.paperLine(nil, p.exp.Name, o)
		}
		out = append(out, draw.Part{File: draw.File{File: p.file, Exp: p.exp}, Source: p.source, Command: command})
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
