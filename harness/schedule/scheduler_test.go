package schedule_test

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"prabench/harness/schedule"
)

// machine is a launcher on which every attempt takes one tick of a fake clock
// and ends as the test says. It writes down what happened.
type machine struct {
	mu      sync.Mutex
	now     time.Time
	log     []string
	running int
	most    int                           // attempts seen side by side
	ends    map[string][]schedule.Outcome // what attempts of a task answer, in turn; ok when used up
	during  func(what string)             // called in the middle of an attempt
	enough  func(id string) bool          // nil: the planned rounds are
	hold    chan struct{}                 // when set, ordinary attempts wait for it
}

func (m *machine) Now() time.Time { m.mu.Lock(); defer m.mu.Unlock(); return m.now }
func (m *machine) Sleep(_ context.Context, d time.Duration) {
	m.note(fmt.Sprintf("wait %v", d))
}

func (m *machine) note(s string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.log = append(m.log, s)
}

func (m *machine) attempt(what string) schedule.Outcome {
	m.mu.Lock()
	m.log = append(m.log, what)
	m.running++
	m.most = max(m.most, m.running)
	m.mu.Unlock()
	if m.hold != nil {
		<-m.hold
	}
	if m.during != nil {
		m.during(what)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.running--
	m.now = m.now.Add(time.Second)
	if next := m.ends[what]; len(next) > 0 {
		m.ends[what] = next[1:]
		return next[0]
	}
	return schedule.Outcome{State: schedule.OK}
}

func (m *machine) Launch(_ context.Context, t schedule.Task) schedule.Outcome {
	return m.attempt(t.ID)
}
func (m *machine) Round(_ context.Context, t schedule.Task, r int) schedule.Outcome {
	return m.attempt(fmt.Sprintf("%s/%d", t.ID, r))
}
func (m *machine) Enough(t schedule.Task) bool { return m.enough == nil || m.enough(t.ID) }
func (m *machine) Share(_ context.Context, t, measured schedule.Task) schedule.Outcome {
	return m.attempt(fmt.Sprintf("%s=%s", t.ID, measured.ID))
}
func (m *machine) Summarise(_ context.Context, t schedule.Task) schedule.Outcome {
	return m.attempt(t.ID + "/sum")
}
func (m *machine) Blocked(t schedule.Task, reason string) {
	m.note(fmt.Sprintf("blocked %s: %s", t.ID, reason))
}

func (m *machine) run(t *testing.T, ctx context.Context, jobs int, tasks []schedule.Task) schedule.Report {
	t.Helper()
	s := schedule.Scheduler{Jobs: jobs, Pause: time.Second, Launcher: m, Clock: m, Observer: schedule.Silent{}}
	r, err := s.Run(ctx, tasks)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (m *machine) want(t *testing.T, log ...string) {
	t.Helper()
	if !reflect.DeepEqual(m.log, log) {
		t.Errorf("it happened\n  %s\nexpected\n  %s", strings.Join(m.log, "\n  "), strings.Join(log, "\n  "))
	}
}

func task(id string, needs ...string) schedule.Task {
	return schedule.Task{ID: id, Kind: strings.TrimRight(id, "0123456789"), Label: "cell " + id, Needs: needs, Retries: 2}
}

func timed(id string, rounds int, needs ...string) schedule.Task {
	t := task(id, needs...)
	t.Rounds = rounds
	return t
}

var bg = context.Background()

func TestTasksRunInTheOrderGivenAsSoonAsTheyCan(t *testing.T) {
	m := &machine{}
	m.run(t, bg, 1, []schedule.Task{
		task("reference"), task("train1"), task("sample1", "train1"), task("score1", "sample1", "reference"),
		task("train2"), task("sample2", "train2"),
	})
	m.want(t, "reference", "train1", "sample1", "score1", "train2", "sample2")
}

func TestANeedOutsideThePlanCountsAsDone(t *testing.T) {
	m := &machine{}
	m.run(t, bg, 1, []schedule.Task{task("sample1", "train1 of last week")})
	m.want(t, "sample1")
}

// What only saves time is waited for and need not end well.
func TestWhatSavesTimeMayFail(t *testing.T) {
	m := &machine{ends: map[string][]schedule.Outcome{"train1": {{State: schedule.Crash, Reason: "so"}}}}
	longer, other := task("train2"), task("sample1", "train1")
	longer.After = []string{"train1", "train of last week"}
	m.run(t, bg, 2, []schedule.Task{task("train1"), longer, other})
	slices.Sort(m.log[1:])
	m.want(t, "train1", "blocked sample1: train of cell train1 ended with crash: so", "train2")
	if _, err := (&schedule.Scheduler{Jobs: 1}).Run(bg, []schedule.Task{longer, task("train1")}); err == nil ||
		!strings.Contains(err.Error(), "task train2 is listed before train1, which it waits for") {
		t.Error(err)
	}
}

func TestTimingsWaitForAllOthersThenRunInRotatedRounds(t *testing.T) {
	m := &machine{}
	m.run(t, bg, 1, []schedule.Task{
		task("train1"), timed("time1", 3, "train1"),
		task("train2"), timed("time2", 3, "train2"),
		task("train3"), timed("time3", 3, "train3"),
	})
	m.want(t, "train1", "train2", "train3",
		"time1/1", "time2/1", "time3/1",
		"time2/2", "time3/2", "time1/2",
		"time3/3", "time1/3", "time2/3",
		"time1/sum", "time2/sum", "time3/sum")
}

func TestTimingsRunAloneWhateverTheNumberOfJobs(t *testing.T) {
	m := &machine{}
	m.during = func(what string) {
		if m.running > 1 {
			t.Errorf("%s ran beside another", what)
		}
	}
	m.run(t, bg, 8, []schedule.Task{timed("time1", 2), timed("time2", 2), timed("time3", 2)})
}

func TestRoundsOfUnequalNumberAndRoundsKeptFromBefore(t *testing.T) {
	m := &machine{}
	kept := timed("time1", 3)
	kept.Kept = map[int]bool{1: true, 2: true}
	m.run(t, bg, 1, []schedule.Task{kept, timed("time2", 1)})
	m.want(t, "time2/1", "time1/3", "time1/sum", "time2/sum")
}

func TestNoMoreThanTheGivenJobsRunSideBySide(t *testing.T) {
	for _, jobs := range []int{1, 2, 5} {
		m := &machine{hold: make(chan struct{})}
		var tasks []schedule.Task
		for i := range 12 {
			tasks = append(tasks, task(fmt.Sprint("train", i)))
		}
		go func() {
			// Let attempts end only after as many as may run have started.
			for range tasks {
				for end := time.Now().Add(time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
					m.mu.Lock()
					full := m.running >= jobs
					m.mu.Unlock()
					if full {
						break
					}
				}
				m.hold <- struct{}{}
				if jobs > 1 && len(m.hold) == 0 {
					continue
				}
			}
		}()
		r := m.run(t, bg, jobs, tasks)
		if m.most != jobs || r.Count(schedule.OK) != 12 {
			t.Errorf("jobs %d: %d side by side, %d done", jobs, m.most, r.Count(schedule.OK))
		}
	}
}

func TestWhatNeedsAFailedTaskIsBlockedWithTheReason(t *testing.T) {
	m := &machine{ends: map[string][]schedule.Outcome{"train1": {{State: schedule.OOM, Reason: "no memory left"}}}}
	r := m.run(t, bg, 1, []schedule.Task{
		task("train1"), task("sample1", "train1"), task("score1", "sample1"), timed("time1", 2, "train1"),
		task("train2"), timed("time2", 1, "train2"),
	})
	why := "train of cell train1 ended with oom: no memory left"
	m.want(t, "train1", "blocked sample1: "+why, "blocked score1: "+why, "train2", "blocked time1: "+why, "time2/1", "time2/sum")
	if r.Outcomes["score1"] != (schedule.Outcome{State: schedule.Blocked, Reason: why}) {
		t.Errorf("score1: %+v", r.Outcomes["score1"])
	}
}

func TestAnInterruptedAttemptIsTriedAgainAfterAPause(t *testing.T) {
	stop := schedule.Outcome{State: schedule.Interrupted, Reason: "killed"}
	m := &machine{ends: map[string][]schedule.Outcome{
		"train1":  {stop, stop},
		"train2":  {stop, stop, stop, stop},
		"time1/1": {stop},
	}}
	r := m.run(t, bg, 1, []schedule.Task{task("train1"), timed("time1", 1, "train1"), task("train2"), task("sample2", "train2")})
	m.want(t, "train1", "wait 1s", "train1", "wait 1s", "train1",
		"train2", "wait 1s", "train2", "wait 1s", "train2", "blocked sample2: train of cell train2 ended with interrupted: killed",
		"time1/1", "wait 1s", "time1/1", "time1/sum")
	if r.Outcomes["train1"].State != schedule.OK || r.Outcomes["train2"] != stop {
		t.Errorf("%+v", r.Outcomes)
	}
}

func TestOtherFailuresAreNotTriedAgain(t *testing.T) {
	for _, s := range []schedule.State{schedule.Invalid, schedule.OOM, schedule.Timeout, schedule.Crash} {
		m := &machine{ends: map[string][]schedule.Outcome{"train1": {{State: s, Reason: "so"}}}}
		m.run(t, bg, 1, []schedule.Task{task("train1")})
		m.want(t, "train1")
	}
}

func TestAFailedRoundEndsThatTimingOnly(t *testing.T) {
	m := &machine{ends: map[string][]schedule.Outcome{"time1/1": {{State: schedule.Crash, Reason: "so"}}}}
	r := m.run(t, bg, 1, []schedule.Task{timed("time1", 2), timed("time2", 2)})
	m.want(t, "time1/1", "time2/1", "time2/2", "time2/sum")
	if r.Outcomes["time1"].State != schedule.Crash || r.Stopped {
		t.Errorf("%+v", r)
	}
}

// same is timed tasks that are timed the same.
func same(alike string, tasks ...schedule.Task) []schedule.Task {
	for i := range tasks {
		tasks[i].Alike = alike
	}
	return tasks
}

func TestWhatIsTimedTheSameIsMeasuredOnce(t *testing.T) {
	m := &machine{}
	tasks := append(same("a", timed("time1", 2), timed("time2", 2)), timed("time3", 1), timed("time4", 1))
	tasks = append(tasks, same("b", timed("time5", 1))...)
	r := m.run(t, bg, 1, tasks)
	m.want(t, "time1/1", "time3/1", "time4/1", "time5/1", "time1/2", "time1/sum", "time3/sum", "time4/sum", "time5/sum", "time2=time1")
	if r.Count(schedule.OK) != 5 {
		t.Errorf("%+v", r.Outcomes)
	}
}

func TestTheOneWithRoundsAlreadyIsMeasuredForAll(t *testing.T) {
	m := &machine{}
	tasks := same("a", timed("time1", 2), timed("time2", 2), timed("time3", 2))
	tasks[1].Kept = map[int]bool{1: true}
	m.run(t, bg, 1, tasks)
	m.want(t, "time2/2", "time2/sum", "time1=time2", "time3=time2")
}

func TestWhatSharesAFailedTimingIsBlocked(t *testing.T) {
	m := &machine{ends: map[string][]schedule.Outcome{"train1": {{State: schedule.Crash, Reason: "so"}},
		"time2/1": {{State: schedule.OOM, Reason: "no memory left"}}}}
	r := m.run(t, bg, 1, append([]schedule.Task{task("train1"), task("train2")},
		same("a", timed("time1", 1, "train1"), timed("time2", 1, "train2"), timed("time3", 1, "train2"))...))
	m.want(t, "train1", "train2", "blocked time1: train of cell train1 ended with crash: so", "time2/1",
		"blocked time3: time of cell time2, which is timed the same, ended with oom: no memory left")
	if r.Outcomes["time3"].State != schedule.Blocked {
		t.Errorf("%+v", r.Outcomes)
	}
}

func TestRoundsGoOnUntilTheyAreEnough(t *testing.T) {
	m := &machine{}
	done := map[string]int{}
	m.during = func(what string) { id, _, _ := strings.Cut(what, "/"); done[id]++ }
	m.enough = func(id string) bool { return done[id] >= map[string]int{"time1": 4, "time2": 1}[id] }
	m.run(t, bg, 1, []schedule.Task{timed("time1", 2), timed("time2", 2)})
	m.want(t, "time1/1", "time2/1", "time2/2", "time1/2", "time1/3", "time1/4", "time1/sum", "time2/sum")
}

func TestNothingStartsAfterAStop(t *testing.T) {
	ctx, stop := context.WithCancel(bg)
	m := &machine{ends: map[string][]schedule.Outcome{"train2": {{State: schedule.Interrupted, Reason: "stopped"}}}}
	m.during = func(what string) {
		if what == "train2" {
			stop()
		}
	}
	r := m.run(t, ctx, 1, []schedule.Task{task("train1"), task("train2"), task("sample2", "train2"), timed("time1", 1, "train1")})
	m.want(t, "train1", "train2")
	if !r.Stopped || len(r.Outcomes) != 2 {
		t.Errorf("%+v", r)
	}
}

func TestAStopBetweenRounds(t *testing.T) {
	ctx, stop := context.WithCancel(bg)
	m := &machine{}
	m.during = func(what string) {
		if what == "time2/1" {
			stop()
		}
	}
	r := m.run(t, ctx, 1, []schedule.Task{timed("time1", 2), timed("time2", 2)})
	m.want(t, "time1/1", "time2/1")
	if !r.Stopped || len(r.Outcomes) != 0 {
		t.Errorf("%+v", r)
	}
}

func TestAFaultyListIsRefused(t *testing.T) {
	for says, tasks := range map[string][]schedule.Task{
		"listed twice":                 {task("a"), task("a")},
		"listed before b":              {task("a", "b"), task("b")},
		"nothing may wait for a timin": {timed("a", 1), task("b", "a")},
	} {
		_, err := (&schedule.Scheduler{Launcher: &machine{}, Clock: &machine{}, Observer: schedule.Silent{}}).Run(bg, tasks)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v: %v", tasks, err)
		}
	}
}

func TestTasksSideBySideStayWithinThreadsAndMemory(t *testing.T) {
	sized := func(id string, threads int, memory int64) schedule.Task {
		x := task(id)
		x.Threads, x.Memory = threads, memory
		return x
	}
	for _, c := range []struct {
		name  string
		tasks []schedule.Task
		first []string // that start before any has ended
	}{
		{"threads", []schedule.Task{sized("a", 2, 0), sized("b", 3, 0), sized("c", 2, 0)}, []string{"a", "c"}},
		{"memory", []schedule.Task{sized("a", 1, 60), sized("b", 1, 50), sized("c", 1, 40)}, []string{"a", "c"}},
		{"one that is too large runs alone", []schedule.Task{sized("a", 9, 900), sized("b", 1, 1)}, []string{"a"}},
		{"all fit", []schedule.Task{sized("a", 1, 10), sized("b", 1, 10), sized("c", 2, 10)}, []string{"a", "b", "c"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := &machine{hold: make(chan struct{})}
			done := make(chan schedule.Report)
			go func() {
				s := schedule.Scheduler{Jobs: 9, Threads: 4, Memory: 100, Launcher: m, Clock: m, Observer: schedule.Silent{}}
				r, _ := s.Run(bg, c.tasks)
				done <- r
			}()
			for started := 0; started < len(c.first); time.Sleep(time.Millisecond) {
				m.mu.Lock()
				started = m.running
				m.mu.Unlock()
			}
			time.Sleep(10 * time.Millisecond) // one too many would have started by now
			m.mu.Lock()
			log := append([]string{}, m.log...)
			m.mu.Unlock()
			sort.Strings(log)
			if !reflect.DeepEqual(log, c.first) {
				t.Errorf("%v started, expected %v", log, c.first)
			}
			close(m.hold)
			if r := <-done; r.Count(schedule.OK) != len(c.tasks) {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestDisturbedRoundsAreMeasuredAgainAfterTheOthersUpToACap(t *testing.T) {
	loud := schedule.Outcome{State: schedule.OK, Disturbed: "a compiler ran"}
	m := &machine{ends: map[string][]schedule.Outcome{"time1/1": {loud}, "time2/2": {loud, loud, loud, loud}}}
	a, b := timed("time1", 2), timed("time2", 2)
	a.Repeats, b.Repeats = 2, 2
	r := m.run(t, bg, 1, []schedule.Task{a, b})
	m.want(t, "time1/1", "time2/1", "wait 1s", "time1/1",
		"time2/2", "time1/2", "wait 1s", "time2/2", "wait 1s", "time2/2",
		"time1/sum", "time2/sum")
	if r.Count(schedule.OK) != 2 {
		t.Errorf("%+v", r)
	}
}
