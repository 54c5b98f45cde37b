package work

import (
	"reflect"
	"slices"
	"testing"

	"prabench/harness/artifact"
	"prabench/harness/stage"
	"prabench/metrics/quantity"
	"prabench/models"
)

// A cell samples as it chose, the choice is the best of what it tried, and each trial is
// what a cell with these settings and that noise comes to.
func TestChosenSampling(t *testing.T) {
	root, s := t.TempDir(), tinyCell(t)
	s.Tune = stage.Tune{Metric: quantity.FIDProxy.Name, Grid: "flow_steps=1,3; guidance=0,0.7,1.5; weights=ema,raw", Images: 24, Seed: 99}
	made := do(t, root, s, Reference, Train, Tune, Sample, Score)
	store := artifact.Store{Root: root}
	r, err := ReadResponse(store, made[Tune].Stage)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Trials) != 12 || r.Images != 24 || r.Metric != "fid_proxy" {
		t.Fatalf("%+v", r)
	}
	for i, trial := range r.Trials {
		if trial.Score.Value < r.Trials[r.Chosen].Score.Value || len(trial.Settings) != 3 {
			t.Errorf("trial %d, %+v, is better than the choice %+v", i, trial, r.Trials[r.Chosen])
		}
	}
	untuned := func(settings map[string]any, seed uint64, count int) stage.Settings {
		u := s
		u.Tune, u.Count = stage.Tune{}, count
		for k, v := range settings {
			if f, ok := v.(float64); ok && k == "flow_steps" {
				v = int(f)
			}
			u.Params, _ = models.Set(u.Params, "sample."+k, v)
		}
		u.Params, _ = models.Set(u.Params, "sample.seed", seed)
		return u
	}
	seed, _ := models.Get(s.Params, "sample.seed")
	chosen := r.Trials[r.Chosen].Settings
	plain := do(t, root, untuned(chosen, seed.(uint64), s.Count), Sample, Score)
	if plain[Sample].Stage == made[Sample].Stage {
		t.Error("a cell that chooses has the key of one that does not")
	}
	_, a, errA := ReadDrawn(store, made[Sample].Stage)
	_, b, errB := ReadDrawn(store, plain[Sample].Stage)
	if errA != nil || errB != nil || !slices.Equal(a, b) {
		t.Errorf("the images are not those of %v: %v, %v", chosen, errA, errB)
	}
	for _, of := range []struct {
		settings map[string]any
		seed     uint64
		want     float64
	}{{r.Trials[1].Settings, 99, r.Trials[1].Score.Value}, {chosen, 100, r.Fresh.Value}} {
		again := do(t, root, untuned(of.settings, of.seed, 24), Reference, Sample, Score)
		if got := again[Score].Values[0]; got.Metric != "fid_proxy" || got.Value != of.want {
			t.Errorf("%v with seed %d: %v, want %v", of.settings, of.seed, got.Value, of.want)
		}
	}
	value := map[string]float64{}
	for _, v := range made[Tune].Values {
		value[v.Metric] = v.Value
	}
	if value["tune_selected"] != r.Trials[r.Chosen].Score.Value || value["tune_fresh"] != r.Fresh.Value || value["tune_trials"] != 12 ||
		value["tuned_guidance"] != chosen["guidance"] || value["tune_at_end"] != float64(len(r.Ends)) {
		t.Errorf("%v of %+v", value, r)
	}
}

func TestGrid(t *testing.T) {
	p := everything().Params
	g := models.Grid("flow_steps=10,25; guidance=0,0.5,1; no_key=0.1,0.2; rollout_depth=0,exact; solver=euler,heun")
	points, err := g.Points(p)
	if err != nil || len(points) != 24 { // no family has no_key
		t.Fatalf("%d points, %v", len(points), err)
	}
	last := points[23].Settings
	if last["flow_steps"] != 25 || last["guidance"] != 1.0 || last["solver"] != "heun" || last["rollout_depth"].(int) < 2 {
		t.Errorf("%v", last)
	}
	for _, c := range []struct {
		settings map[string]any
		want     []string
	}{
		{map[string]any{"flow_steps": 10, "guidance": 0.0, "rollout_depth": 0}, []string{"flow_steps"}},
		{map[string]any{"flow_steps": 25, "guidance": 1.0, "rollout_depth": 0}, []string{"flow_steps", "guidance"}},
	} {
		small := models.Grid("flow_steps=10,25; guidance=0,0.5,1; rollout_depth=0,1; weights=ema,raw")
		if got := small.Ends(p, c.settings); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%v: %v, want %v", c.settings, got, c.want)
		}
	}
	exact := points[23].Settings["rollout_depth"]
	for depth, want := range map[any][]string{1: {"rollout_depth"}, 4: nil, exact: {"rollout_depth"}} {
		if got := models.Grid("rollout_depth=1,4,exact").Ends(p, map[string]any{"rollout_depth": depth}); !reflect.DeepEqual(got, want) {
			t.Errorf("%v of 1, 4 and %v: %v, want %v", depth, exact, got, want)
		}
	}
	if _, err := models.Grid("guidance=x").Points(p); err == nil {
		t.Error("a word is no guidance")
	}
}
