package slurm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"syscall"
	"time"

	"prabench/harness/engine"
	"prabench/harness/schedule"
	"prabench/harness/stage"
)

// NodeTask is what runs on a node: one task of an array.
type NodeTask struct {
	Plan, Hash string // the frozen plan
	Array      string
	Index      int
	Command    func(device string) ([]string, error)
	Out        io.Writer
	Slurm      Tool
	Getenv     func(string) string

	// RequeueStatus is the exit code by which the script is asked to put the task
	// back into the queue; with 0 the program does so itself.
	RequeueStatus int
	Exit          func(code int)
}

// How long the ends of a task may take: saving after a signal, within Slurm's
// notice; and seeing what another node has just made, as long as NFS clients
// keep what they know of a folder.
const (
	grace       = (notice - 20) * time.Second
	visibleSoon = 90 * time.Second
)

// timingOrder tells timings of a cluster from those of one machine, whose
// rounds visit every cell in turn.
const timingOrder = "cell by cell"

// Do does the task's stage and says whether it is done. A warning that the time
// limit is near (SIGUSR2) makes a training save and the task go back into the
// queue; any other end (SIGTERM) only makes it save.
func (n NodeTask) Do(ctx context.Context) (done bool, err error) {
	s, err := Load(n.Plan, n.Hash)
	if err != nil {
		return false, err
	}
	a, ok := s.Array(n.Array)
	if !ok {
		return false, fmt.Errorf("the plan has no array %q", n.Array)
	}
	tasks := a.Packed(n.Index)
	if len(tasks) == 0 {
		return false, fmt.Errorf("array %s of the plan has no task %d", n.Array, n.Index)
	}
	var items []*engine.Item
	for _, t := range tasks {
		if stage.Named(t.Kind) == nil {
			return false, fmt.Errorf("this program knows no stages of kind %q: submit again", t.Kind)
		}
		fmt.Fprintf(n.Out, "%s of %s, array %s, task %d%s\n", t.Kind, t.Label, n.Array, n.Index, n.where())
		items = append(items, t.item())
	}

	ctx, stop := context.WithCancel(ctx)
	defer stop()
	signals := make(chan os.Signal, 1)
	requeue := make(chan bool, 1)
	signal.Notify(signals, syscall.SIGUSR2, syscall.SIGTERM, syscall.SIGINT)
	go func() { // for as long as the process lives: a second signal must not end it while it saves
		for first := true; ; first = false {
			sig := <-signals
			if !first {
				continue
			}
			fmt.Fprintf(n.Out, "%v at %s: stopping\n", sig, time.Now().Format("15:04:05"))
			requeue <- sig == syscall.SIGUSR2
			stop()
		}
	}()

	d := engine.Detached{
		Places: engine.Places{Artifacts: s.Artifacts}, Command: n.Command, Cores: n.cores(), Jobs: len(items),
		Grace: grace, Wait: visibleSoon, Order: timingOrder, Out: n.Out,
	}
	finished, err := n.doAll(ctx, d, items)
	if err == nil && finished == len(items) {
		return true, nil
	}
	select {
	case again := <-requeue:
		if again && finished < len(items) && !isFailure(err) {
			return false, n.requeue()
		}
	default:
	}
	if finished > 0 && !isFailure(err) {
		// What corresponds to the others goes on: a task that lacks its input says so itself.
		fmt.Fprintf(n.Out, "%d of %d stages are done; of the others: %v\n", finished, len(items), err)
		return true, nil
	}
	return false, err
}

// isFailure tells a disk or a program that failed from stages that did.
func isFailure(err error) bool {
	_, failed := errors.AsType[*engine.Failure](err)
	return failed
}

// doAll does stages side by side, and those that have their inputs where others of
// the same task lack theirs. The error says what became of those that are not done.
func (n NodeTask) doAll(ctx context.Context, d engine.Detached, items []*engine.Item) (finished int, err error) {
	var errs []error
	for len(items) > 0 {
		report, err := d.Do(ctx, items...)
		missing, lacks := errors.AsType[*engine.MissingInput](err)
		if !lacks {
			for _, it := range items {
				if o := report.Outcomes[it.Key]; o.State == schedule.OK {
					finished++
				} else if err == nil {
					errs = append(errs, fmt.Errorf("%s of %s ended with %s: %s", it.Kind, it.Label, o.State, o.Reason))
				}
			}
			return finished, errors.Join(append(errs, err)...)
		}
		errs = append(errs, err)
		items = slices.DeleteFunc(items, func(it *engine.Item) bool { return it == missing.Item })
		d.Wait = 0 // it was waited once
	}
	return finished, errors.Join(errs...)
}

// requeue puts this task back into the queue, where it keeps its number and
// those that depend on it go on waiting.
func (n NodeTask) requeue() error {
	job := n.Getenv("SLURM_JOB_ID")
	if job == "" {
		return errors.New("stopped before its end, outside of Slurm: nothing starts it again")
	}
	if n.RequeueStatus != 0 {
		fmt.Fprintln(n.Out, "the script is to put it back into the queue")
		n.Exit(n.RequeueStatus)
		return nil
	}
	if _, err := n.Slurm(context.Background(), "scontrol", "requeue", job); err != nil {
		return fmt.Errorf("stopped before its end, and it could not be put back into the queue: %w; submit again", err)
	}
	fmt.Fprintln(n.Out, "put back into the queue")
	return nil
}

// cores is what Slurm gave this task.
func (n NodeTask) cores() int {
	for _, name := range []string{"SLURM_CPUS_PER_TASK", "SLURM_CPUS_ON_NODE"} {
		if c, err := strconv.Atoi(n.Getenv(name)); err == nil && c > 0 {
			return c
		}
	}
	return 0
}

func (n NodeTask) where() string {
	text := ""
	if job := n.Getenv("SLURM_ARRAY_JOB_ID"); job != "" {
		text += fmt.Sprintf(" of job %s on %s", job, n.Getenv("SLURMD_NODENAME"))
	}
	if again := n.Getenv("SLURM_RESTART_COUNT"); again != "" && again != "0" {
		text += ", started again, time " + again
	}
	return text
}
