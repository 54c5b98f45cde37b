package results

import (
	"slices"
	"strings"
	"testing"

	"prabench/results/record"
)

// Labels that earlier programs stored are read in today's spelling wherever labels
// are read, and those that a file gives stay as they are.
func TestOlderLabels(t *testing.T) {
	db := openTemp(t)
	p := Plan{Experiment: "old"}
	for i, c := range []struct {
		label  string
		params map[string]any
	}{
		{"patch=7 depth=1", map[string]any{"model.patch": 7, "train.rollout_depth": 1}},
		{"depth=exact", map[string]any{"train.rollout_depth": "exact"}},
		{"mine depth=2", map[string]any{"label": "mine depth=2", "train.rollout_depth": 2}}, // a step's own name
		{"depth=4", map[string]any{"model.depth": 4}},                                       // no label of ours
		{"rollout_depth=0", map[string]any{"train.rollout_depth": 0}},
	} {
		key := string(rune('a' + i))
		p.Stages = append(p.Stages, PlanStage{Key: key, Kind: record.Time})
		p.Cells = append(p.Cells, PlanCell{ID: "c" + key, Label: c.label, Params: c.params, Seed: 1,
			Stages: map[string]string{record.Time: key}})
	}
	p.Kinds = []PlanKind{{Name: record.Time, Own: true}}
	mustPlan(t, db, p)
	for _, key := range []string{"a", "b", "c", "d", "e"} {
		a := okAttempt("of-"+key, key, record.Time, 1, record.Value{Metric: "latency", Unit: "s", Value: 1, N: 1})
		mustIngest(t, db, a)
	}
	want := "patch=7 rollout_depth=1; rollout_depth=exact; mine depth=2; depth=4; rollout_depth=0"
	read := map[string]func() ([]string, error){
		"cells": func() (out []string, err error) {
			cells, err := db.Cells(t.Context(), "old")
			for _, c := range cells {
				out = append(out, c.Label)
			}
			return out, err
		},
		"results": func() (out []string, err error) {
			rows, err := db.Results(t.Context(), Filter{Experiment: "old"})
			for _, r := range rows {
				out = append(out, r.Label)
			}
			return out, err
		},
		"behind": func() (out []string, err error) {
			all, err := db.Behind(t.Context(), "old")
			for _, b := range all {
				out = append(out, b.Label)
			}
			return out, err
		},
		"earlier stages": func() (out []string, err error) {
			all, err := db.EarlierStages(t.Context(), "old")
			for _, s := range all {
				out = append(out, s.Label)
			}
			return out, err
		},
		"history": func() (out []string, err error) {
			all, err := db.History(t.Context(), "old", nil)
			for _, h := range all {
				out = append(out, h.Label)
			}
			return out, err
		},
	}
	for what, labels := range read {
		got, err := labels()
		if err != nil || strings.Join(got, "; ") != want {
			t.Errorf("%s: %q, %v", what, got, err)
		}
	}
	failed := okAttempt("bad", "a", record.Time, 2)
	failed.Outcome, failed.Reason = record.Crash, "dropped"
	mustIngest(t, db, failed)
	if all, err := db.FailedStages(t.Context(), 9); err != nil || len(all) > 0 && all[0].Label != "patch=7 rollout_depth=1" {
		t.Errorf("failed: %+v, %v", all, err)
	}
	for only, ids := range map[string][]string{"patch=7 depth=1": {"ca"}, "patch=7 rollout_depth=1": {"ca"}, "mine depth=2": {"cc"}} {
		var got []string
		cells, err := db.CellsOf(t.Context(), Filter{Experiment: "old", Params: map[string]any{"label": only}})
		for _, c := range cells {
			got = append(got, c.Cell)
		}
		if err != nil || !slices.Equal(got, ids) {
			t.Errorf("label %q: %v, %v; want %v", only, got, err, ids)
		}
	}
}
