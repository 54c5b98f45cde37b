package engine_test

import (
	"context"
	"encoding/json"
	"testing"

	"prabench/harness/engine"
	"prabench/harness/stage"
	"prabench/metrics/quantity"
	"prabench/models"
	"prabench/results"
	"prabench/results/record"
)

// Cells of another family go through every stage that makes sense for it; what it
// has not is absent, in the plan, in the columns and among the metrics.
func TestAnotherFamilyIsRunBesideTheFirst(t *testing.T) {
	b := newBench(t)
	ctx := context.Background()
	e := tiny(nil)
	other, err := models.Named("gaussian")
	if err != nil {
		t.Fatal(err)
	}
	s := *e.Cells[1].Settings
	s.Params = other.Defaults().For(s.Params.Shape())
	s.Extras = quantity.Extras{Probe: 100, Exposure: 24, Seam: 30, Nearest: 20}
	for seed := uint64(1); seed <= 2; seed++ {
		e.Cells = append(e.Cells, engine.Cell{ID: map[uint64]string{1: "floor1", 2: "floor2"}[seed], Label: "floor", Seed: seed,
			Params: map[string]any{"model.family": "gaussian"}, Settings: &s})
	}
	sum := b.run(ctx, e, nil)
	// Two of train, sample, score and time, one reference; one of train, sample,
	// score, nearest and time, since a fit is every seed's.
	if sum.Done != 14 || sum.Failed != 0 {
		t.Fatalf("%+v\n%s", sum, b.out.String())
	}
	have := map[string]bool{}
	for _, r := range b.rows() {
		have[r.Cell+" "+r.Metric] = true
		if v, ok := r.Param("model.patch"); ok != (r.Cell == "cell0" || r.Cell == "cell1") || ok && v != int64(4) {
			t.Errorf("the patch of %s is %v", r.Cell, v)
		}
	}
	for metric, of := range map[*quantity.Metric]bool{
		quantity.FIDProxy: true, quantity.Throughput: true, quantity.Latency: true, quantity.TrainLoss: true, quantity.TrainSeconds: true,
		quantity.NearestRatio: true, quantity.FirstBlockLatency: false, quantity.TrainThroughput: false, quantity.FlowLoss: false,
		quantity.SeamIndex: false, quantity.ProbeAccuracy: false, quantity.ExposureGap: false,
	} {
		for _, cell := range []string{"floor1", "floor2"} {
			if have[cell+" "+metric.Name] != of {
				t.Errorf("%s of %s: %v", metric.Name, cell, !of)
			}
		}
	}
	if !have["cell0 first_block_latency"] || !have["cell0 flow_loss"] {
		t.Error("the first family has lost something")
	}
	db, err := results.OpenReadOnly(b.places.DB)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	cells, err := db.Cells(ctx, "tiny")
	if err != nil || len(cells) != 4 {
		t.Fatal(cells, err)
	}
	for _, c := range cells[2:] {
		if c.Outcome != record.OK || c.Patch != nil || c.Block != nil || c.RolloutDepth != nil || c.State != nil {
			t.Errorf("%+v", c)
		}
	}
	if c := cells[1]; *c.Patch != 4 || *c.Block != 1 || *c.RolloutDepth != 1 || *c.State != 6 {
		t.Errorf("%+v", c)
	}
	again := b.run(ctx, e, nil)
	if again.Done != 0 || again.Kept != 14 {
		t.Errorf("done again: %+v", again)
	}
}

// A family's version is in the keys of what it computes, and in no other's.
func TestAFamilysVersionIsInItsKeys(t *testing.T) {
	e := tiny(nil)
	s := *e.Cells[0].Settings
	other, err := models.Named("gaussian")
	if err != nil {
		t.Fatal(err)
	}
	of := map[string]stage.Settings{"1/core 1": s}
	s.Params = other.Defaults().For(s.Params.Shape())
	of["1/gaussian 1"] = s
	for want, s := range of {
		train := stage.Named(record.Train)
		config, err := stage.Config(s, train)
		var key struct {
			Code string
			Part models.Written
		}
		if err != nil || json.Unmarshal(config, &key) != nil || key.Code != want {
			t.Errorf("%s, %v; want the code %s", config, err, want)
		}
		if p, err := key.Part.Read(); err != nil || p.Family() != s.Params.Family() {
			t.Errorf("%s names no %s: %v", config, s.Params.Family().Name(), err)
		}
	}
}
