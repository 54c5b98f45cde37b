package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"prabench/harness/engine"
	"prabench/harness/machine"
	"prabench/harness/stage"
	"prabench/harness/work"
	"prabench/harness/worker"
	"prabench/models"
	"prabench/models/dataset"
	"prabench/models/pra"
	"prabench/results"
	"prabench/results/record"
)

// The test program is its own worker.
const asWorker = "PRABENCH_TEST_WORKER"

func TestMain(m *testing.M) {
	if what, ok := strings.CutPrefix(os.Getenv(asWorker), "limited "); ok {
		os.Exit(limited(what))
	}
	switch os.Getenv(asWorker) {
	case "":
	case "replaced":
		os.Exit(replaced())
	case "which":
		fmt.Print("the program that began")
		os.Exit(0)
	case "idle":
		os.Exit(worker.Serve(os.Stdin, os.Stdout, os.Stderr, idle))
	default:
		os.Exit(worker.Serve(os.Stdin, os.Stdout, os.Stderr, work.Do))
	}
	os.Setenv(asWorker, "1") // of the workers to come
	os.Exit(m.Run())
}

func selfCommand(string) ([]string, error) { return []string{os.Args[0]}, nil }

// edit changes the model of settings, which is PRA's.
func edit(s *stage.Settings, f func(*pra.Params)) { s.Params = pra.Edit(s.Params, f) }

// tiny is an experiment of seconds: two rollout depths on drawn shapes.
func tiny(change func(*stage.Settings)) *engine.Experiment {
	e := &engine.Experiment{Name: "tiny"}
	for depth := range 2 {
		s := stage.Settings{
			Data:   dataset.Spec{Set: dataset.Shapes, Size: 8, Channels: 3, Limit: 200, Fit: "auto", Seed: 1},
			Params: pra.Params{Model: pra.DefaultConfig(), Train: pra.DefaultTrain(), Sample: pra.DefaultSample()},
			Count:  40, Batch: 16, Embedder: "ternary", Samples: 60, Reference: "train",
			Measure: stage.Measure{Device: "cpu", Precision: "fp32", Batch: 8, Warmup: 1, Rounds: 2, Threads: 1, TrainSteps: 2,
				Timeout: time.Minute},
		}
		info, err := dataset.Describe(s.Data)
		if err != nil {
			panic(err)
		}
		edit(&s, func(p *pra.Params) {
			p.Model.Size, p.Model.Channels, p.Model.Classes = info.Size, info.Channels, info.Classes
			p.Model.Patch, p.Model.State, p.Model.Width, p.Model.Depth, p.Model.Heads = 4, 6, 16, 1, 2
			p.Model.HeadWidth, p.Model.HeadDepth, p.Model.CoderWidth = 16, 1, 16
			p.Train.Steps, p.Train.Batch, p.Train.RolloutDepth, p.Train.Seed = 20, 8, models.Depth(depth), 1
			p.Sample.FlowSteps = 2
		})
		if change != nil {
			change(&s)
		}
		e.Cells = append(e.Cells, engine.Cell{
			ID: fmt.Sprintf("cell%d", depth), Label: fmt.Sprintf("depth=%d", depth), Seed: 1,
			Params: map[string]any{"train.rollout_depth": depth}, Settings: &s,
		})
	}
	return e
}

type bench struct {
	t      *testing.T
	places engine.Places
	out    bytes.Buffer
}

func newBench(t *testing.T) *bench {
	if testing.Short() {
		t.Skip("trains small models: some seconds")
	}
	dir := t.TempDir()
	return &bench{t: t, places: engine.Places{DB: filepath.Join(dir, "results.db"), Artifacts: filepath.Join(dir, "artifacts")}}
}

func (b *bench) run(ctx context.Context, e *engine.Experiment, change func(*engine.Run)) engine.Summary {
	b.t.Helper()
	b.out.Reset()
	r := &engine.Run{Places: b.places, Jobs: 2, Command: selfCommand, Name: "test", Out: &b.out}
	if change != nil {
		change(r)
	}
	sum, err := r.Do(ctx, e)
	if err != nil {
		b.t.Fatalf("%v\n%s", err, b.out.String())
	}
	return sum
}

