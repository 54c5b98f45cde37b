package view_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"prabench/results/view"
)

// sweepOf draws values of patch × depth × a zip of two keys, over seeds.
func sweepOf(r *rand.Rand, seeds int, value func(patch, depth, method int) float64) (out []view.Draw) {
	for patch := range 3 {
		for depth := range 4 {
			for method := range 2 {
				for seed := range seeds {
					out = append(out, view.Draw{Seed: uint64(seed), Value: value(patch, depth, method) + 0.5*float64(seed%3) + 0.1*r.NormFloat64(),
						Params: map[string]any{"model.patch": int64(4 + 10*patch), "patch": int64(4 + 10*patch), "train.rollout_depth": int64(depth),
							"model.state": int64(12 * method), "model.target": []string{"v", "x"}[method], "sample.seed": int64(1)}})
				}
			}
		}
	}
	return out
}

// What values were made of comes back: an axis, an interaction, seeds; keys of a zip
// are one axis, given or found.
func TestImportance(t *testing.T) {
	r := rand.New(rand.NewPCG(14, 20))
	draws := sweepOf(r, 5, func(patch, depth, method int) float64 {
		return 2*float64(patch) + 0.3*float64(depth*method)
	})
	for _, axes := range [][][]string{nil, {{"model.patch"}, {"train.rollout_depth"}, {"model.state", "model.target"}, {"sample.seed"}}} {
		i, ok := view.ImportanceOf(draws, axes)
		if !ok || i.Points != 24 || i.Seeds != 5 || !i.Balanced || i.ErrorIsHigher || len(i.Effects) != 6 {
			t.Fatalf("%+v", i)
		}
		by := map[string]view.AxisEffect{}
		sum := i.Blocks.Share + i.Higher.Share + i.Error.Share
		for _, e := range i.Effects {
			by[e.Name] = e
			sum += e.Share
		}
		if math.Abs(sum-1) > 1e-9 {
			t.Errorf("shares add up to %g", sum)
		}
		method := "state"
		if axes != nil {
			method = "state+target"
		}
		if p := by["patch"]; p.Share < 0.8 || p.Corrected > 1e-6 || len(p.Levels) != 3 || p.Levels[0].Name != "4" || p.Levels[2].Name != "24" ||
			math.Abs(p.Levels[2].Mean-p.Levels[0].Mean-4) > 0.1 {
			t.Errorf("patch: %+v", p)
		}
		for name, significant := range map[string]bool{"rollout_depth × " + method: true, method + " × rollout_depth": true,
			"patch × rollout_depth": false} {
			if e, ok := by[name]; ok && (e.Corrected < 0.01) != significant {
				t.Errorf("%s: %+v", name, e)
			}
		}
		if _, ok := by["sample_seed"]; ok {
			t.Error("a seed is an axis")
		}
		if i.Blocks.Share < 0.01 {
			t.Errorf("seeds share %g", i.Blocks.Share)
		}
	}
}

// Gaps, values that are not finite, no axis, no difference.
func TestImportanceOfGaps(t *testing.T) {
	r := rand.New(rand.NewPCG(14, 21))
	draws := sweepOf(r, 2, func(patch, _, _ int) float64 { return float64(patch) })
	draws[3].Value = math.Inf(1)
	i, ok := view.ImportanceOf(draws[:len(draws)-1], nil)
	if !ok || i.Balanced || i.Left != 1 || i.Effects[0].Name != "patch" {
		t.Errorf("%+v", i)
	}
	if i, ok := view.ImportanceOf(draws[:1], nil); ok {
		t.Errorf("one point: %+v", i)
	}
	if i, ok := view.ImportanceOf(nil, nil); ok {
		t.Errorf("nothing: %+v", i)
	}
	flat := sweepOf(r, 1, func(int, int, int) float64 { return 0 })
	for k := range flat {
		flat[k].Value = 3
	}
	if i, ok := view.ImportanceOf(flat, nil); ok {
		t.Errorf("no difference: %+v", i)
	}
}
