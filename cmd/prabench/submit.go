package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"prabench/harness/engine"
	"prabench/harness/tools/slurm"
	"prabench/results/table"
)

func (a *app) submitCommand() *cobra.Command {
	submit := &cobra.Command{Use: "submit", Short: "Submit the missing stages of experiments to a cluster"}
	submit.RunE = func(*cobra.Command, []string) error {
		return usage("submit needs the name of an engine: prabench submit slurm FILE")
	}
	var o slurm.Options
	var retry string
	var dry, wait bool
	c := &cobra.Command{
		Use:   "slurm FILE…",
		Short: "Submit the missing stages to Slurm as array jobs",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, files []string) error {
			if retry != "" && retry != "failed" {
				return usage("--retry %s: the only choice is `failed`", retry)
			}
			if err := o.Check(); err != nil {
				return &usageError{err}
			}
			if dry {
				return a.submitDry(c.Context(), files, o, retry == "failed")
			}
			return a.submit(c.Context(), files, o, retry == "failed", wait)
		},
	}
	f := c.Flags()
	o.Flags(f)
	f.StringVar(&retry, "retry", "", "`failed`: send stages again that failed before")
	f.BoolVar(&wait, "wait", false, "stay until all is there, and send the next stop of a search when one is done")
	f.BoolVar(&dry, "dry-run", false, "print the scripts and the calls of sbatch; write and send nothing")
	submit.AddCommand(c)
	return submit
}

// slurmTool and slurmPause are variables because tests have a Slurm of their own.
var (
	slurmTool  slurm.Tool = slurm.Run
	slurmPause time.Duration
)

// cluster is Slurm with the places of this command.
func (a *app) cluster() *slurm.Cluster {
	return &slurm.Cluster{Tool: slurmTool, Places: a.places(), Name: "prabench " + strings.Join(a.args, " "),
		Note: func(text string) { fmt.Fprintln(a.stderr, text) }}
}

func (a *app) submit(ctx context.Context, files []string, o slurm.Options, retry, wait bool) error {
	r := engine.Run{Retry: retry, Command: workerCommand, Name: "prabench submit slurm " + strings.Join(files, " "), Out: a.stderr,
		Terminal: isTerminal(a.stderr)}
	return a.cluster().Follow(ctx, slurm.Following{Load: func() ([]engine.Loaded, error) { return a.load(files) }, Run: r, Options: o,
		Wait: wait, Pause: slurmPause, Report: func(receipt *slurm.Receipt, err error) error { return a.submitted(files, receipt, err) }})
}

// submitted says what became of a submission.
func (a *app) submitted(files []string, receipt *slurm.Receipt, err error) error {
	if receipt == nil {
		return err
	}
	d, p := receipt.Draft, receipt.Plan
	if d.Stages() == 0 {
		fmt.Fprintf(a.stderr, "nothing to send: %d stages are done, %d are with Slurm, %d failed and %d wait for them\n",
			p.Count(engine.Done), d.Waiting, p.Count(engine.Failed), p.Count(engine.Blocked))
		return nil
	}
	if e := a.sent(receipt); e != nil || err != nil {
		return cmp.Or(e, err)
	}
	fmt.Fprintf(a.stderr, "%d stages sent as %s; %d are done, %d were with Slurm before; to follow them: %s\n",
		d.Stages(), d.Dir(), p.Count(engine.Done), d.Waiting, a.about("status", files))
	return nil
}

// sent prints what sbatch took.
func (a *app) sent(r *slurm.Receipt) error {
	if a.json {
		return a.printJSON(struct {
			ID     string       `json:"id"`
			Hash   string       `json:"hash"`
			Folder string       `json:"folder"`
			Sent   []slurm.Sent `json:"sent"`
		}{r.Draft.ID, r.Draft.Hash, r.Draft.Dir(), r.Sent})
	}
	t := table.Table{Columns: []string{"array", "stages", "job"}}
	for _, s := range r.Sent {
		t.Rows = append(t.Rows, []any{s.Array, int64(s.Tasks), s.Job})
	}
	return table.WriteText(a.stdout, t)
}

// submitDry prints what would be sent.
func (a *app) submitDry(ctx context.Context, files []string, o slurm.Options, retry bool) error {
	ls, err := a.load(files)
	if err != nil {
		return err
	}
	d, notes, err := a.cluster().Foresee(ctx, retry, o, ls...)
	if err != nil {
		return err
	}
	for _, s := range d.Scripts {
		fmt.Fprintf(a.stdout, "==> %s <==\n%s\n", s.File, s.Text)
	}
	for _, c := range d.Commands() {
		fmt.Fprintln(a.stdout, c)
	}
	for _, n := range notes {
		fmt.Fprintln(a.stderr, "note: "+n)
	}
	return nil
}

// fromCluster takes in what nodes have left, see [slurm.Cluster.TakeIn].
func (a *app) fromCluster(ctx context.Context) *slurm.View { return a.cluster().TakeIn(ctx) }

// recall fills in what Slurm does about cells, see [slurm.Cluster.Recall].
func (a *app) recall(ctx context.Context, view *slurm.View, p *engine.Plan, cells []engine.CellStatus) (note string) {
	return a.cluster().Recall(ctx, view, p, cells)
}

// withSlurm refuses a run of stages that are in the queue: they would be done
// twice.
func (a *app) withSlurm(ctx context.Context, ls []engine.Loaded, files []string) error {
	n, jobs, err := a.cluster().InQueue(ctx, exps(ls)...)
	if err != nil || n == 0 {
		return err
	}
	return usage("%d stages are with Slurm: %s tells how far they are; to do them here, first take them back with `scancel %s`", n,
		a.about("status", files), strings.Join(jobs, " "))
}
