package certificate

import (
	"math"
	"math/rand/v2"
	"testing"

	"prabench/metrics"
)

// skewed are features of one distribution with long tails.
func skewed(n, d int, seed uint64) metrics.Features {
	r := rand.New(rand.NewPCG(seed, 99))
	f := metrics.Features{N: n, D: d, X: make([]float64, n*d)}
	for i := range f.X {
		f.X[i] = r.ExpFloat64()
	}
	return f
}

// The kernel distances that permutations give are those of the metric.
func TestPermutedKIDIsKID(t *testing.T) {
	a, b := skewed(30, 5, 1), skewed(30, 5, 2)
	want, err := metrics.KID(a, b)
	if err != nil {
		t.Fatal(err)
	}
	got, permuted := permutedKID(a, b, 999, rand.New(rand.NewPCG(1, 1)))
	if math.Abs(got-want) > 1e-9*math.Abs(want)+1e-12 {
		t.Errorf("%g, the metric says %g", got, want)
	}
	var mean, spread float64
	for _, v := range permuted {
		mean += v / 999
		spread += v * v / 999
	}
	if math.Abs(mean) > 4*math.Sqrt(spread/999) {
		t.Errorf("the permuted distances lie about %g, not 0 (deviation %g)", mean, math.Sqrt(spread))
	}
}

