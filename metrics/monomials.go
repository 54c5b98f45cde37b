package metrics

import "math"

// sumKernel sums the monomials of degree 0 to 3 over the images at the given
// indices. (u/D+1)³ = 1 + 3u/D + 3u²/D² + u³/D³ with u = x·y, and uᵏ is the sum
// over all index tuples; of tuples that differ only in order one is kept, with
// the square root of their number as its weight.
func sumKernel(f Features, at []int) kernelSum {
	d := f.D
	two, three := 1+d, 1+d+d*(d+1)/2
	s := kernelSum{n: float64(len(at)), phi: make([]float64, three+d*(d+1)*(d+2)/6)}
	s.phi[0] = s.n
	for _, index := range at {
		x := f.row(index)
		k := dot(x, x)/float64(d) + 1
		s.diagonal += k * k * k
		first := s.phi[1:two]
		second, third := s.phi[two:three], s.phi[three:]
		p2, p3 := 0, 0
		for i, xi := range x {
			first[i] += xi
			if xi == 0 { // rectified features are often zero
				p2 += d - i
				p3 += (d - i) * (d - i + 1) / 2
				continue
			}
			for j := i; j < d; j++ {
				xij := xi * x[j]
				second[p2] += xij
				p2++
				rest := x[j:]
				sums := third[p3 : p3+len(rest)]
				p3 += len(rest)
				if xij == 0 {
					continue
				}
				for l, v := range rest {
					sums[l] += xij * v
				}
			}
		}
	}
	s.weigh(d)
	return s
}

// weigh turns plain sums of monomials into sums of φ.
func (s *kernelSum) weigh(d int) {
	inv := 1 / float64(d)
	w1 := math.Sqrt(3 * inv)
	for i := range d {
		s.phi[1+i] *= w1
	}
	at := 1 + d
	for i := range d {
		for j := i; j < d; j++ {
			tuples := 2.0
			if i == j {
				tuples = 1
			}
			s.phi[at] *= math.Sqrt(3*tuples) * inv
			at++
		}
	}
	w3 := math.Sqrt(inv * inv * inv)
	for i := range d {
		for j := i; j < d; j++ {
			for l := j; l < d; l++ {
				tuples := 6.0
				switch {
				case i == j && j == l:
					tuples = 1
				case i == j || j == l:
					tuples = 3
				}
				s.phi[at] *= math.Sqrt(tuples) * w3
				at++
			}
		}
	}
}
