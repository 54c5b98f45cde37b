package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"prabench/harness/machine"
	"prabench/harness/progress"
	"prabench/harness/schedule"
	"prabench/harness/worker"
	"prabench/results"
	"prabench/results/record"
)

// launcher does the scheduler's tasks in worker processes and has what they
// leave stored.
type launcher struct {
	places      Places
	plan        *Plan
	db          *results.DB // nil: nothing is stored, another process takes the results in
	runner      worker.Runner
	environment record.Environment
	meter       *progress.Meter
	jobs        int
	silence     silence
	disturbed   disturbed
	devices     *devices
	cores       int    // that this process may use; 0 = all
	marks       string // folder of the marks of what runs
	order       string // of the rounds of timings, where it is not that of a run

	mu   sync.Mutex
	fail error // the harness itself cannot go on
	stop context.CancelFunc
}

func orCores(n int) int {
	if n > 0 {
		return n
	}
	return machine.Processors()
}

func (l *launcher) job(it *Item, round int) worker.Job {
	s := it.Full()
	s.Beside = l.jobs
	j := worker.Job{
		Attempt: record.NewAttemptID(), Stage: it.Key, Kind: it.Kind.Name, Cell: it.Cell, Label: it.Label, Round: round,
		Inputs: it.By(), Device: s.Measure.Device, Threads: it.Kind.ThreadsOf(&s),
		Artifacts: l.places.Artifacts, Spool: l.places.Spool(), Timeout: s.Measure.TimeoutOf(it.Kind), Environment: l.environment,
		After: it.after,
	}
	if j.MemoryLimit = s.Measure.MemoryLimit; j.MemoryLimit == 0 {
		j.MemoryLimit = machine.Usable()
	}
	switch {
	case !it.Kind.OnDevice:
		j.Device, j.Threads = "cpu", max(1, orCores(l.cores)/l.jobs) // embedders run here, at any number of threads
	case it.Kind.Measured():
		s.Measure.Threads = j.Threads
	}
	j.Settings, _ = json.Marshal(s) // plain fields only
	return j
}

// Launch makes one attempt at an ordinary stage.
func (l *launcher) Launch(ctx context.Context, t schedule.Task) schedule.Outcome {
	if ctx.Err() != nil {
		return stoppedBefore
	}
	it := l.plan.Item(t.ID)
	a, err := l.attempt(ctx, it, l.job(it, 0))
	if err == nil {
		err = l.ingest(ctx)
	}
	if err == nil {
		l.warn(it, a)
	}
	return l.outcome(it, a, err)
}

// dated makes an attempt the latest of its stage, see [worker.Job.Dated].
func (it *Item) dated(a record.Attempt) record.Attempt { return worker.Job{After: it.after}.Dated(a) }

var stoppedBefore = schedule.Outcome{State: schedule.Interrupted, Reason: "the run was stopped"}

// attempt runs a worker and shows what it is doing.
func (l *launcher) attempt(ctx context.Context, it *Item, job worker.Job) (record.Attempt, error) {
	if err := worker.NoRoom(l.places.Artifacts); err != nil { // before hours of work that nothing could keep
		return record.Attempt{}, err
	}
	seats, release, err := l.devices.take(ctx, job.Device, it.ranks())
	if err != nil {
		return record.Attempt{}, err
	}
	defer release()
	if err := l.devices.unchanged(seats[0].Device); err != nil {
		return record.Attempt{}, err
	}
	if job.Device = seats[0].Device; len(seats) > 1 {
		job.Team = seats
	}
	mark := l.mark(job)
	defer mark.remove()
	runner := l.runner
	runner.Env = append(slices.Clip(runner.Env), seats[0].Env...)
	runner.Kept = func(worker.Job) (record.Attempt, bool) {
		a, err := storedAttempt(l.places.Store(), it)
		return a, err == nil
	}
	runner.Began = func(_ worker.Job, p machine.Process) { mark.began(p) }
	return runner.Run(ctx, job, func(p worker.Progress) {
		l.meter.Update(it.Key, p.Done, p.Total, p.What, p.Note)
		mark.update(p)
	})
}

// Blocked records that a stage cannot be tried, once for the same reason. It is
// taken in with what comes next: thousands may wait for one that failed.
func (l *launcher) Blocked(t schedule.Task, reason string) {
	l.block(l.plan.Item(t.ID), reason)
}

func (l *launcher) block(it *Item, reason string) {
	if it.Outcome == record.Blocked && it.Reason == reason {
		return
	}
	now := time.Now()
	a := record.Attempt{
		ID: record.NewAttemptID(), Stage: it.Key, Kind: it.Kind.Name, Cell: it.Cell, Outcome: record.Blocked, Reason: reason,
		Device: it.Settings.Measure.Device, Environment: l.environment, Started: now, Finished: now,
	}
	_, err := record.WriteSpool(l.places.Spool(), it.dated(a))
	l.outcome(it, a, err)
}

// ingest takes in what lies in the spool folder. Files put into quarantine are
// told; they stop nothing.
func (l *launcher) ingest(ctx context.Context) error {
	if l.db == nil {
		return nil
	}
	_, err := l.db.IngestDir(context.WithoutCancel(ctx), l.places.Spool())
	var aside *results.QuarantineError
	if errors.As(err, &aside) {
		l.meter.Say("warning: %v", err)
		return nil
	}
	return err
}

// outcome translates an attempt; an error is the harness's own and ends the run,
// and so does a full disk.
func (l *launcher) outcome(it *Item, a record.Attempt, err error) schedule.Outcome {
	switch {
	case err == nil && worker.EndedByFullDisk(a):
		err = &worker.FullDisk{Doing: it.Kind.Name + " of " + it.Label, Why: a.Reason, Dir: l.places.Artifacts}
	case worker.IsFull(err) && !errors.Is(err, results.ErrFull): // which says it for the database
		err = &worker.FullDisk{Doing: it.Kind.Name + " of " + it.Label, Why: err.Error(), Dir: l.places.Artifacts}
	}
	if err == nil && worker.ChangedLibrary(a) {
		err = errors.New(a.Reason)
	}
	if err == nil {
		o := schedule.Outcome{State: schedule.State(a.Outcome), Reason: a.Reason}
		if a.Outcome == record.Crash || a.Outcome == record.OutOfMemory {
			o.Said = worker.LastLines(a, 5)
		}
		return o
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail == nil {
		l.fail = err
	}
	l.stop()
	return schedule.Outcome{State: schedule.Interrupted, Reason: err.Error()}
}

// Started tells the meter.
func (l *launcher) Started(t schedule.Task, round int, _ time.Time) { l.meter.Start(t.ID, round) }

// Ended tells the meter.
func (l *launcher) Ended(t schedule.Task, round int, o schedule.Outcome, _ time.Time) {
	switch {
	case o.State == schedule.OK && round > 0:
		l.meter.Round(t.ID)
		if text := l.disturbed.add(round, t.Label, o.Disturbed); text != "" {
			l.meter.Say("%s", text)
		}
	case o.State == schedule.OK:
		l.meter.End(t.ID, "")
	default:
		text := fmt.Sprintf("%s: %s", o.State, o.Reason)
		if o.Said != "" {
			text += "\n    " + strings.ReplaceAll(o.Said, "\n", "\n    ")
		}
		l.meter.End(t.ID, text)
	}
}
