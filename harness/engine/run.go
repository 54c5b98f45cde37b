package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"prabench/harness/artifact"
	"prabench/harness/machine"
	"prabench/harness/progress"
	"prabench/harness/schedule"
	"prabench/harness/worker"
	"prabench/results"
	"prabench/results/record"
)

// Run does what is missing of some experiments.
type Run struct {
	Places Places
	Jobs   int      // stages side by side; 0 = as many as cores and memory allow
	Retry  bool     // try stages again that failed before
	Force  []string // cells all of whose stages are done again, by id or label
	// TakeOver lets experiments have the names of other files' experiments.
	TakeOver bool
	Command  func(device string) ([]string, error)
	Name     string // what the lock file says is being done

	Out      io.Writer // progress
	Terminal bool

	SaveEvery time.Duration // between checkpoints of a training; 0 = one minute
	Pause     time.Duration // before another try; 0 = one second
	Grace     time.Duration // for workers to save when stopped; 0 = 30 s
}

// Summary is what became of a run.
type Summary struct {
	Plans   []*Plan // of the files without a [search] together, and the last one of each with one
	Done    int     // stages that this run did
	Kept    int     // stages that were done before
	Failed  int     // stages that failed, now or before
	Blocked int     // stages that wait for a failed one
	Stopped bool    // the run was stopped before its end
	Took    time.Duration
}

// add is what was done before and after.
func (s *Summary) add(after Summary) {
	s.Plans = append(s.Plans, after.Plans...)
	s.Done, s.Kept, s.Failed, s.Blocked = s.Done+after.Done, s.Kept+after.Kept, s.Failed+after.Failed, s.Blocked+after.Blocked
	s.Stopped, s.Took = after.Stopped, s.Took+after.Took
}

// Count is the number of stages in one of the states, of all plans.
func (s *Summary) Count(states ...State) (n int) {
	for _, p := range s.Plans {
		n += p.Count(states...)
	}
	return n
}

// Check refuses what no run could mean, before anything is looked at.
func (r *Run) Check() error {
	if r.Jobs < 0 {
		return Mistakef("--jobs %d: a number of stages side by side, or 0 for as many as cores and memory allow", r.Jobs)
	}
	return nil
}

// Do plans and runs the experiments. Errors about the experiments or their
// data have nothing started; see [Failure] for those of the harness itself.
func (r *Run) Do(ctx context.Context, experiments ...*Experiment) (Summary, error) {
	begin := time.Now()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	l, release, err := r.begin(ctx, stop, begin, true, experiments)
	if err != nil {
		return Summary{}, err
	}
	defer release()
	tasks := l.tasks()
	s := schedule.Scheduler{Jobs: l.jobs, Threads: r.threads(), Memory: machine.Usable(), Pause: or(r.Pause, time.Second), Launcher: l,
		Clock: schedule.System{}, Observer: l}
	report, err := s.Run(ctx, tasks)
	if text := l.disturbed.total(); text != "" {
		l.meter.Say("%s", text)
	}
	if err == nil {
		err = l.fail
	}
	if err == nil {
		err = l.ingest(ctx) // what was blocked last
	}
	sum := l.summary(report)
	sum.Took = time.Since(begin)
	if err != nil {
		return sum, &Failure{err}
	}
	return sum, nil
}

// Prepare does what precedes a run's first task: it claims the places, records
// the plan, takes in what others left and finds out what other machines are to
// do. Until release is called nobody else does so.
func (r *Run) Prepare(ctx context.Context, experiments ...*Experiment) (p *Plan, release func(), err error) {
	ctx, stop := context.WithCancel(ctx)
	l, undo, err := r.begin(ctx, stop, time.Now(), false, experiments)
	if err != nil {
		stop()
		return nil, nil, err
	}
	return l.plan, func() { undo(); stop() }, nil
}

