package certificate

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/stat/distuv"

	"prabench/metrics"
)

// Sizes of the test of real images against real ones. Two halves of one pool share
// their images with every other pair of halves, so p-values over halves of one pool
// are not independent and no test of their distribution holds. Pairs here share no
// image: as many of them as the training split has images for.
const (
	mostPairs, fewestPairs       = 100, 20
	mostImages, fewestImages     = 300, 50
	mostInfinite, fewestInfinite = 30, 10
	mostOfInfinite               = 1000
	permutations                 = 199
	resamples                    = 2000
	significance                 = 0.01 // of each test that decides a criterion
	biasLeft                     = 0.10 // of the plain distance that fd_inf may leave
	confidence                   = 0.95
)

// pairsOf is how many pairs of how many images each a pool has room for, at most a
// number of pairs; no pairs where there are fewer than a number.
func pairsOf(pool, mostPairs, fewestPairs, mostImages, fewestImages int) (pairs, images int) {
	images = min(mostImages, max(fewestImages, pool/(2*mostPairs)))
	pairs = min(mostPairs, pool/(2*images))
	if pairs < fewestPairs {
		return 0, fewestImages
	}
	return pairs, images
}

// realAgainstReal measures pairs of disjoint sets of a pool of real images. Images are
// drawn without regard to their classes: sets with equal numbers of each class scatter
// less than chance, and an unbiased distance of theirs lies below 0.
func realAgainstReal(pool metrics.Features, stopped func() error) (Real, error) {
	var out Real
	pool.Labels = nil
	order := rand.New(rand.NewPCG(3, 5)).Perm(pool.N)
	set := func(n, i int) metrics.Features { return picked(pool, order[i*n:(i+1)*n]) }
	pairs, images := pairsOf(pool.N, mostPairs, fewestPairs, mostImages, fewestImages)
	out.Images = images
	means := make([]float64, permutations)
	for i := range pairs {
		if err := stopped(); err != nil {
			return out, err
		}
		a, b := set(images, 2*i), set(images, 2*i+1)
		e, err := metrics.KIDEstimate(a, b)
		if err != nil {
			return out, err
		}
		if e.HasInterval() && e.Lo > 0 {
			out.Above++
		} else if e.HasInterval() && e.Hi < 0 {
			out.Below++
		}
		r := rand.New(rand.NewPCG(13, uint64(i)))
		observed, permuted := permutedKID(a, b, permutations, r)
		out.PValues = append(out.PValues, randomisedP(observed, permuted, r))
		out.KID.Value += observed / float64(pairs)
		for j, v := range permuted {
			means[j] += v / float64(pairs)
		}
		out.Pairs++
	}
	if out.Pairs > 0 {
		lo, hi := ends(means)
		lo, hi = out.KID.Value-hi, out.KID.Value-lo
		out.KID.Lo, out.KID.Hi = &lo, &hi
		out.P = twoSidedP(out.KID.Value, means)
		out.Uniform = uniformP(out.PValues)
	}
	return out, infinite(&out, pool.N, pool.D, set, stopped)
}

// infinite is the Fréchet distance at infinitely many images, of pairs of larger sets.
func infinite(out *Real, n, d int, set func(n, i int) metrics.Features, stopped func() error) error {
	least := 4 * (d + 2)
	pairs, images := pairsOf(n, mostInfinite, fewestInfinite, max(mostOfInfinite, least), least)
	out.InfiniteImages = images
	var values []float64
	for i := range pairs {
		if err := stopped(); err != nil {
			return err
		}
		a, b := set(images, 2*i), set(images, 2*i+1)
		e, err := metrics.FrechetInfinite(a, b)
		if err != nil {
			return err
		}
		plain, err := metrics.Frechet(a, b)
		if err != nil {
			return err
		}
		values = append(values, e.Value)
		out.Plain += plain / float64(pairs)
		out.InfinitePairs++
	}
	if len(values) > 0 {
		mean, lo, hi := bootstrapMean(values, confidence)
		out.Infinite = Score{mean, &lo, &hi}
		_, least, most := bootstrapMean(values, 1-significance)
		out.Off = least > 0 || most < 0
	}
	return nil
}

func picked(f metrics.Features, at []int) metrics.Features {
	out := metrics.Features{N: len(at), D: f.D, X: make([]float64, 0, len(at)*f.D)}
	for _, i := range at {
		out.X = append(out.X, f.X[i*f.D:(i+1)*f.D]...)
		if f.Labels != nil {
			out.Labels = append(out.Labels, f.Labels[i])
		}
	}
	return out
}

