package engine_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"prabench/harness/engine"
	"prabench/harness/stage"
	"prabench/harness/work"
	"prabench/models"
	"prabench/results"
)

// coded is an experiment with models of discrete tokens: two widths, each drawn from at
// two temperatures.
func coded(t *testing.T, change map[string]any) *engine.Experiment {
	t.Helper()
	family, err := models.Named("vq")
	if err != nil {
		t.Fatal(err)
	}
	e := tiny(func(s *stage.Settings) { s.Measure.Rounds = 0 })
	of := *e.Cells[0].Settings
	e.Cells = nil
	for _, width := range []int{16, 24} {
		for _, temperature := range []float64{0.5, 1} {
			s := of
			s.Params = family.Defaults().For(of.Params.Shape()).Seeded(1)
			for _, keys := range []map[string]any{{"model.patch": 4, "model.width": width, "model.depth": 1, "model.heads": 2, "model.codes": 8,
				"model.code_dim": 4, "model.coder_width": 16, "train.steps": 20, "train.batch": 8, "train.tokenizer_steps": 8,
				"sample.temperature": temperature}, change} {
				for key, v := range keys {
					p, ok := models.Set(s.Params, key, v)
					if !ok {
						t.Fatalf("%s cannot be set", key)
					}
					s.Params = p
				}
			}
			id := fmt.Sprintf("w%d-%g", width, temperature)
			e.Cells = append(e.Cells, engine.Cell{ID: id, Label: id, Seed: 1, Settings: &s,
				Params: map[string]any{"model.width": width, "sample.temperature": temperature}})
		}
	}
	return e
}

// states counts the stages of a kind by their state, without those that nobody needs.
func states(p *engine.Plan, kind *stage.Kind) map[engine.State]int {
	out := map[engine.State]int{}
	for _, it := range p.Items {
		if it.Kind == kind && !it.Spared {
			out[it.State]++
		}
	}
	return out
}

// plan is what a run of an experiment would do.
func (b *bench) plan(e *engine.Experiment) *engine.Plan {
	b.t.Helper()
	p, _, err := engine.Inspect(context.Background(), b.places, false, e)
	if err != nil {
		b.t.Fatal(err)
	}
	return p
}

// Cells that differ in keys of the transformer and of sampling train one tokenizer. Each of
// them counts its seconds as its own.
func TestATokenizerIsTrainedOnce(t *testing.T) {
	b := newBench(t)
	ctx := context.Background()
	e := coded(t, nil)
	p := b.plan(e)
	if got := states(p, work.Tokenizer); got[engine.ToDo] != 1 || len(got) != 1 || states(p, work.Train)[engine.ToDo] != 2 {
		t.Fatalf("planned: %v tokenizers, %v trainings", got, states(p, work.Train))
	}
	for _, it := range p.Items {
		if it.Kind == work.Tokenizer && (it.Cells != 4 || it.Estimate <= 0 || it.Memory() <= 0) {
			t.Errorf("the tokenizer is of %d cells, takes %v and %d bytes", it.Cells, it.Estimate, it.Memory())
		}
	}
	// One reference and tokenizer, two trainings, four of sample and score.
	if sum := b.run(ctx, e, nil); sum.Done != 12 || sum.Failed+sum.Blocked > 0 {
		t.Fatalf("%+v\n%s", sum, b.out.String())
	}
	attempts, of := map[string]bool{}, map[string]float64{}
	for _, r := range b.rows() {
		if r.Metric == "tokenizer_seconds" {
			attempts[r.Attempt] = true
		}
		of[r.Cell+" "+r.Metric] = r.Value
	}
	if len(attempts) != 1 {
		t.Errorf("%d attempts at a tokenizer", len(attempts))
	}
	for _, c := range e.Cells {
		if tok, all := of[c.ID+" tokenizer_seconds"], of[c.ID+" train_seconds"]; tok <= 0 || all <= tok {
			t.Errorf("%s: %g s of training, %g s of them the tokenizer's", c.ID, all, tok)
		}
	}
	if sum := b.run(ctx, e, nil); sum.Done != 0 || sum.Kept != 12 {
		t.Errorf("a finished run is done again: %+v", sum)
	}
	// Another width needs a training, and its tokenizer is there.
	more := coded(t, map[string]any{"model.depth": 2})
	if sum := b.run(ctx, more, nil); sum.Done != 10 || sum.Kept != 2 {
		t.Errorf("another depth: %+v\n%s", sum, b.out.String())
	}
	// What is asked for is done once more, tokenizer and all.
	if sum := b.run(ctx, e, func(r *engine.Run) { r.Force = []string{"w16-1"} }); sum.Done != 5 {
		t.Errorf("forced: %+v\n%s", sum, b.out.String())
	}
}

