// Package progress tells a person how far a run is and when it will end.
//
// Its principle is that a forecast is a guess to be corrected: every task begins
// with an estimate, and the finished tasks of a kind say how wrong those
// estimates were. On a terminal there is one moving line; anywhere else, plain
// lines that a log can keep.
package progress

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// Task is a piece of work that is going to be done.
type Task struct {
	ID, Kind, Label string
	Estimate        time.Duration // of the whole task, all rounds together
	Rounds          int           // 0 or 1: done in one go
	Alone           bool          // nothing else runs beside it
}

// Meter follows a run. Its methods may be called from several goroutines.
type Meter struct {
	mu       sync.Mutex
	w        io.Writer
	terminal bool
	now      func() time.Time
	every    time.Duration // between plain lines about work that goes on

	bar     *progressbar.ProgressBar
	jobs    int
	tasks   []*state
	byID    map[string]*state
	sums    sums
	settled int
	spoke   time.Time
}

type state struct {
	Task
	place         int // among the tasks
	running, over bool
	started       time.Time
	round         int
	finished      int // rounds
	spent         time.Duration
	done, total   int64
	what, note    string
}

// New makes a meter that writes to w: a moving line when it is a terminal.
func New(w io.Writer, terminal bool, now func() time.Time) *Meter {
	return &Meter{w: w, terminal: terminal, now: now, every: 30 * time.Second, byID: map[string]*state{}, sums: newSums(), jobs: 1}
}

// Expect names the tasks to come and how many run side by side.
func (m *Meter) Expect(tasks []Task, jobs int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.jobs = max(1, jobs)
	for _, t := range tasks {
		t.Rounds = max(1, t.Rounds)
		s := &state{Task: t, place: len(m.tasks)}
		m.tasks = append(m.tasks, s)
		m.byID[t.ID] = s
		m.sums.enter(s)
	}
	m.spoke = m.now()
	if m.terminal && len(tasks) > 0 {
		m.bar = progressbar.NewOptions(1000, progressbar.OptionSetWriter(m.w), progressbar.OptionSetPredictTime(false),
			progressbar.OptionSetWidth(24), progressbar.OptionClearOnFinish(), progressbar.OptionSetElapsedTime(false),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionSetTheme(progressbar.Theme{Saucer: "█", SaucerPadding: "░", BarStart: "", BarEnd: ""}))
	}
}

// Start says that a task, or a round of it, has begun.
func (m *Meter) Start(id string, round int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.byID[id]; s != nil {
		m.sums.leave(s)
		s.running, s.started, s.round, s.done, s.total, s.what, s.note = true, m.now(), round, 0, 0, "", ""
		m.sums.enter(s)
		m.draw()
	}
}

// Update says how far a running task, or round, is.
func (m *Meter) Update(id string, done, total int64, what, note string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.byID[id]
	if s == nil {
		return
	}
	s.done, s.total, s.what, s.note = done, total, what, note
	m.draw()
	if !m.terminal && m.now().Sub(m.spoke) >= m.every {
		m.say("%s %s", s.title(), s.position())
	}
}

// Round says that one round of a task is over; more follow.
func (m *Meter) Round(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.byID[id]; s != nil {
		m.sums.leave(s)
		s.running = false
		s.finished++
		s.spent += m.now().Sub(s.started)
		m.sums.enter(s)
		m.draw()
	}
}

// End says that a task is over; problem is empty when it went well.
func (m *Meter) End(id, problem string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.byID[id]
	if s == nil || s.over {
		return
	}
	m.sums.leave(s)
	if s.running {
		s.spent += m.now().Sub(s.started)
	}
	s.running, s.over, s.finished = false, true, s.Rounds
	m.sums.enter(s)
	m.settled++
	if problem != "" {
		m.say("%s: %s", s.title(), problem)
	} else {
		m.say("%s %s", s.title(), Short(s.spent))
	}
	m.draw()
}

// Say prints a line without disturbing the moving one.
func (m *Meter) Say(format string, args ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.line(fmt.Sprintf(format, args...))
}

