package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"prabench/harness/tools/check/session"
	"prabench/results"
	"prabench/results/record"
)

// TestCheckHistory puts timings of twelve revisions into the database of a
// planned experiment, the last six slower, and finds the step.
func TestCheckHistory(t *testing.T) {
	root := testdata(t)
	here(t)
	ctx := context.Background()
	if _, errs, code := prabench("check tiny.toml --history"); code != exitUsage || !strings.Contains(errs, "results.db") {
		t.Errorf("without a database: exit code %d, %s", code, errs)
	}
	plan := results.Plan{Experiment: "tiny", FileHash: "f00d"}
	ls, err := (&app{stderr: io.Discard}).load([]string{"tiny.toml"})
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for i, c := range ls[0].Exp.Cells {
		key := fmt.Sprintf("%064x", i+1)
		keys = append(keys, key)
		plan.Stages = append(plan.Stages, results.PlanStage{Key: key, Kind: record.Time, Config: json.RawMessage(`{}`)})
		plan.Cells = append(plan.Cells, results.PlanCell{ID: c.ID, Seed: c.Seed, Label: c.Label,
			Patch: new(4), Block: new(1), RolloutDepth: new(0), State: new(0),
			Params: map[string]any{},
			Stages: map[string]string{record.Time: key}})
	}
	db, err := results.Open("results.db")
	if err != nil {
		t.Fatal(err)
	}
	if err := db.RecordPlan(ctx, plan); err != nil {
		t.Fatal(err)
	}
	noon := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	for r := range 12 {
		for i, key := range keys {
			v := 1000 * (1 + 0.004*float64((r*5+i)%7-3))
			if r >= 6 && i == 0 {
				v *= 0.92
			}
			lo, hi := v*0.99, v*1.01
			at := noon.Add(time.Duration(r) * time.Hour)
			a := record.Attempt{ID: fmt.Sprintf("a%d-%d", i, r), Stage: key, Kind: record.Time, Outcome: record.OK, Device: "cpu",
				Started: at, Finished: at,
				Environment: record.Environment{CPU: "Example 9000", GitRevision: fmt.Sprintf("%02dabcdef0123456789", r)},
				Protocol:    map[string]string{"batch": "8"},
				Values: []record.Value{{Metric: "throughput", Unit: "images/s", Value: v, Lo: &lo, Hi: &hi, N: 5},
					{Metric: "latency", Unit: "s", Value: 1 / v, N: 5}}}
			if r == 0 {
				a.Environment.CPU = "Example 8000"
			}
			if _, err := db.Ingest(ctx, a); err != nil {
				t.Fatal(err)
			}
		}
	}
	db.Close()
	var b strings.Builder
	for _, args := range []string{"check tiny.toml --history", "check tiny.toml --history --format markdown",
		"check tiny.toml --history --format junit"} {
		out, errs, code := prabench(args)
		fmt.Fprintf(&b, "$ prabench %s\n%s%s[%d]\n\n", args, out, errs, code)
	}
	golden(t, root, "history", b.String())
	var series []session.Series
	if err := json.Unmarshal([]byte(must(t, "check tiny.toml --history --json")), &series); err != nil || len(series) != 4 {
		t.Fatalf("%d series, %v", len(series), err)
	}
	if s := series[0].Steps; len(s) != 1 || s[0].Last != "05abcde" || s[0].First != "06abcde" || !s[0].Worse {
		t.Errorf("%+v", s)
	}
	for _, f := range []string{"throughput", "latency"} {
		for _, format := range []string{"png", "svg", "pdf"} {
			if info, err := os.Stat("figures/tiny/history-" + f + "." + format); err != nil || info.Size() == 0 {
				t.Error(f, format, err)
			}
		}
	}
}
