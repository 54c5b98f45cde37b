package work

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"prabench/harness/artifact"
	"prabench/harness/stage"
	"prabench/harness/worker"
	"prabench/models"
	"prabench/results/record"
)

// with gives settings whose parameters have other values of some keys.
func with(t *testing.T, s stage.Settings, keys map[string]any) stage.Settings {
	t.Helper()
	for key, v := range keys {
		p, ok := models.Set(s.Params, key, v)
		if !ok {
			t.Fatalf("%s cannot be set", key)
		}
		s.Params = p
	}
	return s
}

// withCodes is a cell with a small model of discrete tokens in place of its own.
func withCodes(t *testing.T, s stage.Settings) stage.Settings {
	t.Helper()
	family, err := models.Named("vq")
	if err != nil {
		t.Fatal(err)
	}
	s.Params = family.Defaults().For(s.Params.Shape()).Seeded(1)
	return with(t, s, map[string]any{"model.patch": 2, "model.width": 16, "model.depth": 1, "model.heads": 2, "model.codes": 8,
		"model.code_dim": 4, "model.coder_width": 16, "train.steps": 9, "train.batch": 4, "train.tokenizer_steps": 4})
}

func stageOf(t *testing.T, s stage.Settings, kind *stage.Kind) stage.Stage {
	t.Helper()
	chain, err := stage.Of(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, st := range chain.Stages() {
		if st.Kind == kind {
			return st
		}
	}
	return stage.Stage{Kind: kind}
}

// trained are the files of a training in an artifacts folder.
func trained(t *testing.T, root string, s stage.Settings) (files [2][]byte) {
	t.Helper()
	for i, name := range []string{ModelFile, CurveFile} {
		raw, err := artifact.Store{Root: root}.Read(Train.Ref(stageOf(t, s, Train).Key), name)
		if err != nil {
			t.Fatal(err)
		}
		files[i] = raw
	}
	return files
}

// Cells that differ in keys of the transformer alone share a tokenizer, others do not. The
// keys are those that trainings had before there were shared tokenizers.
func TestCellsThatShareATokenizer(t *testing.T) {
	s := withCodes(t, tinyCell(t))
	of := func(keys map[string]any) (tokenizer, train string) {
		o := with(t, s, keys)
		return stageOf(t, o, Tokenizer).Key, stageOf(t, o, Train).Key
	}
	tokenizer, train := of(nil)
	for _, shared := range []map[string]any{
		{"model.width": 32}, {"model.depth": 2}, {"model.block": 4}, {"model.norm": "rmsnorm"}, {"train.lr": 0.01}, {"train.steps": 20},
		{"train.class_dropout": 0.5}, {"train.schedule": "constant"},
	} {
		if tok, tr := of(shared); tok != tokenizer || tr == train {
			t.Errorf("%v: another tokenizer, or the same training", shared)
		}
	}
	if tok, tr := of(map[string]any{"sample.temperature": 0.5, "sample.guidance": 1.0}); tok != tokenizer || tr != train {
		t.Error("sampling changes a training")
	}
	for _, own := range []map[string]any{
		{"model.codes": 16}, {"model.patch": 4}, {"model.heads": 4}, {"train.tokenizer_lr": 0.01}, {"train.tokenizer_steps": 5},
		{"train.batch": 8}, {"seed.order": uint64(7)},
	} {
		if tok, _ := of(own); tok == tokenizer {
			t.Errorf("%v: the same tokenizer", own)
		}
	}
	if seeded := s; stageOf(t, withSeed(seeded, 2), Tokenizer).Key == tokenizer {
		t.Error("another seed: the same tokenizer")
	}
	config, err := stage.Config(s, Train)
	if err != nil || !strings.Contains(string(config), `"inputs":[]`) {
		t.Errorf("a tokenizer is in the key of a training: %s, %v", config, err)
	}
	for until, want := range map[int]bool{4: false, 5: true, 0: true} {
		stopped := s
		stopped.Until = until
		if key := stageOf(t, stopped, Tokenizer).Key; (key == tokenizer) != want || key != "" && !want {
			t.Errorf("until step %d: tokenizer %q", until, key)
		}
	}
	for keep, want := range map[string]bool{"4,6": false, "2": false, "5": true} {
		keeps := s
		keeps.Keep = keep
		if key := stageOf(t, keeps, Tokenizer).Key; (key == tokenizer) != want || key != "" && !want {
			t.Errorf("states of steps %s are kept: tokenizer %q", keep, key)
		}
	}
	if stageOf(t, tinyCell(t), Tokenizer).Key != "" {
		t.Error("a cell without codes has a tokenizer")
	}
}

func withSeed(s stage.Settings, seed uint64) stage.Settings {
	s.Params = s.Params.Seeded(seed)
	return s
}

// A training that builds on a tokenizer is, byte for byte, the one that trained its own, and
// so is its curve. The tokenizer may be gone or damaged: it only saves time.
func TestTrainingsBuildOnATokenizer(t *testing.T) {
	s := withCodes(t, tinyCell(t))
	wide := with(t, s, map[string]any{"model.width": 32, "train.steps": 12})
	alone, shared, spoilt := t.TempDir(), t.TempDir(), t.TempDir()
	own := map[string]float64{}
	for _, root := range []string{shared, spoilt} {
		for _, v := range do(t, root, s, Tokenizer)[Tokenizer].Values {
			own[v.Metric] = v.Value
		}
	}
	path := filepath.Join(artifact.Store{Root: spoilt}.Dir(stageOf(t, s, Tokenizer).Ref()), StateFile)
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)-1] ^= 1
	if err := os.WriteFile(path, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, s := range []stage.Settings{s, wide} {
		var seconds float64
		for _, root := range []string{alone, shared, spoilt} {
			for _, v := range do(t, root, s, Train)[Train].Values {
				if v.Metric == "train_seconds" && root == shared {
					seconds = v.Value
				}
			}
		}
		want := trained(t, alone, s)
		for _, root := range []string{shared, spoilt} {
			if got := trained(t, root, s); !bytes.Equal(got[0], want[0]) || !bytes.Equal(got[1], want[1]) {
				t.Errorf("%s: another model or curve", root)
			}
		}
		if tok := own["tokenizer_seconds"]; tok <= 0 || seconds <= tok {
			t.Errorf("train_seconds are %g, those of the tokenizer in them %g", seconds, tok)
		}
	}
}

