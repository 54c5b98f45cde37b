package stat_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"prabench/metrics"
	"prabench/metrics/stat"
)

// sampler draws what the tests below estimate from.
type sampler struct{ *rand.Rand }

func (s sampler) draw(n int, of func() float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = of()
	}
	return out
}

func (s sampler) normal(n int, mean, deviation float64) []float64 {
	return s.draw(n, func() float64 { return mean + deviation*s.NormFloat64() })
}

// features are n points of a normal distribution in three dimensions.
func (s sampler) features(n int, deviation, shift float64) metrics.Features {
	return metrics.Features{N: n, D: 3, X: s.normal(3*n, shift, deviation)}
}

// leftOut is a statistic of 20 groups of two sets with one group left out at a
// time.
func leftOut(of func(a, b []float64) float64, a, b []float64) stat.Estimate {
	const groups = 20
	without := func(x []float64, g int) []float64 {
		out := make([]float64, 0, len(x))
		for i, v := range x {
			if i%groups != g {
				out = append(out, v)
			}
		}
		return out
	}
	var left [2][]float64
	for g := range groups {
		left[0] = append(left[0], of(without(a, g), b))
		left[1] = append(left[1], of(a, without(b, g)))
	}
	return stat.DeleteGroup(of(a, b), len(a), left[:]...)
}

func meanOf(x []float64) (sum float64) {
	for _, v := range x {
		sum += v / float64(len(x))
	}
	return sum
}

// cover is one kind of interval: of draws simulated estimates, the share between
// least and most must hold the truth; NaN stands for the mean of all estimates.
var cover = map[string]struct {
	draws       int
	truth       float64
	of          func(s sampler) stat.Estimate
	least, most float64
}{
	"student, 3 seeds": {6000, 5, func(s sampler) stat.Estimate { return stat.Student(s.normal(3, 5, 2), stat.Seeds) }, 0.94, 0.96},
	"student, 10":      {6000, 5, func(s sampler) stat.Estimate { return stat.Student(s.normal(10, 5, 2), stat.Seeds) }, 0.94, 0.96},
	// What Student assumes matters: skewed values are held less often. This is why
	// rounds have the sign test's interval as soon as there are six.
	"student, 5 skewed": {6000, 1, func(s sampler) stat.Estimate { return stat.Student(s.draw(5, s.ExpFloat64), stat.Rounds) }, 0.86, 0.90},
	// Wide for so few values, never narrow.
	"welch, 3 and 3": {6000, -2, func(s sampler) stat.Estimate {
		return stat.Welch(s.normal(3, 5, 1), s.normal(3, 3, 2), stat.Seeds).Estimate
	}, 0.945, 0.985},
	"welch, 5 and 3": {6000, 0, func(s sampler) stat.Estimate {
		return stat.Welch(s.normal(5, 3, 1), s.normal(3, 3, 1), stat.Seeds).Estimate
	}, 0.94, 0.985},
	"pairs, 3": {6000, -4.4, func(s sampler) stat.Estimate {
		seed := s.normal(3, 20, 3)
		after := make([]float64, 3)
		for i, v := range seed {
			after[i] = v - 4.4 + 0.8*s.NormFloat64()
		}
		return stat.Paired(seed, after, stat.Pairs).Estimate
	}, 0.94, 0.96},
	"wilson, 1 % of 100":  {6000, 0.01, func(s sampler) stat.Estimate { return stat.Proportion(s.hits(100, 0.01), 100) }, 0.90, 0.985},
	"wilson, 50 % of 20":  {6000, 0.5, func(s sampler) stat.Estimate { return stat.Proportion(s.hits(20, 0.5), 20) }, 0.94, 0.975},
	"wilson, 98 % of 500": {6000, 0.98, func(s sampler) stat.Estimate { return stat.Proportion(s.hits(500, 0.98), 500) }, 0.93, 0.97},
	"wilson, any of 50": {6000, 0, func(s sampler) stat.Estimate {
		p := s.Float64()
		return shifted(stat.Proportion(s.hits(50, p), 50), -p)
	}, 0.94, 0.96},
	// Order statistics: 1 − 2·2⁻⁶ of six, 0.959 of twenty.
	"median, 6":  {6000, math.Ln2, func(s sampler) stat.Estimate { return stat.Median(s.draw(6, s.ExpFloat64), stat.Rounds) }, 0.96, 0.98},
	"median, 20": {6000, math.Ln2, func(s sampler) stat.Estimate { return stat.Median(s.draw(20, s.ExpFloat64), stat.Rounds) }, 0.95, 0.97},
	"shift, 15 and 15": {3000, 0.5, func(s sampler) stat.Estimate {
		return stat.Shift(s.draw(15, s.ExpFloat64), s.draw(15, func() float64 { return 0.5 + s.ExpFloat64() }), stat.Processes).Estimate
	}, 0.94, 0.97},
	"power, 5 points": {6000, 1.5, func(s sampler) stat.Estimate {
		x := []float64{1, 2, 4, 8, 16}
		y := make([]float64, len(x))
		for i, v := range x {
			y[i] = 3 * math.Pow(v, 1.5) * math.Exp(0.1*s.NormFloat64())
		}
		b, _ := stat.Power(x, y)
		return b
	}, 0.94, 0.96},
	"jackknife of a ratio": {2000, 2, func(s sampler) stat.Estimate {
		return leftOut(func(a, b []float64) float64 { return meanOf(a) / meanOf(b) }, s.normal(200, 2, 1), s.draw(200, s.ExpFloat64))
	}, 0.93, 0.97},
	// What the jackknife is used for. The truth at these counts is the mean of all.
	"jackknife, frechet": {150, math.NaN(), func(s sampler) stat.Estimate {
		return must(metrics.FrechetEstimate(s.features(200, 1, 0), s.features(200, 1.5, 1)))
	}, 0.90, 0.99},
	"jackknife, kid": {150, math.NaN(), func(s sampler) stat.Estimate {
		return must(metrics.KIDEstimate(s.features(200, 1, 0), s.features(200, 1.5, 1)))
	}, 0.90, 0.99},
	"jackknife, precision": {150, math.NaN(), func(s sampler) stat.Estimate {
		p, _, err := metrics.PrecisionRecall(s.features(200, 1, 0), s.features(200, 1.5, 1), 3)
		return must(p, err)
	}, 0.90, 0.99},
}

