package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"prabench/harness/engine"
	"prabench/harness/tools/check/session"
	"prabench/harness/tools/terminal"
	"prabench/results/table"
)

// checkFlags are the command's options.
type checkFlags struct {
	session.Other
	save    string
	history bool

	rounds  int
	budget  time.Duration
	format  string
	outputs []string

	extraWork string // of the new program, for tests
}

func (a *app) checkCommand() *cobra.Command {
	var o checkFlags
	c := &cobra.Command{
		Use:   "check FILE",
		Short: "Test whether this program is slower, larger or worse than another revision or a baseline",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, files []string) error {
			return a.check(c.Context(), files[0], o)
		},
	}
	f := c.Flags()
	f.StringVar(&o.Revision, "against", "", "compare with this `REVISION` of git")
	f.StringVar(&o.Binary, "against-binary", "", "compare with the program at this `PATH`")
	f.StringVar(&o.Baseline, "baseline", "", "compare with the baseline of this `NAME`")
	f.StringVar(&o.save, "save", "", "measure, and keep the result as a baseline under this `NAME`")
	f.BoolVar(&o.history, "history", false, "show the timings of earlier revisions in the database, and their steps")
	f.IntVar(&o.rounds, "rounds", 0, "rounds of a block before it is judged (default: check.rounds)")
	f.DurationVar(&o.budget, "budget", 0, "longest time to measure (default: check.budget)")
	f.StringVar(&o.format, "format", "table", "what is printed: "+strings.Join(session.Formats(), ", "))
	f.StringArrayVar(&o.outputs, "output", nil, "also write a `FORMAT=FILE`, such as junit=check.xml")
	f.StringVar(&o.extraWork, "test-extra-work", "", "share of work that is added to each call of this program, to test the check")
	_ = f.MarkHidden("test-extra-work") // fails for a name that is no flag
	return c
}

// output is a file that a report is written to.
type output struct{ format, path string }

func (o *checkFlags) valid() ([]output, error) {
	modes := 0
	for _, given := range []bool{o.Revision != "", o.Binary != "", o.Baseline != "", o.save != "", o.history} {
		if given {
			modes++
		}
	}
	if modes != 1 {
		return nil, usage("check needs one of --against REVISION, --against-binary PATH, --baseline NAME, --save NAME and --history, not %d "+
			"of them", modes)
	}
	formats := session.Formats()
	if !slices.Contains(formats, o.format) {
		return nil, usage("--format %s: choose one of %s", o.format, strings.Join(formats, ", "))
	}
	var out []output
	for _, text := range o.outputs {
		format, path, ok := strings.Cut(text, "=")
		if !ok || path == "" {
			return nil, usage("--output %s: not of the form FORMAT=FILE, for example junit=check.xml", text)
		}
		if !slices.Contains(formats, format) {
			return nil, usage("--output %s: no format %q; choose one of %s", text, format, strings.Join(formats, ", "))
		}
		if err := engine.CheckOut("--output", path); err != nil {
			return nil, err
		}
		out = append(out, output{format, path})
	}
	if o.save != "" && (o.format != "table" || len(out) > 0) {
		return nil, usage("--save writes a baseline, not a report: it takes no --format, --json or --output")
	}
	return out, nil
}

// checkLoad is what the check looks at the machine's other load with; nil is its
// own way. Tests do not depend on what else runs.
var checkLoad func() func() (session.MachineLoad, bool)

func (a *app) check(ctx context.Context, file string, o checkFlags) error {
	if a.json {
		o.format = "json"
	}
	outputs, err := o.valid()
	if err != nil {
		return err
	}
	if o.rounds != 0 { // one that is too small is refused as in a file
		a.set = append(a.set, fmt.Sprintf("check.rounds=%d", o.rounds))
	}
	if o.budget != 0 {
		a.set = append(a.set, fmt.Sprintf("check.budget=%q", o.budget))
	}
	ls, err := a.load([]string{file})
	if err != nil {
		return err
	}
	s := &session.Session{
		File: ls[0], Set: a.set, Only: a.only, DB: a.db,
		Command: workerCommand, Load: checkLoad, Progress: terminal.Blocks(a.stderr, isTerminal(a.stderr)), ExtraWork: o.extraWork,
		Say: func(text string) { fmt.Fprintln(a.stderr, text) },
	}
	if o.history {
		return a.history(ctx, s, o)
	}
	ctx, stop := untilInterrupted(ctx)
	defer stop()
	if o.save != "" {
		return a.saveBaseline(ctx, s, o.save)
	}
	rep, err := s.Compare(ctx, o.Other)
	if err != nil {
		return err
	}
	for _, out := range outputs {
		if err := session.WriteFile(out.path, rep, out.format); err != nil {
			return &engine.Failure{Err: err}
		}
	}
	if err := session.Write(a.stdout, rep, o.format); err != nil {
		return &engine.Failure{Err: err}
	}
	a.code = rep.Verdict.ExitCode()
	return nil
}

func (a *app) saveBaseline(ctx context.Context, s *session.Session, name string) error {
	path, bl, err := s.Save(ctx, name)
	if session.Refused(err) {
		fmt.Fprintln(a.stderr, "prabench: "+err.Error())
		a.code = session.Inconclusive
		return nil
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "%s\ncells: %d, on %s, %d threads: peak %.4g GFLOP/s, copies %.4g GB/s; commit it and compare with --baseline %s\n",
		path, len(bl.Cells), bl.Device, bl.Threads, bl.Peak/1e9, bl.Bandwidth/1e9, name)
	return nil
}

// history prints the timings of all revisions in the database with their steps
// and draws a figure for each metric.
func (a *app) history(ctx context.Context, s *session.Session, o checkFlags) error {
	if o.format != "table" && o.format != "markdown" && o.format != "json" || len(o.outputs) > 0 {
		return usage("--history prints a table, markdown or json, and no --output")
	}
	h, err := s.History(ctx)
	if err != nil {
		return err
	}
	for _, n := range h.Notes {
		fmt.Fprintln(a.stderr, "note: "+n)
	}
	switch o.format {
	case "json":
		err = a.printJSON(h.Series)
	case "markdown":
		err = table.WriteMarkdown(a.stdout, h.Table())
	default:
		err = table.WriteText(a.stdout, h.Table())
	}
	if err != nil {
		return &engine.Failure{Err: err}
	}
	files, err := h.Draw(filepath.Join(a.figures, h.Experiment))
	if o.format == "table" {
		for _, f := range files {
			fmt.Fprintln(a.stdout, f)
		}
	}
	if err != nil {
		return &engine.Failure{Err: err}
	}
	return nil
}