// permutedKID is the unbiased kernel distance of two sets of one size, and those of
// their images dealt again at random. With the sign of its set before each image, a sum
// over pairs of one set less those of both is a quadratic form, so all permutations
// are one matrix product.
func permutedKID(a, b metrics.Features, permutations int, r *rand.Rand) (observed float64, permuted []float64) {
	n := 2 * a.N
	x := blas64.General{Rows: n, Cols: a.D, Stride: a.D, Data: append(slices.Clone(a.X), b.X...)}
	k := blas64.General{Rows: n, Cols: n, Stride: n, Data: make([]float64, n*n)}
	blas64.Gemm(blas.NoTrans, blas.Trans, 1/float64(a.D), x, x, 0, k)
	var total float64
	for i, v := range k.Data {
		v++
		k.Data[i] = v * v * v
		if i/n == i%n {
			k.Data[i] = 0
		}
		total += k.Data[i]
	}
	columns := permutations + 1
	s := blas64.General{Rows: n, Cols: columns, Stride: columns, Data: make([]float64, n*columns)}
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	for c := range columns {
		if c > 0 {
			r.Shuffle(n, func(i, j int) { order[i], order[j] = order[j], order[i] })
		}
		for at, i := range order {
			s.Data[i*columns+c] = 1
			if at >= n/2 {
				s.Data[i*columns+c] = -1
			}
		}
	}
	ks := blas64.General{Rows: n, Cols: columns, Stride: columns, Data: make([]float64, n*columns)}
	blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, k, s, 0, ks)
	all := make([]float64, columns)
	m := float64(a.N)
	for c := range columns {
		var signed float64
		for i := range n {
			signed += s.Data[i*columns+c] * ks.Data[i*columns+c]
		}
		all[c] = (total+signed)/2/(m*(m-1)) - (total-signed)/2/(m*m)
	}
	return all[0], all[1:]
}

// randomisedP is the share of permuted values that are larger, one drawn among the
// places that the observed value may have: uniform on [0, 1] where the labels of the
// sets say nothing.
func randomisedP(observed float64, permuted []float64, r *rand.Rand) float64 {
	larger, same := 0, 0
	for _, v := range permuted {
		if v > observed {
			larger++
		} else if v == observed {
			same++
		}
	}
	return (float64(larger) + r.Float64()*float64(same+1)) / float64(len(permuted)+1)
}

// twoSidedP is the p-value of an observed mean among permuted ones, which lie about 0.
func twoSidedP(observed float64, permuted []float64) float64 {
	farther := 1
	for _, v := range permuted {
		if math.Abs(v) >= math.Abs(observed) {
			farther++
		}
	}
	return float64(farther) / float64(len(permuted)+1)
}

// ends are the values between which the middle 95 % of a list of 199 lie.
func ends(values []float64) (lo, hi float64) {
	v := slices.Clone(values)
	slices.Sort(v)
	k := int(math.Round((1 - confidence) / 2 * float64(len(v)+1)))
	return v[k-1], v[len(v)-k]
}

// uniformP is the p-value of Kolmogorov's test that independent values are uniform on
// [0, 1] (Stephens 1970 for finite numbers of them).
func uniformP(values []float64) float64 {
	v := slices.Clone(values)
	slices.Sort(v)
	n := float64(len(v))
	var d float64
	for i, p := range v {
		d = max(d, p-float64(i)/n, float64(i+1)/n-p)
	}
	lambda := (math.Sqrt(n) + 0.12 + 0.11/math.Sqrt(n)) * d
	if lambda < 0.2 {
		return 1
	}
	var sum float64
	for k := 1.0; k <= 100; k++ {
		term := 2 * math.Exp(-2*k*k*lambda*lambda)
		if int(k)%2 == 0 {
			term = -term
		}
		sum += term
	}
	return min(max(sum, 0), 1)
}

// bootstrapMean is the mean of values with a bootstrap interval, corrected for bias and
// skewness (BCa, Efron 1987): distances of real images are skewed to the right, and
// Student's interval lies too low for their mean.
func bootstrapMean(values []float64, confidence float64) (mean, lo, hi float64) {
	n := float64(len(values))
	for _, v := range values {
		mean += v / n
	}
	var cubes, squares float64
	for _, v := range values {
		d := v - mean
		squares += d * d
		cubes += d * d * d
	}
	if squares == 0 {
		return mean, mean, mean
	}
	acceleration := cubes / (6 * math.Pow(squares, 1.5))
	r := rand.New(rand.NewPCG(17, uint64(len(values))))
	means := make([]float64, resamples)
	below := 0.5
	for i := range means {
		for range values {
			means[i] += values[r.IntN(len(values))] / n
		}
		if means[i] < mean {
			below++
		}
	}
	slices.Sort(means)
	bias := distuv.UnitNormal.Quantile(below / (resamples + 1))
	at := func(share float64) float64 {
		z := bias + distuv.UnitNormal.Quantile(share)
		p := distuv.UnitNormal.CDF(bias + z/(1-acceleration*z))
		return means[min(max(int(p*resamples), 0), resamples-1)]
	}
	return mean, at((1 - confidence) / 2), at((1 + confidence) / 2)
}

// mostAbove is the largest number of n intervals that lie wholly above the truth when
// each does with a chance of 2.5 %, but for one case in a hundred.
func mostAbove(n int) int {
	b := distuv.Binomial{N: float64(n), P: (1 - confidence) / 2}
	k := 0
	for b.CDF(float64(k)) < 1-significance {
		k++
	}
	return k
}
