package results

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"prabench/results/record"
)

var (
	background = context.Background()
	noon       = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
)

func ptr(x float64) *float64 { return &x }

// openTemp opens a fresh database that is closed with the test.
func openTemp(t testing.TB) *DB {
	t.Helper()
	db, err := Open(filepath.Join(t.TempDir(), "results.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// testPlan has points × seeds cells; each has its own train, sample, score and
// time stages and all share one reference.
func testPlan(experiment string, patches []int, seeds int) Plan {
	p := Plan{Experiment: experiment, Description: "a test", FileHash: "f00d", Created: noon,
		Stages: []PlanStage{{Key: "ref", Kind: record.Reference, Config: json.RawMessage(`{"set":"mnist"}`)}}}
	for _, patch := range patches {
		for seed := 1; seed <= seeds; seed++ {
			id := fmt.Sprintf("p%ds%d", patch, seed)
			stages := map[string]string{record.Reference: "ref"}
			add := func(kind string, inputs ...string) {
				stages[kind] = kind + "-" + id
				p.Stages = append(p.Stages, PlanStage{Key: kind + "-" + id, Kind: kind, Inputs: inputs, Config: json.RawMessage(`{}`)})
			}
			add(record.Train)
			add(record.Draw, "train-"+id)
			add(record.Score, "sample-"+id, "ref")
			add(record.Time, "train-"+id)
			p.Cells = append(p.Cells, PlanCell{ID: id, Seed: uint64(seed), Label: fmt.Sprintf("p=%d", patch), Patch: new(patch), Block: new(1),
				RolloutDepth: new(1), State: new(12),
				Params: map[string]any{"model.patch": patch, "train.lr": 1e-3, "model.target": "x"}, Stages: stages})
		}
	}
	return p
}

var xeon = record.Environment{CPU: "Xeon", Cores: 2, OS: "linux", GitRevision: "abc123"}

// okAttempt is an attempt with a value, finished the given minutes after noon.
func okAttempt(id, stage, kind string, minutes int, values ...record.Value) record.Attempt {
	at := noon.Add(time.Duration(minutes) * time.Minute)
	return record.Attempt{ID: id, Stage: stage, Kind: kind, Outcome: record.OK, Device: "cpu", Started: at.Add(-time.Minute), Finished: at,
		Environment: xeon, Protocol: map[string]string{"precision": "fp32"}, Values: values}
}

func mustIngest(t testing.TB, db *DB, attempts ...record.Attempt) {
	t.Helper()
	for _, a := range attempts {
		if ok, err := db.Ingest(background, a); err != nil || !ok {
			t.Fatalf("ingest %s: %v, %v", a.ID, ok, err)
		}
	}
}

func mustPlan(t testing.TB, db *DB, p Plan) {
	t.Helper()
	if err := db.RecordPlan(background, p); err != nil {
		t.Fatal(err)
	}
}

// query gives a query's rows as text.
func query(t testing.TB, db *DB, q string, args ...any) (columns []string, lines [][]string) {
	t.Helper()
	rows, err := db.read.Query(q, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, _ = rows.Columns()
	for rows.Next() {
		values := make([]any, len(columns))
		to := make([]any, len(columns))
		for i := range values {
			to[i] = &values[i]
		}
		if err := rows.Scan(to...); err != nil {
			t.Fatal(err)
		}
		line := make([]string, len(columns))
		for i, v := range values {
			line[i] = fmt.Sprint(v)
		}
		lines = append(lines, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return columns, lines
}

// dump is the whole content of all tables, to see that nothing changed.
func dump(t testing.TB, db *DB) string {
	t.Helper()
	_, tables := query(t, db, "SELECT name FROM sqlite_master WHERE type='table' ORDER BY name")
	text := ""
	for _, table := range tables {
		_, lines := query(t, db, "SELECT * FROM "+table[0])
		text += fmt.Sprintln(table[0], lines)
	}
	return text
}

func mustJSON(t testing.TB, a record.Attempt) []byte {
	t.Helper()
	content, err := record.EncodeSpool(a)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