// rows is the view results as text, without what differs between attempts.
func (b *bench) rows() []results.Row {
	b.t.Helper()
	db, err := results.OpenReadOnly(b.places.DB)
	if err != nil {
		b.t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Results(context.Background(), results.Filter{})
	if err != nil {
		b.t.Fatal(err)
	}
	return rows
}

func attempts(rows []results.Row) string {
	var s strings.Builder
	for _, r := range rows {
		fmt.Fprintln(&s, r.Cell, r.Metric, r.Value, r.Attempt, r.CreatedAt)
	}
	return s.String()
}

func TestRunDoesEverythingOnceAndOnlyWhatChanged(t *testing.T) {
	b := newBench(t)
	ctx := context.Background()

	sum := b.run(ctx, tiny(nil), nil)
	if sum.Done != 9 || sum.Failed != 0 || sum.Stopped { // one reference; two of train, sample, score, time
		t.Fatalf("%+v\n%s", sum, b.out.String())
	}
	first := b.rows()
	have := map[string]bool{}
	for _, r := range first {
		have[r.Cell+" "+r.Metric] = true
		saysWhatItsIntervalIsOver(t, r)
	}
	for _, cell := range []string{"cell0", "cell1"} {
		for _, metric := range []string{
			"fid_proxy", "fid_proxy_floor", "kid", "precision", "recall", "throughput", "latency", "first_block_latency", "memory_peak",
			"memory_model", "memory_cache", "memory_activations", "train_throughput", "train_seconds", "train_loss",
			"flops_image", "mfu", "params", "ar_steps", "nfe",
		} {
			if !have[cell+" "+metric] {
				t.Errorf("%s has no %s", cell, metric)
			}
		}
	}

	b.shareOfPeak(first)

	again := b.run(ctx, tiny(nil), nil)
	if again.Done != 0 || again.Kept != 9 || b.out.Len() != 0 {
		t.Errorf("the second run did %d stages and said %q", again.Done, b.out.String())
	}
	if attempts(b.rows()) != attempts(first) {
		t.Error("the second run changed rows")
	}

	sampled := b.run(ctx, tiny(func(s *stage.Settings) { edit(s, func(p *pra.Params) { p.Sample.FlowSteps = 3 }) }), nil)
	for _, it := range sampled.Plans[0].Items {
		if it.Kind == work.Train && it.Attempt != first[indexOf(first, it.Key)].Attempt {
			t.Error("a changed [sample] key trained again")
		}
	}
	if sampled.Done != 6 { // sample, score, time of two cells
		t.Errorf("a changed [sample] key did %d stages\n%s", sampled.Done, b.out.String())
	}

	other := &bench{t: t, places: engine.Places{DB: filepath.Join(t.TempDir(), "other.db"), Artifacts: b.places.Artifacts}}
	taken := other.run(ctx, tiny(nil), nil)
	if taken.Done != 0 || attempts(other.rows()) != attempts(first) {
		t.Errorf("a second database over the same artifacts did %d stages, or has other rows", taken.Done)
	}
}

// shareOfPeak computes mfu of every round from what else the round read: the median
// of its throughput, the arithmetic of a call for 8 images, in which the embedding of
// the two flow times (2·2·(64·16 + 16·16) operations) comes once, and the peak.
func (b *bench) shareOfPeak(rows []results.Row) {
	b.t.Helper()
	db, err := results.OpenReadOnly(b.places.DB)
	if err != nil {
		b.t.Fatal(err)
	}
	defer db.Close()
	checked := 0
	for _, r := range rows {
		if r.Metric != "mfu" {
			continue
		}
		a, _, err := db.Attempt(context.Background(), r.Attempt)
		if err != nil {
			b.t.Fatal(err)
		}
		for round := 1; round <= 2; round++ {
			of := map[string][]float64{}
			for _, x := range a.Readings {
				if x.Round == round {
					of[x.Metric] = append(of[x.Metric], x.Value)
				}
			}
			if len(of["mfu"]) != 1 {
				b.t.Fatalf("round %d has %d readings of mfu", round, len(of["mfu"]))
			}
			rates, once := slices.Sorted(slices.Values(of["throughput"])), float64(2*2*(64*16+16*16))
			median := (rates[(len(rates)-1)/2] + rates[len(rates)/2]) / 2
			want := median * (8*(of["flops_image"][0]-once) + once) / 8 / of["peak_flops"][0]
			if got := of["mfu"][0]; math.Abs(got-want) > 1e-9*want {
				b.t.Errorf("round %d: mfu %g, computed %g", round, got, want)
			}
			checked++
		}
	}
	if checked != 4 {
		b.t.Errorf("%d rounds checked, not 4", checked)
	}
}

func indexOf(rows []results.Row, stage string) int {
	for i, r := range rows {
		if r.Stage == stage {
			return i
		}
	}
	return 0
}

func TestAStoppedRunGoesOnAndEndsAsIfNeverStopped(t *testing.T) {
	b := newBench(t)
	long := func(s *stage.Settings) { edit(s, func(p *pra.Params) { p.Train.Steps = 3000 }) }
	e := func() *engine.Experiment { x := tiny(long); x.Cells = x.Cells[:1]; return x }
	whole := b.run(context.Background(), e(), nil)
	var want float64
	for _, r := range b.rows() {
		if r.Metric == "train_loss" {
			want = r.Value
		}
	}

	b2 := newBench(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		// Stop as soon as the training has begun to report.
		for ctx.Err() == nil {
			for _, r := range engine.RunningNow(b2.places) {
				if r.Kind == record.Train && r.Progress.What == "training" {
					cancel()
				}
			}
			time.Sleep(2 * time.Millisecond)
		}
	}()
	stopped := b2.run(ctx, e(), nil)
	if !stopped.Stopped || stopped.Done >= whole.Done {
		t.Fatalf("the run was not stopped: %+v\n%s", stopped, b2.out.String())
	}
	trained := stopped.Plans[0].Experiments[0].Cells[0].Chain.Key(work.Train)
	if _, err := os.Stat(work.CheckpointPath(b2.places.Artifacts, trained)); err != nil {
		t.Errorf("no checkpoint: %v", err)
	}
	rest := b2.run(context.Background(), e(), nil)
	if rest.Stopped || rest.Failed != 0 {
		t.Fatalf("%+v\n%s", rest, b2.out.String())
	}
	for _, r := range b2.rows() {
		if r.Metric == "train_loss" && r.Value != want {
			t.Errorf("the loss is %v after a stop, %v without", r.Value, want)
		}
	}
	key := rest.Plans[0].Experiments[0].Cells[0].Chain.Key(work.Train)
	for _, name := range []string{work.ModelFile, work.CurveFile} {
		x, errX := os.ReadFile(filepath.Join(b.places.Artifacts, "train", key, name))
		y, errY := os.ReadFile(filepath.Join(b2.places.Artifacts, "train", key, name))
		if errX != nil || errY != nil || !bytes.Equal(x, y) {
			t.Errorf("%s differs after a stop (%v, %v)", name, errX, errY)
		}
	}
}

func TestADamagedArtifactIsToldAndMadeAgain(t *testing.T) {
	b := newBench(t)
	sum := b.run(context.Background(), tiny(nil), nil)
	key := sum.Plans[0].Experiments[0].Cells[0].Chain.Key(work.Train)
	path := filepath.Join(b.places.Artifacts, "train", key, work.ModelFile)
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)/2] ^= 1
	if err := os.WriteFile(path, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	// Nothing else is to do, but a person may want the model: it is made again.
	if same := b.run(context.Background(), tiny(nil), nil); same.Failed != 0 || same.Done != 1 {
		t.Errorf("%+v", same)
	}
	if now, err := os.ReadFile(path); err != nil || bytes.Equal(now, raw) {
		t.Error("the damaged model is still there")
	}
	if err := os.WriteFile(path, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	// Other sampling needs the model again: the damage must be found.
	again := b.run(context.Background(), tiny(func(s *stage.Settings) { edit(s, func(p *pra.Params) { p.Sample.FlowSteps = 3 }) }), nil)
	if again.Failed != 0 || again.Done != 7 {
		t.Errorf("%+v", again)
	}
	if !strings.Contains(b.out.String(), work.ModelFile+" has changed since it was written") {
		t.Errorf("it said\n%s", b.out.String())
	}
	raw[len(raw)/2] ^= 1
	if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, raw) {
		t.Error("the model that was made again differs from the first")
	}
}

