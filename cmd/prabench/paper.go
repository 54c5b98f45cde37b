package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"prabench/harness/engine"
	"prabench/harness/tools/draw"
	"prabench/harness/tools/terminal"
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
		Short: "Run the missing stages of the paper's experiments and draw all figures into one folder",
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
	f.IntVar(&o.jobs, "jobs", 0, "stages side by side; 0 is as many as cores and memory allow")
	return c
}

func (a *app) paper(ctx context.Context, files []string, o paperOptions) error {
	found, err := draw.FindPaper(files)
	if err != nil {
		return err
	}
	if found.Where != "" {
		fmt.Fprintln(a.stderr, found.Where)
	}
	ls, err := a.loadWith(found.Paths, found.Read)
	if err != nil {
		return err
	}
	parts, err := found.Parts(ls, o.only)
	if err != nil {
		return err
	}
	chosen := draw.Chosen(parts)
	if o.dry {
		return a.paperPlan(ctx, parts, chosen, o)
	}
	if !o.drawOnly {
		r := engine.Run{Jobs: o.jobs, Retry: o.retry == "failed", Name: strings.TrimSpace("prabench paper " + strings.Join(files, " "))}
		sum, err := a.doStages(ctx, chosen, files, r)
		if err != nil {
			return err
		}
		a.conclude(files, sum)
		if sum.Stopped { // half of it would look like all of it
			return nil
		}
	}
	return a.drawPaper(context.WithoutCancel(ctx), files, parts, o)
}

// paperPlan says what would be done.
func (a *app) paperPlan(ctx context.Context, parts []draw.Part, chosen []engine.Loaded, o paperOptions) error {
	p, notes, err := a.inspect(ctx, chosen)
	if err != nil {
		return err
	}
	if a.json {
		return terminal.PlanJSON(a.stdout, chosen, p)
	}
	if err := errors.Join(draw.PrintParts(a.stdout, parts), terminal.Stages(a.stdout, p)); err != nil {
		return err
	}
	fmt.Fprintln(a.stdout)
	draw.PrintFiles(a.stdout, parts, o.out)
	for _, n := range notes {
		fmt.Fprintln(a.stdout, "note: "+n)
	}
	if err := engine.CheckMachine(workerCommand, exps(chosen)...); err != nil {
		fmt.Fprintln(a.stdout, "note: not on this machine: "+err.Error())
	}
	return nil
}

// drawPaper writes the folder from what the database has.
func (a *app) drawPaper(ctx context.Context, files []string, parts []draw.Part, o paperOptions) error {
	var ls []engine.Loaded
	for _, p := range parts {
		ls = append(ls, p.Loaded)
	}
	if _, _, err := a.identified(ctx, ls); err != nil { // the keys of images and curves
		return err
	}
	db, err := results.OpenReadOnly(a.db)
	if err != nil {
		return err
	}
	defer db.Close()
	for i := range parts {
		parts[i].Command = a.paperLine([]string{parts[i].File.File}, "", o)
		if len(files) == 0 {
			parts[i].Command = a.paperLine(nil, parts[i].Exp.Name, o)
		}
	}
	doc, err := a.source(db, o.across).Paper(ctx, a.paperLine(files, "", o), parts)
	if err != nil {
		return err
	}
	failed, err := draw.WritePaper(doc, o.out, parts, a.stdout, a.stderr, a.json)
	if failed {
		a.code = exitFailed
	}
	return err
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
