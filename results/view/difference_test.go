package view_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"prabench/metrics/stat"
	"prabench/results/view"
)

func side(seeds []uint64, values ...float64) view.Side {
	return view.Side{Value: values[0], Values: values, Seeds: seeds}
}

// The three seeds of issue 14: differences −3.66, −5.20 and −4.36. In pairs they are
// −4.4 ± 1.9 with p = 0.01; the spread of the seeds, common to both sides, hides them
// without.
func TestPairsOfThreeSeeds(t *testing.T) {
	a := side([]uint64{1, 2, 3}, 17.44-8, 18.80, 17.94+8)
	b := side([]uint64{3, 1, 2}, 22.30+8, 21.10-8, 24.00) // in another order
	d := view.Compare(a, b, nil)
	if math.Abs(d.Value+4.40667) > 1e-5 || math.Abs((d.Hi-d.Lo)/2-1.916) > 1e-3 || math.Abs(d.P-0.01007) > 1e-4 || !d.Separated() {
		t.Errorf("%+v", d)
	}
	if d.Pairs != 3 || d.Alone != 0 || d.Method != stat.Pairs || d.R < 0.99 || d.Narrower() < 5 {
		t.Errorf("%d pairs, %d alone, r = %g, %g times narrower", d.Pairs, d.Alone, d.R, d.Narrower())
	}
	a.Seeds, b.Seeds = nil, nil
	if w := view.Compare(a, b, nil); w.Pairs != 0 || w.Method != stat.Seeds || w.Separated() || w.P < 0.5 {
		t.Errorf("without pairs: %+v", w)
	}
}

// Two points of which each is one training for all seeds are not separated by that; beside a point
// with a value for each seed, such a one is the same for all of them.
func TestPointsOfOneTraining(t *testing.T) {
	a, b := view.Side{Value: 7, Same: true}, view.Side{Value: 7.1, Same: true}
	why := "all seeds are one training, which has no interval over seeds"
	if d := view.Compare(a, b, nil); d.Exact || d.Separated() || !math.IsNaN(d.P) || d.Why != why {
		t.Errorf("%+v", d)
	}
	three := side([]uint64{1, 2, 3}, 9, 9.5, 10)
	for _, d := range []view.Difference{view.Compare(three, a, nil), view.Compare(a, three, nil)} {
		if d.Pairs != 3 || math.Abs(math.Abs(d.Value)-2.5) > 1e-9 || !d.Separated() || math.Abs((d.Hi-d.Lo)/2-1.2421) > 1e-3 {
			t.Errorf("%+v", d)
		}
	}
}

func TestWhichSeedsPair(t *testing.T) {
	four, values := []uint64{1, 2, 3, 4}, []float64{1, 2, 4, 8}
	for name, c := range map[string]struct {
		seeds        []uint64
		values       []float64
		pairs, alone int
	}{
		"all":                {four, []float64{2, 4, 4, 9}, 4, 0},
		"three of four":      {[]uint64{2, 3, 4, 9}, []float64{2, 4, 4, 9}, 3, 2},
		"one is missing":     {[]uint64{1, 3, 4}, []float64{2, 4, 9}, 3, 1},
		"two of four":        {[]uint64{1, 2, 8, 9}, []float64{2, 4, 4, 9}, 0, 0},
		"none":               {[]uint64{5, 6, 7, 8}, []float64{2, 4, 4, 9}, 0, 0},
		"seeds are not told": {nil, []float64{2, 4, 4, 9}, 0, 0},
	} {
		d := view.Compare(side(four, values...), side(c.seeds, c.values...), nil)
		if d.Pairs != c.pairs || d.Alone != c.alone || !d.HasInterval() || (d.Method == stat.Pairs) != (c.pairs > 0) {
			t.Errorf("%s: %+v", name, d)
		}
	}
	two := []uint64{1, 2}
	if d := view.Compare(side(two, 1, 2), side(two, 2, 4), nil); d.Pairs != 2 {
		t.Errorf("two of two: %+v", d)
	}
	if d := view.Compare(side(two, 5, 5), side(two, 5, 5), nil); !d.Exact || d.P != 1 || d.Separated() || d.Needs(0.05) != 0 {
		t.Errorf("equal: %+v", d)
	}
	if d := view.Compare(side(two, 5, 5), side(two, 7, 7), nil); !d.Exact || d.P != 0 || !d.Separated() {
		t.Errorf("counted: %+v", d)
	}
	if d := view.Compare(side(nil, 5), side(nil, 7), nil); d.Why == "" || d.Separated() || d.Value != -2 {
		t.Errorf("one seed: %+v", d)
	}
}

