package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"sync"
	"time"

	"prabench/harness/artifact"
	"prabench/harness/measure"
	"prabench/harness/progress"
	"prabench/harness/schedule"
	"prabench/harness/stage"
	"prabench/harness/work"
	"prabench/harness/worker"
	"prabench/results"
)

// launcher does the scheduler's tasks in worker processes and has what they
// leave stored.
type launcher struct {
	places      Places
	plan        *Plan
	db          *results.DB
	runner      worker.Runner
	environment results.Environment
	meter       *progress.Meter
	jobs        int

	mu   sync.Mutex
	fail error // the harness itself cannot go on
	stop context.CancelFunc
}

// threadsOf is the number of threads of a timing.
func threadsOf(s stage.Settings) int {
	if s.Measure.Threads > 0 {
		return s.Measure.Threads
	}
	return runtime.NumCPU()
}

func (l *launcher) job(it *Item, round int) worker.Job {
	s := it.Settings
	s.Beside = l.jobs
	j := worker.Job{
		Attempt: results.NewAttemptID(), Stage: it.Key, Kind: it.Kind, Cell: it.Cell, Label: it.Label, Round: round,
		Inputs: it.By, Device: s.Measure.Device, Threads: s.Train.Threads,
		Artifacts: l.places.Artifacts, Spool: l.places.Spool(), Timeout: s.Measure.Timeout, Environment: l.environment,
	}
	switch it.Kind {
	case results.Reference, results.Score:
		j.Device, j.Threads = "cpu", max(1, runtime.NumCPU()/l.jobs) // embedders run here, at any number of threads
	case results.Time:
		j.Threads = threadsOf(s)
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
	return l.outcome(a, err)
}

var stoppedBefore = schedule.Outcome{State: schedule.Interrupted, Reason: "the run was stopped"}

// attempt runs a worker and shows what it is doing.
func (l *launcher) attempt(ctx context.Context, it *Item, job worker.Job) (results.Attempt, error) {
	mark := l.mark(job)
	defer mark.remove()
	return l.runner.Run(ctx, job, func(p worker.Progress) {
		l.meter.Update(it.Key, p.Done, p.Total, p.What, p.Note)
		mark.update(p)
	})
}

// Round measures one round; its raw numbers wait in the rounds folder until
// all rounds of the stage are there. A round that fails is the stage's attempt.
func (l *launcher) Round(ctx context.Context, t schedule.Task, round int) schedule.Outcome {
	if ctx.Err() != nil {
		return stoppedBefore
	}
	it := l.plan.Item(t.ID)
	job := l.job(it, round)
	job.Spool = l.places.rounds(it.Key)
	a, err := l.attempt(ctx, it, job)
	if err == nil && a.Outcome != results.OK {
		os.Remove(filepath.Join(job.Spool, a.ID+".json"))
		if _, err = results.WriteSpool(l.places.Spool(), a); err == nil {
			err = l.ingest(ctx)
		}
	}
	return l.outcome(a, err)
}

// Summarise makes the timing's result from all its rounds.
func (l *launcher) Summarise(ctx context.Context, t schedule.Task) schedule.Outcome {
	it := l.plan.Item(t.ID)
	rounds := keptRounds(l.places, it, l.environment)
	if len(rounds) < it.Settings.Measure.Rounds {
		return l.outcome(results.Attempt{}, fmt.Errorf("%d of %d rounds of the timing of %s can be read", len(rounds), it.Settings.Measure.Rounds, it.Label))
	}
	a := results.Attempt{
		ID: results.NewAttemptID(), Stage: it.Key, Kind: it.Kind, Cell: it.Cell, Outcome: results.OK,
		Device: it.Settings.Measure.Device, Environment: l.environment,
		Protocol: rounds[0].Protocol, Started: rounds[0].Started, Finished: rounds[len(rounds)-1].Finished,
	}
	for _, r := range rounds {
		a.Samples = append(a.Samples, r.Samples...)
	}
	a.Values = measure.Summarise(a.Samples)
	err := l.keepTiming(it, a)
	if err == nil {
		_, err = results.WriteSpool(l.places.Spool(), a)
	}
	if err == nil {
		err = l.ingest(ctx)
	}
	if err == nil {
		err = os.RemoveAll(l.places.rounds(it.Key))
	}
	return l.outcome(a, err)
}

// keepTiming leaves the attempt in the store, as workers do for their stages.
func (l *launcher) keepTiming(it *Item, a results.Attempt) error {
	d, err := l.places.Store().Begin(artifact.Ref{Kind: it.Kind, Key: it.Key})
	if err != nil {
		return err
	}
	defer d.Discard()
	raw, err := json.MarshalIndent(a, "", " ")
	if err != nil {
		return err
	}
	if err := d.Write(work.AttemptFile, raw); err != nil {
		return err
	}
	_, err = d.Commit()
	return err
}

// keptRounds are the rounds of a timing that were measured on this machine
// with this program, one for each number, in their order.
func keptRounds(p Places, it *Item, env results.Environment) []results.Attempt {
	files, _ := filepath.Glob(filepath.Join(p.rounds(it.Key), "*.json"))
	by := map[int]results.Attempt{}
	for _, f := range files {
		a, err := results.ReadSpool(f)
		if err != nil || a.Stage != it.Key || a.Outcome != results.OK || len(a.Samples) == 0 || a.Environment.Hash() != env.Hash() {
			continue
		}
		by[a.Samples[0].Round] = a
	}
	var out []results.Attempt
	for _, a := range by {
		out = append(out, a)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Samples[0].Round < out[j].Samples[0].Round })
	return out
}

