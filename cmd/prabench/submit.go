package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"prabench/harness/engine"
	"prabench/harness/tools/slurm"
	"prabench/harness/work"
	"prabench/results"
)

func (a *app) submitCommand() *cobra.Command {
	submit := &cobra.Command{Use: "submit", Short: "Send what is missing of experiments to the machines of a cluster"}
	submit.RunE = func(*cobra.Command, []string) error {
		return usage("submit needs the name of an engine: prabench submit slurm FILE")
	}
	var o slurm.Options
	var retry string
	var dry bool
	c := &cobra.Command{
		Use:   "slurm FILE…",
		Short: "Send what is missing to Slurm, as array jobs",
		Long: `submit slurm freezes what is still to do of the experiments into a folder of
--artifacts, which all nodes must share, with the program itself, and hands it
to sbatch: an array job for each kind of stage, each stage a task. prabench
status takes in the results that are there and tells what Slurm does about the
rest; submit again sends only what has neither a result nor a place in the
queue. The database stays on this machine. See docs/cluster.md.`,
		Args: cobra.MinimumNArgs(1),
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
			return a.submit(c.Context(), files, o, retry == "failed")
		},
	}
	f := c.Flags()
	f.StringVar(&o.Partition, "partition", "", "partition of the nodes")
	f.StringVar(&o.Account, "account", "", "account that is charged")
	f.StringVar(&o.QOS, "qos", "", "quality of service")
	f.StringVar(&o.Constraint, "constraint", "", "features that nodes must have")
	f.StringVar(&o.Time, "time", "", "time limit of a task, as Slurm writes it; two minutes before it a training saves and goes back into the queue")
	f.StringVar(&o.Mem, "mem", "", "memory of a task, such as 16G")
	f.StringVar(&o.Gres, "gres", "", "devices of a task that uses the models, such as gpu:1")
	f.IntVar(&o.Concurrent, "concurrent", 0, "tasks of an array at once; 0 is as many as there is room for")
	f.StringVar(&o.TimingPartition, "timing-partition", "", "partition of timings; --partition otherwise")
	f.StringVar(&o.TimingConstraint, "timing-constraint", "", "features that pin timings to one type of node; --constraint otherwise")
	f.StringVar(&retry, "retry", "", "`failed`: send stages again that failed before")
	f.BoolVar(&dry, "dry-run", false, "print the scripts and the calls of sbatch; write and send nothing")
	submit.AddCommand(c)
	return submit
}

// slurmTool is a variable because tests have a Slurm of their own.
var slurmTool slurm.Tool = slurm.Run

func (a *app) submit(ctx context.Context, files []string, o slurm.Options, retry bool) error {
	ls, err := a.load(files)
	if err != nil {
		return err
	}
	if err := engine.CheckMachine(workerCommand, exps(ls)...); err != nil {
		return &usageError{err}
	}
	if _, err := slurmTool(ctx, "sbatch", "--version"); err != nil {
		return &usageError{err}
	}
	// Not without an answer: what waits in the queue would be sent twice.
	before, err := slurm.Look(ctx, slurmTool, a.places())
	if err != nil {
		return &engine.Failure{Err: err}
	}
	r := &engine.Run{Places: a.places(), Retry: retry, Command: workerCommand, Name: "prabench submit slurm " + strings.Join(files, " "), Out: a.stderr, Terminal: isTerminal(a.stderr)}
	p, release, err := r.Prepare(ctx, exps(ls)...)
	if err != nil {
		return err
	}
	defer release()
	view, err := slurm.Look(ctx, slurmTool, a.places()) // nobody else sends from now on
	if err != nil {
		return &engine.Failure{Err: err}
	}
	view.Remember(before)
	d, err := a.draft(ctx, p, view, o)
	if err != nil {
		return err
	}
	if d.Stages() == 0 {
		fmt.Fprintf(a.stderr, "nothing to send: %d stages are done, %d are with Slurm, %d failed and %d wait for them\n",
			p.Count(engine.Done), d.Waiting, p.Count(engine.Failed), p.Count(engine.Blocked))
		return nil
	}
	if err := d.Write(); err != nil {
		return &engine.Failure{Err: err}
	}
	sent, err := d.Send(ctx, slurmTool)
	if a.json {
		if e := a.printJSON(struct {
			ID     string       `json:"id"`
			Hash   string       `json:"hash"`
			Folder string       `json:"folder"`
			Sent   []slurm.Sent `json:"sent"`
		}{d.ID, d.Hash, d.Dir(), sent}); e != nil {
			return e
		}
	} else {
		t := results.Table{Columns: []string{"array", "stages", "job"}}
		for _, s := range sent {
			t.Rows = append(t.Rows, []any{s.Array, int64(s.Tasks), s.Job})
		}
		if e := results.WriteText(a.stdout, t); e != nil {
			return e
		}
	}
	if err != nil {
		return &engine.Failure{Err: fmt.Errorf("%w; what was sent stays, the same command sends the rest", err)}
	}
	fmt.Fprintf(a.stderr, "%d stages sent as %s; %d are done, %d were with Slurm before; to follow them: %s\n",
		d.Stages(), d.Dir(), p.Count(engine.Done), d.Waiting, a.about("status", files))
	return nil
}

