package view_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"prabench/results/view"
)

// looks are two trainings of two seeds at four stops: one goes down to 4, the other,
// of one seed, to 6 only.
func looks() (rows []view.Row) {
	add := func(metric string, state, until int64, seed uint64, value float64) {
		rows = append(rows, view.Row{Metric: metric, Value: value, Seed: seed, Params: map[string]any{"model.state": state, "state": state,
			"train.until": until, "sample.seed": int64(1)}})
	}
	for _, state := range []int64{0, 12} {
		for seed := range uint64(2) {
			for i, until := range []int64{400, 100, 200, 300} { // rows come in any order
				at := float64([]int{3, 0, 1, 2}[i])
				score := 10 - 2*at + float64(seed)*0.5
				if state == 0 && seed == 1 {
					score = math.Max(score, 6)
				}
				add("fid_proxy", state, until, seed, score)
				add("train_seconds", state, until, seed, 10*(at+1)*float64(1+seed))
				add("precision", state, until, seed, 0.1*at)
			}
		}
	}
	return append(rows, view.Row{Metric: "fid_proxy", Value: 1, Params: map[string]any{"model.state": int64(5)}}) // never looked at on its way
}

// A label that several trainings have is followed by what they differ in, and seeds of sampling
// are looked at apart.
func TestArmsOfOneLabel(t *testing.T) {
	cell := func(label any, patch, until, noise int64) map[string]any {
		c := map[string]any{"model.patch": patch, "patch": patch, "train.until": until, "sample.seed": noise, "model.state": int64(3)}
		if label != nil {
			c["label"] = label
		}
		return c
	}
	got := view.ArmsOf([]map[string]any{cell("PRA", 4, 1, 1), cell("PRA", 7, 1, 1), cell("one", 4, 1, 1), cell("one", 4, 2, 2),
		cell(nil, 4, 1, 1), {}})
	want := []string{"PRA patch=4", "PRA patch=7", "one", "one", "patch=4 state=3", "all"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	var rows []view.Row
	for _, c := range []struct {
		patch, until, noise int64
		score               float64
	}{{4, 100, 1, 9}, {4, 200, 1, 3}, {7, 100, 1, 9}, {7, 200, 1, 8}, {4, 100, 2, 5}, {4, 200, 2, 1}} {
		rows = append(rows, view.Row{Metric: "fid_proxy", Value: c.score, Seed: 1, Params: cell("PRA", c.patch, c.until, c.noise)})
	}
	arms, err := view.TimeTo(rows, "fid_proxy", 6, view.StepsTrained)
	if err != nil || len(arms) != 2 || arms[0].Name != "PRA patch=4" || arms[0].Reached != 2 || arms[0].Seeds != 2 ||
		!arms[0].Costs[0].AtFirst || arms[0].Costs[0].Value != 125 || arms[1].Reached != 0 {
		t.Errorf("%+v, %v", arms, err)
	}
}

// Trainings of several experiments are apart.
func TestArmsOfSeveralExperiments(t *testing.T) {
	var rows []view.Row
	for _, experiment := range []string{"a", "b"} {
		for until, score := range map[int64]float64{100: 9, 200: 3} {
			rows = append(rows, view.Row{Experiment: experiment, Metric: "fid_proxy", Value: score, Seed: 1,
				Params: map[string]any{"train.until": until, "label": "PRA"}})
		}
	}
	arms, err := view.TimeTo(rows, "fid_proxy", 6, view.StepsTrained)
	if err != nil || len(arms) != 2 || arms[0].Name != "a: PRA" || arms[1].Name != "b: PRA" || arms[1].Costs[0].Value != 150 {
		t.Errorf("%+v, %v", arms, err)
	}
}

// Costs lie between the stops on both sides of the goal; what never gets there is
// counted apart.
func TestTimeTo(t *testing.T) {
	arms, err := view.TimeTo(looks(), "fid_proxy", 5, view.StepsTrained, "train_seconds")
	if err != nil || len(arms) != 2 || arms[0].Name != "state=0" || arms[1].Name != "state=12" {
		t.Fatalf("%+v, %v", arms, err)
	}
	// Seed 0 passes 5 between 6 at 300 and 4 at 400; seed 1 between 6.5 and 4.5.
	raw, pra := arms[0], arms[1]
	if pra.Reached != 2 || pra.Seeds != 2 || math.Abs(pra.Costs[0].Value-(350+375)/2.) > 1e-9 || pra.Costs[0].Beyond != nil ||
		math.Abs(pra.Costs[1].Value-(35+75)/2.) > 1e-9 || !pra.Costs[0].HasInterval() {
		t.Errorf("%+v", pra)
	}
	if raw.Reached != 1 || raw.Seeds != 2 || raw.Costs[0].Value != 350 || raw.Costs[0].Beyond == nil || *raw.Costs[0].Beyond != 400 ||
		*raw.Costs[1].Beyond != 80 || raw.Costs[0].HasInterval() {
		t.Errorf("%+v", raw)
	}
	arms, _ = view.TimeTo(looks(), "fid_proxy", 10.2, view.StepsTrained) // seed 0 begins there
	if c := arms[1].Costs[0]; !c.AtFirst || math.Abs(c.Value-(100+115)/2.) > 1e-9 {
		t.Errorf("%+v", c)
	}
	arms, _ = view.TimeTo(looks(), "precision", 0.15, view.StepsTrained) // larger is better
	if c := arms[0].Costs[0]; arms[0].Reached != 2 || math.Abs(c.Value-250) > 1e-9 {
		t.Errorf("%+v", c)
	}
	arms, _ = view.TimeTo(looks(), "fid_proxy", 1, view.StepsTrained)
	if arms[0].Reached+arms[1].Reached != 0 || *arms[1].Costs[0].Beyond != 400 {
		t.Errorf("%+v", arms)
	}
	if _, err := view.TimeTo(looks()[len(looks())-1:], "fid_proxy", 1); err == nil || !strings.Contains(err.Error(), "train.evaluate") {
		t.Errorf("what was never looked at: %v", err)
	}
}

// How many seeds reached the goal does not depend on a cost that was not recorded.
func TestReachedWithoutACost(t *testing.T) {
	rows := slices.DeleteFunc(looks(), func(r view.Row) bool { return r.Metric == "train_seconds" && r.Seed == 1 })
	arms, err := view.TimeTo(rows, "fid_proxy", 5, view.StepsTrained, "train_seconds", "train_flops")
	if err != nil || len(arms) != 2 {
		t.Fatalf("%+v, %v", arms, err)
	}
	pra := arms[1]
	if pra.Reached != 2 || pra.Costs[0].N != 2 || pra.Costs[1].N != 1 || pra.Costs[2].N != 0 {
		t.Errorf("%+v", pra)
	}
}
