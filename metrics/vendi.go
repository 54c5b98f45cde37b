package metrics

import (
	"errors"
	"fmt"
	"math"

	"prabench/metrics/stat"

	"gonum.org/v1/gonum/mat"
)

// Vendi is the Vendi score of a set (Friedman and Dieng 2023), how many images
// unlike each other it is worth: the exponential of the Shannon entropy of the
// eigenvalues of K/n, where K holds the similarities of all pairs, here the
// cosine of their features. It is 1 for n images that are all the same and n for
// n images of which no two have anything in common, and needs no real images;
// it grows with n, so only sets of one size compare.
//
// The eigenvalues of K/n are those of Σxxᵀ/n, x the features of an image at length 1, so the
// cost is linear in the number of images. An image without any feature has no
// direction: such images are alike, and unlike all others. The interval leaves
// out blocks of images and covers the choice of the n images alone.
func Vendi(f Features) (stat.Estimate, error) {
	if err := f.check(); err != nil {
		return stat.Estimate{}, err
	}
	if f.N < 4 {
		return stat.Estimate{}, fmt.Errorf("metrics: an interval needs at least 4 images, there are %d", f.N)
	}
	block, g := deal(f)
	at := members(block, g)
	parts := make([]*mat.SymDense, g)
	parallel(g, func(b int) { parts[b] = directions(f, at[b]) })
	whole := mat.NewSymDense(f.D+1, nil)
	for _, p := range parts {
		whole.AddSym(whole, p)
	}
	value, err := worth(whole, f.N)
	if err != nil {
		return stat.Estimate{}, err
	}
	left, failed := make([]float64, g), make([]error, g)
	parallel(g, func(b int) {
		rest := mat.NewSymDense(f.D+1, nil)
		for other, p := range parts { // added up, not taken away: differences leave rounding behind
			if other != b {
				rest.AddSym(rest, p)
			}
		}
		left[b], failed[b] = worth(rest, f.N-len(at[b]))
	})
	if err := errors.Join(failed...); err != nil {
		return stat.Estimate{}, err
	}
	return stat.DeleteGroup(value, f.N, left).Within(1, float64(f.N)), nil
}

// directions is Σxxᵀ over some images, x their features at length 1. The last
// coordinate is that of images without features.
func directions(f Features, at []int) *mat.SymDense {
	s := mat.NewSymDense(f.D+1, nil)
	x := mat.NewVecDense(f.D+1, nil)
	for _, i := range at {
		x.Zero()
		var length float64
		for _, v := range f.row(i) {
			length = math.Hypot(length, v)
		}
		if length == 0 {
			x.SetVec(f.D, 1)
		} else {
			for j, v := range f.row(i) {
				x.SetVec(j, v/length)
			}
		}
		s.SymRankOne(s, 1, x)
	}
	return s
}

// worth is the exponential of the entropy of the eigenvalues of s/n.
func worth(s *mat.SymDense, n int) (float64, error) {
	var eigen mat.EigenSym
	if !eigen.Factorize(s, false) {
		return 0, errors.New("vendi score: the eigenvalues did not converge; the features are probably far out of range")
	}
	var entropy float64
	for _, v := range eigen.Values(nil) {
		if p := v / float64(n); p > 0 {
			entropy -= p * math.Log(p)
		}
	}
	return math.Exp(entropy), nil
}
