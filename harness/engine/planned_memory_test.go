package engine_test

import (
	"context"
	"fmt"
	"testing"

	"prabench/harness/engine"
	"prabench/models"
	"prabench/models/dataset"
	"prabench/models/pra"
	"prabench/results"
)

// What a plan says that workers hold is what they do hold: of a training from a small
// batch to a large one it grows as the peak of the process does, and a timing that
// trains nothing is not planned with a training's memory.
func TestPlannedMemoryIsThatOfAWorker(t *testing.T) {
	b := newBench(t)
	batches := []int{16, 64}
	depths := []models.Depth{0, 2, models.Exact}
	e := tiny(nil)
	of := e.Cells[0]
	e.Cells = nil
	for _, depth := range depths {
		for _, batch := range batches {
			s := *of.Settings
			s.Data.Size, s.Count, s.Batch = 32, 40, 8
			s.Measure.Rounds, s.Measure.TrainSteps, s.Measure.RepeatDisturbed = 1, 0, 0
			info, err := dataset.Describe(s.Data)
			if err != nil {
				t.Fatal(err)
			}
			edit(&s, func(p *pra.Params) {
				p.Model.Size, p.Model.Channels, p.Model.Classes = info.Size, info.Channels, info.Classes
				p.Model.Patch, p.Model.Width, p.Model.Depth, p.Model.Heads, p.Model.State = 4, 128, 3, 4, 6
				p.Train.Steps, p.Train.Batch, p.Train.RolloutDepth = 2, batch, depth
			})
			c := of
			c.ID, c.Label, c.Settings = fmt.Sprintf("d%v-%d", depth, batch), fmt.Sprintf("depth %v, batch %d", depth, batch), &s
			e.Cells = append(e.Cells, c)
		}
	}
	sum := b.run(context.Background(), e, func(r *engine.Run) { r.Jobs = 1 })
	db, err := results.OpenReadOnly(b.places.DB)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	measured := map[string]map[string]float64{}
	rows, err := db.Results(t.Context(), results.Filter{Metrics: []string{"train_memory_peak", "memory_peak"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if measured[r.Cell] == nil {
			measured[r.Cell] = map[string]float64{}
		}
		measured[r.Cell][r.Kind] = r.Value
	}
	planned := func(c engine.Cell, kind string) float64 {
		for _, st := range c.Chain.Stages() {
			if st.Kind.Name == kind {
				return float64(sum.Plans[0].Item(st.Key).Memory())
			}
		}
		t.Fatalf("%s has no stage %s", c.Label, kind)
		return 0
	}
	const mib = 1 << 20
	for i := 0; i < len(e.Cells); i += 2 {
		small, large := e.Cells[i], e.Cells[i+1]
		p, m := planned(large, "train")-planned(small, "train"), measured[large.ID]["train"]-measured[small.ID]["train"]
		t.Logf("%s against %d: planned %+.0f MiB, measured %+.0f MiB", large.Label, batches[0], p/mib, m/mib)
		if m < 30*mib || p/m < 0.85 || p/m > 1.15 {
			t.Errorf("%s: planned %+.1f MiB, measured %+.1f MiB", large.Label, p/mib, m/mib)
		}
		for _, c := range []engine.Cell{small, large} {
			if have, least := planned(c, "train"), measured[c.ID]["train"]; have < 0.95*least || have > least+100*mib {
				t.Errorf("%s: a training is planned with %.0f MiB, and had %.0f", c.Label, have/mib, least/mib)
			}
			if have, least := planned(c, "time"), measured[c.ID]["time"]; have < 0.95*least || have > least+100*mib {
				t.Errorf("%s: a timing is planned with %.0f MiB, and had %.0f", c.Label, have/mib, least/mib)
			}
		}
	}
}
