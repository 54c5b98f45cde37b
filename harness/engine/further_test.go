package engine_test

import (
	"bytes"
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
	"prabench/models/pra"
)

// stops is one training that is looked at after some steps, 0 at its end.
func stops(steps ...int) *engine.Experiment {
	e := tiny(func(s *stage.Settings) {
		s.Measure.Rounds = 0
		edit(s, func(p *pra.Params) { p.Train.Steps = 250 })
	})
	cell := e.Cells[1]
	e.Cells = nil
	for i, until := range steps {
		c, s := cell, *cell.Settings
		s.Until = until
		c.Settings = &s
		c.ID += string(rune('a' + i))
		c.Params = map[string]any{"train.until": until}
		e.Cells = append(e.Cells, c)
	}
	return e
}

// trained are the files of a training.
func (b *bench) trained(e *engine.Experiment, cell int) (files [][]byte) {
	b.t.Helper()
	for _, name := range []string{work.ModelFile, work.CurveFile} {
		raw, err := os.ReadFile(filepath.Join(b.places.Artifacts, "train", e.Cells[cell].Chain.Key(work.Train), name))
		if err != nil {
			b.t.Fatal(err)
		}
		files = append(files, raw)
	}
	return files
}

func same(a, b [][]byte) bool { return slices.EqualFunc(a, b, bytes.Equal) }

// A training that goes on from another one that stopped earlier is the same to the
// bit, curve and all, and does only the steps between them. What it goes on from may
// be damaged or gone.
func TestATrainingGoesOnFromAShorterOne(t *testing.T) {
	whole := newBench(t)
	direct := stops(0)
	whole.run(context.Background(), direct, nil)

	b := newBench(t)
	log := filepath.Join(t.TempDir(), "stderr")
	kept := func(r *engine.Run) {
		r.Command = func(string) ([]string, error) { return []string{"sh", "-c", `exec "$0" 2>>"$1"`, os.Args[0], log}, nil }
	}
	said := func(want ...string) {
		t.Helper()
		raw, err := os.ReadFile(log)
		for _, w := range want {
			if !strings.Contains(string(raw), w) {
				t.Errorf("no worker said %q (%v):\n%s", w, err, raw)
			}
		}
		os.Remove(log)
	}
	e := stops(7, 101, 0)
	if sum := b.run(context.Background(), e, kept); sum.Failed+sum.Blocked > 0 {
		t.Fatalf("%+v\n%s", sum, b.out.String())
	}
	if !same(b.trained(e, 2), whole.trained(direct, 0)) {
		t.Error("the training in three parts differs from that in one")
	}
	said("goes on from step 7 ", "goes on from step 101 ")
	if same(b.trained(e, 0), b.trained(e, 1)) {
		t.Error("two stops have the same model")
	}
	began := map[string]float64{}
	for _, r := range b.rows() {
		if r.Metric == "train_seconds" {
			began[r.Cell] = r.Value
		}
	}
	if began["cell1a"] >= began["cell1b"] || began["cell1b"] >= began["cell1c"] {
		t.Errorf("the time of all steps so far does not grow: %v", began)
	}

	// The same with what it would go on from spoilt: the last byte of one, all of another.
	state := func(cell int) string {
		return filepath.Join(b.places.Artifacts, "train", e.Cells[cell].Chain.Key(work.Train), work.StateFile)
	}
	raw, err := os.ReadFile(state(1))
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)-1] ^= 1
	if err := os.WriteFile(state(1), raw, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Dir(state(0))); err != nil {
		t.Fatal(err)
	}
	other := stops(7, 101, 0)
	other.Cells = other.Cells[1:]
	b.places.DB += ".other"
	if err := os.RemoveAll(filepath.Join(b.places.Artifacts, "train", e.Cells[2].Chain.Key(work.Train))); err != nil {
		t.Fatal(err)
	}
	if sum := b.run(context.Background(), other, kept); sum.Failed+sum.Blocked > 0 {
		t.Fatalf("%+v\n%s", sum, b.out.String())
	}
	if !same(b.trained(other, 1), whole.trained(direct, 0)) {
		t.Error("after damage another model came out")
	}
	said("goes on from step 101 ") // which was made again
}

// A stop that comes later in the file than a longer one is done without it.
func TestStopsInAnyOrder(t *testing.T) {
	b := newBench(t)
	e := stops(0, 101, 7)
	if sum := b.run(context.Background(), e, nil); sum.Failed+sum.Blocked > 0 || sum.Done != 10 {
		t.Fatalf("%+v\n%s", sum, b.out.String())
	}
	keys := map[string]bool{}
	for _, c := range e.Cells {
		keys[c.Chain.Key(work.Train)] = true
	}
	if len(keys) != 3 {
		t.Errorf("three stops are %d trainings", len(keys))
	}
}

