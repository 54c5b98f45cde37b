package stat_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"prabench/metrics/stat"
)

// teeth are the lengths of Crampton (1947), R's ToothGrowth: two supplements crossed
// with three doses, ten animals each.
var teeth = [][]float64{
	{4.2, 11.5, 7.3, 5.8, 6.4, 10, 11.2, 11.2, 5.2, 7},
	{16.5, 16.5, 15.2, 17.3, 22.5, 17.3, 13.6, 14.5, 18.8, 15.5},
	{23.6, 18.5, 33.9, 25.5, 26.4, 32.5, 26.7, 21.5, 23.3, 29.5},
	{15.2, 21.5, 17.6, 9.7, 14.5, 10, 8.2, 9.4, 16.5, 9.7},
	{19.7, 23.3, 23.6, 26.4, 20, 25.2, 25.8, 21.2, 14.5, 27.3},
	{25.5, 26.4, 22.4, 24.5, 24.8, 30.9, 26.4, 27.3, 29.4, 23},
}

func toothFactors(keep func(k int) bool) (y []float64, factors []stat.Factor) {
	factors = []stat.Factor{{Name: "supp"}, {Name: "dose"}}
	n := 0
	for i, row := range teeth {
		for _, v := range row {
			if n++; !keep(n - 1) {
				continue
			}
			y = append(y, v)
			factors[0].Levels = append(factors[0].Levels, i/3)
			factors[1].Levels = append(factors[1].Levels, i%3)
		}
	}
	return y, factors
}

func near(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if math.IsNaN(got) || math.Abs(got-want) > within {
		t.Errorf("%s is %g, want %g", what, got, want)
	}
}

// R: summary(aov(len ~ supp * factor(dose), ToothGrowth)).
func TestAnovaIsThatOfR(t *testing.T) {
	y, factors := toothFactors(func(int) bool { return true })
	a := stat.Anova(y, factors, nil)
	if len(a.Effects) != 3 || a.Error.DF != 54 || a.Higher.DF != 0 || a.Blocks.DF != 0 || a.ErrorIsHigher {
		t.Fatalf("%+v", a)
	}
	for i, want := range []struct {
		squares, f, p float64
		df            int
	}{{205.35, 15.572, 0.000231, 1}, {2426.43, 92, 0, 2}, {108.32, 4.107, 0.02186, 2}} {
		e := a.Effects[i]
		near(t, "sum of squares", e.Squares, want.squares, 0.006)
		near(t, "F", e.F, want.f, 0.0006)
		near(t, "p", e.P, want.p, 1e-5)
		if e.DF != want.df {
			t.Errorf("%d degrees of freedom, want %d", e.DF, want.df)
		}
	}
	near(t, "error", a.Error.Squares, 712.106, 0.001)
	// SciPy: brentq over ncf.cdf(15.572, 1, 54, x) for 0.975 and 0.025.
	rest := (a.Total - a.Effects[0].Squares) / (a.Error.Squares / 54)
	near(t, "lower end", a.Effects[0].Net.Lo, 3.3644/(3.3644+rest), 2e-5)
	near(t, "upper end", a.Effects[0].Net.Hi, 36.3126/(36.3126+rest), 2e-5)
	sum := a.Error.Share
	for _, e := range a.Effects {
		sum += e.Share
	}
	near(t, "the shares' sum", sum, 1, 1e-12)
}

// By statsmodels 0.14: anova_lm(ols("y ~ C(a)*C(b) + C(k)"), typ=2) of a part of the
// values, with blocks and without.
func TestAnovaUnbalanced(t *testing.T) {
	keep := func(k int) bool { return k%7 != 0 && k%11 != 3 }
	y, factors := toothFactors(keep)
	var block []int
	for k := range 60 {
		if keep(k) {
			block = append(block, k%4)
		}
	}
	for _, c := range []struct {
		block   []int
		squares []float64
		f, p    []float64
		rest    float64
		df      int
	}{
		{nil, []float64{150.192622, 1602.456145, 125.651813}, []float64{13.288395, 70.889204, 5.558565},
			[]float64{7.608128e-4, 7.08523e-14, 7.410893e-3}, 452.101607, 40},
		{block, []float64{144.394173, 1543.324219, 142.398820}, []float64{14.676156, 78.431377, 7.236675},
			[]float64{4.779839e-4, 4.932714e-14, 2.225650e-3}, 364.031580, 37},
	} {
		a := stat.Anova(y, factors, c.block)
		for i, e := range a.Effects {
			near(t, "sum of squares", e.Squares, c.squares[i], 1e-5)
			near(t, "F", e.F, c.f[i], 1e-5)
			near(t, "p", e.P, c.p[i], 1e-8)
		}
		near(t, "error", a.Error.Squares, c.rest, 1e-5)
		if a.Error.DF != c.df || len(a.Effects) != 3 {
			t.Errorf("%+v", a)
		}
		if c.block != nil {
			near(t, "blocks", a.Blocks.Squares, 88.070027, 1e-5)
		}
	}
}

// Three factors without repetitions: the interaction of all three stands for the
// error. Two without: there is none, and no p. Factors that say the same count once.
func TestAnovaWithoutRepetitions(t *testing.T) {
	r := rand.New(rand.NewPCG(14, 8))
	var y []float64
	factors := make([]stat.Factor, 3)
	for k := range 3 * 4 * 2 {
		levels := []int{k % 3, k / 3 % 4, k / 12}
		for i, l := range levels {
			factors[i].Levels = append(factors[i].Levels, l)
		}
		y = append(y, 3*float64(levels[0])+r.NormFloat64())
	}
	a := stat.Anova(y, factors, nil)
	if len(a.Effects) != 6 || !a.ErrorIsHigher || a.Higher.DF != 6 || a.Error.DF != 0 || a.Effects[0].P > 1e-3 {
		t.Errorf("%+v", a)
	}
	two := stat.Anova(y[:12], []stat.Factor{{Levels: factors[0].Levels[:12]}, {Levels: factors[1].Levels[:12]}}, nil)
	if len(two.Effects) != 3 || two.ErrorIsHigher || !math.IsNaN(two.Effects[0].P) || two.Effects[0].Net.HasInterval() {
		t.Errorf("%+v", two)
	}
	same := stat.Anova(y, []stat.Factor{factors[0], factors[0]}, nil)
	if len(same.Effects) != 0 { // neither adds anything to the other
		t.Errorf("%+v", same.Effects)
	}
	if flat := stat.Anova(make([]float64, 24), factors, nil); flat.Total != 0 || len(flat.Effects) != 0 {
		t.Errorf("values that are all alike: %+v", flat)
	}
}

// The interval of a share holds the share that values were drawn with.
func TestShareOfVarianceCovers(t *testing.T) {
	r := rand.New(rand.NewPCG(14, 9))
	const draws, points, seeds = 2000, 4, 5
	effects := []float64{-1, 0, 0.2, 0.8}
	var signal float64
	for _, e := range effects {
		signal += e * e / points
	}
	truth := signal / (signal + 1)
	held := 0
	for range draws {
		var y []float64
		var f stat.Factor
		for k := range points * seeds {
			f.Levels = append(f.Levels, k%points)
			y = append(y, effects[k%points]+r.NormFloat64())
		}
		a := stat.Anova(y, []stat.Factor{f}, nil)
		if !a.Effects[0].Net.Excludes(truth) {
			held++
		}
	}
	if share := float64(held) / draws; share < 0.93 || share > 0.97 {
		t.Errorf("%.1f %% of intervals hold the share, want 95 %%", 100*share)
	}
}