func TestADamagedCheckpointCostsOnlyTime(t *testing.T) {
	b := newBench(t)
	e := tiny(nil)
	e.Cells = e.Cells[:1]
	id := &engine.Identifier{Places: b.places}
	if _, err := id.Identify(context.Background(), e); err != nil {
		t.Fatal(err)
	}
	path := work.CheckpointPath(b.places.Artifacts, e.Cells[0].Chain.Key(work.Train))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("\x08\x00\x00\x00\x00\x00\x00\x00{} not a checkpoint"), 0o644); err != nil {
		t.Fatal(err)
	}
	if sum := b.run(context.Background(), e, nil); sum.Failed != 0 || sum.Done != 5 {
		t.Errorf("%+v\n%s", sum, b.out.String())
	}
	if _, err := os.Stat(path + ".damaged"); err != nil {
		t.Errorf("the damaged checkpoint was not kept aside: %v", err)
	}
}

func TestFailuresAreTypedBlockOthersAndWaitForRetry(t *testing.T) {
	b := newBench(t)
	e := tiny(func(s *stage.Settings) {
		if s.Params.(pra.Params).Train.RolloutDepth == 1 {
			s.Measure.Timeouts = "reference=1ns, train=1ns"
		}
	})
	e.Cells = e.Cells[1:]
	sum := b.run(context.Background(), e, nil)
	if sum.Failed != 2 || sum.Blocked != 3 { // reference and training time out
		t.Fatalf("%+v\n%s", sum, b.out.String())
	}
	db, err := results.OpenReadOnly(b.places.DB)
	if err != nil {
		t.Fatal(err)
	}
	cells, err := db.Cells(context.Background(), "tiny")
	db.Close()
	if err != nil || len(cells) != 1 || cells[0].Outcome != record.Timeout {
		t.Errorf("%+v, %v", cells, err)
	}
	states, _ := sum.Plans[0].Status(b.places)
	if states[0].State != "failed" || !strings.Contains(states[0].Reason, "timeout") || !strings.Contains(b.planned(e)[0].Log, ".log") {
		t.Errorf("%+v", states[0])
	}

	fixed := tiny(nil)
	fixed.Cells = fixed.Cells[1:]
	if again := b.run(context.Background(), fixed, nil); again.Done != 0 || again.Failed != 2 || again.Blocked != 3 {
		t.Errorf("without being asked, failed stages were tried again: %+v", again)
	}
	fixed = tiny(nil)
	fixed.Cells = fixed.Cells[1:]
	retried := b.run(context.Background(), fixed, func(r *engine.Run) { r.Retry = true })
	if retried.Done != 5 || retried.Failed != 0 || retried.Blocked != 0 {
		t.Errorf("%+v\n%s", retried, b.out.String())
	}
}

