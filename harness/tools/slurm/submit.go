package slurm

import (
	"context"
	"fmt"
	"os"

	"prabench/harness/engine"
	"prabench/harness/work"
)

// Cluster is Slurm as somebody with a database and artifacts uses it.
type Cluster struct {
	Tool   Tool
	Places engine.Places
	Name   string            // of the command, for who holds the database
	Note   func(text string) // gets what the user should know
}

// Receipt is what became of a submission.
type Receipt struct {
	Draft *Draft
	Sent  []Sent
	Plan  *engine.Plan
}

// Submit sends what is still to do of experiments. r says how the plan is
// prepared, in the places of the cluster. Where sbatch fails halfway the receipt
// has what was sent, which stays; the same again sends the rest.
func (c *Cluster) Submit(ctx context.Context, r engine.Run, o Options, es ...*engine.Experiment) (*Receipt, error) {
	if err := engine.CheckMachine(r.Command, es...); err != nil {
		return nil, &engine.Mistake{Err: err}
	}
	if _, err := c.Tool(ctx, "sbatch", "--version"); err != nil {
		return nil, engine.Mistakef("Slurm does not answer here; nothing was sent: submit on a machine of the cluster, or use `prabench run`: %w",
			err)
	}
	// Not without an answer: what waits in the queue would be sent twice.
	before, err := Look(ctx, c.Tool, c.Places)
	if err != nil {
		return nil, &engine.Failure{Err: err}
	}
	r.Places = c.Places
	p, release, err := r.Prepare(ctx, es...)
	if err != nil {
		return nil, err
	}
	defer release()
	view, err := Look(ctx, c.Tool, c.Places) // nobody else sends from now on
	if err != nil {
		return nil, &engine.Failure{Err: err}
	}
	view.Remember(before)
	d, err := c.draft(ctx, p, view, o)
	if err != nil {
		return nil, err
	}
	receipt := &Receipt{Draft: d, Plan: p}
	if d.Stages() == 0 {
		return receipt, nil
	}
	if err := d.Write(); err != nil {
		return nil, &engine.Failure{Err: err}
	}
	if receipt.Sent, err = d.Send(ctx, c.Tool); err != nil {
		err = &engine.Failure{Err: fmt.Errorf("%w; what was sent stays, the same command sends the rest", err)}
	}
	return receipt, err
}

// Foresee is the draft of what would be sent, as far as it can be known without
// taking in results; nothing is written.
func (c *Cluster) Foresee(ctx context.Context, retry bool, o Options, ls ...engine.Loaded) (*Draft, []string, error) {
	es := exps(ls)
	if _, err := c.next(ctx, &engine.Run{Retry: retry}, false, ls); err != nil {
		return nil, nil, err
	}
	p, notes, err := engine.Inspect(ctx, c.Places, retry, es...)
	if err != nil {
		return nil, nil, err
	}
	var view *View
	if Any(c.Places.Artifacts) {
		if view, err = Look(ctx, c.Tool, c.Places); err != nil {
			notes = append(notes, "what is in the queue is not known: "+err.Error())
		}
	}
	d, err := c.draft(ctx, p, view, o)
	return d, notes, err
}

func (c *Cluster) draft(ctx context.Context, p *engine.Plan, view *View, o Options) (*Draft, error) {
	executable, err := os.Executable()
	if err != nil {
		return nil, err
	}
	d, err := NewDraft(ctx, c.Tool, p, view, c.Places, executable, o)
	if err != nil {
		return nil, &engine.Mistake{Err: err}
	}
	for _, s := range d.Arrays {
		if s.Kind == work.Timing.Name && !o.Pinned() {
			c.Note("note: timings may land on unlike nodes, whose speeds are never averaged or drawn together; --timing-constraint or " +
				"--timing-partition pins them to one type")
			break
		}
	}
	return d, nil
}

// TakeIn takes in what nodes have left, if anything was ever submitted, and says
// what Slurm knows of the rest; nil when nothing was or nothing is known. What
// cannot be taken in or asked is noted and stops nothing. Slurm is asked first:
// of what has ended by then, the results are there to be taken in.
func (c *Cluster) TakeIn(ctx context.Context) *View {
	if !Any(c.Places.Artifacts) {
		return nil
	}
	view, err := Look(ctx, c.Tool, c.Places)
	_, notes, failed := engine.TakeIn(ctx, c.Places, c.Name)
	for _, n := range notes {
		c.Note(n)
	}
	if failed != nil {
		c.Note("warning: results of nodes could not be taken in: " + failed.Error())
	}
	if err != nil {
		c.Note("warning: what Slurm does is not known: " + err.Error())
		return nil
	}
	return view
}

// Recall fills in what Slurm does about cells, and asks its accounting about
// tasks that have left the queue without a result. The note says why that is
// not known.
func (c *Cluster) Recall(ctx context.Context, view *View, p *engine.Plan, cells []engine.CellStatus) (note string) {
	var gone []string
	for _, it := range p.Items {
		if it.State == engine.ToDo {
			gone = append(gone, it.Key)
		}
	}
	view.Recall(ctx, c.Tool, gone)
	view.Apply(p, cells)
	return view.Note
}

// InQueue counts the stages of experiments that are in the queue, with their
// jobs: to do them here as well would do them twice.
func (c *Cluster) InQueue(ctx context.Context, es ...*engine.Experiment) (stages int, jobs []string, err error) {
	view := c.TakeIn(ctx)
	if view == nil {
		return 0, nil, nil
	}
	p, _, err := engine.Inspect(ctx, c.Places, false, es...)
	if err != nil {
		return 0, nil, err
	}
	stages, jobs = view.Waiting(p)
	return stages, jobs, nil
}
