package plots

import (
	"math"
	"slices"
	"strings"
	"testing"

	"prabench/plots/figure"
)

// threeAxes crosses three axes of two values, with so many seeds. value gives that of the
// n-th seed at a place of each axis; a cell of which keep is false is not there.
func threeAxes(seeds int, value func(at [3]int, n int) float64, keep func(at [3]int) bool) Data {
	d := Data{Experiment: "crossed"}
	for i := range 8 {
		at := [3]int{i / 4, i / 2 % 2, i % 2}
		if !keep(at) {
			continue
		}
		m := fid(1, 0.1)
		for n := range seeds {
			m.Values, m.Seeds = append(m.Values, value(at, n)), append(m.Seeds, uint64(n+1))
		}
		m.Value = mean(m.Values)
		d.Cells = append(d.Cells, CellData{Outcome: "ok", Seeds: seeds, Metrics: map[string]MetricValue{"fid_proxy": m},
			Params: map[string]any{"model.patch": int64(4 + at[0]), "model.block": int64(1 + at[1]), "train.rollout_depth": int64(at[2])}})
	}
	return d
}

// The notes of a figure of importance say what the shares are of, how many seeds there
// are, what the whiskers are, and what the bars leave out.
func TestImportanceSaysWhatItsSharesAre(t *testing.T) {
	all := func([3]int) bool { return true }
	but := func(at [3]int) bool { return at != [3]int{1, 1, 1} }
	places := func(at [3]int, _ int) float64 {
		v := float64(3*at[0] + at[1])
		if at == [3]int{0, 1, 1} { // no sum of two axes
			v += 0.5
		}
		return v
	}
	noisy := func(at [3]int, n int) float64 {
		return places(at, n) + 0.1*math.Sin(float64(1+n+5*at[0]+11*at[1]+23*at[2])*2)
	}
	shifted := func(at [3]int, n int) float64 { return places(at, n) + float64(n) }
	infinite := func(at [3]int, n int) float64 {
		if at == [3]int{0, 0, 0} && n == 0 {
			return math.Inf(1)
		}
		return noisy(at, n)
	}
	const (
		unequal  = "Not all values meet all others with all seeds: shares (type II sums of squares) do not add up to 100 %."
		noBar    = "No bar: interactions of three or more axes, "
		whiskers = "; shares of the variance, corrected for chance, with 95 % intervals"
		without  = "; shares of the variance; there is no noise between seeds, so there are no intervals."
	)
	for name, c := range map[string]struct {
		data  Data
		fixed map[string]any // where
		want  []string       // beginnings of the notes
	}{
		"balanced":   {threeAxes(3, noisy, all), nil, []string{"8 points × 3 seeds" + whiskers + ".", noBar}},
		"unbalanced": {threeAxes(3, noisy, but), nil, []string{"7 points × 3 seeds" + whiskers + ".", unequal}},
		"two axes":   {threeAxes(3, noisy, all), map[string]any{"model.patch": 4}, []string{"4 points × 3 seeds" + whiskers + "."}},
		"values left out": {threeAxes(3, infinite, all), nil,
			[]string{"8 points", noBar, unequal, "Left out: 1 values that are not finite."}},
		"seeds of equal values":  {threeAxes(3, places, all), nil, []string{"8 points × 3 seeds" + without, noBar}},
		"seeds that shift alike": {threeAxes(3, shifted, all), nil, []string{"8 points × 3 seeds" + without, noBar}},
		"one seed, three axes": {threeAxes(1, noisy, all), nil,
			[]string{"8 points, one seed" + whiskers + "; interactions of three or more axes ("}},
		"one seed, two axes": {threeAxes(1, noisy, all), map[string]any{"model.patch": 4},
			[]string{"4 points, one seed; shares of the variance; noise cannot be estimated, so there are no intervals."}},
	} {
		t.Run(name, func(t *testing.T) {
			fig := Figure{Kind: figure.Importance, Y: "fid_proxy", Where: c.fixed}
			s, err := sheetOf(fig, c.data)
			if err != nil {
				t.Fatal(err)
			}
			if len(s.Notes) != len(c.want) {
				t.Fatalf("%d notes %q, want %q", len(s.Notes), s.Notes, c.want)
			}
			for i, want := range c.want {
				if !strings.HasPrefix(s.Notes[i], want) {
					t.Errorf("note %q, want %q", s.Notes[i], want)
				}
			}
			chart, _, err := newChart(fig, c.data)
			if err == nil {
				err = plotImportance(chart)
			}
			if err != nil {
				t.Fatal(err)
			}
			drawn := slices.ContainsFunc(chart.drawn, func(p Point) bool { return p.YLo != nil })
			if said := strings.Contains(s.Notes[0], "with 95 % intervals"); said != drawn {
				t.Errorf("there are intervals: %v; note %q", drawn, s.Notes[0])
			}
			tidy(t, fig, c.data)
		})
	}
}