// One seed of the same weights is compared over pairs of images, if that can be told.
func TestImagesOfOneSeed(t *testing.T) {
	images := func() (stat.Difference, float64, bool) {
		return stat.PairedGroups(1, 3, 100, [][]float64{{1, 1.1, 0.9, 1}}, [][]float64{{3, 3.11, 2.91, 3}}), 4, true
	}
	d := view.Compare(side(nil, 3), side(nil, 1), images)
	if d.Method != stat.ImagePairs || d.Why != "" || !d.Separated() || d.Narrower() < 20 || d.Needs(0.05) != 0 {
		t.Errorf("%+v", d)
	}
	several := view.Compare(side([]uint64{1, 2}, 3, 4), side([]uint64{1, 2}, 1, 1.5), images)
	if several.Method != stat.Pairs {
		t.Errorf("several seeds say more than one seed's images: %+v", several)
	}
}

// Intervals of differences hold the truth in 95 of 100 cases, in pairs and without,
// at 3, 5 and 10 seeds; and pairs of seeds that share nothing are no false alarms.
func TestDifferencesCover(t *testing.T) {
	const draws, truth = 4000, -1.5
	for _, n := range []int{3, 5, 10} {
		for _, shared := range []float64{0, 3} {
			r := rand.New(rand.NewPCG(14, uint64(n)))
			held := map[string]int{}
			for range draws {
				a, b := view.Side{}, view.Side{}
				for i := range n {
					luck := shared * r.NormFloat64()
					a.Values = append(a.Values, 20+truth+luck+r.NormFloat64())
					b.Values = append(b.Values, 20+luck+r.NormFloat64())
					a.Seeds, b.Seeds = append(a.Seeds, uint64(i)), append(b.Seeds, uint64(i))
				}
				if !view.Compare(a, b, nil).Excludes(truth) {
					held["pairs"]++
				}
				if shared > 0 {
					continue // what the seeds share makes unpaired intervals too wide, as they should say
				}
				b.Seeds = nil
				if !view.Compare(a, b, nil).Excludes(truth) {
					held["unpaired"]++
				}
			}
			for how, k := range held {
				share := float64(k) / draws
				t.Logf("%d seeds, shared deviation %g, %s: %.4f", n, shared, how, share)
				if share < 0.93 || share > 0.97 {
					t.Errorf("%d seeds, shared deviation %g, %s: %.4f of the intervals hold the truth", n, shared, how, share)
				}
			}
		}
	}
}

// What is needed is what R's power.t.test says, and the simulated power agrees.
func TestSeedsNeeded(t *testing.T) {
	d := view.Difference{Spread: stat.Spread{SD: 1, Paired: true}}
	d.Value = 1
	if n := d.Needs(0.05); n != 10 { // R: n = 9.94
		t.Errorf("pairs: %d seeds", n)
	}
	d.Spread.Paired = false
	if n := d.Needs(0.05); n != 17 { // R: n = 16.71
		t.Errorf("unpaired: %d seeds a side", n)
	}
	d.Value = 0.001
	if n := d.Needs(0.05); n != 0 {
		t.Errorf("too small to be found: %d", n)
	}
}
