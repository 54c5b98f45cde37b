// Package subset takes points out of a grid that is too large to try whole: at random,
// or by a Sobol sequence, which spreads any number of first points evenly over all axes.
//
// Its principle is that a larger subset has to contain the smaller one, so that nothing is
// tried twice: both are endless sequences, of which somebody takes the first ones.
package subset

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
)

// Kinds are the sequences.
var Kinds = []string{"random", "sobol"}

// MostSobol is the number of axes for which there are direction numbers.
const MostSobol = 1 + len(directions)

// New gives a sequence of points of a grid with so many steps on each axis: each call
// gives the steps of the next one, which may have come before.
func New(kind string, steps []int, seed uint64) (next func() []int, err error) {
	switch {
	case kind == "random":
		return random(steps, seed), nil
	case kind != "sobol":
		return nil, fmt.Errorf("%q is no kind of subset", kind)
	case len(steps) > MostSobol:
		return nil, fmt.Errorf("a Sobol sequence has at most %d axes here, these are %d", MostSobol, len(steps))
	}
	return sobol(steps, seed), nil
}

func random(steps []int, seed uint64) func() []int {
	r := rand.New(rand.NewPCG(seed, 0x5eed))
	return func() []int {
		at := make([]int, len(steps))
		for i, n := range steps {
			at[i] = r.IntN(n)
		}
		return at
	}
}

// sobol is the sequence in Gray code order (Antonov and Saleev 1979), moved by a digital
// shift that the seed decides, so that another seed is another subset as even as this.
func sobol(steps []int, seed uint64) func() []int {
	r := rand.New(rand.NewPCG(seed, 0x50b01))
	shift := make([]uint32, len(steps))
	for i := range shift {
		shift[i] = r.Uint32()
	}
	s := newSequence(len(steps))
	return func() []int {
		at := make([]int, len(steps))
		for i, x := range s.next() {
			at[i] = int(uint64(x^shift[i]) * uint64(steps[i]) >> 32)
		}
		return at
	}
}

// sequence is a Sobol sequence of fractions of 2³².
type sequence struct {
	v    [][32]uint32 // direction numbers of each axis
	last []uint32
	n    uint64 // points given
}

func newSequence(axes int) *sequence {
	s := &sequence{v: make([][32]uint32, axes), last: make([]uint32, axes)}
	for d := range axes {
		v := &s.v[d]
		if d == 0 {
			for i := range v {
				v[i] = 1 << (31 - i)
			}
			continue
		}
		p := directions[d-1]
		degree := len(p.m)
		for i, m := range p.m {
			v[i] = m << (31 - i)
		}
		for i := degree; i < 32; i++ {
			v[i] = v[i-degree] ^ v[i-degree]>>degree
			for k := 1; k < degree; k++ {
				if p.a>>(degree-1-k)&1 == 1 {
					v[i] ^= v[i-k]
				}
			}
		}
	}
	return s
}

// next is the next point; it belongs to s.
func (s *sequence) next() []uint32 {
	if s.n > 0 {
		bit := bits.TrailingZeros64(s.n) // the one that changes in Gray code
		for d := range s.last {
			s.last[d] ^= s.v[d][bit%32]
		}
	}
	s.n++
	return s.last
}

// directions are the primitive polynomials and first direction numbers of the axes from
// the second on: Joe and Kuo 2008, "Constructing Sobol sequences with better
// two-dimensional projections", the table new-joe-kuo-6.
var directions = [...]struct {
	a uint32
	m []uint32
}{
	{0, []uint32{1}},
	{1, []uint32{1, 3}},
	{1, []uint32{1, 3, 1}},
	{2, []uint32{1, 1, 1}},
	{1, []uint32{1, 1, 3, 3}},
	{4, []uint32{1, 3, 5, 13}},
	{2, []uint32{1, 1, 5, 5, 17}},
	{4, []uint32{1, 1, 5, 5, 5}},
	{7, []uint32{1, 1, 7, 11, 19}},
	{11, []uint32{1, 1, 5, 1, 1}},
	{13, []uint32{1, 1, 1, 3, 11}},
	{14, []uint32{1, 3, 5, 5, 31}},
	{1, []uint32{1, 3, 3, 9, 7, 49}},
	{13, []uint32{1, 1, 1, 15, 21, 21}},
	{16, []uint32{1, 3, 1, 13, 27, 49}},
	{19, []uint32{1, 1, 1, 15, 7, 5}},
	{22, []uint32{1, 3, 1, 15, 13, 25}},
	{25, []uint32{1, 1, 5, 5, 19, 61}},
	{1, []uint32{1, 3, 7, 11, 23, 15, 103}},
	{4, []uint32{1, 3, 7, 13, 13, 15, 69}},
}