func TestASecondRunIsToldWhoHoldsTheDatabase(t *testing.T) {
	b := newBench(t)
	if err := os.MkdirAll(b.places.Artifacts, 0o755); err != nil {
		t.Fatal(err)
	}
	lock, err := machine.Acquire(b.places.LockFile(), "prabench run other.toml")
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release()
	r := &engine.Run{Places: b.places, Command: selfCommand, Name: "test", Out: &b.out}
	_, err = r.Do(context.Background(), tiny(nil))
	var fail *engine.Failure
	if !errors.As(err, &fail) || !strings.Contains(err.Error(), "prabench run other.toml") {
		t.Errorf("%v", err)
	}
	shared, err := machine.Acquire(filepath.Join(b.places.Artifacts, "lock"), "prabench run third.toml")
	if err != nil {
		t.Fatal(err)
	}
	defer shared.Release()
	r.Places.DB = filepath.Join(t.TempDir(), "another.db")
	if _, err = r.Do(context.Background(), tiny(nil)); err == nil || !strings.Contains(err.Error(), "third.toml, since") ||
		!strings.Contains(err.Error(), "--artifacts") {
		t.Errorf("another database over the same artifacts: %v", err)
	}
}

func TestMissingDataStartsNothing(t *testing.T) {
	b := newBench(t)
	r := &engine.Run{Places: b.places, Command: selfCommand, Name: "test", Out: &b.out}
	_, err := r.Do(context.Background(), tiny(func(s *stage.Settings) { s.Data = dataset.Spec{Set: dataset.CIFAR10, Root: "/nowhere"} }))
	var data *dataset.Error
	if !errors.As(err, &data) {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(b.places.DB); err == nil {
		t.Error("a database was made")
	}
}

func TestWhatCannotFitIsRefusedBeforeAnythingStarts(t *testing.T) {
	b := newBench(t)
	r := &engine.Run{Places: b.places, Command: selfCommand, Name: "test", Out: &b.out}
	_, err := r.Do(context.Background(), tiny(func(s *stage.Settings) { s.Measure.MemoryLimit = 1 << 20 }))
	var large *engine.TooLarge
	if !errors.As(err, &large) || large.Kind != record.Reference || large.More != 8 ||
		!strings.Contains(err.Error(), "measure.memory_limit allows 1 MiB") || !strings.Contains(err.Error(), "nothing was started") {
		t.Errorf("%v", err)
	}
	if logs, _ := filepath.Glob(filepath.Join(b.places.Artifacts, "log", "*")); len(logs) > 0 {
		t.Errorf("a worker was started: %v", logs)
	}
}

func TestTheMemoryOfATrainingIsForeseen(t *testing.T) {
	b := newBench(t)
	sum := b.run(context.Background(), tiny(func(s *stage.Settings) {
		edit(s, func(p *pra.Params) {
			p.Model.Width, p.Model.Depth, p.Train.Batch, p.Train.Steps = 256, 4, 128, 2
		})
	}), nil)
	for _, r := range b.rows() {
		it := sum.Plans[0].Item(r.Stage)
		want := float64(it.Memory())
		if (r.Metric == "train_memory_peak" || r.Metric == "memory_peak") && (r.Value > 1.1*want || r.Value < want/4) {
			t.Errorf("%s of %s held %.0f MiB, %.0f MiB were foreseen", r.Kind, r.Cell, r.Value/(1<<20), want/(1<<20))
		} else if r.Metric == "train_memory_peak" {
			t.Logf("%s of %s held %.0f MiB, %.0f MiB were foreseen", r.Kind, r.Cell, r.Value/(1<<20), want/(1<<20))
		}
	}
}
