package results

import (
	"strings"
	"testing"

	"prabench/results/record"
	"prabench/results/table"
	"prabench/results/where"

	"github.com/google/go-cmp/cmp"
)

// Other people's scripts name these columns: a change here breaks them.
func TestViewColumns(t *testing.T) {
	db := openTemp(t)
	for view, want := range map[string]string{
		"cells":     "experiment cell seed patch block rollout_depth state params_json outcome",
		"results":   "experiment cell seed metric unit value lo hi n protocol attempt outcome created_at",
		"params":    "experiment cell key value",
		"estimates": "experiment cell seed metric unit value lo hi method n protocol attempt",
	} {
		columns, _ := query(t, db, "SELECT * FROM "+view)
		if got := strings.Join(columns, " "); got != want {
			t.Errorf("view %s has\n%s, want\n%s", view, got, want)
		}
	}
}

// A family of models may have no patches: its cells have no value there, and
// nobody takes that for a zero.
func TestColumnsThatAFamilyHasNot(t *testing.T) {
	db := openTemp(t)
	plan := testPlan("t", []int{7}, 1)
	plan.Cells[0].Params = map[string]any{"model.family": "pra", "model.patch": 7, "train.lr": 1e-3}
	plan.Cells = append(plan.Cells, PlanCell{ID: "other", Seed: 1, Params: map[string]any{"model.family": "gaussian"}})
	mustPlan(t, db, plan)
	for q, want := range map[string][][]string{
		"SELECT cell, patch, block, rollout_depth, state FROM cells": {{"p7s1", "7", "1", "1", "12"},
			{"other", "<nil>", "<nil>", "<nil>", "<nil>"}},
		"SELECT cell, key, value, typeof(value) FROM params ORDER BY cell, key": {{"other", "model.family", "gaussian", "text"},
			{"p7s1", "model.family", "pra", "text"}, {"p7s1", "model.patch", "7", "integer"}, {"p7s1", "train.lr", "0.001", "real"}},
		"SELECT cell FROM cells WHERE patch < 100": {{"p7s1"}},
	} {
		if _, got := query(t, db, q); cmp.Diff(want, got) != "" {
			t.Errorf("%s: %s", q, cmp.Diff(want, got))
		}
	}
	cells, err := db.Cells(background, "t")
	if err != nil || len(cells) != 2 {
		t.Fatal(cells, err)
	}
	if v, ok := cells[0].Param("model.state"); !ok || v != int64(12) {
		t.Errorf("the state is %v", v)
	}
	if v, ok := cells[1].Param("model.state"); ok {
		t.Errorf("a cell without a state has %v", v)
	}
	for params, want := range map[string]int{"model.patch": 1, "model.block": 1} {
		chosen, err := db.CellsOf(background, Filter{Params: where.Filter{params: []any{int64(7), int64(1), int64(0)}}})
		if err != nil || len(chosen) != want {
			t.Errorf("%s: %d cells, %v", params, len(chosen), err)
		}
	}
	var b strings.Builder
	if err := table.WriteCSV(&b, table.CellTable(cells)); err != nil || !strings.Contains(b.String(), "t,other,1,,,,,gaussian,,,pending") {
		t.Errorf("%v\n%s", err, b.String())
	}
}

func TestViewsShowNewestOKAttempt(t *testing.T) {
	fid := func(x float64) record.Value {
		return record.Value{Metric: "fid_proxy", Unit: "1", Value: x, Lo: ptr(x - 1), Hi: ptr(x + 1), N: 2000, Protocol: "embedder=beef"}
	}
	newer := okAttempt("b", "score-p7s1", record.Score, 20, fid(11))
	older := okAttempt("a", "score-p7s1", record.Score, 10, fid(10))
	failed := okAttempt("c", "score-p7s1", record.Score, 30, fid(99))
	failed.Outcome, failed.Reason = record.Crash, "signal 11"
	want := [][]string{{"t", "p7s1", "1", "fid_proxy", "1", "11", "10", "12", "2000", "precision=fp32; embedder=beef", "b", "ok",
		"2026-03-04T12:20:00.000000Z"}}

	// The order of arrival must not matter: spools are merged in any order.
	for _, order := range [][]record.Attempt{{older, newer, failed}, {failed, newer, older}, {newer, failed, older}} {
		db := openTemp(t)
		mustPlan(t, db, testPlan("t", []int{7}, 1))
		mustIngest(t, db, order...)
		if _, got := query(t, db, "SELECT * FROM results"); cmp.Diff(want, got) != "" {
			t.Errorf("order %s %s %s: %s", order[0].ID, order[1].ID, order[2].ID, cmp.Diff(want, got))
		}
		if a, ok, err := db.LatestAttempt(background, "score-p7s1"); err != nil || !ok || a.ID != "c" || a.Reason != "signal 11" {
			t.Errorf("latest attempt is %v %v %v, want c", a.ID, ok, err)
		}
		if a, ok, err := db.StageDone(background, "score-p7s1"); err != nil || !ok || a.ID != "b" {
			t.Errorf("done by %v %v %v, want b", a.ID, ok, err)
		}
		if _, lines := query(t, db, "SELECT count(*) FROM attempt"); lines[0][0] != "3" {
			t.Errorf("%s attempts kept, want 3", lines[0][0])
		}
	}
}

