// Package schedule decides what runs when.
//
// Its principle is that trainings want all cores and timings want silence: tasks
// first run side by side, in the order in which they are given as soon as what
// they need is there, and only when all of them have ended do the timed tasks
// run, one at a time, in rounds over all of them (round 1 of every task, then
// round 2), so that a machine that grows slow or warm does so for everyone. Of tasks
// that are timed the same one is measured, and the others share its rounds. A
// round that something else disturbed is measured again after the others have
// had theirs, a few times and no more.
// It knows neither processes nor databases: a [Launcher] does the work and a
// [Clock] tells the time, and its tests read as a specification of the order.
package schedule

import (
	"context"
	"time"
)

// Task is one stage that is to be done.
type Task struct {
	ID    string   // unique in a plan
	Kind  string   // for the observer
	Label string   // for the observer: which cell
	Needs []string // tasks of this plan that must end with ok first
	After []string // tasks of this plan that must end first, well or not: they only save time

	Threads int   // processors that it keeps busy while others run beside it
	Memory  int64 // bytes that it will hold; 0: unknown, or too few to count

	Retries int // further tries when an attempt ends interrupted
	Repeats int // further tries of each disturbed round

	Rounds int          // 0: runs side by side with others. n ≥ 1: timed, alone, in n rounds
	Kept   map[int]bool // rounds whose measurements an earlier run already kept
	Alike  string       // timed tasks of the same name that is not "" are measured once
}

// State is how an attempt ended.
type State string

// The states are the outcomes of an attempt.
const (
	OK          State = "ok"
	Invalid     State = "invalid"
	OOM         State = "oom"
	Timeout     State = "timeout"
	Crash       State = "crash"
	Interrupted State = "interrupted" // stopped from outside: worth another try
	Blocked     State = "blocked"     // not tried: something it needs did not end with ok
)

// Outcome is a state and, unless it is OK, the reason in a sentence.
type Outcome struct {
	State  State
	Reason string
	Said   string // the last lines that the attempt printed, where they may tell more

	// Disturbed says what else loaded the machine during a round that is
	// otherwise OK; empty for a quiet one.
	Disturbed string
}

// Launcher does the work. Its methods return when the attempt has ended, and
// soon after ctx is cancelled.
type Launcher interface {
	// Launch makes one attempt at an ordinary task.
	Launch(ctx context.Context, t Task) Outcome
	// Round measures one round, 1 to t.Rounds, of a timed task and keeps the
	// raw measurements.
	Round(ctx context.Context, t Task, round int) Outcome
	// Enough says, after round t.Rounds and each one that follows, whether the
	// rounds of a timed task are enough. It is false for a bounded number of rounds.
	Enough(t Task) bool
	// Share gives t the rounds of another task that is timed the same and has ended
	// with OK.
	Share(ctx context.Context, t, measured Task) Outcome
	// Summarise makes the result of a timed task from all its kept rounds.
	Summarise(ctx context.Context, t Task) Outcome
	// Blocked records that t cannot be tried.
	Blocked(t Task, reason string)
}

// Clock is the time of day and waiting.
type Clock interface {
	Now() time.Time
	Sleep(ctx context.Context, d time.Duration)
}

// Observer gets what happens, from one goroutine at a time. round is 0 for
// an ordinary attempt and for a summary; a round that ends with anything but
// OK is the end of its task.
type Observer interface {
	Started(t Task, round int, at time.Time)
	Ended(t Task, round int, o Outcome, at time.Time)
}

// System is the real clock.
type System struct{}

// Now is the time of day.
func (System) Now() time.Time { return time.Now() }

// Sleep waits for d or until ctx is done.
func (System) Sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// Silent observes nothing.
type Silent struct{}

// Started does nothing.
func (Silent) Started(Task, int, time.Time) {}

// Ended does nothing.
func (Silent) Ended(Task, int, Outcome, time.Time) {}
