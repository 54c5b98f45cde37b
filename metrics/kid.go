package metrics

import (
	"errors"

	"prabench/metrics/stat"
)

// KID is the unbiased squared maximum mean discrepancy with the kernel
// k(x,y) = (x·y/D + 1)³ (Bińkowski et al. 2018). It may be negative: its mean is
// 0 when both sets come from one distribution.
func KID(real, gen Features) (float64, error) {
	if err := pair(real, gen); err != nil {
		return 0, err
	}
	if real.D > mostMonomials {
		return newKIDPairs(byBlock(real, all(real.N), make([]int, real.N), 1), byBlock(gen, all(gen.N), make([]int, gen.N), 1)).value(-1, -1), nil
	}
	a, b := sumKernel(real, all(real.N)), sumKernel(gen, all(gen.N))
	return a.within() + b.within() - 2*dot(a.phi, b.phi)/(a.n*b.n), nil
}

// KIDEstimate is KID with an interval over both finite samples.
//
// Up to 128 features the kernel, a polynomial, is taken as an inner product φ(x)·φ(y) of finite
// vectors (all monomials up to degree 3). Sums of the kernel over blocks of
// images are inner products of sums of φ: exact, linear in the number of
// images, and a block is left out by subtraction. With more features, whose
// monomials no memory holds, pairs are added up.
func KIDEstimate(real, gen Features) (stat.Estimate, error) {
	value, left, err := kidLeft(real, gen)
	if err != nil {
		return stat.Estimate{}, err
	}
	return stat.DeleteGroup(value, gen.N, left[:]...), nil
}

// kidLeft is the distance, and the distances without each block of either side.
func kidLeft(real, gen Features) (value float64, left [2][]float64, err error) {
	if err := errors.Join(pair(real, gen), enough(real, gen)); err != nil {
		return 0, left, err
	}
	if real.D > mostMonomials {
		return kidLeftByPairs(real, gen)
	}
	var whole [2]kernelSum
	var parts [2][]kernelSum
	for side, f := range []Features{real, gen} {
		block, g := deal(f)
		at := members(block, g)
		parts[side] = make([]kernelSum, g)
		parallel(g, func(b int) { parts[side][b] = sumKernel(f, at[b]) })
		whole[side].phi = make([]float64, len(parts[side][0].phi))
		for _, p := range parts[side] {
			whole[side].add(p)
		}
	}
	within := [2]float64{whole[0].within(), whole[1].within()}
	between := dot(whole[0].phi, whole[1].phi)
	value = within[0] + within[1] - 2*between/(whole[0].n*whole[1].n)

	for side := range parts {
		w, other := whole[side], whole[1-side]
		ww := dot(w.phi, w.phi)
		left[side] = make([]float64, len(parts[side]))
		parallel(len(parts[side]), func(b int) {
			p := parts[side][b]
			n := w.n - p.n
			pairs := ww - 2*dot(w.phi, p.phi) + dot(p.phi, p.phi) - (w.diagonal - p.diagonal)
			left[side][b] = pairs/(n*(n-1)) + within[1-side] - 2*(between-dot(p.phi, other.phi))/(n*other.n)
		})
	}
	return value, left, nil
}

// mostMonomials is the number of features up to which sums of monomials are kept,
// 3 MB for each block; their number grows with the cube.
const mostMonomials = 128

func kidLeftByPairs(real, gen Features) (value float64, left [2][]float64, err error) {
	var sides [2]blocked
	for s, f := range []Features{real, gen} {
		block, g := deal(f)
		sides[s] = byBlock(f, all(f.N), block, g)
	}
	p := newKIDPairs(sides[0], sides[1])
	for b := range sides[0].blocks() {
		left[0] = append(left[0], p.value(b, -1))
	}
	for b := range sides[1].blocks() {
		left[1] = append(left[1], p.value(-1, b))
	}
	return p.value(-1, -1), left, nil
}

// kernelSum is Σφ(x) over some images, weighted so that inner products of two
// sums are sums of the kernel, and Σk(x,x).
type kernelSum struct {
	n        float64
	diagonal float64
	phi      []float64 // [1 + D + D(D+1)/2 + D(D+1)(D+2)/6]
}

func (s *kernelSum) add(o kernelSum) {
	s.n += o.n
	s.diagonal += o.diagonal
	for i, v := range o.phi {
		s.phi[i] += v
	}
}

// within is the mean kernel value over ordered pairs of different images.
func (s kernelSum) within() float64 {
	return (dot(s.phi, s.phi) - s.diagonal) / (s.n * (s.n - 1))
}

func dot(a, b []float64) float64 {
	b = b[:len(a)]
	var s0, s1, s2, s3 float64
	i := 0
	for ; i+4 <= len(a); i += 4 {
		s0 += a[i] * b[i]
		s1 += a[i+1] * b[i+1]
		s2 += a[i+2] * b[i+2]
		s3 += a[i+3] * b[i+3]
	}
	for ; i < len(a); i++ {
		s0 += a[i] * b[i]
	}
	return s0 + s1 + s2 + s3
}