// Close takes the moving line away.
func (m *Meter) Close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.bar != nil {
		m.bar.Clear()
		m.bar = nil
	}
}

// Left is the forecast of the time until everything is done.
func (m *Meter) Left() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.left()
}

func (m *Meter) say(format string, args ...any) {
	line := fmt.Sprintf("[%d/%d] ", m.settled, len(m.tasks)) + fmt.Sprintf(format, args...)
	if left := m.left(); left > 0 && m.settled < len(m.tasks) && !m.terminal {
		line += "  (about " + Short(left) + " left)"
	}
	m.line(line)
}

func (m *Meter) line(text string) {
	if m.bar != nil {
		m.bar.Clear()
	}
	fmt.Fprintln(m.w, text)
	m.spoke = m.now()
	m.draw()
}

func (m *Meter) draw() {
	if m.bar == nil {
		return
	}
	left := m.sums.waiting()
	all := left + m.sums.spent
	var running []string
	for _, s := range m.sums.atWork() {
		r := m.remaining(s)
		left += r
		all += r + s.elapsed(m.now())
		running = append(running, strings.TrimSpace(s.title()+" "+s.position()))
	}
	text := fmt.Sprintf("%d/%d, about %s left", m.settled, len(m.tasks), Short(m.left()))
	if len(running) > 0 {
		text += " · " + cut(strings.Join(running, " · "), 90)
	}
	m.bar.Describe(text)
	if all > 0 {
		m.bar.Set(min(999, int(1000*(1-left.Seconds()/all.Seconds()))))
	}
}

// left spreads what can run side by side over the jobs; rounds run alone.
func (m *Meter) left() time.Duration {
	shared, alone, longest := m.sums.queued()
	for _, s := range m.sums.atWork() {
		r := m.remaining(s)
		if s.Alone {
			alone += r
			continue
		}
		shared += r
		longest = max(longest, r)
	}
	return max(shared/time.Duration(m.jobs), longest) + alone
}

// remaining is the forecast for a task that runs; those that wait are summed, see
// [sums].
func (m *Meter) remaining(s *state) time.Duration {
	estimate := time.Duration(float64(s.Estimate) * m.sums.correction(s.Kind))
	perRound := estimate / time.Duration(s.Rounds)
	left := perRound * time.Duration(s.Rounds-s.finished)
	gone := s.elapsed(m.now())
	if s.total > 0 && s.done > 0 && gone > 0 {
		// The task's own pace beats any estimate once a little is done.
		share := float64(s.done) / float64(s.total)
		own := time.Duration(float64(gone) * (1 - share) / share)
		trust := min(1, share*10)
		own = time.Duration(trust*float64(own) + (1-trust)*float64(max(0, perRound-gone)))
		return left - perRound + own
	}
	return left - min(gone, perRound)
}

func (s *state) elapsed(now time.Time) time.Duration {
	if !s.running {
		return 0
	}
	return now.Sub(s.started)
}

func (s *state) title() string {
	t := s.Kind + " " + s.Label
	if s.running && s.round > 0 && s.Rounds > 1 {
		t += fmt.Sprintf(" round %d", s.round)
	}
	return strings.TrimSpace(t)
}

func (s *state) position() string {
	var parts []string
	if s.what != "" {
		parts = append(parts, s.what)
	}
	if s.total > 0 {
		parts = append(parts, fmt.Sprintf("%d/%d", s.done, s.total))
	}
	if s.note != "" {
		parts = append(parts, s.note)
	}
	return strings.Join(parts, " ")
}

// Short writes a duration for people: 0.4s, 12s, 3m20s, 2h05m.
func Short(d time.Duration) string {
	switch {
	case d < 0:
		return "0s"
	case d < 10*time.Second:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.0fs", d.Seconds())
	case d < time.Hour:
		d = d.Round(time.Second)
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		d = d.Round(time.Minute)
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%.1f days", d.Hours()/24)
}

func cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
