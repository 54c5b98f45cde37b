package view_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"prabench/results/view"
)

// lottery draws values of a design like that of experiments/noise.toml from known
// deviations of initial weights, order, training noise, sampling seeds and of both
// together.
func lottery(r *rand.Rand, init, order, noise, sampling, both float64) []view.Draw {
	effect := func(deviation float64) map[uint64]float64 {
		m := map[uint64]float64{}
		for s := range uint64(40) {
			m[s] = deviation * r.NormFloat64()
		}
		return m
	}
	i, o, n, s := effect(init), effect(order), effect(noise), effect(sampling)
	var out []view.Draw
	train := func(a, b, c uint64) {
		for k := uint64(1); k <= 5; k++ {
			out = append(out, view.Draw{Seed: 1, Params: map[string]any{"seed.init": int64(a), "seed.order": int64(b), "seed.noise": float64(c),
				"sample.seed": int64(k), "model.patch": int64(7)}, Value: 20 + i[a] + o[b] + n[c] + s[k] + both*r.NormFloat64()})
		}
	}
	for k := uint64(1); k <= 12; k++ {
		train(k, 1, 1)
		if k > 1 {
			train(1, k, 1)
			train(1, 1, k)
		}
	}
	for k := uint64(13); k <= 18; k++ {
		train(k, k, k)
	}
	return out
}

// Known variances of a lottery lie in their intervals, and what trainings move values
// by over what samplings do is reported.
func TestLedgerRecoversVariances(t *testing.T) {
	r := rand.New(rand.NewPCG(14, 3))
	truth := map[string]float64{"initial weights": 1, "order of images": 0.25, "training noise": 0, view.PartsTogether: 0,
		view.SamplingSeeds: 0.04, view.Interaction: 0.09}
	missed := 0
	const draws = 3
	for range draws {
		ls := view.Ledgers(lottery(r, 1, 0.5, 0, 0.2, 0.3))
		if len(ls) != 1 || ls[0].Trainings != 40 || ls[0].Samplings != 5 || ls[0].Left != 0 || len(ls[0].Components) != len(truth) {
			t.Fatalf("%+v", ls)
		}
		for _, c := range ls[0].Components {
			want, ok := truth[c.Name]
			if !ok || c.Levels < 5 {
				t.Errorf("%+v", c)
			}
			if c.Variance.Excludes(want) && math.Abs(c.Variance.Lo-want) > 1e-6 {
				missed++
				t.Logf("%s: %+v, drawn with %g", c.Name, c.Variance, want)
			}
		}
		if q := ls[0].Ratio(); q < 1.5 || q > 8 {
			t.Errorf("training seeds move it %g times as much", q)
		}
	}
	if missed > 2 { // of 18 intervals at 95 %
		t.Errorf("%d of %d intervals miss what was drawn", missed, draws*len(truth))
	}
}

// Seeds of whole trainings, several points, incomplete sampling seeds, too few seeds.
func TestLedgersOfPoints(t *testing.T) {
	r := rand.New(rand.NewPCG(14, 4))
	var draws []view.Draw
	for _, patch := range []int64{4, 7} {
		for seed := range uint64(200) {
			v := 10*float64(patch) + 2*r.NormFloat64()
			for s := range int64(3) {
				if patch == 7 && seed == 3 && s == 2 {
					continue
				}
				draws = append(draws, view.Draw{Seed: seed, Value: v + r.NormFloat64(), Params: map[string]any{"model.patch": patch, "patch": patch,
					"sample.seed": s}})
			}
		}
	}
	draws = append(draws, view.Draw{Seed: 1, Value: 5, Params: map[string]any{"model.patch": int64(14), "sample.seed": int64(0)}})
	ls := view.Ledgers(draws)
	if len(ls) != 2 || ls[0].Point != "model.patch=4" || ls[1].Point != "model.patch=7" {
		t.Fatalf("%+v", ls)
	}
	if ls[0].Left != 0 || ls[1].Left != 2 || ls[1].Trainings != 199 {
		t.Errorf("left out: %d and %d", ls[0].Left, ls[1].Left)
	}
	for _, l := range ls {
		if l.Components[0].Name != view.TrainingSeeds || math.Abs(l.Training.Value-4) > 1 || math.Abs(l.Spread.SD-math.Sqrt(5)) > 0.2 {
			t.Errorf("%+v", l)
		}
		// R: power.t.test(sd = sqrt(5), delta = 2, power = .8) needs 20.6.
		if n := view.Needs(l.Spread, 2); !strings.HasPrefix(n, "2") && n != "19 seeds" && n != "18 seeds" {
			t.Errorf("a difference of 2 needs %s", n)
		}
	}
	if n := view.Needs(ls[0].Spread, 1e-3); !strings.HasPrefix(n, "more than") {
		t.Error(n)
	}
	if one := view.Ledgers(draws[:2]); len(one) != 0 {
		t.Errorf("of one training: %+v", one)
	}
}

// What two points have in common with their seeds is gone from their pairs.
func TestPairsOfPoints(t *testing.T) {
	r := rand.New(rand.NewPCG(14, 5))
	var draws []view.Draw
	for seed := range uint64(300) {
		luck := 3 * r.NormFloat64()
		for _, patch := range []int64{4, 7, 14} {
			draws = append(draws, view.Draw{Seed: seed, Value: 10 + float64(patch) + luck + r.NormFloat64(),
				Params: map[string]any{"model.patch": patch}})
		}
	}
	p := view.PairsOf(draws)
	if p.Points != 3 || !p.Spread.Paired || math.Abs(p.Spread.SD-math.Sqrt2) > 0.1 || math.Abs(p.Correlation-0.9) > 0.03 {
		t.Errorf("%+v", p)
	}
	if p := view.PairsOf(draws[:6]); p.Points != 0 || p.Spread.SD != 0 {
		t.Errorf("of two seeds: %+v", p)
	}
}
