// Package resultstest makes databases for tests: small ones by hand, and large
// ones for benchmarks.
//
// Plans go in by the front door. So do the attempts of small databases; those of
// large ones, which are many, are written with a few statements of SQL in place
// of a file each. What comes out is what a finished sweep leaves: every stage of
// every cell has one attempt that ended well, and the metrics lie where stages
// leave them.
package resultstest

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"prabench/results"
	"prabench/results/record"
)

// Metrics are the names of the values of every cell, by the kind of stage that
// leaves them; there are twenty.
var Metrics = map[string][]string{
	record.Train: {"train_loss", "train_seconds"},
	record.Score: {"fid_proxy", "kid", "precision", "recall", "class_accuracy", "metric_01", "metric_02", "metric_03",
		"metric_04", "metric_05"},
	record.Time: {"throughput", "latency", "first_block_latency", "memory_peak", "memory_model", "memory_cache", "train_throughput", "mfu"},
}

// Seeds is the number of cells of one point.
const Seeds = 4

// Large writes a database of experiments × cells finished cells (cells is a
// multiple of Seeds) with twenty values each into a folder of the test, and
// gives its path. A stage's configuration has the size of a real one. Under
// -short it skips the test.
func Large(tb testing.TB, experiments, cells int) (path string) {
	tb.Helper()
	if testing.Short() {
		tb.Skipf("makes a database of %d values", 20*experiments*cells)
	}
	path = filepath.Join(tb.TempDir(), "results.db")
	db, err := results.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	for e := range experiments {
		if err := db.RecordPlan(context.Background(), Plan(fmt.Sprintf("e%03d", e), cells)); err != nil {
			tb.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		tb.Fatal(err)
	}
	if err := finish(path); err != nil {
		tb.Fatal(err)
	}
	return path
}

// Plan is an experiment of two axes whose cells have four stages of their own
// and share their reference.
func Plan(name string, cells int) results.Plan {
	config := json.RawMessage(`{"part":{"data":"` + strings.Repeat("0", 64) + `","model":"` + strings.Repeat("m", 300) + `","train":"` +
		strings.Repeat("t", 200) + `"}}`)
	ref := key(name, record.Reference, 0)
	p := results.Plan{Experiment: name, Created: time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC),
		Stages: []results.PlanStage{{Key: ref, Kind: record.Reference, Config: config}}}
	for c := range cells {
		point := c / Seeds
		stages := map[string]string{record.Reference: ref}
		for _, kind := range []string{record.Train, record.Draw, record.Score, record.Time} {
			stages[kind] = key(name, kind, c)
		}
		patch, rate := []int{2, 4, 7, 14}[point%4], float64(1+point/4)/1e5
		p.Cells = append(p.Cells, results.PlanCell{
			ID: stages[record.Train][:12], Seed: uint64(1 + c%Seeds), Label: fmt.Sprintf("patch=%d lr=%g", patch, rate),
			Patch: new(patch), Block: new(1), RolloutDepth: new(1), State: new(12),
			Params: map[string]any{"model.patch": patch, "train.lr": rate}, Stages: stages,
		})
		p.Stages = append(p.Stages,
			results.PlanStage{Key: stages[record.Train], Kind: record.Train, Config: config},
			results.PlanStage{Key: stages[record.Draw], Kind: record.Draw, Inputs: []string{stages[record.Train]}, Config: config},
			results.PlanStage{Key: stages[record.Score], Kind: record.Score, Inputs: []string{ref, stages[record.Draw]}, Config: config},
			results.PlanStage{Key: stages[record.Time], Kind: record.Time, Inputs: []string{stages[record.Train]}, Config: config})
	}
	return p
}

// key has the length of a stage's key and spreads like one: the head counts
// backwards in base 16, so that keys are not in the order of their making.
func key(experiment, kind string, n int) string {
	head := []byte(fmt.Sprintf("%08x", n))
	for i, j := 0, len(head)-1; i < j; i, j = i+1, j-1 {
		head[i], head[j] = head[j], head[i]
	}
	text := string(head) + experiment + kind
	return text + strings.Repeat("0", 64-len(text))
}

// finish gives every stage an attempt that ended well.
func finish(path string) error {
	db, err := sql.Open("sqlite3", path+"?_synchronous=OFF")
	if err != nil {
		return err
	}
	defer db.Close()
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	statements := []string{
		`INSERT INTO environment(n, id, cpu, cores, memory_bytes, os, gpu, git_revision, git_dirty, json)
			VALUES (1, 'e', 'Xeon', 2, 0, 'linux', '', 'abc123', 0, '{"cpu":"Xeon","cores":2}')`,
		`INSERT INTO origin(n, device, environment, class, code) VALUES (1, 'cpu', 1, 'cpu Xeon', 'abc123')`,
		`INSERT INTO protocol(n, text) VALUES (1, 'precision=fp32; samples=2000; embedder=0123456789abcdef')`,
		`INSERT INTO attempt(n, id, stage, cell, outcome, reason, started, finished, origin, protocol, digest)
			SELECT n, printf('20260304T120000000Z-%016x', n), n, '', 'ok', '',
			'2026-03-04T12:00:00.000000Z', '2026-03-04T12:01:00.000000Z', 1, '{}', key FROM stage`,
		`UPDATE stage SET attempt = n, latest = n, severity = 0`,
	}
	for kind, metrics := range Metrics {
		names := "('" + strings.Join(metrics, "'),('") + "')"
		statements = append(statements, fmt.Sprintf(`INSERT INTO value(attempt, metric, protocol, unit, value, lo, hi, n)
			SELECT s.n, m.column1, 1, '1', 10 + s.n / 7919.0, 9 + s.n / 7919.0, 11 + s.n / 7919.0, 2000
			FROM stage s CROSS JOIN (VALUES %s) m WHERE s.kind = '%s' ORDER BY s.n, m.column1`, names, kind))
	}
	for _, s := range statements {
		if _, err := tx.Exec(s); err != nil {
			return err
		}
	}
	return tx.Commit()
}