// What a cell is said to have taken is what its tokenizer took and what it took itself.
func TestATrainingCountsItsTokenizer(t *testing.T) {
	s := withCodes(t, tinyCell(t))
	root := t.TempDir()
	do(t, root, s, Tokenizer)
	st := stageOf(t, s, Tokenizer)
	store := artifact.Store{Root: root}
	path, err := store.Path(st.Ref(), StateFile)
	if err != nil {
		t.Fatal(err)
	}
	// The same tokenizer, said to have taken a thousand seconds and a TiB.
	be, err := Open(Device{Name: "cpu", Threads: 1, Precision: "fp32"})
	if err != nil {
		t.Fatal(err)
	}
	defer be.Close()
	tk := &task{set: s, ctx: context.Background(), report: func(worker.Progress) {}}
	data, err := tk.data()
	if err != nil {
		t.Fatal(err)
	}
	tr, err := tokenizerOf(&s).NewTrainer(be, tk.images(data, data.Train))
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	kept, err := tk.resume(tr, path)
	if err != nil {
		t.Fatal(err)
	}
	if kept.Memory <= 0 || kept.Seconds <= 0 || len(kept.Curve) != 4 {
		t.Fatalf("a tokenizer of 4 steps keeps %+v", kept)
	}
	kept.Seconds, kept.Memory = 1000, 1<<40
	if err := os.RemoveAll(store.Dir(st.Ref())); err != nil {
		t.Fatal(err)
	}
	draft, err := store.Begin(st.Ref())
	if err != nil {
		t.Fatal(err)
	}
	defer draft.Discard()
	if err := saveState(tr, kept, draft); err != nil {
		t.Fatal(err)
	}
	if _, err := draft.Commit(); err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, v := range do(t, root, s, Train)[Train].Values {
		values[v.Metric] = v.Value
	}
	if v := values["train_seconds"]; v <= 1000 || v > 1100 {
		t.Errorf("train_seconds are %g with a tokenizer of 1000 s", v)
	}
	if v := values["train_memory_peak"]; v != 1<<40 {
		t.Errorf("train_memory_peak is %g with a tokenizer of 1 TiB", v)
	}
	if want := s.Params.Costs().FLOPsTrainImage * 9 * 4; values["train_flops"] != want {
		t.Errorf("train_flops are %g, of all steps %g", values["train_flops"], want)
	}
}

