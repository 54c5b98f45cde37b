package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"prabench/harness/artifact"
	"prabench/harness/work"
	"prabench/results"
	"prabench/results/record"
)

// otherMachine is an artifacts folder with two trainings done, one of which is
// also in the spool, and a failed one in the spool alone.
func otherMachine(t *testing.T, weights string) Places {
	t.Helper()
	root := t.TempDir()
	p := Places{DB: filepath.Join(root, "results.db"), Artifacts: filepath.Join(root, ".prabench")}
	if err := p.share(); err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 3, 4, 12, 0, 0, 123456789, time.UTC)
	for i, key := range []string{"first", "second"} {
		a := record.Attempt{ID: fmt.Sprintf("%s-%s", key, weights), Stage: key, Kind: record.Train, Outcome: record.OK, Started: at,
			Finished: at.Add(time.Minute),
			Values:   []record.Value{{Metric: "train_loss", Unit: "1", Value: 0.5, N: 1}}}
		d, err := p.Store().Begin(artifact.Ref{Kind: record.Train, Key: key})
		if err != nil {
			t.Fatal(err)
		}
		raw, _ := json.Marshal(a)
		d.Write(work.AttemptFile, raw)
		d.Write("model.bin", []byte(weights))
		if _, err := d.Commit(); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			continue
		}
		if _, err := record.WriteSpool(p.Spool(), a); err != nil {
			t.Fatal(err)
		}
	}
	failed := record.Attempt{ID: "failed-" + weights, Stage: "third", Kind: record.Train, Outcome: record.Crash, Reason: "segmentation fault",
		Started: at, Finished: at}
	if _, err := record.WriteSpool(p.Spool(), failed); err != nil {
		t.Fatal(err)
	}
	return p
}

