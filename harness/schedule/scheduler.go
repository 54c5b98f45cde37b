package schedule

import (
	"container/heap"
	"context"
	"fmt"
	"slices"
	"time"
)

// Scheduler runs the tasks of one plan.
type Scheduler struct {
	Jobs    int           // most ordinary tasks side by side; at least 1
	Threads int           // processors that tasks side by side may keep busy together; 0 = any number
	Memory  int64         // bytes that tasks side by side may hold together; 0 = any number
	Pause   time.Duration // wait before another try

	Launcher Launcher
	Clock    Clock
	Observer Observer
}

// Report is what became of a plan.
type Report struct {
	Outcomes map[string]Outcome // by task; a task that was never reached is absent
	Stopped  bool               // ctx ended before the plan did
}

// Count is the number of tasks that ended in one of the states.
func (r Report) Count(states ...State) int {
	n := 0
	for _, o := range r.Outcomes {
		for _, s := range states {
			if o.State == s {
				n++
			}
		}
	}
	return n
}

// Run does the tasks, which must be listed after what they need, and returns
// when all have ended or, after ctx ends, when those that were running have. A
// need that is not in the list counts as done. The error is a fault in the
// list; failures of tasks are in the report.
func (s *Scheduler) Run(ctx context.Context, tasks []Task) (Report, error) {
	if err := check(tasks); err != nil {
		return Report{}, err
	}
	r := newRun(s, tasks)
	r.sideBySide(ctx)
	r.alone(ctx)
	r.report.Stopped = ctx.Err() != nil && len(r.report.Outcomes)-r.report.Count(Interrupted) < len(tasks)
	return r.report, nil
}

func check(tasks []Task) error {
	at := map[string]int{}
	for i, t := range tasks {
		if _, twice := at[t.ID]; twice {
			return fmt.Errorf("task %s is listed twice", t.ID)
		}
		at[t.ID] = i
	}
	for i, t := range tasks {
		for _, n := range t.waitsFor() {
			if j, listed := at[n]; listed && j >= i {
				return fmt.Errorf("task %s is listed before %s, which it waits for", t.ID, n)
			} else if listed && tasks[j].Rounds > 0 {
				return fmt.Errorf("task %s waits for %s, which is timed: nothing may wait for a timing", t.ID, n)
			}
		}
	}
	return nil
}

// waitsFor are the tasks that have to end first.
func (t *Task) waitsFor() []string { return slices.Concat(t.Needs, t.After) }

type run struct {
	*Scheduler
	tasks  []Task
	index  map[string]int   // task → place in tasks
	unmet  []int            // by place: tasks that it waits for and that have not ended yet
	users  map[string][]int // task → the places of those that wait for it
	ready  map[size]*places // ordinary tasks that may start
	report Report
}

func newRun(s *Scheduler, tasks []Task) *run {
	r := &run{
		Scheduler: s, tasks: tasks, index: map[string]int{}, unmet: make([]int, len(tasks)), users: map[string][]int{},
		ready: map[size]*places{}, report: Report{Outcomes: map[string]Outcome{}},
	}
	for i, t := range tasks {
		r.index[t.ID] = i
		for _, n := range t.waitsFor() {
			if _, listed := r.index[n]; listed {
				r.unmet[i]++
				r.users[n] = append(r.users[n], i)
			}
		}
		if r.unmet[i] == 0 && t.Rounds == 0 {
			r.push(i)
		}
	}
	return r
}

// size is what a task takes: of those of one size the first comes first, and when
// it does not fit no other does.
type size struct {
	threads int
	memory  int64
}

func (r *run) push(i int) {
	s := size{r.tasks[i].Threads, r.tasks[i].Memory}
	if r.ready[s] == nil {
		r.ready[s] = &places{}
	}
	heap.Push(r.ready[s], i)
}

type ended struct {
	task    Task
	outcome Outcome
}

