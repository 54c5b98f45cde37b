package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"prabench/harness/engine"
	"prabench/harness/tools/provision"
	"prabench/harness/tools/terminal"
)

func (a *app) runCommand() *cobra.Command {
	var jobs int
	var retry string
	var force []string
	var noFigures, takeOver bool
	c := &cobra.Command{
		Use:   "run FILE…",
		Short: "Run the missing stages of experiments, then print the table and draw the figures",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, files []string) error {
			if retry != "" && retry != "failed" {
				return usage("--retry %s: the only choice is `failed`", retry)
			}
			return a.run(c.Context(), files, engine.Run{Jobs: jobs, Retry: retry == "failed", Force: force, TakeOver: takeOver}, !noFigures)
		},
	}
	c.Flags().IntVar(&jobs, "jobs", 0, "stages side by side; 0 is as many as cores and memory allow")
	c.Flags().StringVar(&retry, "retry", "", "`failed`: try stages again that failed before")
	c.Flags().StringArrayVar(&force, "force", nil, "do all stages of a `CELL` again: its id, the beginning of it, or its label")
	c.Flags().BoolVar(&takeOver, "take-over", false, "run FILE under a name that the database knows from another file")
	c.Flags().BoolVar(&noFigures, "no-figures", false, "draw no figures at the end")
	return c
}

func (a *app) run(ctx context.Context, files []string, r engine.Run, figures bool) error {
	ls, err := a.load(files)
	if err != nil {
		return err
	}
	r.Name = "prabench run " + strings.Join(files, " ")
	sum, err := a.doStages(ctx, ls, files, r)
	if err != nil {
		return err
	}
	if a.json {
		err = a.runJSON(sum, ls...)
	} else {
		err = a.points(ctx, ls)
	}
	if err != nil {
		return err
	}
	if figures && !sum.Stopped {
		// Figures that cannot be drawn were named; they make no cell fail.
		if _, err := a.drawAll(context.WithoutCancel(ctx), ls, nil, nil); err != nil {
			return err
		}
	}
	a.conclude(files, sum)
	return nil
}

// doStages does what is missing of experiments. It ends early with Ctrl-C.
func (a *app) doStages(ctx context.Context, ls []engine.Loaded, files []string, r engine.Run) (engine.Summary, error) {
	if err := errors.Join(r.Check(), engine.CheckMachine(workerCommand, exps(ls)...), a.foresee(files, ls, nil)); err != nil {
		return engine.Summary{}, &usageError{err}
	}
	if err := a.withSlurm(ctx, ls, files); err != nil {
		return engine.Summary{}, err
	}
	if hint := provision.Hint(); hint != "" {
		fmt.Fprintln(a.stderr, "note: "+hint)
	}
	ctx, stop := a.stoppable(ctx)
	defer stop()
	r.Places, r.Command = a.places(), workerCommand
	r.Out, r.Terminal = a.stderr, isTerminal(a.stderr)
	return r.DoLoaded(ctx, ls...)
}

// runJSON is the end of a run for programs.
func (a *app) runJSON(s engine.Summary, ls ...engine.Loaded) error {
	s.Dropped(ls...)
	var cells []engine.CellStatus
	for _, p := range s.Plans {
		of, _ := p.Status(engine.Places{}) // nothing runs any more
		cells = append(cells, of...)
	}
	return a.printJSON(struct {
		Done    int                 `json:"done"`
		Kept    int                 `json:"kept"`
		Failed  int                 `json:"failed"`
		Blocked int                 `json:"blocked"`
		Stopped bool                `json:"stopped"`
		Seconds float64             `json:"seconds"`
		Cells   []engine.CellStatus `json:"cells"`
	}{s.Done, s.Kept, s.Failed, s.Blocked, s.Stopped, s.Took.Seconds(), cells})
}

// workerCommand is a variable because tests start themselves as workers.
var workerCommand = engine.WorkerCommand

// stoppable is a context that ends with the first Ctrl-C, see [terminal.Stop].
func (a *app) stoppable(ctx context.Context) (context.Context, context.CancelFunc) {
	a.stop = &terminal.Stop{Out: a.stderr, Again: a.again(), Code: exitFailed,
		Works: func() bool { return len(engine.RunningNow(a.places())) > 0 }}
	return a.stop.Context(ctx)
}

// untilInterrupted ends with Ctrl-C.
func untilInterrupted(ctx context.Context) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(ctx, terminal.Stops()...)
}

// conclude says how a run ended.
func (a *app) conclude(files []string, sum engine.Summary) {
	terminal.Ended(a.stderr, sum, a.again(), a.again("--retry", "failed"), a.about("status", files))
	if sum.Stopped || sum.Failed > 0 {
		a.code = exitFailed
	}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