func (s sampler) hits(n int, p float64) (hits int) {
	for range n {
		if s.Float64() < p {
			hits++
		}
	}
	return hits
}

func shifted(e stat.Estimate, by float64) stat.Estimate {
	e.Value, e.Lo, e.Hi = e.Value+by, e.Lo+by, e.Hi+by
	return e
}

func must(e stat.Estimate, err error) stat.Estimate {
	if err != nil {
		panic(err)
	}
	return e
}

// A 95 % interval holds the truth in about 95 of 100 cases, of every kind. The
// draws are the same at every run.
func TestIntervalsCover(t *testing.T) {
	for name, c := range cover {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sampler{rand.New(rand.NewPCG(1, uint64(len(name))))}
			var all []stat.Estimate
			truth := c.truth
			for range c.draws {
				e := c.of(s)
				if !e.HasInterval() || e.Lo > e.Value || e.Hi < e.Value {
					t.Fatalf("%+v", e)
				}
				all = append(all, e)
			}
			if math.IsNaN(truth) {
				var values []float64
				for _, e := range all {
					values = append(values, e.Value)
				}
				truth = meanOf(values)
			}
			held := 0
			for _, e := range all {
				if !e.Excludes(truth) {
					held++
				}
			}
			share := float64(held) / float64(len(all))
			t.Logf("%d of %d intervals hold the truth: %.3f", held, len(all), share)
			if share < c.least || share > c.most {
				t.Errorf("%.3f of the intervals hold the truth, want %g to %g", share, c.least, c.most)
			}
		})
	}
}

// Where there is no difference, a test finds one in at most 5 of 100 cases, and
// Holm's correction in at most 5 of 100 families of ten.
func TestFalseAlarms(t *testing.T) {
	for name, c := range map[string]struct {
		p    func(s sampler) float64
		most float64
	}{
		"welch, 3 and 3": {func(s sampler) float64 { return stat.Welch(s.normal(3, 1, 1), s.normal(3, 1, 2), stat.Seeds).P }, 0.05},
		"pairs, 3":       {func(s sampler) float64 { return stat.Paired(s.normal(3, 1, 1), s.normal(3, 1, 1), stat.Pairs).P }, 0.055},
		"sign test, 10":  {func(s sampler) float64 { return stat.SignTest(s.normal(10, 0, 1)) }, 0.05},
		"shift, 6 and 6": {func(s sampler) float64 {
			return stat.Shift(s.draw(6, s.ExpFloat64), s.draw(6, s.ExpFloat64), stat.Processes).P
		}, 0.05},
		"ten of three pairs, Holm": {func(s sampler) float64 {
			var p []float64
			for range 10 {
				p = append(p, stat.Paired(s.normal(3, 1, 1), s.normal(3, 1, 1), stat.Pairs).P)
			}
			return slices.Min(stat.Holm(p))
		}, 0.055},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sampler{rand.New(rand.NewPCG(2, uint64(len(name))))}
			const draws = 4000
			alarms := 0
			for range draws {
				if c.p(s) <= stat.Level {
					alarms++
				}
			}
			t.Logf("%d of %d", alarms, draws)
			if share := float64(alarms) / draws; share > c.most || share < 0.01 {
				t.Errorf("%.3f false alarms, want at most %g, and more than a test that never alarms", share, c.most)
			}
		})
	}
}