// lengths is one training under several numbers of steps.
func lengths(schedule string, warmup int, steps ...int) *engine.Experiment {
	e := stops(make([]int, len(steps))...)
	for i, n := range steps {
		s := e.Cells[i].Settings
		edit(s, func(p *pra.Params) {
			p.Train.Steps, p.Train.Schedule, p.Train.WarmupSteps, p.Train.Decay = n, schedule, warmup, 0.5
		})
		e.Cells[i].Params = map[string]any{"train.steps": n}
	}
	return e
}

// Trainings at a constant rate are one training, looked at where each of them ends.
func TestTrainingsOfSeveralLengthsGoOnFromEachOther(t *testing.T) {
	b, whole := newBench(t), newBench(t)
	e := lengths("constant", 3, 150, 460)
	if sum := b.run(context.Background(), e, nil); sum.Failed+sum.Blocked > 0 {
		t.Fatalf("%+v\n%s", sum, b.out.String())
	}
	long := lengths("constant", 3, 460)
	whole.run(context.Background(), long, nil)
	if !same(b.trained(e, 1), whole.trained(long, 0)) {
		t.Error("460 steps after 150 differ from 460 in one go")
	}
	for name, c := range map[string]struct {
		e    *engine.Experiment
		on   int // trainings that go on from others
		says string
	}{
		"constant":           {lengths("constant", 3, 100, 200, 400), 2, ""},
		"in any order":       {lengths("constant", 3, 400, 100), 1, ""},
		"wsd to its end":     {lengths("wsd", 3, 100, 200), 0, ""},
		"cosine":             {lengths("cosine", 0, 100, 200), 0, `trainings of 100, 200 steps share nothing: train.schedule = "cosine"`},
		"a share as warm-up": {lengths("constant", 0, 100, 200), 0, "share nothing: train.warmup is a share"},
		"one length":         {lengths("cosine", 0, 100), 0, ""},
	} {
		p := planOf(t, c.e)
		on := 0
		for _, it := range p.Items {
			if len(it.Earlier) > 0 {
				on++
			}
		}
		apart := strings.Join(p.Apart(), "\n")
		if on != c.on || (apart == "") != (c.says == "") || !strings.Contains(apart, c.says) {
			t.Errorf("%s: %d go on, said %q; want %d and %q", name, on, apart, c.on, c.says)
		}
	}
	// What a wsd training shares with a longer one is a stop before its rate falls.
	mixed := lengths("wsd", 3, 200, 400)
	mixed.Cells[0].Settings.Until = 100
	if !slices.ContainsFunc(planOf(t, mixed).Items, func(it *engine.Item) bool { return len(it.Earlier) > 0 }) {
		t.Error("the longer training does not go on from the stop before the fall")
	}
}

// Averages of one training whose decays no step comes to are the same, and plan says so.
func TestAveragesThatAreTheSame(t *testing.T) {
	for text, want := range map[string]string{
		"0.9995": "", "0.5, 0.9995": "", "0.5, 0.9, 0.999": "train.ema = 0.9 and 0.999 are the same average after 20 steps",
	} {
		e := tiny(func(s *stage.Settings) { edit(s, func(p *pra.Params) { p.Train.EMA = models.Averages(text) }) })
		id := &engine.Identifier{Places: engine.Places{Artifacts: t.TempDir()}}
		if _, err := id.Identify(context.Background(), e); err != nil {
			t.Fatal(err)
		}
		got := engine.NewPlan(e).SameAverages()
		if want == "" && len(got) > 0 || want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], want)) {
			t.Errorf("%s: %q", text, got)
		}
	}
}

// The averages of a model with a tokenizer begin behind the tokenizer's steps: 12 of 20. Nothing is
// said of trainings that are left out.
func TestAveragesBehindATokenizer(t *testing.T) {
	for _, skip := range []bool{false, true} {
		e := coded(t, map[string]any{"train.ema": models.Averages("0.6, 0.65")})
		for i := range e.Cells {
			e.Cells[i].Skip = skip
		}
		id := &engine.Identifier{Places: engine.Places{Artifacts: t.TempDir()}}
		if _, err := id.Identify(context.Background(), e); err != nil {
			t.Fatal(err)
		}
		got, want := engine.NewPlan(e).SameAverages(), 1
		if skip {
			want = 0
		}
		if len(got) != want || want > 0 && !strings.HasPrefix(got[0], "train.ema = 0.6 and 0.65 are the same average after 12 steps") {
			t.Errorf("left out %v: %q", skip, got)
		}
	}
}

