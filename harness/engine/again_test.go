package engine_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"prabench/harness/engine"
	"prabench/harness/stage"
	"prabench/harness/work"
	"prabench/models/pra"
	"prabench/results"
	"prabench/results/record"
)

// planned is an inspected plan with what is stale in it, as `status` sees it.
func (b *bench) planned(e *engine.Experiment) []engine.CellStatus {
	b.t.Helper()
	ctx := context.Background()
	id := &engine.Identifier{Places: b.places}
	if _, err := id.Identify(ctx, e); err != nil {
		b.t.Fatal(err)
	}
	db, err := results.OpenReadOnly(b.places.DB)
	if err != nil {
		b.t.Fatal(err)
	}
	defer db.Close()
	p := engine.NewPlan(e)
	if err := p.Inspect(ctx, db, b.places.Store(), false); err != nil {
		b.t.Fatal(err)
	}
	if err := p.FindStale(ctx, db); err != nil {
		b.t.Fatal(err)
	}
	cells, _ := p.Status(b.places)
	return cells
}

// change does something to the database.
func (b *bench) change(do func(db *results.DB) error) {
	b.t.Helper()
	db, err := results.Open(b.places.DB)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := errors.Join(do(db), db.Close()); err != nil {
		b.t.Fatal(err)
	}
}

func TestStaleForcedAndGarbage(t *testing.T) {
	t.Setenv("PRABENCH_DATA", t.TempDir())
	b := newBench(t)
	ctx := context.Background()
	b.run(ctx, tiny(nil), nil)
	first := b.rows()

	// A changed key makes the cell of the same label and seed stale, by name.
	for what, c := range map[string]struct {
		change func(*stage.Settings)
		kind   string
		why    string
	}{
		"nothing": {nil, "", ""},
		"training": {func(s *stage.Settings) { edit(s, func(p *pra.Params) { p.Train.Steps = 30 }) },
			record.Train, "train.steps: 30, before 20"},
		"sampling": {func(s *stage.Settings) { edit(s, func(p *pra.Params) { p.Sample.FlowSteps = 3 }) },
			record.Draw, "sample.flow_steps: 3, before 2"},
		"rounds": {func(s *stage.Settings) { s.Measure.Rounds = 3 }, record.Time, "rounds: 3, before 2"},
		"data":   {func(s *stage.Settings) { s.Data.Seed = 2 }, record.Reference, "the data"},
	} {
		cells := b.planned(tiny(c.change))
		for _, cell := range cells {
			want := "stale"
			if c.why == "" {
				want = "done"
			}
			if cell.State != want || cell.Stage != c.kind || !strings.Contains(cell.Reason, c.why) {
				t.Errorf("%s: %s is %s by %q: %s", what, cell.Cell, cell.State, cell.Stage, cell.Reason)
			}
		}
	}

	// A forced cell is done again, with the same values; others are not.
	forced := b.run(ctx, tiny(nil), func(r *engine.Run) { r.Force = []string{"cell0"} })
	if forced.Done != 5 || forced.Kept != 4 {
		t.Errorf("forced: %d done, %d kept\n%s", forced.Done, forced.Kept, b.out.String())
	}
	second := b.rows()
	for i, r := range second {
		again := r.Attempt != first[i].Attempt
		if want := r.Cell == "cell0" || r.Kind == record.Reference; again != want || r.Metric != first[i].Metric {
			t.Errorf("%s of %s: done again: %v", r.Metric, r.Cell, again)
		}
		if (r.Kind == record.Score || r.Metric == "train_loss") && r.Value != first[i].Value {
			t.Errorf("%s of %s was %v and is %v", r.Metric, r.Cell, first[i].Value, r.Value)
		}
	}
	r := &engine.Run{Places: b.places, Command: selfCommand, Name: "test", Out: &b.out, Force: []string{"depth=7"}}
	if _, err := r.Do(ctx, tiny(nil)); err == nil || !strings.Contains(err.Error(), "--force depth=7: no cell has this id") {
		t.Errorf("%v", err)
	}

	// What no version needs is listed, removed only when asked for, and nothing
	// that is needed goes.
	if found, err := engine.Collect(ctx, b.places, "gc", false); err != nil || len(found) != 0 {
		t.Errorf("all is needed, but %v, %v", found, err)
	}
	other := func(s *stage.Settings) { edit(s, func(p *pra.Params) { p.Sample.FlowSteps = 3 }) }
	b.run(ctx, tiny(other), nil)
	left := filepath.Join(b.places.Artifacts, "checkpoint", strings.Repeat("ab", 32)+".safetensors")
	if err := os.MkdirAll(filepath.Dir(left), 0o755); err != nil {
		t.Fatal(err)
	}
	os.WriteFile(left, make([]byte, 1000), 0o644)
	decoded := filepath.Join(os.Getenv("PRABENCH_DATA"), "decoded", "old.bin")
	if err := os.MkdirAll(filepath.Dir(decoded), 0o755); err != nil {
		t.Fatal(err)
	}
	os.WriteFile(decoded, make([]byte, 1000), 0o644)
	if found, err := engine.Collect(ctx, b.places, "gc", false); err != nil || len(found) != 2 {
		t.Errorf("the version before is kept, but %v, %v", found, err)
	}
	b.change(func(db *results.DB) error { _, err := db.Remove(ctx, "tiny@1"); return err })
	found, err := engine.Collect(ctx, b.places, "gc", false)
	kinds := map[string]int{}
	for _, g := range found {
		kinds[filepath.Dir(g.Path)]++
		path := g.Path
		if path != decoded {
			path = filepath.Join(b.places.Artifacts, path)
		}
		if of := strings.Join(g.Of, " "); of != "" && of != "tiny@1" || of == "" && kinds["checkpoint"]+kinds[filepath.Dir(decoded)] == 0 {
			t.Errorf("%s was made for %s", g.Path, of)
		}
		if _, err := os.Stat(path); err != nil || g.Bytes == 0 {
			t.Errorf("a look removed %s, or it has no size: %v", g.Path, err)
		}
	}
	if err != nil || kinds["sample"] != 2 || kinds["score"] != 2 || kinds["time"] != 2 || kinds["checkpoint"] != 1 ||
		kinds[filepath.Dir(decoded)] != 1 || len(found) != 8 {
		t.Errorf("%v, %v", found, err)
	}
	if _, err := engine.Collect(ctx, b.places, "gc", true); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(decoded); err == nil {
		t.Errorf("%s is still there", decoded)
	}
	for _, g := range found {
		if _, err := os.Stat(filepath.Join(b.places.Artifacts, g.Path)); err == nil {
			t.Errorf("%s is still there", g.Path)
		}
	}
	if again := b.run(ctx, tiny(other), nil); again.Done != 0 || again.Kept != 9 {
		t.Errorf("something needed was removed: %+v", again)
	}
}

