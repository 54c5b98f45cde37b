package progress

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// plainLeft is the forecast as it is defined, from every task again.
func plainLeft(m *Meter) time.Duration {
	correction := func(kind string) float64 {
		var took, expected float64
		for _, s := range m.tasks {
			if s.Kind == kind && s.finished > 0 && s.Estimate > 0 && s.spent > 0 {
				took += s.spent.Seconds()
				expected += s.Estimate.Seconds() * float64(s.finished) / float64(s.Rounds)
			}
		}
		if expected == 0 {
			return 1
		}
		return took / expected
	}
	var shared, alone, longest float64
	for _, s := range m.tasks {
		if s.over {
			continue
		}
		perRound := s.Estimate.Seconds() * correction(s.Kind) / float64(s.Rounds)
		r := perRound * float64(s.Rounds-s.finished)
		if s.running {
			gone := m.now().Sub(s.started).Seconds()
			if s.total > 0 && s.done > 0 && gone > 0 {
				share := float64(s.done) / float64(s.total)
				trust := min(1, share*10)
				r += trust*gone*(1-share)/share + (1-trust)*max(0, perRound-gone) - perRound
			} else {
				r -= min(gone, perRound)
			}
		}
		if s.Alone {
			alone += r
		} else {
			shared += r
			longest = max(longest, r)
		}
	}
	return time.Duration((max(shared/float64(m.jobs), longest) + alone) * 1e9)
}

func TestTheForecastIsThatOfEveryTask(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 1))
		c := &clock{time.Unix(1000, 0)}
		m := New(&bytes.Buffer{}, seed%2 == 0, c.now)
		var tasks []Task
		for i := range 40 {
			task := Task{ID: fmt.Sprint(i), Kind: []string{"train", "score", "time"}[i%3], Estimate: time.Duration(rng.IntN(1e6)) * time.Millisecond}
			if task.Alone = i%3 == 2; task.Alone {
				task.Rounds = 1 + rng.IntN(4)
			}
			tasks = append(tasks, task)
		}
		m.Expect(tasks, 1+rng.IntN(3))
		for step := range 400 {
			task := tasks[rng.IntN(len(tasks))]
			s := m.byID[task.ID]
			switch rng.IntN(4) {
			case 0:
				if !s.over && s.finished < s.Rounds {
					m.Start(task.ID, s.finished+1)
				}
			case 1:
				if s.running {
					m.Update(task.ID, int64(1+rng.IntN(100)), 100, "", "")
				}
			case 2:
				if s.running && s.finished+1 < s.Rounds {
					m.Round(task.ID)
				}
			case 3:
				if s.running {
					m.End(task.ID, []string{"", "crash"}[rng.IntN(2)])
				}
			}
			c.advance(time.Duration(rng.IntN(5000)) * time.Millisecond)
			got, want := m.Left(), plainLeft(m)
			if math.Abs(float64(got-want)) > 1e-6*float64(want)+1e3 {
				t.Fatalf("seed %d, step %d: %v, want %v", seed, step, got, want)
			}
		}
	}
}

// TestNothingIsAskedOfEveryTask holds that what is said of one task looks at no
// other that waits or is over: with a look at each, a line of a long sweep costs
// the number of its stages.
func TestNothingIsAskedOfEveryTask(t *testing.T) {
	for _, terminal := range []bool{true, false} {
		c := &clock{time.Unix(1000, 0)}
		m := New(&bytes.Buffer{}, terminal, c.now)
		m.Expect([]Task{{ID: "a", Kind: "train", Estimate: time.Minute},
			{ID: "b", Kind: "time", Estimate: time.Minute, Rounds: 2, Alone: true}}, 1)
		clear(m.tasks) // a look at one panics
		m.Start("a", 0)
		c.advance(time.Second)
		m.Update("a", 1, 2, "", "")
		m.Say("a remark")
		m.End("a", "")
		m.Start("b", 1)
		c.advance(time.Minute)
		m.Round("b")
		if m.Left() <= 0 {
			t.Error("no forecast")
		}
	}
}

func TestCenturiesDoNotOverflow(t *testing.T) {
	m := New(&bytes.Buffer{}, false, time.Now)
	var tasks []Task
	for i := range 400 {
		tasks = append(tasks, Task{ID: fmt.Sprint(i), Kind: "train", Estimate: 365 * 24 * time.Hour})
	}
	m.Expect(tasks, 4)
	if got := m.Left(); got < 36*365*24*time.Hour {
		t.Errorf("400 trainings of a year, 4 at a time: %v", got)
	}
}
