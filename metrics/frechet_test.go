package metrics

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"
)

// withMoments makes 2·d rows whose sample mean and covariance (divisor n−1)
// are exactly the given ones: ±√((n−1)/2)·(columns of a root of C).
func withMoments(mean []float64, cov [][]float64) Features {
	d := len(mean)
	sym := mat.NewSymDense(d, nil)
	for i := range d {
		for j := i; j < d; j++ {
			sym.SetSym(i, j, cov[i][j])
		}
	}
	var eig mat.EigenSym
	eig.Factorize(sym, true)
	var v mat.Dense
	eig.VectorsTo(&v)
	values := eig.Values(nil)
	f := Features{N: 2 * d, D: d}
	for k := range d {
		if values[k] < 1e-12 { // a root would turn rounding of 1e-16 into 1e-8
			values[k] = 0
		}
		length := math.Sqrt(float64(f.N-1) / 2 * values[k])
		for _, sign := range []float64{1, -1} {
			for i := range d {
				f.X = append(f.X, mean[i]+sign*length*v.At(i, k))
			}
		}
	}
	return f
}

func equicorrelated(d int, rho float64) [][]float64 {
	c := make([][]float64, d)
	for i := range c {
		c[i] = make([]float64, d)
		for j := range c[i] {
			c[i][j] = rho
		}
		c[i][i] = 1
	}
	return c
}

func diagonal(v ...float64) [][]float64 {
	c := equicorrelated(len(v), 0)
	for i := range v {
		c[i][i] = v[i]
	}
	return c
}

func TestFrechetClosedForms(t *testing.T) {
	// Equicorrelation matrices commute: eigenvalues 1+(d−1)ρ once, 1−ρ else.
	equi := func(d int, a, b float64) float64 {
		top := math.Sqrt(1+float64(d-1)*a) - math.Sqrt(1+float64(d-1)*b)
		rest := math.Sqrt(1-a) - math.Sqrt(1-b)
		return top*top + float64(d-1)*rest*rest
	}
	zero := func(d int) []float64 { return make([]float64, d) }
	cases := []struct {
		name   string
		m1, m2 []float64
		c1, c2 [][]float64
		want   float64
	}{
		{"equal covariances", []float64{1, 2, 3}, []float64{0, 0, 1}, equicorrelated(3, .4), equicorrelated(3, .4), 1 + 4 + 4},
		{"diagonal", zero(3), zero(3), diagonal(1, 4, 9), diagonal(4, 4, 1), 1 + 0 + 4},
		{"rank one against full", zero(2), zero(2), diagonal(4, 0), diagonal(1, 1), 1 + 1},
		{"orthogonal ranks", zero(2), zero(2), diagonal(4, 0), diagonal(0, 9), 4 + 9},
		{"two by two", zero(2), []float64{1, 2}, [][]float64{{2, 1}, {1, 2}}, diagonal(3, 1), 13 - 2*math.Sqrt(14)},
		{"equicorrelation", zero(16), zero(16), equicorrelated(16, .9), equicorrelated(16, .2), equi(16, .9, .2)},
		{"equicorrelation to singular", zero(8), zero(8), equicorrelated(8, 1), equicorrelated(8, .5), equi(8, 1, .5)},
	}
	for _, c := range cases {
		got, err := Frechet(withMoments(c.m1, c.c1), withMoments(c.m2, c.c2))
		if err != nil || math.Abs(got-c.want) > 1e-11*(1+c.want) {
			t.Errorf("%s: %.15g (%v), want %.15g", c.name, got, err, c.want)
		}
	}
}

func normal(seed uint64, n, d int, scale, shift float64) Features {
	r := rand.New(rand.NewPCG(seed, 7))
	f := Features{N: n, D: d, X: make([]float64, n*d)}
	for i := range f.X {
		f.X[i] = shift + scale*r.NormFloat64()
	}
	return f
}

// With fewer images than features the covariance is singular; the value must
// agree with the n×n form Σ σᵢ(X₁X₂ᵀ) on the centred samples themselves.
func TestFrechetRankDeficient(t *testing.T) {
	for _, n := range []int{2, 3, 10, 64, 65} {
		a, b := normal(1, n, 64, 1, 0), normal(2, n+1, 64, 2, .5)
		got, err := Frechet(a, b)
		if err != nil {
			t.Fatal(err)
		}
		if want := naiveFrechet(a, b); math.Abs(got-want) > 1e-9*want {
			t.Errorf("n=%d: %.12g, want %.12g", n, got, want)
		}
	}
}

func naiveFrechet(a, b Features) float64 {
	centred := func(f Features) (*mat.Dense, []float64) {
		m, x := columnMean(f), mat.NewDense(f.N, f.D, nil)
		for i := range f.N {
			for j, v := range f.row(i) {
				x.Set(i, j, (v-m[j])/math.Sqrt(float64(f.N-1)))
			}
		}
		return x, m
	}
	x, ma := centred(a)
	y, mb := centred(b)
	var m mat.Dense
	m.Mul(x, y.T())
	var svd mat.SVD
	svd.Factorize(&m, mat.SVDNone)
	sum := math.Pow(mat.Norm(x, 2), 2) + math.Pow(mat.Norm(y, 2), 2)
	for _, v := range svd.Values(nil) {
		sum -= 2 * v
	}
	for j := range ma {
		sum += (ma[j] - mb[j]) * (ma[j] - mb[j])
	}
	return sum
}

func TestFrechetProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := rapid.IntRange(1, 12).Draw(t, "d")
		seed := rapid.Uint64().Draw(t, "seed")
		a := normal(seed, rapid.IntRange(2, 40).Draw(t, "n"), d, 1, 0)
		b := normal(seed+1, rapid.IntRange(2, 40).Draw(t, "m"), d, 1.5, 1)
		ab, err := Frechet(a, b)
		if err != nil {
			t.Fatal(err)
		}
		near := func(what string, got, want float64) {
			if math.Abs(got-want) > 1e-9*(1+math.Abs(want)) {
				t.Fatalf("%s: %.12g, want %.12g", what, got, want)
			}
		}
		ba, _ := Frechet(b, a)
		near("symmetry", ba, ab)
		aa, _ := Frechet(a, a)
		near("identity", aa, 0)
		near("n×n form", ab, naiveFrechet(a, b))

		var qr mat.QR
		qr.Factorize(mat.NewDense(d, d, normal(seed+2, d, d, 1, 0).X))
		var q mat.Dense
		qr.QTo(&q)
		turn := func(f Features) Features {
			var m mat.Dense
			m.Mul(mat.NewDense(f.N, d, f.X), &q)
			out := Features{N: f.N, D: d, X: append([]float64(nil), m.RawMatrix().Data...)}
			for i := range out.X {
				out.X[i] += 100 // and a common shift
			}
			return out
		}
		moved, _ := Frechet(turn(a), turn(b))
		near("rotation and shift", moved, ab)
		for i := range a.X {
			a.X[i] *= 3
		}
		for i := range b.X {
			b.X[i] *= 3
		}
		scaled, _ := Frechet(a, b)
		near("scale", scaled, 9*ab)
	})
}

func TestFrechetGrowsWithNoise(t *testing.T) {
	real := normal(1, 500, 8, 1, 0)
	last := -1.0
	for i, noise := range []float64{0, .25, .5, 1, 2} {
		gen := normal(2, 400, 8, math.Sqrt(1+noise*noise), 0)
		e, err := FrechetEstimate(real, gen)
		if err != nil {
			t.Fatal(err)
		}
		if e.Value <= last || e.Lo > e.Value || e.Hi < e.Value {
			t.Errorf("step %d: %+v after %g", i, e, last)
		}
		last = e.Value
	}
}

// Leaving blocks out by joining factors must equal recomputing from the rows.
func TestFrechetEstimateLeavesBlocksOut(t *testing.T) {
	a, b := normal(3, 50, 30, 1, 0), normal(4, 90, 30, 1.2, .1)
	_, without := leaveOut(b, columnMean(a))
	block, g := deal(b)
	whole := gather(a, all(a.N), columnMean(a)).gaussian()
	for left := range g {
		var keep []int
		for i := range b.N {
			if block[i] != left {
				keep = append(keep, i)
			}
		}
		want, _ := Frechet(a, b.pick(keep))
		got, err := frechet(whole, without[left])
		if err != nil || math.Abs(got-want) > 1e-10*want {
			t.Errorf("without block %d: %.14g (%v), want %.14g", left, got, err, want)
		}
	}
	value, _ := Frechet(a, b)
	e, err := FrechetEstimate(a, b)
	if err != nil || math.Abs(e.Value-value) > 1e-10*value || e.N != b.N {
		t.Errorf("estimate %+v (%v), want value %.14g of %d images", e, err, value, b.N)
	}
}

func BenchmarkFrechetEstimate(b *testing.B) {
	real, gen := normal(1, 10000, 64, 1, 0), normal(2, 2000, 64, 1, .1)
	for b.Loop() {
		if _, err := FrechetEstimate(real, gen); err != nil {
			b.Fatal(err)
		}
	}
}

// Two sets of the same noise differ by far less than two that share nothing, and the
// difference of scores is the same.
func TestDifferencesOverPairsOfImages(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 14))
	const n, dim = 300, 5
	reference, a, b, c := normal(1, 400, dim, 1, 0), normal(2, n, dim, 1.2, 0.5), Features{N: n, D: dim}, normal(3, n, dim, 1.2, 0.55)
	for _, v := range a.X {
		b.X = append(b.X, v+0.05+0.02*r.NormFloat64())
	}
	paired, err := Differences(reference, b, a)
	if err != nil {
		t.Fatal(err)
	}
	other, err := Differences(reference, c, a)
	if err != nil {
		t.Fatal(err)
	}
	x, _ := Score(reference, a)
	y, _ := Score(reference, b)
	for metric, want := range map[string]float64{"fid_proxy": y.Frechet.Value - x.Frechet.Value, "kid": y.KID.Value - x.KID.Value,
		"precision": y.Precision.Value - x.Precision.Value, "recall": y.Recall.Value - x.Recall.Value} {
		d := paired[metric]
		if math.Abs(d.Value-want) > 1e-9 {
			t.Errorf("%s: difference %g, want %g", metric, d.Value, want)
		}
		if w := other[metric]; metric != "precision" && metric != "recall" && d.SE > w.SE/4 || d.SE > w.SE {
			t.Errorf("%s: standard error %g in pairs, %g of what shares nothing", metric, d.SE, w.SE)
		}
	}
	if d := paired["fid_proxy"]; !d.Separated() || d.R < 0.9 {
		t.Errorf("%+v", d)
	}
	same, err := Differences(reference, a, a)
	if d := same["fid_proxy"]; err != nil || d.Value != 0 || d.HasInterval() {
		t.Errorf("the same set: %+v, %v", d, err)
	}
	b.N--
	b.X = b.X[:len(b.X)-dim]
	if _, err := Differences(reference, b, a); err == nil {
		t.Error("sets of different sizes were paired")
	}
}
