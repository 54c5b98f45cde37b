package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"prabench/harness/engine"
	"prabench/harness/machine"
	"prabench/harness/tools/check"
	"prabench/internal/atomicfile"
)

// checkFlags are the command's options.
type checkFlags struct {
	against, binary string
	baseline, save  string
	history         bool

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
		Short: "Say whether this program is slower, larger or worse than another revision or a baseline",
		Long: `check measures the cells of an experiment with this program and with another one
in turn, on this machine, and says of each whether something got worse: pass,
regression, improvement or inconclusive. Nothing is trained, unless the metrics
in [check] name fid_proxy. The [check] table of the file has metrics, thresholds,
rounds and time budget.

  prabench check FILE --against main             a revision, built in a worktree of its own
  prabench check FILE --against-binary PATH      a program that is there
  prabench check FILE --save NAME                measure this program alone, keep it as a baseline
  prabench check FILE --baseline NAME            against that, as shares of what the machine can do
  prabench check FILE --history                  the timings of all revisions in the database

Exit codes: 0 pass or improvement, 1 regression, 3 inconclusive, 2 a mistake in
the command line or the file, 4 the check itself failed.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, files []string) error {
			return a.check(c.Context(), files[0], o)
		},
	}
	f := c.Flags()
	f.StringVar(&o.against, "against", "", "compare with this `REVISION` of git")
	f.StringVar(&o.binary, "against-binary", "", "compare with the program at this `PATH`")
	f.StringVar(&o.baseline, "baseline", "", "compare with the baseline of this `NAME`")
	f.StringVar(&o.save, "save", "", "measure, and keep the result as a baseline under this `NAME`")
	f.BoolVar(&o.history, "history", false, "show the timings of earlier revisions in the database, and their steps")
	f.IntVar(&o.rounds, "rounds", 0, "rounds of a block before it is judged (default: check.rounds)")
	f.DurationVar(&o.budget, "budget", 0, "longest time to measure (default: check.budget)")
	f.StringVar(&o.format, "format", "table", "what is printed: "+strings.Join(check.Formats(), ", "))
	f.StringArrayVar(&o.outputs, "output", nil, "also write a `FORMAT=FILE`, such as junit=check.xml")
	f.StringVar(&o.extraWork, "test-extra-work", "", "share of work that is added to each call of this program, to test the check")
	f.MarkHidden("test-extra-work")
	return c
}

// checkLoad is a variable because tests do not depend on what else runs.
var checkLoad = check.MachineLoad

// output is a file that a report is written to.
type output struct{ format, path string }

func (o *checkFlags) valid() ([]output, error) {
	modes := 0
	for _, given := range []bool{o.against != "", o.binary != "", o.baseline != "", o.save != "", o.history} {
		if given {
			modes++
		}
	}
	if modes != 1 {
		return nil, usage("check needs one of --against REVISION, --against-binary PATH, --baseline NAME, --save NAME and --history, not %d of them", modes)
	}
	if check.Writers[o.format] == nil {
		return nil, usage("--format %s: choose one of %s", o.format, strings.Join(check.Formats(), ", "))
	}
	var out []output
	for _, text := range o.outputs {
		format, path, ok := strings.Cut(text, "=")
		if !ok || path == "" {
			return nil, usage("--output %s: not of the form FORMAT=FILE, for example junit=check.xml", text)
		}
		if check.Writers[format] == nil {
			return nil, usage("--output %s: no format %q; choose one of %s", text, format, strings.Join(check.Formats(), ", "))
		}
		out = append(out, output{format, path})
	}
	return out, nil
}

func (a *app) check(ctx context.Context, file string, o checkFlags) error {
	if a.json {
		o.format = "json"
	}
	outputs, err := o.valid()
	if err != nil {
		return err
	}
	if o.rounds > 0 {
		a.set = append(a.set, fmt.Sprintf("check.rounds=%d", o.rounds))
	}
	if o.budget > 0 {
		a.set = append(a.set, fmt.Sprintf("check.budget=%q", o.budget))
	}
	ls, err := a.load([]string{file})
	if err != nil {
		return err
	}
	l := ls[0]
	if o.history {
		return a.history(ctx, l, o)
	}
	if err := engine.CheckMachine(workerCommand, l.exp); err != nil {
		return &usageError{err}
	}
	ctx, stop := a.untilInterrupted(ctx)
	defer stop()
	dir, err := os.MkdirTemp("", "prabench-check-*")
	if err != nil {
		return &engine.Failure{Err: err}
	}
	defer os.RemoveAll(dir)
	rep, err := a.checked(ctx, l, o, dir)
	if ctx.Err() != nil {
		return &engine.Failure{Err: errors.New("the check was stopped before its end: no verdict")}
	}
	if err != nil || rep == nil {
		return err
	}
	for _, out := range append(outputs, output{o.format, "-"}) {
		if err := a.writeReport(rep, out); err != nil {
			return &engine.Failure{Err: err}
		}
	}
	a.code = rep.Verdict.ExitCode()
	return nil
}

// checked makes the report; there is none when a baseline is saved.
func (a *app) checked(ctx context.Context, l loaded, o checkFlags, dir string) (*check.Report, error) {
	set := l.file.Base
	threads := set.Measure.Threads
	if threads == 0 {
		threads = runtime.NumCPU()
	}
	opts := check.Options{Rounds: set.Check.Rounds, Repeat: set.Measure.RepeatDisturbed, Budget: time.Duration(set.Check.Budget), Spend: check.DefaultSpend}
	limits := check.Thresholds{Throughput: set.Check.Throughput, Latency: set.Check.Latency, Memory: set.Check.Memory}
	for _, name := range set.Check.Metrics.List() {
		m, ok := check.MetricOf(name, limits)
		if !ok {
			return nil, usage("check.metrics: %q cannot be checked", name)
		}
		opts.Metrics = append(opts.Metrics, m)
	}
	cells, err := check.Cells(l.exp, opts.Metrics, threads, dir)
	if err != nil {
		return nil, &engine.Failure{Err: err}
	}
	env := machine.Environment(threads)
	rep := &check.Report{Experiment: l.exp.Name, File: l.file.File, Device: env.DeviceClass(set.Measure.Device), Threads: threads, Precision: set.Measure.Precision, Environment: env}
	p, err := a.programs(ctx, set.Measure.Device, o, dir, rep)
	if err != nil {
		return nil, err
	}
	b := check.Bench{Start: p.start, Now: time.Now, Load: checkLoad, Say: a.checkProgress()}
	var known map[string]check.Quality
	quality := slices.Contains(set.Check.Metrics.List(), check.FidProxy)
	if quality && (o.save != "" || o.baseline != "") {
		if known, err = a.knownQuality(ctx, l); err != nil {
			return nil, err
		}
	}
	if o.save != "" {
		return nil, a.saveBaseline(ctx, b, cells, opts, rep, o.save, known)
	}
	if o.baseline != "" {
		if b.Baseline, err = a.fitBaseline(cells, opts, rep, o.baseline); err != nil {
			return nil, err
		}
	}
	if err := b.Compare(ctx, cells, opts, rep); err != nil {
		return nil, &engine.Failure{Err: err}
	}
	switch {
	case quality && o.baseline != "":
		for _, label := range labels(l) {
			was, ok := b.Baseline.Quality[label]
			if !ok {
				return nil, usage("baseline %s has no fid_proxy of %s: save another baseline with --save", o.baseline, label)
			}
			rep.Judge(label, was, known[label])
		}
	case quality:
		err = a.compareQuality(ctx, l, p, dir, rep)
	}
	return rep, err
}

func (a *app) writeReport(rep *check.Report, out output) error {
	write := check.Writers[out.format]
	if out.path == "-" {
		return write(rep, a.stdout)
	}
	return atomicfile.Output(out.path, 0o644, func(w io.Writer) error { return write(rep, w) })
}