// Over many pools of one distribution, each test of a criterion alarms as often as it
// says, and intervals hold the truth as often as they say.
func TestRealAgainstRealHoldsItsLevels(t *testing.T) {
	if testing.Short() {
		t.Skip("200 pools")
	}
	const pools = 200
	centre, uniform, held := 0, 0, 0
	for i := range uint64(pools) {
		r, err := realAgainstReal(skewed(2000, 3, 1000+i), func() error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		if r.Pairs != 20 || r.Images != 50 || r.InfinitePairs == 0 {
			t.Fatalf("%+v", r)
		}
		if r.P < .05 {
			centre++
		}
		if r.Uniform < .05 {
			uniform++
		}
		if *r.KID.Lo <= 0 && 0 <= *r.KID.Hi {
			held++
		}
	}
	t.Logf("of %d pools: centre refused %d times at 5 %%, uniformity %d times; %d intervals hold 0", pools, centre, uniform, held)
	// 5 % of 200 is 10 ± 3.1.
	for name, n := range map[string]int{"centre": centre, "uniformity": uniform, "interval": pools - held} {
		if n < 2 || n > 20 {
			t.Errorf("%s: %d of %d, about 10 are to be expected", name, n, pools)
		}
	}
}

// The interval of fd_inf is that of its values, and sets of fewer images than many
// features need are not compared.
func TestInfiniteOfRealImages(t *testing.T) {
	pool := skewed(3000, 3, 8)
	r, err := realAgainstReal(pool, func() error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	order := rand.New(rand.NewPCG(3, 5)).Perm(pool.N)
	var values []float64
	for i := range r.InfinitePairs {
		n := r.InfiniteImages
		e, err := metrics.FrechetInfinite(picked(pool, order[2*i*n:(2*i+1)*n]), picked(pool, order[(2*i+1)*n:(2*i+2)*n]))
		if err != nil {
			t.Fatal(err)
		}
		values = append(values, e.Value)
	}
	mean, lo, hi := bootstrapMean(values, confidence)
	if len(values) != 30 || r.Infinite.Value != mean || *r.Infinite.Lo != lo || *r.Infinite.Hi != hi || !(lo < mean && mean < hi) {
		t.Errorf("%+v [%g, %g], want %g [%g, %g]", r, *r.Infinite.Lo, *r.Infinite.Hi, mean, lo, hi)
	}
	if _, wider, widest := bootstrapMean(values, 1-significance); wider >= lo || widest <= hi {
		t.Errorf("99 %%: [%g, %g], 95 %%: [%g, %g]", wider, widest, lo, hi)
	}
	many, err := realAgainstReal(skewed(2100, 400, 9), func() error { return nil })
	if err != nil || many.InfinitePairs != 0 || many.InfiniteImages != 4*402 || many.Pairs == 0 {
		t.Errorf("400 features: %v, %+v", err, many)
	}
}

// Two distributions that differ a little are found by the same tests.
func TestRealAgainstRealFindsADifference(t *testing.T) {
	pool := skewed(4000, 3, 5)
	order := rand.New(rand.NewPCG(3, 5)).Perm(pool.N) // as sets are drawn: every second one is shifted
	pairs, images := pairsOf(pool.N, mostPairs, fewestPairs, mostImages, fewestImages)
	for i, at := range order[:2*pairs*images] {
		if i/images%2 == 1 {
			for j := range pool.D {
				pool.X[at*pool.D+j] += .3
			}
		}
	}
	r, err := realAgainstReal(pool, func() error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	c := &Certificate{Real: r}
	c.judgeReal(pool.N)
	if r.P >= significance || r.Uniform >= significance || len(c.Failed) < 2 {
		t.Errorf("%+v\n%s", r, texts(c.Failed))
	}
}

// The bootstrap's interval of the mean of a skewed distribution holds the truth about
// as often as it says.
func TestBootstrapCovers(t *testing.T) {
	if testing.Short() {
		t.Skip("300 samples")
	}
	const samples, n = 300, 30
	held := 0
	for i := range uint64(samples) {
		r := rand.New(rand.NewPCG(i, 7))
		values := make([]float64, n)
		for k := range values { // χ² of 3 about its mean, as distances of real images are
			for range 3 {
				z := r.NormFloat64()
				values[k] += z*z - 1
			}
		}
		if _, lo, hi := bootstrapMean(values, confidence); lo <= 0 && 0 <= hi {
			held++
		}
	}
	t.Logf("%d of %d intervals hold the mean", held, samples)
	if held < samples*89/100 {
		t.Errorf("%d of %d intervals hold the mean", held, samples)
	}
}

func TestUniformP(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	below := 0
	for range 1000 {
		v := make([]float64, 50)
		for i := range v {
			v[i] = r.Float64()
		}
		if uniformP(v) < .05 {
			below++
		}
	}
	if below < 30 || below > 75 {
		t.Errorf("%d of 1000 uniform lists have p < 0.05", below)
	}
	v := make([]float64, 50)
	for i := range v {
		v[i] = math.Pow(r.Float64(), 2)
	}
	if p := uniformP(v); p > .01 {
		t.Errorf("p = %g of squares", p)
	}
}

// Kendall's τ by its definition, of known lists, and how often its interval covers.
func TestKendall(t *testing.T) {
	up := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	swapped := []float64{2, 1, 3, 4, 5, 6, 7, 8, 10, 9}
	if tau, _, _, ok := Kendall(up, up); tau != 1 || !ok {
		t.Errorf("τ = %g, %v", tau, ok)
	}
	if tau, lo, hi, _ := Kendall(up, swapped); math.Abs(tau-(45-4)/45.) > 1e-12 || lo > tau || hi < tau { // 2 of 45 pairs turned round
		t.Errorf("τ = %g [%g, %g]", tau, lo, hi)
	}
	if _, _, _, ok := Kendall(up[:5], up[:5]); ok {
		t.Error("five cells have an interval")
	}
	if testing.Short() {
		return
	}
	const samples, n = 100, 20
	held := 0
	for i := range uint64(samples) {
		r := rand.New(rand.NewPCG(i, 21))
		a, b := make([]float64, n), make([]float64, n)
		for k := range a { // correlation √½: τ = 2/π·asin(√½) = ½
			x, y := r.NormFloat64(), r.NormFloat64()
			a[k], b[k] = x, x+y
		}
		if _, lo, hi, _ := Kendall(a, b); lo <= .5 && .5 <= hi {
			held++
		}
	}
	t.Logf("%d of %d intervals hold τ", held, samples)
	if held < samples*88/100 {
		t.Errorf("%d of %d intervals hold τ", held, samples)
	}
}
