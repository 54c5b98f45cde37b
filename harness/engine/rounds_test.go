package engine_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"prabench/harness/engine"
	"prabench/harness/stage"
	"prabench/models"
	"prabench/models/pra"
	"prabench/results"
	"prabench/results/record"
)

// timings gives the attempt of each cell's timing.
func (b *bench) timings(sum engine.Summary) map[string]record.Attempt {
	b.t.Helper()
	db, err := results.OpenReadOnly(b.places.DB)
	if err != nil {
		b.t.Fatal(err)
	}
	defer db.Close()
	out := map[string]record.Attempt{}
	for _, it := range sum.Plans[0].Items {
		if it.Kind.Name != "time" {
			continue
		}
		end, ok, err := db.StageDone(context.Background(), it.Key)
		if err == nil && ok {
			out[it.Label], ok, err = db.Attempt(context.Background(), end.ID)
		}
		if err != nil || !ok {
			b.t.Fatalf("timing of %s: %v, %v", it.Label, ok, err)
		}
	}
	return out
}

// without measures no training, and so depths of training are timed the same.
func without(s *stage.Settings) { s.Measure.TrainSteps, s.Measure.RepeatDisturbed = 0, 0 }

func TestCellsThatAreTimedTheSameShareTheirRounds(t *testing.T) {
	b := newBench(t)
	sum := b.run(context.Background(), tiny(without), nil)
	of := b.timings(sum)
	first, second := of["depth=0, seed 1"], of["depth=1, seed 1"]
	if record.MeasuredBy(second.ID) != first.ID || second.ID == first.ID || second.Cell != "cell1" || second.Stage == first.Stage {
		t.Fatalf("attempts %+v and %+v", first, second)
	}
	if d := cmp.Diff(first.Values, second.Values) + cmp.Diff(first.Readings, second.Readings); d != "" || len(first.Readings) == 0 {
		t.Errorf("%d readings; %s", len(first.Readings), d)
	}
	if !second.Started.Equal(first.Started) || cmp.Diff(first.Protocol, second.Protocol) != "" {
		t.Errorf("%v %v, %v %v", first.Started, first.Protocol, second.Started, second.Protocol)
	}
	if left, _ := filepath.Glob(filepath.Join(b.places.Artifacts, "round", "*")); len(left) > 0 {
		t.Errorf("rounds %v were left", left)
	}

	// The one alone, to the same database, has nothing to do; another one that is timed
	// the same takes the rounds that are there.
	if again := b.run(context.Background(), tiny(without), nil); again.Done != 0 {
		t.Errorf("%d stages were done again", again.Done)
	}
	third := tiny(func(s *stage.Settings) { without(s); s.Until = 10 })
	third.Cells = third.Cells[:1]
	third.Cells[0].ID, third.Cells[0].Label = "cell2", "until=10"
	e := tiny(without)
	e.Cells = append(e.Cells, third.Cells...)
	sum = b.run(context.Background(), e, nil)
	if now := b.timings(sum); record.MeasuredBy(now["until=10, seed 1"].ID) != first.ID || now["depth=0, seed 1"].ID != first.ID {
		t.Errorf("%s, %s; measured by %s", now["until=10, seed 1"].ID, now["depth=0, seed 1"].ID, first.ID)
	}

	// Who asks for it has it measured.
	sum = b.run(context.Background(), tiny(without), func(r *engine.Run) { r.Force = []string{"cell1"} })
	if now := b.timings(sum)["depth=1, seed 1"]; record.MeasuredBy(now.ID) != now.ID {
		t.Errorf("a forced timing shares the rounds of %s", record.MeasuredBy(now.ID))
	}
}

// set changes a key of the second cell.
func set(e *engine.Experiment, key string, v any) {
	s := e.Cells[1].Settings
	p, ok := models.Set(s.Params, key, v)
	if !ok {
		panic(key)
	}
	s.Params = p
}

// planOf is the plan of an experiment of which nothing was done.
func planOf(t *testing.T, e *engine.Experiment) *engine.Plan {
	t.Helper()
	id := &engine.Identifier{Places: engine.Places{Artifacts: t.TempDir()}, Read: true}
	if _, err := id.Identify(context.Background(), e); err != nil {
		t.Fatal(err)
	}
	return engine.NewPlan(e)
}

func TestWhatDiffersIsTimedApart(t *testing.T) {
	for name, change := range map[string]func(e *engine.Experiment){
		"training is timed": func(e *engine.Experiment) {
			for i := range e.Cells {
				e.Cells[i].Settings.Measure.TrainSteps = 1
			}
		},
		"a seed":       func(e *engine.Experiment) { e.Cells[1].Seed = 2 },
		"the sampling": func(e *engine.Experiment) { set(e, "sample.flow_steps", 3) },
		"the model":    func(e *engine.Experiment) { set(e, "model.width", 32) },
		"the batch":    func(e *engine.Experiment) { e.Cells[1].Settings.Measure.Batch = 4 },
		"the rounds":   func(e *engine.Experiment) { e.Cells[1].Settings.Measure.Rounds = 3 },
		"what it chooses": func(e *engine.Experiment) {
			e.Cells[1].Settings.Tune = stage.Tune{Metric: "fid_proxy", Grid: "flow_steps=1,2", Images: 20, Seed: 9}
		},
		"the weights, which decide how many sweeps there are": func(e *engine.Experiment) {
			for i := range e.Cells {
				edit(e.Cells[i].Settings, func(p *pra.Params) { p.Sample.RolloutDepth, p.Sample.Tolerance = models.Exact, 0.1 })
			}
		},
	} {
		e := tiny(without)
		if n := len(planOf(t, e).Sharing()); n != 1 {
			t.Fatalf("%d of the two timings share", n)
		}
		change(e)
		if n := len(planOf(t, e).Sharing()); n != 0 {
			t.Errorf("%s differs, and %d timings share", name, n)
		}
	}
}

func TestRoundsGoOnForAnInterval(t *testing.T) {
	b := newBench(t)
	asks := func(interval float64, budget time.Duration) func(*stage.Settings) {
		return func(s *stage.Settings) {
			without(s)
			s.Measure.Interval, s.Measure.Budget = interval, budget
		}
	}
	rounds := func(a record.Attempt) (n int) {
		for _, r := range a.Readings {
			n = max(n, r.Round)
		}
		return n
	}
	// No machine is within 1e-9, so a spent budget ends it, and as early as it is spent.
	sum := b.run(context.Background(), tiny(asks(1e-9, time.Nanosecond)), nil)
	if n := rounds(b.timings(sum)["depth=0, seed 1"]); n != 2 {
		t.Errorf("%d rounds without a budget for more than 2", n)
	}
	sum = b.run(context.Background(), tiny(asks(2e-9, 6*time.Second)), nil)
	a := b.timings(sum)["depth=0, seed 1"]
	if n := rounds(a); n <= 2 || !strings.Contains(b.out.String(), "time depth=0") {
		t.Errorf("%d rounds with a budget for more than 2\n%s", n, b.out.String())
	}
}
