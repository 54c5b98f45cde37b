package results_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"prabench/results"
	"prabench/results/record"
)

// A database that `prabench run` has filled is opened and the means over
// training seeds are read: each has a 95 % interval, says what that is over, and
// where it came from. Means that would hide a difference (two devices, two
// revisions, two protocols) are left out and named.
func ExampleDB_Points() {
	ctx := context.Background()
	path := filled(ctx) // results.db in other people's scripts
	defer os.RemoveAll(filepath.Dir(path))

	db, err := results.OpenReadOnly(path)
	if err != nil {
		panic(err)
	}
	defer db.Close()
	points, left, err := db.Points(ctx, results.Filter{Experiment: "tradeoff"}, nil)
	if err != nil {
		panic(err)
	}
	for _, p := range points {
		m := p.Means["fid_proxy"]
		fmt.Printf("%s: fid_proxy %.2f (%.2f to %.2f over %s), %d seeds, on %s\n", p.Label, m.Value, *m.Lo, *m.Hi, m.Interval, p.Seeds, m.Device)
	}
	fmt.Println(len(left), "means left out")
	// Output:
	// patch=4: fid_proxy 11.00 (8.52 to 13.48 over seeds), 3 seeds, on cpu Example 9000
	// patch=7: fid_proxy 19.00 (16.52 to 21.48 over seeds), 3 seeds, on cpu Example 9000
	// 0 means left out
}

// Single values are the rows of the view results, which any SQL client reads too.
func ExampleDB_Results() {
	ctx := context.Background()
	path := filled(ctx)
	defer os.RemoveAll(filepath.Dir(path))
	db, err := results.OpenReadOnly(path)
	if err != nil {
		panic(err)
	}
	defer db.Close()
	rows, err := db.Results(ctx, results.Filter{Experiment: "tradeoff", Params: map[string]any{"model.patch": 7}})
	if err != nil {
		panic(err)
	}
	for _, r := range rows {
		fmt.Println(r.Label, r.Seed, r.Metric, r.Value, r.Unit)
	}
	// Output:
	// patch=7 1 fid_proxy 18 1
	// patch=7 2 fid_proxy 19 1
	// patch=7 3 fid_proxy 20 1
}

// filled makes a database with two points of three seeds, as a run does: a plan,
// and an attempt of every stage.
func filled(ctx context.Context) string {
	dir, err := os.MkdirTemp("", "example-*")
	if err != nil {
		panic(err)
	}
	path := filepath.Join(dir, "results.db")
	db, err := results.Open(path)
	if err != nil {
		panic(err)
	}
	defer db.Close()
	plan := results.Plan{Experiment: "tradeoff"}
	var attempts []record.Attempt
	at := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	for i, best := range []float64{10, 18} {
		patch := []int{4, 7}[i]
		for seed := range 3 {
			id := fmt.Sprintf("p%d-s%d", patch, seed+1)
			plan.Stages = append(plan.Stages, results.PlanStage{Key: id, Kind: record.Score})
			plan.Cells = append(plan.Cells, results.PlanCell{ID: id, Seed: uint64(seed + 1), Label: fmt.Sprintf("patch=%d", patch),
				Patch: new(patch), Block: new(1),
				Params: map[string]any{"model.patch": patch}, Stages: map[string]string{record.Score: id}})
			attempts = append(attempts, record.Attempt{ID: id, Stage: id, Kind: record.Score, Outcome: record.OK, Device: "cpu",
				Started: at, Finished: at,
				Environment: record.Environment{CPU: "Example 9000", GitRevision: "364f880"},
				Values:      []record.Value{{Metric: "fid_proxy", Unit: "1", Value: best + float64(seed), N: 1000}}})
		}
	}
	if err := db.RecordPlan(ctx, plan); err != nil {
		panic(err)
	}
	for _, a := range attempts {
		if _, err := db.Ingest(ctx, a); err != nil {
			panic(err)
		}
	}
	return path
}
