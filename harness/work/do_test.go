package work

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"prabench/harness/artifact"
	"prabench/harness/stage"
	"prabench/harness/worker"
	"prabench/metrics/embed"
	"prabench/metrics/quantity"
	"prabench/models"
	"prabench/models/dataset"
	"prabench/models/pra"
	"prabench/results/record"
)

// tinyCell is a cell of drawn shapes that asks for everything and takes
// milliseconds.
func tinyCell(t *testing.T) stage.Settings {
	t.Helper()
	s := everything()
	s.Data = dataset.Spec{Set: dataset.Shapes, Size: 8, Channels: 3, Limit: 400, Fit: "auto", Seed: 1}
	data, err := dataset.Load(context.Background(), s.Data, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.DataHash = data.Hash
	edit(&s, func(p *pra.Params) {
		p.Model.Size, p.Model.Channels, p.Model.Classes = data.Size, data.Channels, data.Info.Classes
		p.Model.Patch, p.Model.State, p.Model.Width, p.Model.Depth, p.Model.Heads = 2, 4, 16, 1, 2
		p.Model.HeadWidth, p.Model.HeadDepth, p.Model.CoderWidth = 16, 1, 16
		p.Train.Steps, p.Train.Batch, p.Train.Threads, p.Train.RolloutDepth, p.Train.Seed = 6, 4, 1, 1, 1
		p.Sample.FlowSteps = 1
	})
	s.Count, s.Batch, s.Embedder, s.Samples = 200, 50, "ternary", 200
	s.Extras = quantity.Extras{Probe: 20, Exposure: 12, Seam: 10, Nearest: 10, Vendi: 10, Reconstruction: 10}
	s.Measure.Batch, s.Measure.Rounds, s.Measure.TrainSteps, s.Measure.Threads = 2, 1, 1, 1
	e, err := embed.For(s.Data.Set, data.Size, data.Channels, s.Embedder)
	if err != nil {
		t.Fatal(err)
	}
	s.EmbedderHash = e.Hash()
	return s
}

// do does stages of a cell in this process, as a worker would, and gives their
// attempts.
func do(t *testing.T, root string, s stage.Settings, wanted ...*stage.Kind) map[*stage.Kind]record.Attempt {
	t.Helper()
	chain, err := stage.Of(s)
	if err != nil {
		t.Fatal(err)
	}
	out := map[*stage.Kind]record.Attempt{}
	for _, st := range chain.Stages() {
		if !slices.Contains(wanted, st.Kind) {
			continue
		}
		a, err := doOne(root, s, st)
		if err != nil {
			t.Fatalf("%s: %v", st.Kind, err)
		}
		out[st.Kind] = a
	}
	return out
}

func doOne(root string, s stage.Settings, st stage.Stage) (record.Attempt, error) {
	return doWatched(context.Background(), root, s, st, func(worker.Progress) {})
}

// doWatched does a stage that shows its progress and can be stopped.
func doWatched(ctx context.Context, root string, s stage.Settings, st stage.Stage, report func(worker.Progress)) (record.Attempt, error) {
	raw, err := json.Marshal(s)
	if err != nil {
		return record.Attempt{}, err
	}
	job := worker.Job{Version: worker.Version, Attempt: record.NewAttemptID(), Stage: st.Key, Kind: st.Kind.Name, Settings: raw,
		Inputs: st.By(),
		Device: s.Measure.Device, Threads: 1, Artifacts: root}
	if st.Kind.Measured() {
		job.Round = 1
	}
	a := record.Attempt{ID: job.Attempt, Stage: job.Stage, Kind: job.Kind, Outcome: record.OK, Started: time.Now()}
	err = Do(ctx, job, report, &a)
	return a, err
}

// Every kind does what it says: its attempt can be stored, its artifact is whole
// and holds the same attempt, and it leaves nothing unfinished behind.
func TestEveryKindIsDone(t *testing.T) {
	root, s := t.TempDir(), tinyCell(t)
	s.Tune, s.EmbedderHash = choosing, embed.Trained
	edit(&s, func(p *pra.Params) { p.Train.RecLoss = "features" })
	made := do(t, root, s, stage.Kinds()...)
	for k, a := range do(t, root, withCodes(t, tinyCell(t)), Tokenizer) {
		made[k] = a
	}
	store := artifact.Store{Root: root}
	for _, k := range stage.Kinds() {
		a, ok := made[k]
		if !ok {
			t.Errorf("%s: not done", k)
			continue
		}
		if err := a.Check(); err != nil {
			t.Errorf("%s: %v", k, err)
		}
		written := map[string]string{}
		for _, v := range a.Values {
			written[v.Metric] = v.Unit
		}
		for _, r := range a.Readings {
			written[r.Metric] = r.Unit
		}
		for name, unit := range written {
			m := quantity.Find(name)
			if m == nil || m.Stage != k.Name || m.Unit != unit {
				t.Errorf("%s writes %s in %q, of which the catalogue says %+v", k, name, unit, m)
			}
		}
		if k.Measured() {
			if len(a.Readings) == 0 || len(a.Values) > 0 {
				t.Errorf("%s: a round leaves %d readings and %d values", k, len(a.Readings), len(a.Values))
			}
			continue // the run makes its artifact, of all rounds
		}
		raw, err := store.Read(k.Ref(a.Stage), AttemptFile)
		var beside record.Attempt
		if err != nil || json.Unmarshal(raw, &beside) != nil || beside.ID != a.ID || len(beside.Values) != len(a.Values) {
			t.Errorf("%s: the attempt beside its artifact: %v, %+v", k, err, beside)
		}
		if k.Unfinished != "" {
			if left, _ := os.ReadDir(root + "/" + k.Unfinished); len(left) > 0 {
				t.Errorf("%s: leaves %s behind", k, left[0].Name())
			}
		}
	}
}

// An attempt lists its values in one order, whatever the run: files of equal
// results are equal but for times.
func TestValuesComeInOneOrder(t *testing.T) {
	s := tinyCell(t)
	names := func() (all []string) {
		for _, v := range do(t, t.TempDir(), s, Train)[Train].Values {
			all = append(all, v.Metric)
		}
		return all
	}
	want := []string{"train_seconds", "train_flops", "train_loss", "flow_loss", "rec_loss", "train_memory_peak"}
	for range 8 {
		if got := names(); !slices.Equal(got, want) {
			t.Fatalf("%q, want %q", got, want)
		}
	}
	a := do(t, t.TempDir(), s, Train)[Train]
	if p := a.Values[0].Protocol; !strings.Contains(p, "beside=") || !strings.Contains(p, "backend=") {
		t.Errorf("the protocol of the time is %q", p)
	}
	for _, v := range a.Values[1:] {
		if v.Protocol != "" {
			t.Errorf("%s has the protocol %q, which only the time has", v.Metric, v.Protocol)
		}
	}
}

// Training goes on from a checkpoint to the same weights; a damaged one only
// costs its time.
func TestATrainingGoesOnFromItsCheckpoint(t *testing.T) {
	s := tinyCell(t)
	whole, stopped, spoilt := t.TempDir(), t.TempDir(), t.TempDir()
	key := do(t, whole, s, Train)[Train].Stage

	chain, _ := stage.Of(s)
	ctx, cancel := context.WithCancelCause(context.Background())
	raw, _ := json.Marshal(s)
	job := worker.Job{Attempt: record.NewAttemptID(), Stage: key, Kind: Train.Name, Settings: raw, Device: "cpu", Threads: 1,
		Artifacts: stopped}
	a := record.Attempt{}
	err := Do(ctx, job, func(p worker.Progress) {
		if p.What == "training" && p.Done == 3 {
			cancel(worker.ErrStopped)
		}
	}, &a)
	if !errors.Is(err, worker.ErrStopped) || !strings.Contains(err.Error(), "step 3 of 6") {
		t.Fatalf("stopped after step 3: %v", err)
	}
	if _, err := os.Stat(CheckpointPath(stopped, key)); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(spoilt+"/"+checkpointFolder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(CheckpointPath(spoilt, key), []byte("no checkpoint"), 0o644); err != nil {
		t.Fatal(err)
	}
	want, err := artifact.Store{Root: whole}.Read(Train.Ref(key), ModelFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, root := range []string{stopped, spoilt} {
		if _, err := doOne(root, s, stage.Stage{Key: chain.Key(Train), Kind: Train}); err != nil {
			t.Fatal(err)
		}
		got, err := artifact.Store{Root: root}.Read(Train.Ref(key), ModelFile)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: other weights (%v)", root, err)
		}
	}
}

// Older artifacts say nothing of labels: image i is of class i mod classes. What
// an artifact says counts.
func TestLabelsOfDrawnImages(t *testing.T) {
	root, s := t.TempDir(), tinyCell(t)
	key := do(t, root, s, Train, Sample)[Sample].Stage
	store := artifact.Store{Root: root}
	drawn, _, err := ReadDrawn(store, key)
	if err != nil || !slices.Equal(drawn.Labels, EvenLabels(drawn.Count, drawn.Classes)) {
		t.Fatalf("%v, labels %v", err, drawn.Labels)
	}
	raw, err := store.Read(Sample.Ref(key), DrawnFile)
	if err != nil || strings.Contains(string(raw), "labels") {
		t.Errorf("labels that the rule gives are written: %s (%v)", raw, err)
	}
	// The same images under another key, with labels of their own.
	pixels, err := store.Read(Sample.Ref(key), SamplesFile)
	if err != nil {
		t.Fatal(err)
	}
	rewrite := func(name string, change func(*Drawn)) {
		about := drawn
		about.Labels = nil
		change(&about)
		text, _ := json.Marshal(about)
		d, err := store.Begin(Sample.Ref(name))
		if err != nil {
			t.Fatal(err)
		}
		defer d.Discard()
		if err := errors.Join(d.Write(SamplesFile, pixels), d.Write(DrawnFile, text)); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	own := make([]int32, drawn.Count)
	own[3] = 1
	rewrite("own", func(d *Drawn) { d.Labels = own })
	if got, _, err := ReadDrawn(store, "own"); err != nil || !slices.Equal(got.Labels, own) {
		t.Errorf("%v, labels %v", err, got.Labels)
	}
	for name, spoil := range map[string]func(*Drawn){
		"few":     func(d *Drawn) { d.Labels = own[1:] },
		"foreign": func(d *Drawn) { d.Labels = slices.Repeat([]int32{int32(d.Classes)}, d.Count) },
		"none":    func(d *Drawn) { d.Classes = 0 },
	} {
		if rewrite(name, spoil); func() error { _, _, err := ReadDrawn(store, name); return err }() == nil {
			t.Errorf("labels that are wrong (%s) are read", name)
		}
	}
}

// Images do not depend on how many are drawn at once, and have the labels that
// are asked for.
func TestDrawingInBatches(t *testing.T) {
	root, s := t.TempDir(), tinyCell(t)
	edit(&s, func(p *pra.Params) {
		p.Train.Steps, p.Train.LR = 30, 0.01 // in the beginning a class changes nothing
	})
	path, err := artifact.Store{Root: root}.Path(Train.Ref(do(t, root, s, Train)[Train].Stage), ModelFile)
	if err != nil {
		t.Fatal(err)
	}
	be, err := Open(Device{Name: "cpu", Threads: 1, Precision: "fp32"})
	if err != nil {
		t.Fatal(err)
	}
	defer be.Close()
	m, err := models.Load(be, path)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	labels := []int32{2, 0, 1, 1, 2}
	all, err := Draw(m, s.Params, 5, labels, func(int) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	var calls []int
	few, err := Draw(m, s.Params, 2, labels, func(n int) error { calls = append(calls, n); return nil })
	if err != nil || !slices.Equal(calls, []int{2, 4, 5}) {
		t.Fatalf("%v, %v", calls, err)
	}
	if !bytes.Equal(all, few) {
		t.Error("images depend on the batch")
	}
	other, _ := Draw(m, s.Params, 5, []int32{1, 0, 1, 1, 2}, func(int) error { return nil })
	if per := len(all) / 5; bytes.Equal(other[:per], all[:per]) || !bytes.Equal(other[per:], all[per:]) {
		t.Error("a label does not decide its image alone")
	}
	if _, err := Draw(m, s.Params, 2, labels, func(int) error { return fmt.Errorf("enough") }); err == nil || err.Error() != "enough" {
		t.Errorf("an end that was asked for: %v", err)
	}
}

// What cannot work is refused with the outcome invalid, and says which key.
func TestWhatCannotWorkIsRefused(t *testing.T) {
	root, s := t.TempDir(), tinyCell(t)
	do(t, root, s, Reference, Train, Sample)
	for name, c := range map[string]struct {
		change func(*stage.Settings)
		kind   *stage.Kind
		says   string
	}{
		"other data":       {func(s *stage.Settings) { s.DataHash = "other" }, Train, "has changed since the run was planned"},
		"another embedder": {func(s *stage.Settings) { s.EmbedderHash = "other" }, Reference, "is another one than the run planned with"},
		"no such device":   {func(s *stage.Settings) { s.Measure.Device = "abacus" }, Train, "no device"},
		"few images":       {func(s *stage.Settings) { s.Extras.Probe = 2 }, Probe, "metrics.probe"},
	} {
		set := s
		c.change(&set)
		chain, err := stage.Of(s) // of the settings that were planned
		if err != nil {
			t.Fatal(err)
		}
		var st stage.Stage
		for _, of := range chain.Stages() {
			if of.Kind == c.kind {
				st = of
			}
		}
		_, err = doOne(root, set, st)
		var refused *worker.Refusal
		if !errors.As(err, &refused) || refused.Outcome != record.Invalid || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	a := record.Attempt{}
	if err := Do(context.Background(), worker.Job{Kind: "unheard_of", Settings: []byte("{}")}, func(worker.Progress) {}, &a); err == nil ||
		!strings.Contains(err.Error(), "unheard_of") {
		t.Errorf("a kind that is not known: %v", err)
	}
}

// A library that was updated while a run goes on is noticed before anything is
// computed with it.
func TestAnotherLibraryThanTheRunsIsRefused(t *testing.T) {
	job := worker.Job{Device: "cpu", Settings: []byte("{}"), Environment: record.Environment{GEMM: "a library of yesterday"}}
	err := Do(context.Background(), job, nil, &record.Attempt{})
	var refusal *worker.Refusal
	if !errors.As(err, &refusal) || !worker.ChangedLibrary(record.Attempt{Outcome: refusal.Outcome, Reason: refusal.Reason}) {
		t.Errorf("%v", err)
	}
}

// Images without any difference give distances of zero, and ratios of two of them. Every
// stage either ends well or with the outcome invalid and what is wrong: no program
// crashed, and no other try would help.
func TestFlatImagesAreInvalid(t *testing.T) {
	for name, c := range map[string]struct {
		pixel   func(class, image, x, y int) uint8
		refused []*stage.Kind
	}{
		"all of one grey":       {func(_, _, _, _ int) uint8 { return 100 }, []*stage.Kind{Nearest, Seam}},
		"all black":             {func(_, _, _, _ int) uint8 { return 0 }, []*stage.Kind{Nearest, Seam}},
		"a grey of each class":  {func(class, _, _, _ int) uint8 { return uint8(60 + 90*class) }, []*stage.Kind{Nearest, Seam}},
		"one image, many times": {func(_, _, x, y int) uint8 { return uint8(20 * (x + y)) }, []*stage.Kind{Nearest}},
	} {
		dir := t.TempDir()
		for _, split := range []string{"train", "test"} {
			for class, of := range []string{"a", "b"} {
				folder := filepath.Join(dir, split, of)
				if err := os.MkdirAll(folder, 0o755); err != nil {
					t.Fatal(err)
				}
				for i := range 40 {
					img := image.NewRGBA(image.Rect(0, 0, 8, 8))
					for y := range 8 {
						for x := range 8 {
							v := c.pixel(class, i, x, y)
							img.Set(x, y, color.RGBA{v, v, v, 255})
						}
					}
					var b bytes.Buffer
					if err := png.Encode(&b, img); err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(filepath.Join(folder, fmt.Sprint(i, ".png")), b.Bytes(), 0o644); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		s := tinyCell(t)
		s.Data = dataset.Spec{Set: dataset.Folder, Root: dir, Size: 8, Channels: 3, Limit: 60, Fit: "auto", Seed: 1}
		data, err := dataset.Load(t.Context(), s.Data, nil)
		if err != nil {
			t.Fatal(err)
		}
		s.DataHash = data.Hash
		edit(&s, func(p *pra.Params) { p.Model.Classes = data.Info.Classes })
		chain, err := stage.Of(s)
		if err != nil {
			t.Fatal(err)
		}
		root, seen := t.TempDir(), map[*stage.Kind]bool{}
		for _, st := range chain.Stages() {
			a, err := doOne(root, s, st)
			var refused *worker.Refusal
			switch {
			case err == nil:
				if err := a.Check(); err != nil {
					t.Errorf("%s: %s cannot be stored: %v", name, st.Kind, err)
				}
			case errors.As(err, &refused) && refused.Outcome == record.Invalid && refused.Reason != "":
				seen[st.Kind] = true
			default:
				t.Errorf("%s: %s: not the outcome invalid: %v", name, st.Kind, err)
			}
		}
		for _, k := range c.refused {
			if !seen[k] {
				t.Errorf("%s: %s is not refused", name, k)
			}
		}
	}
}