// sideBySide runs the tasks without rounds. Only this goroutine touches the
// report; the attempts report through the channel.
func (r *run) sideBySide(ctx context.Context) {
	done := make(chan ended)
	tries := map[string]int{}
	var busy use
	for {
		for ctx.Err() == nil {
			i, ok := r.next(busy)
			if !ok {
				break
			}
			t := r.tasks[i]
			if by, reason := r.obstacle(t); by != "" {
				r.block(t, reason)
				continue
			}
			busy.add(t, 1)
			tries[t.ID]++
			again := tries[t.ID] > 1
			if !again {
				r.Observer.Started(t, 0, r.Clock.Now())
			}
			go func() {
				if again {
					r.Clock.Sleep(ctx, r.Pause)
				}
				done <- ended{t, r.Launcher.Launch(ctx, t)}
			}()
		}
		if busy.tasks == 0 {
			return
		}
		e := <-done
		busy.add(e.task, -1)
		if e.outcome.State == Interrupted && ctx.Err() == nil && tries[e.task.ID] <= e.task.Retries {
			r.push(r.index[e.task.ID])
			continue
		}
		r.end(e.task, 0, e.outcome)
	}
}

// use is what the tasks that run side by side take.
type use struct {
	tasks, threads int
	memory         int64
}

func (u *use) add(t Task, times int) {
	u.tasks += times
	u.threads += times * t.Threads
	u.memory += int64(times) * t.Memory
}

// next takes the first ready task that fits beside what runs. A task that
// needs more than the budget runs when nothing else does.
func (r *run) next(busy use) (at int, ok bool) {
	if busy.tasks >= max(r.Jobs, 1) {
		return 0, false
	}
	var from size
	for s, ready := range r.ready {
		fits := busy.tasks == 0 || (r.Threads <= 0 || busy.threads+s.threads <= r.Threads) && (r.Memory <= 0 || busy.memory+s.memory <= r.Memory)
		if fits && (!ok || (*ready)[0] < at) {
			from, at, ok = s, (*ready)[0], true
		}
	}
	if !ok {
		return 0, false
	}
	heap.Pop(r.ready[from])
	if r.ready[from].Len() == 0 {
		delete(r.ready, from)
	}
	return at, true
}

// end records how a task ended and frees those that waited for it.
func (r *run) end(t Task, round int, o Outcome) {
	r.report.Outcomes[t.ID] = o
	r.Observer.Ended(t, round, o, r.Clock.Now())
	for _, i := range r.users[t.ID] {
		if r.unmet[i]--; r.unmet[i] == 0 && r.tasks[i].Rounds == 0 {
			r.push(i)
		}
	}
}

// obstacle is the first need of t that did not end with ok.
func (r *run) obstacle(t Task) (id, reason string) {
	for _, n := range t.Needs {
		o, ended := r.report.Outcomes[n]
		if !ended || o.State == OK {
			continue
		}
		if o.State == Blocked {
			return n, o.Reason
		}
		need := r.tasks[r.index[n]]
		return n, fmt.Sprintf("%s of %s ended with %s: %s", need.Kind, need.Label, o.State, o.Reason)
	}
	return "", ""
}

func (r *run) block(t Task, reason string) {
	r.Launcher.Blocked(t, reason)
	r.end(t, 0, Outcome{State: Blocked, Reason: reason})
}

// alone runs the timed tasks.
func (r *run) alone(ctx context.Context) {
	var timed []Task
	rounds := 0
	for _, t := range r.tasks {
		if t.Rounds == 0 || ctx.Err() != nil {
			continue
		}
		if by, reason := r.obstacle(t); by != "" {
			r.block(t, reason)
			continue
		}
		timed = append(timed, t)
		rounds = max(rounds, t.Rounds)
	}
	timed, shares := alike(timed)
	for round := 1; ; round++ {
		todo := rotated(r.due(timed, round), round, rounds)
		if len(todo) == 0 {
			break
		}
		if !r.pass(ctx, todo, round) {
			return
		}
	}
	for _, t := range timed {
		if _, ended := r.report.Outcomes[t.ID]; !ended && ctx.Err() == nil {
			r.end(t, 0, r.Launcher.Summarise(ctx, t))
		}
	}
	r.share(ctx, timed, shares)
}

