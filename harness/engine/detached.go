package engine

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"prabench/harness/artifact"
	"prabench/harness/machine"
	"prabench/harness/progress"
	"prabench/harness/schedule"
	"prabench/harness/worker"
)

// Detached does stages of a frozen plan where there is no database: on a node
// of a cluster. Results are left in the spool folder and the artifact store,
// which that machine shares with the one that takes them in; any number of
// processes may do so at once.
type Detached struct {
	Places  Places // DB is not used
	Command func(device string) ([]string, error)
	Cores   int           // that this process may use; 0 = all
	Jobs    int           // stages side by side, as far as cores and memory allow; 0 = one
	Grace   time.Duration // for workers to save when stopped
	Wait    time.Duration // for inputs that another machine has just made to be seen here
	Order   string        // how rounds of timings are ordered, for their protocol
	Out     io.Writer     // progress
}

// Do does the stages of which there is no artifact yet, with the retries and
// rounds of a run, and tells the state of each. Stages come after their inputs;
// inputs that are not among them must be in the store. The error is one of the
// disk or the program; what becomes of stages is in the report.
func (d Detached) Do(ctx context.Context, items ...*Item) (schedule.Report, error) {
	if err := d.Places.share(); err != nil {
		return schedule.Report{}, &Failure{err}
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	meter := progress.New(d.Out, false, time.Now)
	defer meter.Close()
	p := &Plan{Items: items, byKey: map[string]*Item{}}
	l := &launcher{
		places: d.Places, plan: p, environment: machine.Environment(0), meter: meter, devices: &devices{command: d.Command},
		jobs:  max(1, d.Jobs),
		cores: d.Cores, order: d.Order, marks: d.Places.elsewhere(), stop: stop,
		runner: worker.Runner{Command: d.Command, LogDir: d.Places.Logs(), Grace: or(d.Grace, 30*time.Second)},
	}
	store := d.Places.Store()
	kept := schedule.Report{Outcomes: map[string]schedule.Outcome{}}
	for _, it := range items {
		p.byKey[it.Key] = it
		it.Costs = counter{}.of(it.Settings)
		it.State = ToDo
		if _, err := storedAttempt(store, it); err == nil {
			it.State = Done
			kept.Outcomes[it.Key] = schedule.Outcome{State: schedule.OK}
			fmt.Fprintf(d.Out, "%s of %s is done already\n", it.Kind, it.Label)
		}
	}
	if err := d.await(ctx, p); err != nil {
		return kept, err
	}
	p.estimate()
	s := schedule.Scheduler{Jobs: l.jobs, Pause: time.Second, Launcher: l, Clock: schedule.System{}, Observer: l}
	if l.jobs > 1 {
		s.Threads, s.Memory = orCores(d.Cores), machine.Usable()
	}
	report, err := s.Run(ctx, l.tasks())
	if text := l.disturbed.total(); text != "" {
		l.meter.Say("%s", text)
	}
	for key, o := range kept.Outcomes {
		report.Outcomes[key] = o
	}
	if err == nil {
		err = l.fail
	}
	if err == nil {
		return report, nil
	}
	// Another process may have finished the same stages meanwhile and removed
	// what this one was at.
	for _, it := range items {
		if _, missing := storedAttempt(store, it); missing != nil {
			return report, &Failure{err}
		}
		report.Outcomes[it.Key] = schedule.Outcome{State: schedule.OK}
	}
	return report, nil
}

// MissingInput says that a stage cannot be done because what it builds on is
// not in the store.
type MissingInput struct {
	Item  *Item
	Input string // kind of the missing stage
	Err   error
}

func (e *MissingInput) Error() string {
	return fmt.Sprintf("%s of %s builds on its %s, which is not there: %v", e.Item.Kind, e.Item.Label, e.Input, e.Err)
}

func (e *MissingInput) Unwrap() error { return e.Err }

// await waits until the inputs of all stages to do can be seen: a network
// filesystem may show a folder some time after it was made elsewhere.
func (d Detached) await(ctx context.Context, p *Plan) error {
	until := time.Now().Add(d.Wait)
	for {
		err := p.missing(d.Places)
		if err == nil || ctx.Err() != nil || time.Now().After(until) {
			return err
		}
		schedule.System{}.Sleep(ctx, min(5*time.Second, d.Wait/10+time.Millisecond))
	}
}

func (p *Plan) missing(places Places) error {
	store := places.Store()
	for _, it := range p.Items {
		if it.State != ToDo {
			continue
		}
		for kind, key := range it.By() {
			if p.byKey[key] != nil {
				continue
			}
			ref := artifact.Ref{Kind: kind, Key: key}
			_, _ = os.ReadDir(filepath.Dir(store.Dir(ref))) // makes an NFS client ask its server again
			if _, err := store.Stat(ref); err != nil {
				return &MissingInput{it, kind, err}
			}
		}
	}
	return nil
}