func openAt(t *testing.T, p Places) *results.DB {
	t.Helper()
	db, err := results.Open(p.DB)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestMergeTwiceIsMergeOnce(t *testing.T) {
	ctx := context.Background()
	there := otherMachine(t, "weights")
	for _, dir := range []string{there.Artifacts, filepath.Dir(there.Artifacts)} { // itself, or what holds it
		here := Places{DB: filepath.Join(t.TempDir(), "results.db"), Artifacts: filepath.Join(t.TempDir(), "new")}
		db := openAt(t, here)
		for i, want := range []Merged{
			{Copied: 2, Attempts: results.IngestReport{Inserted: 3, Known: 1}},
			{Same: 2, Attempts: results.IngestReport{Known: 4}},
			{Same: 2, Attempts: results.IngestReport{Known: 4}},
		} {
			m, err := Merge(ctx, db, here, dir)
			if err != nil || fmt.Sprint(m) != fmt.Sprint(want) {
				t.Errorf("merge %d: %+v %v, want %+v", i, m, err, want)
			}
		}
		for _, key := range []string{"first", "second"} {
			if _, err := here.Store().Check(artifact.Ref{Kind: record.Train, Key: key}); err != nil {
				t.Error(err)
			}
			if a, ok, err := db.StageDone(ctx, key); !ok || err != nil || a.ID != key+"-weights" {
				t.Errorf("%s: %+v %v %v", key, a, ok, err)
			}
		}
		if a, ok, err := db.LatestAttempt(ctx, "third"); !ok || err != nil || a.Outcome != record.Crash {
			t.Errorf("%+v %v %v", a, ok, err)
		}
	}
	if left, _ := results.SpoolFiles(there.Spool()); len(left) != 2 {
		t.Errorf("the other machine's spool has %v", left)
	}
}

// What conflicts is refused with its attempt; all else comes.
func TestMergeOfAConflict(t *testing.T) {
	ctx := context.Background()
	here, there := otherMachine(t, "ours"), otherMachine(t, "theirs")
	os.RemoveAll(here.Store().Dir(artifact.Ref{Kind: record.Train, Key: "first"}))
	bad := filepath.Join(there.Spool(), "zzz.json")
	os.WriteFile(bad, []byte("{"), 0o644)
	db := openAt(t, here)
	m, err := Merge(ctx, db, here, there.Artifacts)
	if err != nil || m.Copied != 1 || m.Attempts.Inserted != 2 || len(m.Refused) != 1 || len(m.Attempts.Quarantined) != 1 ||
		m.Attempts.Quarantined[0].File != bad {
		t.Fatalf("%+v %v", m, err)
	}
	var conflict *artifact.Conflict
	if err := m.Refused[0]; !errors.As(err, &conflict) || conflict.Ref.Key != "second" || !strings.Contains(err.Error(), "model.bin") {
		t.Errorf("%v", err)
	}
	if _, ok, _ := db.Attempt(ctx, "second-theirs"); ok {
		t.Error("the attempt of a refused artifact was stored")
	}
	if _, err := os.Stat(bad); err != nil {
		t.Errorf("another machine's file was moved: %v", err)
	}
}

func TestMergeOfASpoolAlone(t *testing.T) {
	there := otherMachine(t, "weights")
	here := Places{DB: filepath.Join(t.TempDir(), "results.db"), Artifacts: filepath.Join(t.TempDir(), "new")}
	m, err := Merge(context.Background(), openAt(t, here), here, there.Spool())
	if err != nil || m.Copied != 0 || m.Attempts.Inserted != 2 {
		t.Errorf("%+v %v", m, err)
	}
}

// A folder that is the run's own is no other machine's: its spool is emptied.
func TestMergeOfOneself(t *testing.T) {
	here := otherMachine(t, "weights")
	m, err := Merge(context.Background(), openAt(t, here), here, filepath.Dir(here.Artifacts))
	if left, _ := results.SpoolFiles(here.Spool()); err != nil || m.Attempts.Inserted != 2 || len(left) != 0 {
		t.Errorf("%+v %v, left %v", m, err, left)
	}
}

func TestMergeOfNothing(t *testing.T) {
	here := Places{DB: filepath.Join(t.TempDir(), "results.db"), Artifacts: t.TempDir()}
	db := openAt(t, here)
	if _, err := Merge(context.Background(), db, here, t.TempDir()); !errors.Is(err, ErrNothingToMerge) {
		t.Error(err)
	}
	if _, err := Merge(context.Background(), db, here, filepath.Join(t.TempDir(), "gone")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

// Garbage is not collected while something comes in, and nothing comes in
// meanwhile; each error names who holds the artifacts.
func TestGarbageWaitsForWhatComesIn(t *testing.T) {
	ctx := context.Background()
	there := otherMachine(t, "weights")
	here := Places{DB: filepath.Join(t.TempDir(), "results.db"), Artifacts: filepath.Join(t.TempDir(), "new")}
	db := openAt(t, here)
	release, err := here.incoming("prabench ingest elsewhere")
	if err != nil {
		t.Fatal(err)
	}
	for _, remove := range []bool{false, true} {
		if _, err := Collect(ctx, here, "prabench gc", remove); err == nil || !strings.Contains(err.Error(), "prabench ingest elsewhere") {
			t.Errorf("gc during an ingest: %v", err)
		}
	}
	release()
	if _, err := Collect(ctx, here, "prabench gc", true); err != nil {
		t.Error(err)
	}
	release, err = here.incoming("prabench gc")
	if err != nil {
		t.Fatal(err)
	}
	var failure *Failure
	if _, err := Merge(ctx, db, here, there.Artifacts); !errors.As(err, &failure) || !strings.Contains(err.Error(), "prabench gc") {
		t.Errorf("ingest during a gc: %v", err)
	}
	release()
	if m, err := Merge(ctx, db, here, there.Artifacts); err != nil || m.Copied != 2 {
		t.Errorf("%+v, %v", m, err)
	}
}
