package metrics

import (
	"math"
	"strings"
	"testing"
)

// Against moments the distance is that against the images they are of, also where
// there are fewer of these than features; its interval covers one side alone.
func TestMomentsStandForTheirSet(t *testing.T) {
	for _, c := range []struct{ n, m, d int }{{300, 200, 7}, {20, 90, 40}, {500, 30, 12}} {
		real, gen := normal(1, c.n, c.d, 1, 2), normal(2, c.m, c.d, 1.3, 2.5)
		m, err := MomentsOf(real)
		if err != nil {
			t.Fatal(err)
		}
		e, err := FrechetToMoments(m, gen)
		if err != nil {
			t.Fatal(err)
		}
		both, err := FrechetEstimate(real, gen)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(e.Value/both.Value-1) > 1e-7 || e.SE >= both.SE || e.SE <= 0 {
			t.Errorf("%+v: %+v, of the images %+v", c, e, both)
		}
	}
}

func TestMomentsThatAreNone(t *testing.T) {
	gen := normal(1, 20, 2, 1, 0)
	for _, c := range []struct {
		m    Moments
		gen  Features
		want string
	}{
		{Moments{[]float64{0, 0}, []float64{1, .5, .4, 1}}, gen, "not symmetric at (1, 0)"},
		{Moments{[]float64{0, 0}, []float64{1, 2, 2, 1}}, gen, "negative eigenvalue"},
		{Moments{[]float64{0, 0}, []float64{-1, 0, 0, 1}}, gen, "negative eigenvalue"},
		{Moments{[]float64{0, math.NaN()}, []float64{1, 0, 0, 1}}, gen, "no finite numbers"},
		{Moments{[]float64{0, 0}, []float64{1, 0}}, gen, "a covariance is [D, D]"},
		{Moments{[]float64{0, 0, 0}, make([]float64, 9)}, gen, "of 3 features, the images have 2"},
		{Moments{[]float64{0, 0}, []float64{1, 0, 0, 1}}, gen.pick([]int{1, 2, 3}), "at least 4 images"},
	} {
		if _, err := FrechetToMoments(c.m, c.gen); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
	// A reference of one image over and over is a point.
	own, _ := MomentsOf(gen)
	x, y := own.Mean[0]-3, own.Mean[1]-4
	want := x*x + y*y + own.Cov[0] + own.Cov[3]
	if e, err := FrechetToMoments(Moments{[]float64{3, 4}, make([]float64, 4)}, gen); err != nil || math.Abs(e.Value/want-1) > 1e-12 {
		t.Errorf("%+v, %v, want %g", e, err, want)
	}
}