// estimate is how long a training of 20,000 steps is expected to take, in an experiment of
// its own; without a database nothing is known of others.
func (b *bench) estimate(db *results.DB, precision string) time.Duration {
	b.t.Helper()
	e := tiny(func(s *stage.Settings) {
		edit(s, func(p *pra.Params) { p.Model.Width, p.Train.Steps = 64, 20000 })
		s.Measure.Precision = precision
	})
	e.Name = "other"
	id := &engine.Identifier{Places: b.places}
	if _, err := id.Identify(context.Background(), e); err != nil {
		b.t.Fatal(err)
	}
	p := engine.NewPlan(e)
	if err := p.Inspect(context.Background(), db, b.places.Store(), false); err != nil {
		b.t.Fatal(err)
	}
	return p.Item(e.Cells[0].Chain.Key(work.Train)).Estimate
}

func TestAnEstimateLearnsFromOtherExperiments(t *testing.T) {
	b := newBench(t)
	b.run(context.Background(), tiny(nil), nil)
	estimate := func(db *results.DB) time.Duration { return b.estimate(db, "fp32") }
	db, err := results.OpenReadOnly(b.places.DB)
	if err != nil {
		t.Fatal(err)
	}
	blind, learnt := estimate(nil), estimate(db)
	db.Close()
	// All trainings so far are said to have taken an hour.
	rw, err := results.Open(b.places.DB)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range tiny(nil).Cells {
		e := tiny(nil)
		id := &engine.Identifier{Places: b.places}
		id.Identify(context.Background(), e)
		for _, x := range e.Cells {
			if x.ID == c.ID {
				now := time.Now()
				a := record.Attempt{ID: record.NewAttemptID(), Stage: x.Chain.Key(work.Train), Kind: record.Train, Outcome: record.OK, Device: "cpu",
					Started: now, Finished: now.Add(time.Hour)}
				if _, err := rw.Ingest(context.Background(), a); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	slow := estimate(rw)
	rw.Close()
	if blind <= 0 || learnt <= 0 || slow < 100*learnt {
		t.Errorf("%v knowing nothing, %v knowing others, %v when others took an hour", blind, learnt, slow)
	}
}

// A first guess takes bf16 for faster than fp32, by the same factor in every training.
func TestAnEstimateKnowsBF16(t *testing.T) {
	b := newBench(t)
	full, half := b.estimate(nil, "fp32"), b.estimate(nil, "bf16")
	if half <= 0 || full < half*13/10 || full > half*16/10 {
		t.Errorf("%v in fp32, %v in bf16", full, half)
	}
}

// A training that diverged is reported by run, and by status with its log, in words that name
// the setting; one that went well has a log and no warning.
func TestDivergedTrainings(t *testing.T) {
	b := newBench(t)
	e := tiny(func(s *stage.Settings) { s.Measure.Rounds = 0 })
	b.run(context.Background(), e, nil)
	for _, c := range b.planned(e) {
		if raw, err := os.ReadFile(c.Log); err != nil || !strings.Contains(string(raw), "step 20 of 20: loss ") || c.Warning != "" {
			t.Errorf("%+v: %v, %q", c, err, raw)
		}
	}
	key := e.Cells[1].Chain.Key(work.Train)
	for i, c := range []struct {
		rise float64
		says string
	}{{7.25, "the training diverged: its loss ended at 7.25 times its lowest; lower train.lr"}, {1.4, ""}} {
		b.change(func(db *results.DB) error {
			a := b.shown(key)
			a.ID, a.Log = record.NewAttemptID(), ""
			a.Started, a.Finished = a.Started.Add(time.Duration(i+1)*time.Hour), a.Finished.Add(time.Duration(i+1)*time.Hour)
			a.Values = slices.DeleteFunc(a.Values, func(v record.Value) bool { return v.Metric == "loss_rise" })
			a.Values = append(a.Values, record.Value{Metric: "loss_rise", Unit: "1", Value: c.rise, N: 2})
			_, err := db.Ingest(context.Background(), a)
			return err
		})
		cells := b.planned(e)
		if cells[0].Warning != "" || (cells[1].Warning != "") != (c.says != "") || !strings.Contains(cells[1].Warning, c.says) ||
			cells[1].State != "done" {
			t.Errorf("a rise of %g: %+v", c.rise, cells)
		}
	}
}