// begin makes the launcher of an identified and prepared plan. here says that its
// stages are for this machine, and must fit into what it allows.
func (r *Run) begin(ctx context.Context, stop context.CancelFunc, since time.Time, here bool, experiments []*Experiment) (l *launcher,
	release func(), err error) {
	var ends []func() // in the order in which they are to be done
	undo := func() {
		for _, end := range ends {
			end()
		}
	}
	defer func() {
		if err != nil {
			undo()
		}
	}()
	unlock, err := r.claim()
	if err != nil {
		return nil, nil, &Failure{err}
	}
	meter := progress.New(r.Out, r.Terminal, time.Now)
	ends = []func(){meter.Close, unlock}
	grace := or(r.Grace, 30*time.Second)
	orphans(ctx, r.Places, grace, meter.Say)
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	r.Places.sweep()

	id := &Identifier{Places: r.Places, Read: true, Say: patient(meter, since)}
	for _, e := range experiments {
		notes, err := id.Identify(ctx, e)
		if err != nil {
			return nil, nil, err
		}
		for _, n := range notes {
			meter.Say("%s", n)
		}
		if err := e.Lacks(); err != nil {
			return nil, nil, err
		}
	}
	db, err := results.Open(r.Places.DB)
	if err != nil {
		return nil, nil, &Failure{err}
	}
	ends = []func(){func() { db.Close() }, meter.Close, unlock}
	for _, e := range experiments {
		if err := e.CheckSource(ctx, db); err != nil && !r.TakeOver {
			return nil, nil, err
		}
	}
	l = &launcher{
		places: r.Places, plan: NewPlan(experiments...), db: db, environment: machine.Environment(0), meter: meter,
		devices: &devices{command: r.Command}, marks: r.Places.running(), stop: stop,
		runner: worker.Runner{Command: r.Command, LogDir: r.Places.Logs(), Grace: grace, Stored: func(id string) (record.Attempt, bool) {
			a, ok, err := db.Attempt(context.WithoutCancel(ctx), id)
			return a, ok && err == nil
		}},
	}
	l.jobs = max(r.jobs(experiments), l.devices.most(experiments))
	if r.Jobs > 0 {
		l.jobs = r.Jobs
	}
	if fit := jobsWithin(machine.LimitsHere().OpenFiles, l.jobs); here && fit < l.jobs {
		meter.Say("warning: the system lets this process open %d files (ulimit -n): %d stages side by side instead of %d",
			machine.LimitsHere().OpenFiles, fit, l.jobs)
		l.jobs = fit
	}
	for _, it := range l.plan.Items {
		it.Settings.SaveEvery = or(r.SaveEvery, time.Minute)
	}
	if err := l.prepare(ctx, experiments, r.Retry, r.Force, here); err != nil {
		if is[*TooLarge](err) || is[*TooLargeFile](err) || is[*UnknownCell](err) || is[*LeftOut](err) || is[*Mistake](err) {
			return nil, nil, fmt.Errorf("%w; nothing was started", err)
		}
		return nil, nil, &Failure{err}
	}
	return l, undo, nil
}

// patient says what is being read only to those who have waited a while.
func patient(m *progress.Meter, since time.Time) func(what string, done, total int64) {
	return func(what string, done, total int64) {
		if time.Since(since) < 3*time.Second {
			return
		}
		since = time.Now()
		if total > 0 {
			what += fmt.Sprintf(" %d/%d", done, total)
		}
		m.Say("%s", what)
	}
}

// claim makes the folders and locks the database and the artifacts: a run that
// shared only the artifacts would take the other's results out of the spool.
func (r *Run) claim() (release func(), err error) {
	if dir := filepath.Dir(r.Places.DB); !isFolder(dir) {
		return nil, fmt.Errorf("%s: there is no folder %s: make it, or choose another place with --db", r.Places.DB, dir)
	}
	if err := r.Places.share(); err != nil {
		return nil, err
	}
	db, err := machine.Acquire(r.Places.LockFile(), r.Name)
	if err != nil {
		return nil, fmt.Errorf("%w, or use another database with --db", err)
	}
	artifacts, err := machine.Acquire(filepath.Join(r.Places.Artifacts, "lock"), r.Name)
	if err != nil {
		db.Release()
		return nil, fmt.Errorf("%w, or use other artifacts with --artifacts", err)
	}
	return func() { artifacts.Release(); db.Release() }, nil
}

// Failure is an error of the harness itself: the disk, the database, the lock.
type Failure struct{ Err error }

func (e *Failure) Error() string { return e.Err.Error() }
func (e *Failure) Unwrap() error { return e.Err }

