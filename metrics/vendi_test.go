package metrics

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Cases computed by hand.
func TestVendiOfKnownSets(t *testing.T) {
	unit := func(n, d int, feature func(i int) []float64) Features {
		f := Features{N: n, D: d}
		for i := range n {
			f.X = append(f.X, feature(i)...)
		}
		return f
	}
	axis := func(d, j int, length float64) []float64 {
		x := make([]float64, d)
		x[j] = length
		return x
	}
	for name, c := range map[string]struct {
		f    Features
		want float64
	}{
		"all the same":                   {unit(8, 3, func(int) []float64 { return []float64{1, 2, 3} }), 1},
		"the same but for their lengths": {unit(8, 3, func(i int) []float64 { return []float64{1 + float64(i), 2 + 2*float64(i), 0} }), 1},
		"no two alike":                   {unit(8, 8, func(i int) []float64 { return axis(8, i, 5) }), 8},
		"two kinds, half each":           {unit(8, 4, func(i int) []float64 { return axis(4, i%2, 1) }), 2},
		"opposite is not alike, but is not another direction": {unit(8, 4, func(i int) []float64 { return axis(4, 0, float64(1-i%2*2)) }), 1},
		// Eigenvalues ¾ and ¼: exp(−¾ln¾ − ¼ln¼) = 4/3^¾.
		"two kinds, a quarter and the rest": {unit(8, 4, func(i int) []float64 { return axis(4, min(i/2, 1), 1) }), 4 / math.Pow(3, .75)},
		// Two directions at 60°: K/n has the eigenvalues (1 ± ½)/2 again.
		"two kinds that are half alike": {unit(8, 2, func(i int) []float64 { return [][]float64{{1, 0}, {.5, math.Sqrt(.75)}}[i%2] }),
			4 / math.Pow(3, .75)},
		"half of them without any feature":         {unit(8, 2, func(i int) []float64 { return axis(2, 0, float64(i%2)) }), 2},
		"fewer images than features, no two alike": {unit(4, 50, func(i int) []float64 { return axis(50, 7*i, .1) }), 4},
	} {
		e, err := Vendi(c.f)
		if err != nil || math.Abs(e.Value-c.want) > 1e-12 || e.N != c.f.N {
			t.Errorf("%s: %+v (%v), want %g", name, e, err, c.want)
		}
	}
	if e, _ := Vendi(unit(8, 3, func(int) []float64 { return []float64{1, 2, 3} })); e.HasInterval() {
		t.Errorf("images that are all the same have the interval %+v", e)
	}
}

// The eigenvalues are those of the similarities themselves, which nothing here
// forms: against the definition, written out for two images at any angle.
func TestVendiIsTheDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		angle := r.Float64() * math.Pi
		f := Features{N: 4, D: 2}
		f.X = []float64{1, 0, math.Cos(angle), math.Sin(angle), 2, 0, 3 * math.Cos(angle), 3 * math.Sin(angle)}
		want := 0.0
		for _, v := range []float64{(1 + math.Cos(angle)) / 2, (1 - math.Cos(angle)) / 2} {
			if v > 0 {
				want -= v * math.Log(v)
			}
		}
		if e, err := Vendi(f); err != nil || math.Abs(e.Value-math.Exp(want)) > 1e-9 {
			t.Errorf("at %g: %+v (%v), want %g", angle, e, err, math.Exp(want))
		}
	}
}

// Neither the order of images nor a rotation of features changes anything, and
// what a set has twice it does not count twice.
func TestVendiDoesNotDependOnOrder(t *testing.T) {
	f := normal(3, 60, 5, 1, .5)
	want, err := Vendi(f)
	if err != nil {
		t.Fatal(err)
	}
	turned := Features{N: f.N, D: f.D}
	for i := range f.N {
		x := f.row(f.N - 1 - i)
		c, s := math.Cos(.7), math.Sin(.7)
		turned.X = append(turned.X, x[4], c*x[0]-s*x[1], s*x[0]+c*x[1], x[2], x[3])
	}
	twice := Features{N: 2 * f.N, D: f.D, X: append(append([]float64{}, f.X...), f.X...)}
	for name, g := range map[string]Features{"turned": turned, "twice": twice} {
		if e, err := Vendi(g); err != nil || math.Abs(e.Value-want.Value) > 1e-9 {
			t.Errorf("%s: %+v (%v), want %g", name, e, err, want.Value)
		}
	}
}

// The interval covers what other images of the same model would have given, at
// the same count.
func TestVendiIntervalCovers(t *testing.T) {
	if testing.Short() {
		t.Skip("some seconds of simulated sets")
	}
	const n, d, sets = 400, 12, 300
	draw := func(seed uint64) Features {
		f := normal(seed, n, d, 1, 0)
		for i := range f.N {
			for j := range d {
				f.row(i)[j] = f.row(i)[j]/float64(1+j) + .3
			}
		}
		return f
	}
	var mean float64
	all := make([]struct{ value, lo, hi float64 }, sets)
	for k := range all {
		e, err := Vendi(draw(uint64(100 + k)))
		if err != nil || !e.HasInterval() {
			t.Fatalf("%+v %v", e, err)
		}
		all[k].value, all[k].lo, all[k].hi = e.Value, e.Lo, e.Hi
		mean += e.Value / sets
	}
	hits := 0
	for _, e := range all {
		if e.lo <= mean && mean <= e.hi {
			hits++
		}
	}
	// 95 % of 300 is 285, with a standard deviation of 3.8.
	if share := float64(hits) / sets; share < .91 || share > .985 {
		t.Errorf("%.1f %% of the intervals cover the mean", 100*share)
	}
}

func TestVendiRefuses(t *testing.T) {
	for name, f := range map[string]Features{
		"too few":          normal(1, 3, 2, 1, 0),
		"not numbers":      {N: 4, D: 1, X: []float64{1, 2, math.NaN(), 3}},
		"a wrong size":     {N: 4, D: 2, X: make([]float64, 3)},
		"labels that lack": {N: 4, D: 1, X: []float64{1, 2, 3, 4}, Labels: []int32{1}},
	} {
		if _, err := Vendi(f); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
