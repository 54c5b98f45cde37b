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
	first, second, third := s.phi[1:two], s.phi[two:three], s.phi[three:]
	zero := make([]float64, d)
	// Four images pass together: the sums of degree 3 are many more than a
	// cache holds, and each is read and written once for all four.
	for lo := 0; lo < len(at); lo += 4 {
		rows := [4][]float64{zero, zero, zero, zero}
		for r, index := range at[lo:min(lo+4, len(at))] {
			rows[r] = f.row(index)
			k := dot(rows[r], rows[r])/float64(d) + 1
			s.diagonal += k * k * k
		}
		p2, p3 := 0, 0
		for i := range d {
			a, b, c, e := rows[0][i:], rows[1][i:], rows[2][i:], rows[3][i:]
			ai, bi, ci, ei := a[0], b[0], c[0], e[0]
			first[i] += ai + bi + ci + ei
			for j := range a {
				a, b, c, e := a[j:], b[j:], c[j:], e[j:]
				pa, pb, pc, pe := ai*a[0], bi*b[0], ci*c[0], ei*e[0]
				second[p2] += pa + pb + pc + pe
				p2++
				sums := third[p3 : p3+len(a)]
				p3 += len(a)
				b, c, e = b[:len(sums)], c[:len(sums)], e[:len(sums)]
				for l, v := range a {
					sums[l] += pa*v + pb*b[l] + pc*c[l] + pe*e[l]
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
