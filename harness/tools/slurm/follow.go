package slurm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"prabench/harness/engine"
)

// Following sends experiment files to a cluster. Of a file with a [search] it sends the
// stop that is next, after the decisions that results allow. The same again goes on.
type Following struct {
	Load    func() ([]engine.Loaded, error)
	Run     engine.Run // how plans are prepared
	Options Options
	Wait    bool          // for what was sent, and then send what is next, to the end
	Pause   time.Duration // between two looks at the queue; 0 is five seconds
	// Report gets what became of each submission, and gives the error that ends it.
	Report func(*Receipt, error) error
}

// errNothingCame means that what was sent left the queue without a result.
var errNothingCame = errors.New("what was sent has left the queue, and nothing came of it: `prabench status` names the tasks " +
	"and their logs; the same command sends it again")

// Follow sends what is missing, once or to the end.
func (c *Cluster) Follow(ctx context.Context, f Following) error {
	var before []string // what was to do when the last submission was made
	for {
		ls, err := f.Load()
		if err != nil {
			return err
		}
		searching, err := c.next(ctx, &f.Run, true, ls)
		if err != nil {
			return err
		}
		receipt, err := c.Submit(ctx, f.Run, f.Options, exps(ls)...)
		if err = f.Report(receipt, err); err != nil || !f.Wait {
			return err
		}
		left := toDo(receipt.Plan)
		if len(left) == 0 && !searching {
			return nil
		}
		if receipt.Draft.Stages() > 0 && slices.Equal(left, before) {
			return &engine.Failure{Err: errNothingCame}
		}
		before = left
		if err := c.await(ctx, f, ls); err != nil {
			return err
		}
	}
}

func toDo(p *engine.Plan) (keys []string) {
	for _, it := range p.Items {
		if !it.Skip && it.State == engine.ToDo {
			keys = append(keys, it.Key)
		}
	}
	return keys
}

// next lets searches decide and notes where they are; it says whether one has not ended.
func (c *Cluster) next(ctx context.Context, r *engine.Run, keep bool, ls []engine.Loaded) (searching bool, err error) {
	for _, l := range ls {
		if !l.Searches() {
			continue
		}
		if keep {
			c.TakeIn(ctx)
		}
		run := *r
		run.Places = c.Places
		if run.Out == nil {
			run.Out = notes{c}
		}
		at, err := run.NextStop(ctx, l, keep)
		if err != nil {
			return false, err
		}
		if at != "" {
			searching = true
			c.Note(fmt.Sprintf("%s: %s", l.Exp.Name, at))
		}
	}
	return searching, nil
}

// notes writes lines as notes.
type notes struct{ c *Cluster }

func (n notes) Write(text []byte) (int, error) {
	n.c.Note(strings.TrimSuffix(string(text), "\n"))
	return len(text), nil
}

// await waits until nothing of the files is in the queue.
func (c *Cluster) await(ctx context.Context, f Following, ls []engine.Loaded) error {
	pause := f.Pause
	if pause == 0 {
		pause = 5 * time.Second
	}
	for {
		n, _, err := c.InQueue(ctx, exps(ls)...)
		if err != nil || n == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			c.Note(fmt.Sprintf("stopped; %d stages stay with Slurm, and the same command goes on", n))
			return context.Cause(ctx)
		case <-time.After(pause):
		}
	}
}

func exps(ls []engine.Loaded) []*engine.Experiment {
	out := make([]*engine.Experiment, len(ls))
	for i, l := range ls {
		out[i] = l.Exp
	}
	return out
}
