package work

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"prabench/harness/artifact"
	"prabench/harness/stage"
	"prabench/harness/worker"
	"prabench/metrics/embed"
	"prabench/models/dataset"
	"prabench/results/record"
)

// A training of a classifier that was stopped leaves what it did, goes on from there,
// and ends with the weights of one that was not stopped. What cannot be used only
// costs time.
func TestAClassifierGoesOn(t *testing.T) {
	s := tinyCell(t)
	s.EmbedderHash = embed.Trained
	chain, err := stage.Of(s)
	if err != nil {
		t.Fatal(err)
	}
	st := chain.Stages()[0]
	if st.Kind != Classifier {
		t.Fatalf("the chain begins with %s", st.Kind)
	}
	whole := t.TempDir()
	if _, err := doOne(whole, s, st); err != nil {
		t.Fatal(err)
	}
	want, err := artifact.Store{Root: whole}.Read(st.Ref(), WeightsFile)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	for name, between := range map[string]func(path string){
		"as it was left": func(string) {},
		"damaged":        func(path string) { _ = os.WriteFile(path, []byte("other"), 0o644) },
	} {
		root := t.TempDir()
		job := worker.Job{Version: worker.Version, Attempt: record.NewAttemptID(), Stage: st.Key, Kind: st.Kind.Name, Settings: raw,
			Inputs: st.By(), Device: "cpu", Threads: 1, Artifacts: root}
		reason := errors.New("stopped by the test")
		ctx, stop := context.WithCancelCause(context.Background())
		a := record.Attempt{ID: job.Attempt, Stage: job.Stage, Kind: job.Kind}
		err := Do(ctx, job, func(p worker.Progress) {
			if strings.HasPrefix(p.What, "training") && p.Done == 20 {
				stop(reason)
			}
		}, &a)
		if !errors.Is(err, reason) {
			t.Fatalf("%s: %v", name, err)
		}
		unfinished := filepath.Join(root, Classifier.Unfinished, st.Key+".gob")
		if _, err := os.Stat(unfinished); err != nil {
			t.Fatalf("%s: nothing was kept: %v", name, err)
		}
		between(unfinished)
		var begins int64
		err = Do(context.Background(), job, func(p worker.Progress) {
			if strings.HasPrefix(p.What, "training") && begins == 0 {
				begins = p.Done
			}
		}, &a)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if name == "as it was left" && begins != 21 || name == "damaged" && begins != 1 {
			t.Errorf("%s: it goes on with epoch %d", name, begins)
		}
		if got, err := (artifact.Store{Root: root}).Read(st.Ref(), WeightsFile); err != nil || string(got) != string(want) {
			t.Errorf("%s: other weights: %v", name, err)
		}
		if _, err := os.Stat(unfinished); err == nil {
			t.Errorf("%s: what it kept is left behind", name)
		}
	}
}

// What the worker finds when it reads the data is refused in words that say what to do.
func TestAClassifierNeedsImages(t *testing.T) {
	s := tinyCell(t)
	s.Data.Limit = 100
	data, err := dataset.Load(context.Background(), s.Data, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.DataHash, s.EmbedderHash = data.Hash, embed.Trained
	chain, err := stage.Of(s)
	if err != nil {
		t.Fatal(err)
	}
	_, err = doOne(t.TempDir(), s, chain.Stages()[0])
	var refused *worker.Refusal
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), "100 training images") || !strings.Contains(err.Error(), `"ternary"`) {
		t.Errorf("%v", err)
	}
}
