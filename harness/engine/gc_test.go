package engine

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"prabench/harness/work"
	"prabench/results"
	"prabench/results/record"
)

// What a program keeps stays until the program has nothing left to do, which its timing
// still is; what a sampling of a model left goes when the sampling is done.
func TestAProgramKeepsItsFolderUntilItIsTimed(t *testing.T) {
	ctx := context.Background()
	p := Places{DB: filepath.Join(t.TempDir(), "results.db"), Artifacts: filepath.Join(t.TempDir(), "artifacts")}
	db := openAt(t, p)
	done := func(kind, key string) {
		t.Helper()
		now := time.Now()
		a := record.Attempt{ID: "of-" + key, Stage: key, Kind: kind, Outcome: record.OK, Started: now, Finished: now}
		if _, err := db.Ingest(ctx, a); err != nil {
			t.Fatal(err)
		}
	}
	plan := results.Plan{Experiment: "both"}
	for _, c := range []struct {
		cell   string
		params map[string]any
	}{{"external-000000000001", map[string]any{results.OutsideKey: "noise"}}, {"model", map[string]any{}}} {
		stages := map[string]string{}
		for _, kind := range []string{work.Sample.Name, work.Score.Name, work.Timing.Name} {
			stages[kind] = kind + "-of-" + c.cell
			plan.Stages = append(plan.Stages, results.PlanStage{Key: stages[kind], Kind: kind})
		}
		plan.Cells = append(plan.Cells, results.PlanCell{ID: c.cell, Seed: 1, Label: c.cell, Params: c.params, Stages: stages})
	}
	if err := db.RecordPlan(ctx, plan); err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(p.Artifacts, work.Sample.Unfinished)
	for _, name := range []string{"sample-of-external-000000000001/state.pt", work.GivenImages + "f00d.npz", "sample-of-model.npy",
		"gone/state.pt"} {
		path := filepath.Join(left, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	collected := func() (names []string) {
		t.Helper()
		found, err := Collect(ctx, p, "prabench gc", true)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range found {
			if name, ok := strings.CutPrefix(g.Path, work.Sample.Unfinished+"/"); ok {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		return names
	}
	if got := collected(); !slices.Equal(got, []string{"gone"}) {
		t.Errorf("before anything is done %q are garbage", got)
	}
	for _, cell := range []string{"external-000000000001", "model"} {
		done(work.Sample.Name, "sample-of-"+cell)
		done(work.Score.Name, "score-of-"+cell)
	}
	if got := collected(); !slices.Equal(got, []string{"sample-of-model.npy"}) {
		t.Errorf("before the program is timed %q are garbage", got)
	}
	done(work.Timing.Name, "time-of-external-000000000001")
	if got := collected(); !slices.Equal(got, []string{"data-f00d.npz", "sample-of-external-000000000001"}) {
		t.Errorf("when the program has nothing left to do %q are garbage", got)
	}
}
