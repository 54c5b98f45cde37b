package main

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"prabench/results"
	"prabench/results/record"
	"prabench/results/resultstest"
)

// BenchmarkStatus is `status` of a database of 100,000 cells × 20 metrics.
func BenchmarkStatus(b *testing.B) {
	path := resultstest.Large(b, 1, 100000)
	for b.Loop() {
		if code := run([]string{"status", "--db", path}, strings.NewReader(""), io.Discard, io.Discard); code != exitOK {
			b.Fatal(code)
		}
	}
}

// BenchmarkResults is `results` of the same.
func BenchmarkResults(b *testing.B) {
	path := resultstest.Large(b, 1, 100000)
	for b.Loop() {
		if code := run([]string{"results", "--db", path}, strings.NewReader(""), io.Discard, io.Discard); code != exitOK {
			b.Fatal(code)
		}
	}
}

func TestStatusOfManyCellsIsShort(t *testing.T) {
	if testing.Short() {
		t.Skip("fills a database of 1000 cells: a second")
	}
	path := resultstest.Large(t, 2, 500)
	out := must(t, "status --db "+path)
	if strings.Count(out, "\n") > 40 || !strings.Contains(out, "e000          500  500") ||
		!strings.Contains(out, "all 1000 cells: prabench status --db") {
		t.Error(out)
	}

	// 500 cells are shown whole; of 500 and one more, the points that are whole.
	if out := must(t, "results --db "+path); strings.Count(out, "patch=") != 2*500/resultstest.Seeds || strings.Contains(out, "the first") {
		t.Error(out)
	}

	db, err := results.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	stages, err := db.Stages(context.Background(), "e001")
	if err != nil {
		t.Fatal(err)
	}
	cells, err := db.EarlierStages(context.Background(), "e001")
	if err != nil || len(cells) != 2500 || cells[0].Config == nil {
		t.Fatal(len(cells), err)
	}
	// A plan with one more cell, whose training crashes.
	key := strings.Repeat("f", 64)
	plan := results.Plan{Experiment: "e001", Cells: []results.PlanCell{{ID: "bad", Label: "the bad one",
		Stages: map[string]string{"train": key}}}, Stages: []results.PlanStage{{Key: key, Kind: "train"}}}
	if err := db.RecordPlan(context.Background(), plan); err != nil {
		t.Fatal(err)
	}
	bad := record.Attempt{ID: record.NewAttemptID(), Stage: key, Kind: "train", Outcome: record.Crash,
		Reason: "the worker died (segmentation fault)", Started: time.Now(), Finished: time.Now()}
	if _, err := db.Ingest(context.Background(), bad); err != nil {
		t.Fatal(err)
	}
	db.Close()
	long := resultstest.Large(t, 1, 600)
	if out := must(t, "results --db "+long); strings.Count(out, "patch=") != 500/resultstest.Seeds-1 ||
		!strings.Contains(out, "the first 496 of 600 cells") {
		t.Error(out)
	}
	if out := must(t, "results --format csv --metric kid --db "+long); strings.Count(out, "\n") != 601 {
		t.Error(strings.Count(out, "\n"))
	}
	if out = must(t, "status --db "+path); !strings.Contains(out, "the bad one") || !strings.Contains(out, "segmentation fault") ||
		len(stages) == 0 {
		t.Error(out)
	}
}