// Blocked records that a stage cannot be tried, once for the same reason.
func (l *launcher) Blocked(t schedule.Task, reason string) {
	l.block(l.plan.Item(t.ID), reason)
}

func (l *launcher) block(it *Item, reason string) {
	if it.Outcome == results.Blocked && it.Reason == reason {
		return
	}
	now := time.Now()
	a := results.Attempt{
		ID: results.NewAttemptID(), Stage: it.Key, Kind: it.Kind, Cell: it.Cell, Outcome: results.Blocked, Reason: reason,
		Device: it.Settings.Measure.Device, Environment: l.environment, Started: now, Finished: now,
	}
	_, err := results.WriteSpool(l.places.Spool(), a)
	if err == nil {
		err = l.ingest(context.Background())
	}
	l.outcome(a, err)
}

// ingest takes in what lies in the spool folder. Files put into quarantine are
// told; they stop nothing.
func (l *launcher) ingest(ctx context.Context) error {
	_, err := l.db.IngestDir(context.WithoutCancel(ctx), l.places.Spool())
	var aside *results.QuarantineError
	if errors.As(err, &aside) {
		l.meter.Say("warning: %v", err)
		return nil
	}
	return err
}

// outcome translates an attempt; an error is the harness's own and ends the run.
func (l *launcher) outcome(a results.Attempt, err error) schedule.Outcome {
	if err == nil {
		return schedule.Outcome{State: schedule.State(a.Outcome), Reason: a.Reason}
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
	case o.State == schedule.OK:
		l.meter.End(t.ID, "")
	default:
		l.meter.End(t.ID, fmt.Sprintf("%s: %s", o.State, o.Reason))
	}
}

// Running is a mark that a run leaves while a worker is at a stage.
type Running struct {
	Attempt, Stage, Kind, Label string
	Round                       int
	PID                         int // of the run
	Started, Seen               time.Time
	Progress                    worker.Progress
}

type mark struct {
	path string
	r    Running
}

func (l *launcher) mark(j worker.Job) *mark {
	m := &mark{filepath.Join(l.places.running(), j.Attempt+".json"),
		Running{Attempt: j.Attempt, Stage: j.Stage, Kind: j.Kind, Label: j.Label, Round: j.Round, PID: os.Getpid(), Started: time.Now()}}
	m.write()
	return m
}

// update writes the mark anew for other work and at most once a second for the
// same: others only look at it.
func (m *mark) update(p worker.Progress) {
	other := p.What != m.r.Progress.What
	m.r.Progress = p
	if other || time.Since(m.r.Seen) > time.Second {
		m.write()
	}
}

func (m *mark) write() {
	m.r.Seen = time.Now()
	raw, _ := json.Marshal(m.r)
	if os.WriteFile(m.path+".part", raw, 0o644) == nil {
		os.Rename(m.path+".part", m.path)
	}
}

func (m *mark) remove() { os.Remove(m.path) }

// RunningNow are the stages that a living run is at.
func RunningNow(p Places) []Running {
	entries, err := os.ReadDir(p.running())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var out []Running
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".json") {
			continue
		}
		var r Running
		if raw, err := os.ReadFile(filepath.Join(p.running(), e.Name())); err == nil && json.Unmarshal(raw, &r) == nil {
			out = append(out, r)
		}
	}
	return out
}