func or(d, otherwise time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return otherwise
}

// jobs is how many stages run side by side unless the user said.
func (r *Run) jobs(experiments []*Experiment) int {
	if r.Jobs > 0 {
		return r.Jobs
	}
	threads := machine.Processors()
	for _, e := range experiments {
		for _, c := range e.Cells {
			threads = min(threads, max(1, c.Settings.Training().Threads))
		}
	}
	return max(1, machine.Processors()/threads)
}

// threads is how many processors the stages side by side keep busy together: a
// user who says how many stages there are has the last word.
func (r *Run) threads() int {
	if r.Jobs > 0 {
		return 0
	}
	return machine.Processors()
}

// prepare records the plans, takes in what earlier runs and other databases
// left, and finds out what is to do.
func (l *launcher) prepare(ctx context.Context, experiments []*Experiment, retry bool, force []string, here bool) error {
	if err := l.plan.checkForce(force); err != nil {
		return err
	}
	if err := l.ingest(ctx); err != nil {
		return err
	}
	store := l.places.Store()
	if err := l.plan.Inspect(ctx, l.db, store, retry); err != nil {
		return err
	}
	// Before the plan is recorded: it is compared with the last that was run.
	if err := l.plan.FindStale(ctx, l.db); err != nil {
		return err
	}
	if changed := l.plan.Changed(); changed != "" {
		l.meter.Say("%s", changed)
	}
	if err := l.plan.force(l.places, store, force); err != nil {
		return err
	}
	for _, e := range experiments {
		plan, err := l.plan.record(e)
		if err != nil {
			return err
		}
		if e.Beside {
			err = l.db.RecordBeside(ctx, plan)
		} else {
			err = e.keep(ctx, l.db, plan, l.meter.Say)
		}
		if err != nil {
			return err
		}
	}
	if here {
		if err := l.plan.CheckHere(); err != nil {
			return err
		}
		for _, b := range l.plan.Bounds() {
			l.meter.Say("warning: %s", b)
		}
	}
	if ahead := l.plan.datedAhead(time.Now()); ahead > 0 {
		l.meter.Say("warning: %d stages to do have results that are dated in the future: a clock was wrong when they were made. "+
			"What is done now is dated just after them, so that it counts", ahead)
	}
	l.tellLost()
	if err := l.takeOver(ctx, store); err != nil {
		return err
	}
	if l.fail != nil {
		return l.fail
	}
	if err := l.shareDone(); err != nil {
		return err
	}
	return l.ingest(ctx) // what is blocked or shared
}

// takeOver records what artifacts say was done, blocks what waits for what failed,
// and clears the places of what is to do.
func (l *launcher) takeOver(ctx context.Context, store artifact.Store) error {
	for _, it := range l.plan.Items {
		if it.Skip {
			continue
		}
		switch it.State {
		case Stored:
			a, err := storedAttempt(store, it)
			if err == nil {
				_, err = l.db.Ingest(ctx, a)
			}
			var conflict *results.ConflictError
			if errors.As(err, &conflict) {
				// The attempt is known to have ended otherwise: its artifact counts for nothing.
				it.State, it.Reason = ToDo, "done again: "+err.Error()
				continue
			}
			if err != nil {
				return fmt.Errorf("taking over %s of %s from the artifacts: %w", it.Kind, it.Label, err)
			}
			it.State, it.Outcome, it.Attempt = Done, a.Outcome, a.ID
		case Blocked:
			l.block(it, it.Reason)
		case ToDo:
			if err := l.clear(store, it); err != nil {
				return err
			}
		}
	}
	return nil
}

// tellLost says what was done before and is done again because its artifact is
// gone, and what is taken over from artifacts that the database knew nothing of.
func (l *launcher) tellLost() {
	lost, stored := map[string]int{}, 0
	var kinds []string
	for _, it := range l.plan.Items {
		switch {
		case it.Skip:
		case it.State == Stored:
			stored++
		case it.State == ToDo && it.Lost:
			if lost[it.Kind.Name] == 0 {
				kinds = append(kinds, it.Kind.Name)
			}
			lost[it.Kind.Name]++
		}
	}
	for i, kind := range kinds {
		kinds[i] = fmt.Sprintf("%d of %s", lost[kind], kind)
	}
	if len(kinds) > 0 {
		l.meter.Say("note: artifacts that others build on are not in %s or damaged (%s): these stages were done and are done again; "+
			"their earlier results stay in the database", l.places.Artifacts, strings.Join(kinds, ", "))
	}
	if stored > 0 {
		l.meter.Say("note: %d stages are not in %s, but their artifacts are in %s: their results are taken over from there", stored,
			l.places.DB, l.places.Artifacts)
	}
}