// A tokenizer and a training that builds on one are killed and go on from their own
// checkpoints, to the same bytes.
func TestATokenizerAndItsTrainingGoOn(t *testing.T) {
	s := withCodes(t, tinyCell(t))
	whole, stopped := t.TempDir(), t.TempDir()
	do(t, whole, s, Tokenizer, Train)
	for _, k := range []struct {
		kind *stage.Kind
		at   int64
		says string
	}{{Tokenizer, 2, "saved after step 2 of 4"}, {Train, 7, "saved after step 7 of 9"}} {
		st := stageOf(t, s, k.kind)
		ctx, cancel := context.WithCancelCause(context.Background())
		raw, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		job := worker.Job{Attempt: record.NewAttemptID(), Stage: st.Key, Kind: st.Kind.Name, Settings: raw, Inputs: st.By(), Device: "cpu",
			Threads: 1, Artifacts: stopped}
		first := int64(-1)
		err = Do(ctx, job, func(p worker.Progress) {
			if first < 0 && p.Loss != nil {
				first = p.Done
			}
			if p.Loss != nil && p.Done == k.at {
				cancel(worker.ErrStopped)
			}
		}, &record.Attempt{})
		if !errors.Is(err, worker.ErrStopped) || !strings.Contains(err.Error(), k.says) {
			t.Fatalf("%s stopped: %v", k.kind, err)
		}
		if k.kind == Train && first != 5 {
			t.Errorf("the training's first own step is %d, its tokenizer has 4", first)
		}
		left, err := os.ReadDir(filepath.Join(stopped, k.kind.Unfinished))
		if err != nil || len(left) == 0 || !strings.HasPrefix(left[0].Name(), st.Key) {
			t.Fatalf("%s left %v to go on from (%v)", k.kind, left, err)
		}
		if _, err := doOne(stopped, s, st); err != nil {
			t.Fatal(err)
		}
		if left, _ := os.ReadDir(filepath.Join(stopped, k.kind.Unfinished)); len(left) > 0 {
			t.Errorf("%s leaves %s behind", k.kind, left[0].Name())
		}
	}
	if a, b := trained(t, whole, s), trained(t, stopped, s); !bytes.Equal(a[0], b[0]) || !bytes.Equal(a[1], b[1]) {
		t.Error("what was stopped and went on has another model or curve")
	}
}

// The work of a cell is that of its tokenizer and of the rest, wherever the rest stops.
func TestTheEffortOfATokenizer(t *testing.T) {
	s := withCodes(t, tinyCell(t))
	costs := s.Costs()
	both := Tokenizer.Effort(&s, costs).FLOPs + Train.Effort(&s, costs).FLOPs
	if want := costs.FLOPsTrainImage * 9 * 4; both < 0.999999*want || both > 1.000001*want || costs.FLOPsTokenizerImage <= 0 {
		t.Errorf("%g FLOPs in two stages, %g in all", both, want)
	}
	whole := Train.Effort(&s, costs).FLOPs
	s.Until = 5
	if first := Train.Effort(&s, costs).FLOPs; first < 0.199*whole || first > 0.201*whole {
		t.Errorf("the first of 5 steps of the transformer takes %g of %g", first, whole)
	}
	if !slices.Contains(Train.Aside, Tokenizer) || !Tokenizer.SavesTime() || Train.SavesTime() || Reference.SavesTime() {
		t.Error("which kinds only save time is not told")
	}
}