// The outcome of a cell is the worst of its stages.
func TestCellOutcome(t *testing.T) {
	type try struct{ kind, outcome string }
	for _, c := range []struct {
		name  string
		tries []try
		want  string
		stage string
	}{
		{"nothing tried", nil, record.Pending, ""},
		{"some done", []try{{record.Reference, record.OK}, {record.Train, record.OK}}, record.Pending, ""},
		{"all done", []try{{record.Reference, record.OK}, {record.Train, record.OK}, {record.Draw, record.OK}, {record.Score, record.OK},
			{record.Time, record.OK}}, record.OK, ""},
		{"failed, rest pending", []try{{record.Train, record.OutOfMemory}}, record.OutOfMemory, record.Train},
		{"failure outweighs blocked", []try{{record.Train, record.Timeout}, {record.Draw, record.Blocked}, {record.Score, record.Blocked}},
			record.Timeout, record.Train},
		{"done after a failure", []try{{record.Train, record.Crash}, {record.Reference, record.OK}, {record.Train, record.OK},
			{record.Draw, record.OK}, {record.Score, record.OK}, {record.Time, record.OK}}, record.OK, ""},
		{"forced again and failed", []try{{record.Reference, record.OK}, {record.Train, record.OK}, {record.Draw, record.OK},
			{record.Score, record.OK}, {record.Time, record.OK}, {record.Train, record.Crash}}, record.OK, ""},
		{"the newest failure counts", []try{{record.Train, record.Crash}, {record.Train, record.Interrupted}}, record.Interrupted, record.Train},
		{"the first in the chain", []try{{record.Time, record.Crash}, {record.Train, record.Crash}}, record.Crash, record.Train},
	} {
		t.Run(c.name, func(t *testing.T) {
			db := openTemp(t)
			mustPlan(t, db, testPlan("t", []int{7}, 1))
			for i, s := range c.tries {
				stage := s.kind + "-p7s1"
				if s.kind == record.Reference {
					stage = "ref"
				}
				a := okAttempt(string(rune('a'+i)), stage, s.kind, i)
				a.Outcome = s.outcome
				if s.outcome != record.OK {
					a.Reason = "because"
				}
				mustIngest(t, db, a)
			}
			if _, lines := query(t, db, "SELECT outcome FROM cells"); len(lines) != 1 || lines[0][0] != c.want {
				t.Errorf("the view says %v, want %s", lines, c.want)
			}
			cells, err := db.Cells(background, "t")
			if err != nil || len(cells) != 1 {
				t.Fatal(cells, err)
			}
			got := cells[0]
			if got.Outcome != c.want || got.Kind != c.stage || (got.Reason != "") != (c.stage != "") {
				t.Errorf("Cells says %s by %q because of %q, want %s by %q", got.Outcome, got.Kind, got.Reason, c.want, c.stage)
			}
			if counts, err := db.Counts(background, "t"); err != nil || counts[c.want] != 1 {
				t.Errorf("Counts says %v %v, want one %s", counts, err, c.want)
			}
		})
	}
}

// The names of the outcomes stand in SQL and in Go.
func TestSeveritiesAgree(t *testing.T) {
	db := openTemp(t)
	mustPlan(t, db, testPlan("t", []int{7}, 1))
	for i, name := range record.Severities {
		if _, err := db.write.Exec("UPDATE stage SET severity=?", i); err != nil {
			t.Fatal(err)
		}
		if _, lines := query(t, db, "SELECT outcome FROM cells"); lines[0][0] != name {
			t.Errorf("severity %d is %s in the view and %s in Go", i, lines[0][0], name)
		}
	}
}