// alike chooses of tasks that are timed the same the one with the most rounds already,
// and lists the others by it.
func alike(tasks []Task) (measured []Task, shares map[string][]Task) {
	shares = map[string][]Task{}
	at := map[string]int{}
	for _, t := range tasks {
		i, known := at[t.Alike]
		switch {
		case t.Alike == "" || !known:
			at[t.Alike] = len(measured)
			measured = append(measured, t)
		case len(t.Kept) > len(measured[i].Kept):
			shares[t.Alike] = append(shares[t.Alike], measured[i])
			measured[i] = t
		default:
			shares[t.Alike] = append(shares[t.Alike], t)
		}
	}
	return measured, shares
}

// due are the tasks that have such a round.
func (r *run) due(tasks []Task, round int) []Task {
	var out []Task
	for _, t := range tasks {
		if _, ended := r.report.Outcomes[t.ID]; !ended && (round <= t.Rounds || !r.Launcher.Enough(t)) {
			out = append(out, t)
		}
	}
	return out
}

// pass makes one round of the tasks; it is false when ctx ended.
func (r *run) pass(ctx context.Context, todo []Task, round int) bool {
	for pass := 0; len(todo) > 0; pass++ {
		if pass > 0 {
			r.Clock.Sleep(ctx, r.Pause) // what disturbed may be over after the others
		}
		var disturbed []Task
		for _, t := range todo {
			if _, ended := r.report.Outcomes[t.ID]; ended || t.Kept[round] {
				continue
			}
			if ctx.Err() != nil {
				return false
			}
			if o := r.round(ctx, t, round); o.State == OK && o.Disturbed != "" && pass < t.Repeats {
				disturbed = append(disturbed, t)
			}
		}
		todo = disturbed
	}
	return true
}

// share ends the tasks that are timed the same as those measured.
func (r *run) share(ctx context.Context, measured []Task, shares map[string][]Task) {
	for _, m := range measured {
		if m.Alike == "" {
			continue
		}
		o, ended := r.report.Outcomes[m.ID]
		for _, t := range shares[m.Alike] {
			switch {
			case !ended || ctx.Err() != nil: // stopped before
			case o.State == OK:
				r.end(t, 0, r.Launcher.Share(ctx, t, m))
			default:
				r.block(t, fmt.Sprintf("%s of %s, which is timed the same, ended with %s: %s", m.Kind, m.Label, o.State, o.Reason))
			}
		}
	}
}

// round makes one round of t; a round that fails ends the task.
func (r *run) round(ctx context.Context, t Task, round int) Outcome {
	r.Observer.Started(t, round, r.Clock.Now())
	var o Outcome
	for try := 0; ; try++ {
		o = r.Launcher.Round(ctx, t, round)
		if o.State != Interrupted || ctx.Err() != nil || try >= t.Retries {
			break
		}
		r.Clock.Sleep(ctx, r.Pause)
	}
	if o.State != OK {
		r.end(t, round, o)
		return o
	}
	r.Observer.Ended(t, round, o, r.Clock.Now())
	return o
}

// rotated is the order of one round: every task takes an early and a late
// place in some round.
func rotated(tasks []Task, round, rounds int) []Task {
	if len(tasks) == 0 {
		return nil
	}
	shift := (round - 1) * max(1, len(tasks)/rounds) % len(tasks)
	return append(append([]Task{}, tasks[shift:]...), tasks[:shift]...)
}

// places is a heap of places in the list: the first ready task comes first.
type places []int

func (p places) Len() int           { return len(p) }
func (p places) Less(i, j int) bool { return p[i] < p[j] }
func (p places) Swap(i, j int)      { p[i], p[j] = p[j], p[i] }
func (p *places) Push(x any)        { *p = append(*p, x.(int)) }
func (p *places) Pop() any {
	last := (*p)[len(*p)-1]
	*p = (*p)[:len(*p)-1]
	return last
}
