package metrics

import (
	"errors"
	"fmt"
	"math"

	"prabench/metrics/stat"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// Moments are mean and covariance of features: all that a Fréchet distance reads
// of a set, and what is published of reference sets.
type Moments struct {
	Mean []float64 // [D]
	Cov  []float64 // [D, D], divisor n−1
}

// MomentsOf are those of a set.
func MomentsOf(f Features) (Moments, error) {
	if err := f.check(); err != nil {
		return Moments{}, err
	}
	m := Moments{Mean: columnMean(f), Cov: make([]float64, f.D*f.D)}
	x := make([]float64, len(f.X))
	for i, v := range f.X {
		x[i] = v - m.Mean[i%f.D]
	}
	s := blas64.Symmetric{N: f.D, Stride: f.D, Data: m.Cov, Uplo: blas.Upper}
	blas64.Syrk(blas.Trans, 1/float64(f.N-1), blas64.General{Rows: f.N, Cols: f.D, Stride: f.D, Data: x}, 0, s)
	for i := range f.D {
		for j := range i {
			m.Cov[i*f.D+j] = m.Cov[j*f.D+i]
		}
	}
	return m, nil
}

// FrechetToMoments is [FrechetEstimate] against a reference of which only the
// moments are known. The interval covers the choice of the generated images
// alone.
func FrechetToMoments(reference Moments, gen Features) (stat.Estimate, error) {
	if err := gen.check(); err != nil {
		return stat.Estimate{}, fmt.Errorf("generated images: %w", err)
	}
	d := len(reference.Mean)
	if gen.D != d {
		return stat.Estimate{}, fmt.Errorf("the statistics are of %d features, the images have %d: both must come from the same extractor", d,
			gen.D)
	}
	if gen.N < 4 {
		return stat.Estimate{}, fmt.Errorf("metrics: an interval needs at least 4 images, there are %d", gen.N)
	}
	real, err := reference.gaussian()
	if err != nil {
		return stat.Estimate{}, err
	}
	whole, without := leaveOut(gen, reference.Mean)
	value, err := frechet(real, whole)
	if err != nil {
		return stat.Estimate{}, err
	}
	left, failed := make([]float64, len(without)), make([]error, len(without))
	parallel(len(left), func(b int) { left[b], failed[b] = frechet(real, without[b]) })
	if err := errors.Join(failed...); err != nil {
		return stat.Estimate{}, err
	}
	return stat.DeleteGroup(value, gen.N, left).Within(0, math.Inf(1)), nil
}

// gaussian is the distribution around its own mean. The factor is a pivoted
// Cholesky's, which singular covariances have too.
func (m Moments) gaussian() (gaussian, error) {
	d := len(m.Mean)
	if d == 0 || len(m.Cov) != d*d {
		return gaussian{}, fmt.Errorf("statistics: a mean of %d numbers and a covariance of %d; a covariance is [D, D]", d, len(m.Cov))
	}
	g := gaussian{mean: make([]float64, d)}
	var largest float64
	for i := range d {
		for j := range d {
			if v := m.Cov[i*d+j]; math.IsNaN(v) || math.IsInf(v, 0) || math.IsNaN(m.Mean[i]) || math.IsInf(m.Mean[i], 0) {
				return g, errors.New("statistics: mean or covariance have values that are no finite numbers")
			}
			largest = max(largest, math.Abs(m.Cov[i*d+j]))
		}
		g.trace += m.Cov[i*d+i]
	}
	cov := mat.NewSymDense(d, nil)
	for i := range d {
		for j := range i + 1 {
			a, b := m.Cov[i*d+j], m.Cov[j*d+i]
			if math.Abs(a-b) > 1e-6*largest {
				return g, fmt.Errorf("statistics: the covariance is not symmetric at (%d, %d): %g and %g", i, j, a, b)
			}
			cov.SetSym(i, j, (a+b)/2)
		}
	}
	var c mat.PivotedCholesky
	c.Factorize(cov, 1e-13*largest) // false of a singular one, whose rank counts
	var u mat.TriDense
	c.UTo(&u)
	at, rank := c.ColumnPivots(nil), c.Rank()
	g.factor = blas64.General{Rows: rank, Cols: d, Stride: d, Data: make([]float64, rank*d)}
	for i := range rank {
		for j := i; j < d; j++ {
			g.factor.Data[i*d+at[j]] = u.At(i, j)
		}
	}
	// Of what is no covariance the factor leaves something out.
	back := blas64.General{Rows: d, Cols: d, Stride: d, Data: make([]float64, d*d)}
	if rank > 0 {
		blas64.Gemm(blas.Trans, blas.NoTrans, 1, g.factor, g.factor, 0, back)
	}
	for i := range d {
		for j := range d {
			if math.Abs(back.Data[i*d+j]-cov.At(i, j)) > 1e-6*largest {
				return g, errors.New("statistics: the covariance is none: it has a negative eigenvalue")
			}
		}
	}
	return g, nil
}