// Results of a program that knew no shared tokenizers are whole: there is nothing to do, in
// their database and in another one that takes their artifacts over. What is added trains
// a tokenizer, once; what a training goes on from spares it.
func TestResultsWithoutATokenizerAreWhole(t *testing.T) {
	b := newBench(t)
	ctx := context.Background()
	b.run(ctx, coded(t, nil), nil)
	rows := len(b.rows())
	if err := os.RemoveAll(filepath.Join(b.places.Artifacts, work.Tokenizer.Name)); err != nil {
		t.Fatal(err)
	}
	b.places.DB = filepath.Join(t.TempDir(), "other.db")
	e := coded(t, nil)
	if sum := b.run(ctx, e, nil); sum.Done != 0 || sum.Kept != 11 {
		t.Fatalf("%+v\n%s", sum, b.out.String())
	}
	if n := len(b.rows()); n != rows-4 { // tokenizer_seconds
		t.Errorf("%d rows are taken over, %d without those of the tokenizer", n, rows-4)
	}
	for _, c := range b.planned(e) {
		if _, has := c.Stages[work.Tokenizer.Name]; c.State != "done" || has {
			t.Errorf("%+v", c)
		}
	}
	db, err := results.OpenReadOnly(b.places.DB)
	if err != nil {
		t.Fatal(err)
	}
	cells, err := db.Cells(ctx, "tiny")
	db.Close()
	if err != nil || len(cells) != 4 {
		t.Fatal(cells, err)
	}
	for _, c := range cells {
		if c.Outcome != "ok" {
			t.Errorf("%s is said to have ended with %q", c.Cell, c.Outcome)
		}
	}
	p := b.plan(e)
	if got := states(p, work.Tokenizer); len(got) != 0 || p.Count(engine.ToDo) != 0 {
		t.Errorf("%v tokenizers are planned, %d stages to do", got, p.Count(engine.ToDo))
	}
	if sum := b.run(ctx, e, func(r *engine.Run) { r.Force = []string{"w24-1"} }); sum.Done != 5 {
		t.Errorf("forced: %+v\n%s", sum, b.out.String())
	}
	if sum := b.run(ctx, e, nil); sum.Done != 0 || sum.Kept != 12 {
		t.Errorf("after that: %+v", sum)
	}
}

// A training that goes on from a shorter one that is done needs no tokenizer.
func TestAShorterTrainingSparesTheTokenizer(t *testing.T) {
	b := newBench(t)
	ctx := context.Background()
	steady := map[string]any{"train.schedule": "constant", "train.warmup_steps": 2}
	b.run(ctx, coded(t, steady), nil)
	tokenizers := filepath.Join(b.places.Artifacts, work.Tokenizer.Name)
	if err := os.RemoveAll(tokenizers); err != nil {
		t.Fatal(err)
	}
	both := coded(t, steady)
	steady["train.steps"] = 30
	longer := coded(t, steady)
	for i := range longer.Cells {
		longer.Cells[i].ID += "-longer"
		longer.Cells[i].Label += " longer"
	}
	both.Cells = append(both.Cells, longer.Cells...)
	if sum := b.run(ctx, both, nil); sum.Failed+sum.Blocked > 0 || sum.Done != 10 {
		t.Fatalf("%+v\n%s", sum, b.out.String())
	}
	if made, _ := os.ReadDir(tokenizers); len(made) > 0 {
		t.Errorf("a tokenizer was trained that nothing builds on")
	}
	alone := newBench(t)
	alone.run(ctx, longer, nil)
	if !same(b.trained(both, 4), alone.trained(longer, 0)) {
		t.Error("the longer training is another one")
	}
}

// A tokenizer that fails blocks its trainings, with its reason.
func TestATokenizerThatFails(t *testing.T) {
	b := newBench(t)
	e := coded(t, nil)
	for i := range e.Cells {
		e.Cells[i].Settings.Measure.Timeouts = "tokenizer=1ms"
	}
	sum := b.run(context.Background(), e, nil)
	if sum.Failed != 1 || sum.Blocked != 10 || sum.Done != 1 {
		t.Fatalf("%+v\n%s", sum, b.out.String())
	}
	for _, c := range b.planned(e) {
		if c.State != "failed" || c.Stage != work.Tokenizer.Name || !strings.Contains(c.Reason, "timeout") {
			t.Errorf("%+v", c)
		}
	}
	if sum := b.run(context.Background(), coded(t, nil), func(r *engine.Run) { r.Retry = true }); sum.Done != 11 || sum.Failed > 0 {
		t.Errorf("tried again: %+v\n%s", sum, b.out.String())
	}
}

// What is left out by --only trains no tokenizer.
func TestCellsLeftOutTrainNoTokenizer(t *testing.T) {
	b := newBench(t)
	e := coded(t, nil)
	other := coded(t, map[string]any{"model.codes": 16})
	for i := range other.Cells {
		other.Cells[i].ID += "-16"
		other.Cells[i].Skip = true
	}
	e.Cells = append(e.Cells, other.Cells...)
	if sum := b.run(context.Background(), e, nil); sum.Done != 12 {
		t.Fatalf("%+v\n%s", sum, b.out.String())
	}
	p := b.plan(e)
	if got := states(p, work.Tokenizer); got[engine.Done] != 1 || got[engine.ToDo] != 1 {
		t.Errorf("tokenizers: %v", got)
	}
	if slices.ContainsFunc(p.Items, func(it *engine.Item) bool { return it.State == engine.ToDo && !it.Skip }) {
		t.Error("something is left to do")
	}

	// Nor do cells that are done, where others that are left out would need it.
	half := coded(t, nil)
	half.Cells[2].Skip, half.Cells[3].Skip = true, true
	b = newBench(t)
	b.run(context.Background(), half, nil)
	if err := os.RemoveAll(filepath.Join(b.places.Artifacts, work.Tokenizer.Name)); err != nil {
		t.Fatal(err)
	}
	b.places.DB = filepath.Join(t.TempDir(), "other.db")
	if sum := b.run(context.Background(), half, nil); sum.Done != 0 || sum.Kept != 6 {
		t.Errorf("%+v\n%s", sum, b.out.String())
	}
	half.Cells[2].Skip, half.Cells[3].Skip = false, false
	if sum := b.run(context.Background(), half, nil); sum.Done != 6 || sum.Kept != 6 {
		t.Errorf("%+v\n%s", sum, b.out.String())
	}
}