// submitDry prints what would be sent, as far as it can be known without
// taking in results.
func (a *app) submitDry(ctx context.Context, files []string, o slurm.Options, retry bool) error {
	ls, err := a.load(files)
	if err != nil {
		return err
	}
	p, notes, err := engine.Inspect(ctx, a.places(), retry, exps(ls)...)
	if err != nil {
		return err
	}
	var view *slurm.View
	if slurm.Any(a.artifacts) {
		if view, err = slurm.Look(ctx, slurmTool, a.places()); err != nil {
			notes = append(notes, "what is in the queue is not known: "+err.Error())
		}
	}
	d, err := a.draft(ctx, p, view, o)
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

func (a *app) draft(ctx context.Context, p *engine.Plan, view *slurm.View, o slurm.Options) (*slurm.Draft, error) {
	executable, err := os.Executable()
	if err != nil {
		return nil, err
	}
	d, err := slurm.NewDraft(ctx, slurmTool, p, view, a.places(), executable, o)
	if err != nil {
		return nil, &usageError{err}
	}
	for _, s := range d.Arrays {
		if s.Kind == work.Timing.Name && !o.Pinned() {
			fmt.Fprintln(a.stderr, "note: timings may land on unlike nodes, whose speeds are never averaged or drawn together; --timing-constraint or --timing-partition pins them to one type")
			break
		}
	}
	return d, nil
}

// fromCluster takes in what nodes have left, if anything was ever submitted,
// and says what Slurm knows of the rest; nil when nothing was. What cannot be
// taken in or asked is told and stops nothing. Slurm is asked first: of what has
// ended by then, the results are there to be taken in.
func (a *app) fromCluster(ctx context.Context) *slurm.View {
	if !slurm.Any(a.artifacts) {
		return nil
	}
	view, err := slurm.Look(ctx, slurmTool, a.places())
	_, notes, failed := engine.TakeIn(ctx, a.places(), "prabench "+strings.Join(a.args, " "))
	if failed != nil {
		notes = append(notes, "warning: results of nodes could not be taken in: "+failed.Error())
	}
	if err != nil {
		notes = append(notes, "warning: what Slurm does is not known: "+err.Error())
	}
	for _, n := range notes {
		fmt.Fprintln(a.stderr, n)
	}
	if err != nil {
		return nil
	}
	return view
}

// recall fills in what Slurm does about cells, and asks its accounting about
// tasks that have left the queue without a result. The note says why that is
// not known.
func (a *app) recall(ctx context.Context, view *slurm.View, p *engine.Plan, cells []engine.CellStatus) (note string) {
	var gone []string
	for _, it := range p.Items {
		if it.State == engine.ToDo {
			gone = append(gone, it.Key)
		}
	}
	view.Recall(ctx, slurmTool, gone)
	view.Apply(p, cells)
	return view.Note
}

// withSlurm refuses a run of stages that are in the queue: they would be done
// twice.
func (a *app) withSlurm(ctx context.Context, ls []loaded, files []string) error {
	view := a.fromCluster(ctx)
	if view == nil {
		return nil
	}
	p, _, err := a.inspect(ctx, ls)
	if err != nil {
		return err
	}
	if n, jobs := view.Waiting(p); n > 0 {
		return usage("%d stages are with Slurm: %s tells how far they are; to do them here, first take them back with `scancel %s`", n, a.about("status", files), strings.Join(jobs, " "))
	}
	return nil
}