// A family without random numbers gives one training for all seeds, and so do seeds of all parts.
func TestSeedsOfOneTraining(t *testing.T) {
	family, err := models.Named("gaussian")
	if err != nil {
		t.Fatal(err)
	}
	e := tiny(without)
	of := e.Cells[0]
	e.Cells = nil
	for _, label := range []string{"floor", "PRA", "set"} {
		for seed := range uint64(2) {
			c, s := of, *of.Settings
			switch label {
			case "floor":
				s.Params = family.Defaults().For(s.Params.Shape())
				s.Params, _ = models.Set(s.Params, "model.patch", 4)
			case "set":
				for _, key := range models.SeedKeys {
					s.Params, _ = models.Set(s.Params, key, uint64(9))
				}
			}
			s.Params = s.Params.Seeded(seed + 1)
			c.ID, c.Label, c.Seed, c.Settings = fmt.Sprint(label, seed), label, seed+1, &s
			e.Cells = append(e.Cells, c)
		}
	}
	if got := planOf(t, e).OneTraining(); !slices.Equal(got, []string{"floor", "set"}) {
		t.Errorf("one training: %q", got)
	}
}

// With one AR step the depth of the rollout changes nothing: plan says so of trainings that
// differ in it alone, and they do end with the same loss to the last bit. Nothing is said of
// models with several steps, nor of other differences.
func TestTrainingsThatCannotDiffer(t *testing.T) {
	depths := []models.Depth{0, 1, 2, models.Exact}
	with := func(patch int, lrs ...float64) *engine.Experiment {
		e := tiny(nil)
		of := e.Cells[0]
		e.Cells = nil
		for _, lr := range lrs {
			for _, depth := range depths {
				for seed := uint64(1); seed <= 2; seed++ {
					s := *of.Settings
					s.Measure.Rounds = 0
					edit(&s, func(p *pra.Params) { p.Model.Patch, p.Train.LR, p.Train.RolloutDepth = patch, lr, depth })
					c := of
					c.ID, c.Seed, c.Settings = fmt.Sprintf("c%g-%v-%d", lr, depth, seed), seed, &s
					c.Label = fmt.Sprintf("lr=%g rollout_depth=%v", lr, depth)
					e.Cells = append(e.Cells, c)
				}
			}
		}
		return e
	}
	alike := func(e *engine.Experiment) []string {
		id := &engine.Identifier{Places: engine.Places{Artifacts: t.TempDir()}}
		if _, err := id.Identify(context.Background(), e); err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, a := range engine.NewPlan(e).Alike() {
			out = append(out, a.String())
		}
		return out
	}
	if got := alike(with(4, 1e-3)); len(got) != 0 { // four tokens
		t.Errorf("several steps: %q", got)
	}
	got := alike(with(8, 1e-3, 1e-2))
	if len(got) != 2 || !strings.HasPrefix(got[0], "lr=0.001 rollout_depth=0 and lr=0.001 rollout_depth=1 and ") ||
		!strings.HasPrefix(got[1], "lr=0.01 rollout_depth=0 and ") {
		t.Errorf("one step: %q", got)
	}
	// Of other keys: noise on inputs that nothing reads, and sweeps that no image keeps.
	noisy := with(8, 1e-3)
	for i := range noisy.Cells {
		edit(noisy.Cells[i].Settings, func(p *pra.Params) { p.Train.InputNoise = 0.1 * float64(i%3) })
	}
	mixed := with(4, 1e-3)
	for i := range mixed.Cells {
		edit(mixed.Cells[i].Settings, func(p *pra.Params) { p.Train.Mix, p.Train.SweepSteps = 1, 1+i })
	}
	mixed.Cells = mixed.Cells[2:] // without depth 0, which is another
	if got := alike(noisy); len(got) != 1 || !strings.Contains(got[0], "train.input_noise change nothing; each is trained all the same") {
		t.Errorf("noise on inputs that nothing reads: %q", got)
	}
	if got := alike(mixed); len(got) != 1 || !strings.Contains(got[0], "train.mix = 1") || strings.Count(got[0], " and ") < 2 {
		t.Errorf("sweeps that no image keeps: %q", got)
	}
	for _, e := range []*engine.Experiment{with(8, 1e-3), noisy, mixed} {
		theSameModel(t, e)
	}
}

// theSameModel trains all cells of two seeds and compares their losses.
func theSameModel(t *testing.T, e *engine.Experiment) {
	t.Helper()
	b := newBench(t)
	b.run(context.Background(), e, nil)
	losses := map[uint64]map[float64]bool{}
	for _, r := range b.rows() {
		if r.Metric == "train_loss" {
			if losses[r.Seed] == nil {
				losses[r.Seed] = map[float64]bool{}
			}
			losses[r.Seed][r.Value] = true
		}
	}
	if len(losses) != 2 || len(losses[1]) != 1 || len(losses[2]) != 1 {
		t.Errorf("they do differ: %v", losses)
	}
}
