package work

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"prabench/harness/artifact"
	"prabench/harness/stage"
	"prabench/harness/worker"
	"prabench/models/pra"
)

// The states that a training is to keep stay beside its model, also where it is stopped
// at such a step, before one and after one; the same training with an end there takes no
// step, and leaves what it leaves without them.
func TestMilestones(t *testing.T) {
	s := tinyCell(t)
	plain := do(t, t.TempDir(), s, Train)[Train].Stage
	s.Keep = "2,4"
	root := t.TempDir()
	chain, err := stage.Of(s)
	if err != nil {
		t.Fatal(err)
	}
	key := chain.Key(Train)
	if key != plain {
		t.Fatal("what is kept has changed the key of the training")
	}
	for _, stop := range []int64{2, 3} {
		ctx, cancel := context.WithCancelCause(t.Context())
		_, err := doWatched(ctx, root, s, stage.Stage{Key: key, Kind: Train}, func(p worker.Progress) {
			if p.What == "training" && p.Done == stop {
				cancel(worker.ErrStopped)
			}
		})
		if !errors.Is(err, worker.ErrStopped) {
			t.Fatalf("stopped after step %d: %v", stop, err)
		}
	}
	do(t, root, s, Train)
	store := artifact.Store{Root: root}
	for _, step := range s.Milestones() {
		if _, err := store.Path(Train.Ref(key), MilestoneFile(step)); err != nil {
			t.Error(err)
		}
	}
	if left, err := os.ReadDir(root + "/" + checkpointFolder); err != nil && !errors.Is(err, fs.ErrNotExist) || len(left) > 0 {
		t.Errorf("left among the checkpoints: %v, %v", left, err)
	}

	for _, until := range []int{2, 4, 5} {
		direct, again := s, s
		direct.Until, direct.Keep, again.Until = until, "", until
		want := t.TempDir()
		short := do(t, want, direct, Train)[Train].Stage
		var steps []int64
		if _, err := doWatched(t.Context(), root, again, stage.Stage{Key: short, Kind: Train}, func(p worker.Progress) {
			steps = append(steps, p.Done)
		}); err != nil {
			t.Fatal(err)
		}
		if slices.Contains(s.Milestones(), until) && len(steps) > 0 {
			t.Errorf("until %d: it took steps to %v although the state was kept", until, steps)
		}
		for _, name := range []string{ModelFile, CurveFile} {
			a, errA := store.Read(Train.Ref(short), name)
			b, errB := artifact.Store{Root: want}.Read(Train.Ref(short), name)
			if errA != nil || errB != nil || !bytes.Equal(a, b) {
				t.Errorf("until %d: another %s (%v, %v)", until, name, errA, errB)
			}
		}
	}
}

// The losses of a training that ends at a state that was kept go to its end, also where only every
// second step's are kept.
func TestTheCurveOfAMilestone(t *testing.T) {
	s := tinyCell(t)
	edit(&s, func(p *pra.Params) { p.Train.Steps = 220 })
	kept, direct := s, s
	kept.Keep, direct.Until = "101", 101
	root, want := t.TempDir(), t.TempDir()
	do(t, root, kept, Train)
	short := do(t, want, direct, Train)[Train].Stage
	if got := do(t, root, direct, Train)[Train].Stage; got != short {
		t.Fatalf("stages %s and %s", got, short)
	}
	a, errA := artifact.Store{Root: root}.Read(Train.Ref(short), CurveFile)
	b, errB := artifact.Store{Root: want}.Read(Train.Ref(short), CurveFile)
	if errA != nil || errB != nil || !bytes.Equal(a, b) || !bytes.Contains(b, []byte(`"step":101`)) {
		t.Errorf("from the state that was kept %v\n%s\ntrained directly %v\n%s", errA, a, errB, b)
	}
}

// A milestone that cannot be written ends the training with its reason; the checkpoint
// stays.
func TestAMilestoneThatCannotBeKept(t *testing.T) {
	s := tinyCell(t)
	s.Keep = "3"
	root := t.TempDir()
	chain, _ := stage.Of(s)
	if err := os.MkdirAll(milestonePath(CheckpointPath(root, chain.Key(Train)), 3)+nextEnding, 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := doOne(root, s, stage.Stage{Key: chain.Key(Train), Kind: Train})
	if err == nil || !strings.Contains(err.Error(), "keeping the state of step 3") {
		t.Errorf("got %v", err)
	}
}
