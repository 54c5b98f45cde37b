package terminal

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"prabench/harness/engine"
	"prabench/models"
)

// planned is the plan of a shipped file, as programs read it and as people do.
func planned(t *testing.T, file string, set ...string) (cells []plannedCell, text string) {
	t.Helper()
	ls, err := engine.Load([]string{"../../../experiments/" + file}, engine.LoadOptions{Set: set})
	if err != nil {
		t.Fatal(err)
	}
	p := engine.NewPlan(ls[0].Exp)
	var b bytes.Buffer
	if err := PlanJSON(&b, ls, p); err != nil {
		t.Fatal(err)
	}
	var out struct {
		Experiments []struct{ Cells []plannedCell }
	}
	if err := json.Unmarshal(b.Bytes(), &out); err != nil {
		t.Fatal(err)
	}
	b.Reset()
	if err := Plan(&b, ls, p); err != nil {
		t.Fatal(err)
	}
	return out.Experiments[0].Cells, b.String()
}

type plannedCell struct {
	Label string
	Point map[string]any
	Costs struct {
		AR         int                   `json:"ar_steps"`
		NFE        int                   `json:"nfe"`
		FLOPsImage float64               `json:"flops_image"`
		Sample     models.MemoryEstimate `json:"sample_memory"`
	}
}

// Cells that share a training have the sampling costs of their own: AR steps and
// evaluations written down from their keys alone, arithmetic and memory by their
// laws.
func TestEveryCellHasItsOwnSamplingCosts(t *testing.T) {
	whole := func(c plannedCell, key string) int { return int(c.Point[key].(float64)) }
	t.Run("sweeps", func(t *testing.T) {
		cells, text := planned(t, "tradeoff.toml")
		for _, c := range cells {
			steps, nfe := (28/whole(c, "model.patch"))*(28/whole(c, "model.patch"))/whole(c, "model.block"), 10
			if sweeps := whole(c, "sample.rollout_depth"); sweeps > 0 {
				steps, nfe = min(sweeps, steps), 10*min(sweeps, steps)
			}
			if c.Costs.AR != steps || c.Costs.NFE != nfe {
				t.Errorf("%s: %d AR steps, NFE %d, by hand %d, %d", c.Label, c.Costs.AR, c.Costs.NFE, steps, nfe)
			}
		}
		seen := map[string]bool{}
		for line := range strings.Lines(text) {
			if f := strings.Fields(line); strings.HasPrefix(line, "patch=4 block=1 rollout_depth=1 ") {
				seen[f[len(f)-9]+" "+f[len(f)-8]] = true // columns from the right, memory with its unit is two
			}
		}
		if len(seen) != 3 {
			t.Errorf("three depths of sampling show %v as AR steps and NFE in\n%s", seen, text)
		}
	})
	t.Run("batch", func(t *testing.T) {
		cells, _ := planned(t, "scaling.toml")
		of := map[string]plannedCell{}
		for _, c := range cells {
			label, _, _ := strings.Cut(c.Label, ",")
			of[label] = c
		}
		base := of["base"].Costs.Sample
		for label, batch := range map[string]int64{"batch 1": 1, "batch 4": 4, "batch 16": 16} {
			if c, ok := of[label]; !ok || c.Costs.Sample.Cache*64 != base.Cache*batch || c.Costs.Sample.Activations >= base.Activations {
				t.Errorf("%s: holds %+v, 64 images %+v", label, c.Costs.Sample, base)
			}
		}
		for label, want := range map[string][2]int{"N = 4": {4, 10}, "N = 196": {196, 10}, "B = 7": {7, 10}, "B = 49": {1, 10},
			"R = 2": {2, 20}, "R = 8": {8, 80}} {
			if c := of[label].Costs; c.AR != want[0] || c.NFE != want[1] {
				t.Errorf("%s: %d AR steps, NFE %d, want %v", label, c.AR, c.NFE, want)
			}
		}
	})
	for _, c := range []struct {
		set []string
		nfe int
	}{ // by the table of solvers in models/pra/README.md
		{[]string{"sample.flow_steps=4"}, 4}, {[]string{"sample.flow_steps=4", "sample.solver=heun"}, 7},
		{[]string{"sample.flow_steps=4", "sample.guidance=2"}, 8},
		{[]string{"sample.flow_steps=7", "sample.guidance=2", "sample.solver=heun"}, 26},
	} {
		t.Run(strings.Join(c.set, " "), func(t *testing.T) {
			cells, _ := planned(t, "quick.toml", c.set...)
			for _, cell := range cells {
				want := c.nfe
				if sweeps, ok := cell.Point["sample.rollout_depth"].(float64); ok && sweeps > 0 {
					want *= int(sweeps)
				}
				if cell.Costs.NFE != want {
					t.Errorf("%s: NFE %d, want %d", cell.Label, cell.Costs.NFE, want)
				}
			}
		})
	}
}
