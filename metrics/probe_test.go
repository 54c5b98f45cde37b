package metrics

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Two points at ±1: by symmetry the classes' weights are ±w, and the gradient
// of log(1+exp(−2w)) + λ·w² is zero where λ·w·(1+exp(2w)) = 1.
func TestProbeHasTheClosedFormOfTwoPoints(t *testing.T) {
	f := Features{N: 4, D: 1, X: []float64{7, 3, 7, 3}, Labels: []int32{1, 0, 1, 0}} // standardised: ±1
	p, err := fitProbe(f, 2)
	if err != nil {
		t.Fatal(err)
	}
	lo, hi := 0.0, 10.0
	for range 100 {
		if w := (lo + hi) / 2; ProbePenalty*w*(1+math.Exp(2*w)) < 1 {
			lo = w
		} else {
			hi = w
		}
	}
	if got := p.weights[1]; math.Abs(got-lo) > 0.01 || math.Abs(p.weights[0]+lo) > 0.01 {
		t.Errorf("weights %v, want ±%g", p.weights[:2], lo)
	}
	if p.mean[0] != 5 || p.scale[0] != 2 {
		t.Errorf("standardised by %g and %g", p.mean, p.scale)
	}
}

func TestProbeGradient(t *testing.T) {
	f := mixture(60, 3, 1, 1)
	p := &probe{classes: 3, mean: make([]float64, 2), scale: []float64{1, 1}}
	x := p.standard(f)
	w := make([]float64, 9)
	for i := range w {
		w[i] = math.Sin(float64(i))
	}
	g := make([]float64, 9)
	p.loss(x, f.Labels, w, g)
	for i := range w {
		const h = 1e-5
		w[i] += h
		up := p.loss(x, f.Labels, w, nil)
		w[i] -= 2 * h
		down := p.loss(x, f.Labels, w, nil)
		w[i] += h
		if want := (up - down) / (2 * h); math.Abs(g[i]-want) > 1e-8 {
			t.Errorf("gradient %d is %g, differences give %g", i, g[i], want)
		}
	}
}

// Two Gaussians of unit variance, 2 apart: no rule is better than Φ(1) = 0.8413,
// and the linear one reaches it.
func TestProbeReachesBayes(t *testing.T) {
	e, err := Probe(mixture(4000, 2, 1, 1), mixture(20000, 2, 1, 2), 2)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(e.Value-0.8413) > 0.01 || e.Lo > 0.8413+0.005 || e.Hi < 0.8413-0.005 || e.N != 20000 {
		t.Errorf("%+v, Bayes' accuracy is 0.8413", e)
	}
}

func TestProbeOfNoiseIsChance(t *testing.T) {
	a, b := mixture(4000, 2, 0, 3), mixture(4000, 2, 0, 4)
	e, err := Probe(a, b, 2)
	if err != nil {
		t.Fatal(err)
	}
	if e.Lo > 0.5 || e.Hi < 0.5 {
		t.Errorf("%+v of features that say nothing", e)
	}
}

// A constant feature, and one of another scale, change nothing.
func TestProbeDoesNotDependOnScales(t *testing.T) {
	a, b := mixture(500, 3, 1, 5), mixture(500, 3, 1, 6)
	want, err := Probe(a, b, 3)
	if err != nil {
		t.Fatal(err)
	}
	wide := func(f Features) Features {
		out := Features{N: f.N, D: 3, Labels: f.Labels}
		for i := range f.N {
			out.X = append(out.X, 1e4*f.X[2*i]+3, 42, f.X[2*i+1])
		}
		return out
	}
	got, err := Probe(wide(a), wide(b), 3)
	if err != nil || math.Abs(got.Value-want.Value) > 0.003 {
		t.Errorf("%+v %v, want %+v", got, err, want)
	}
}

func TestProbeRefuses(t *testing.T) {
	ok := mixture(20, 2, 1, 1)
	bare := ok
	bare.Labels = nil
	wild := mixture(20, 2, 1, 1)
	wild.Labels[3] = 2
	for name, f := range map[string]Features{"no labels": bare, "a label out of range": wild} {
		if _, err := Probe(f, ok, 2); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	if _, err := Probe(ok, bare, 2); err == nil {
		t.Error("held-out images without labels were taken")
	}
}

// mixture is n points in 2 dimensions, classes one after another, with unit
// variance; class c's mean is (±radius, 0) of two classes, or on a circle.
func mixture(n, classes int, radius float64, seed uint64) Features {
	r := rand.New(rand.NewPCG(seed, 9))
	f := Features{N: n, D: 2}
	for i := range n {
		c := i % classes
		sin, cos := math.Sincos(2 * math.Pi * float64(c) / float64(classes))
		f.X = append(f.X, radius*cos+r.NormFloat64(), radius*sin+r.NormFloat64())
		f.Labels = append(f.Labels, int32(c))
	}
	return f
}
