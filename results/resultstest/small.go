package resultstest

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"prabench/results"
	"prabench/results/record"
)

// Point is one point of a small experiment.
type Point struct {
	Label  string
	Params map[string]any // dotted keys; model.patch also fills the column
	// Values are by kind of stage and metric, one for each seed from 1; a seed
	// whose value is missing has no such attempt.
	Values map[string]map[string][]record.Value
	Device string              // of every attempt; cpu when empty
	Code   string              // git revision of every attempt; abc123 when empty
	Failed map[string][]string // outcomes by kind, one for each seed; empty is none
}

// Small writes a database with one experiment of a few points, each with so many
// seeds, into a folder of the test, and opens it.
func Small(tb testing.TB, experiment string, seeds int, points ...Point) *results.DB {
	tb.Helper()
	db, err := results.Open(filepath.Join(tb.TempDir(), "results.db"))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { db.Close() })
	p := results.Plan{Experiment: experiment, FileHash: "f00d"}
	var attempts []record.Attempt
	for i, point := range points {
		for seed := range seeds {
			c, as := point.cell(i, seed)
			p.Cells = append(p.Cells, c)
			for kind, key := range c.Stages {
				p.Stages = append(p.Stages, results.PlanStage{Key: key, Kind: kind, Config: json.RawMessage(`{}`)})
			}
			attempts = append(attempts, as...)
		}
	}
	if err := db.RecordPlan(context.Background(), p); err != nil {
		tb.Fatal(err)
	}
	for _, a := range attempts {
		if _, err := db.Ingest(context.Background(), a); err != nil {
			tb.Fatal(err)
		}
	}
	return db
}

// CellID names the cell of a point, from 0, and a seed, from 1; StageKey its stage.
func CellID(point, seed int) string { return fmt.Sprintf("p%d-s%d", point, seed) }

// StageKey is the key of a stage of a cell.
func StageKey(kind string, point, seed int) string { return kind + "-" + CellID(point, seed) }

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// cell is a cell of the plan and the attempts at its stages.
func (p Point) cell(point, seed int) (results.PlanCell, []record.Attempt) {
	id := CellID(point, seed+1)
	c := results.PlanCell{ID: id, Seed: uint64(seed + 1), Label: p.Label, Patch: new(0), Block: new(1), RolloutDepth: new(0), State: new(0),
		Params: p.Params, Stages: map[string]string{}}
	if c.Params == nil {
		c.Params = map[string]any{}
	}
	if patch, ok := p.Params["model.patch"].(int); ok {
		c.Patch = &patch
	}
	for _, kind := range []string{record.Train, record.Draw, record.Score, record.Exposure, record.Time} {
		c.Stages[kind] = StageKey(kind, point, seed+1)
	}
	var attempts []record.Attempt
	add := func(kind, outcome string, values []record.Value) {
		a := record.Attempt{ID: "attempt-" + kind + "-" + id, Stage: c.Stages[kind], Kind: kind, Cell: id, Outcome: outcome, Device: p.Device,
			Started: noon, Finished: noon.Add(time.Minute), Values: values, Environment: record.Environment{CPU: "Xeon", OS: "linux",
				GitRevision: p.Code}}
		if a.Device == "" {
			a.Device = "cpu"
		}
		if p.Code == "" {
			a.Environment.GitRevision = "abc123"
		}
		if outcome != record.OK {
			a.Reason = "as the test wants it"
		}
		attempts = append(attempts, a)
	}
	for kind := range c.Stages {
		if failed := p.Failed[kind]; seed < len(failed) && failed[seed] != "" {
			add(kind, failed[seed], nil)
			continue
		}
		var values []record.Value
		for metric, list := range p.Values[kind] {
			if seed < len(list) {
				v := list[seed]
				v.Metric = metric
				values = append(values, v)
			}
		}
		if values != nil {
			add(kind, record.OK, values)
		}
	}
	return c, attempts
}

// Of are values of one unit, without intervals, for consecutive seeds.
func Of(unit string, values ...float64) []record.Value {
	out := make([]record.Value, len(values))
	for i, v := range values {
		out[i] = record.Value{Unit: unit, Value: v, N: 1}
	}
	return out
}

// Between is a value with its interval.
func Between(unit string, value, lo, hi float64) record.Value {
	return record.Value{Unit: unit, Value: value, Lo: &lo, Hi: &hi, N: 100}
}