// clear sets a damaged artifact aside before its stage is done again.
func (l *launcher) clear(store artifact.Store, it *Item) error {
	ref := it.Ref()
	_, err := store.Check(ref)
	var damaged *artifact.Damaged
	if !errors.As(err, &damaged) {
		return nil
	}
	to, err := store.SetAside(ref)
	if err != nil {
		return err
	}
	l.meter.Say("warning: %v; it was moved to %s and %s of %s is done again", damaged, to, it.Kind, it.Label)
	return nil
}

// tasks is what the scheduler is to do.
func (l *launcher) tasks() []schedule.Task {
	var out []schedule.Task
	var expected []progress.Task
	listed := map[string]bool{}
	alike := l.plan.alike()
	for _, it := range l.plan.Items {
		if it.State != ToDo || it.Skip {
			continue
		}
		m := it.Settings.Measure
		t := schedule.Task{ID: it.Key, Kind: it.Kind.Name, Label: it.Label, Needs: it.Needs(), After: it.goesOnFrom(listed),
			Threads: l.job(it, 0).Threads * it.ranks(), Memory: it.Memory(), Retries: m.Retries, Repeats: m.RepeatDisturbed}
		if it.Kind.Measured() {
			t.Rounds = max(1, it.Kind.Rounds(it.Settings))
			t.Kept, t.Alike = l.settledRounds(it), alike[it]
		}
		listed[it.Key] = true
		out = append(out, t)
		expected = append(expected, progress.Task{ID: it.Key, Kind: it.Kind.Name, Alone: it.Kind.Measured(), Label: it.Label,
			Estimate: max(0, it.Estimate), Rounds: t.Rounds - len(t.Kept)})
	}
	l.meter.Expect(expected, l.jobs)
	return out
}

func (l *launcher) summary(r schedule.Report) Summary {
	s := Summary{Plans: []*Plan{l.plan}, Stopped: r.Stopped, Kept: l.plan.Count(Done), Failed: l.plan.Count(Failed),
		Blocked: l.plan.Count(Blocked)}
	for key, o := range r.Outcomes {
		it := l.plan.Item(key)
		it.Outcome, it.Reason = string(o.State), o.Reason
		switch o.State {
		case schedule.OK:
			it.State = Done
			s.Done++
		case schedule.Blocked:
			it.State = Blocked
			s.Blocked++
		case schedule.Interrupted:
			if r.Stopped {
				it.State = ToDo
				continue
			}
			it.State = Failed
			s.Failed++
		default:
			it.State = Failed
			s.Failed++
		}
	}
	return s
}

// ownProgram is the program that runs now: by the system's own link to it where
// there is one, since another may have been installed under its name meanwhile,
// and workers of that one would compute under this one's revision.
func ownProgram() string {
	const link = "/proc/self/exe"
	if isFile(link) {
		return link
	}
	self, _ := os.Executable()
	return self
}

// WorkerCommand is how workers are started: this program for the CPU, the
// program of the same name with the device's suffix, beside it or in the
// PATH, for others.
func WorkerCommand(device string) ([]string, error) {
	if onHost(device) {
		return []string{ownProgram(), "worker"}, nil
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	kind, _, _ := strings.Cut(device, ":")
	name := "prabench-" + kind
	if beside := filepath.Join(filepath.Dir(self), name); isFile(beside) {
		return []string{beside, "worker"}, nil
	}
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if path := filepath.Join(dir, name); isFile(path) {
			return []string{path, "worker"}, nil
		}
	}
	return nil, fmt.Errorf("measure.device: %q needs the program %s beside prabench or in the PATH: build it with `make %s`",
		device, name, kind)
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
