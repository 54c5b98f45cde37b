package view

import (
	"math"
	"slices"

	"prabench/metrics/stat"
)

// Side is one of two points that are compared, by one metric.
type Side struct {
	Value  float64
	Values []float64 // one for each training seed; fewer than two where it is no mean over seeds
	Seeds  []uint64  // of the values, in their order; nil where they are not known, and nothing pairs
	Same   bool      // all seeds are one training, so there is one value
}

// Side is the mean as a comparison reads it.
func (m *Mean) Side() Side {
	s := Side{Value: m.Value, Same: m.Same > 0}
	if len(m.Values) > 1 {
		s.Values = m.Values
	}
	if len(m.Seeds) == len(m.Values) {
		s.Seeds = m.Seeds
	}
	return s
}

// beside is the side as it is compared with one of several seeds: what is the same for all seeds is
// it for each of those.
func (s Side) beside(other Side) Side {
	if s.Same && len(s.Values) < 2 && len(other.Values) > 1 {
		s.Values, s.Seeds = slices.Repeat([]float64{s.Value}, len(other.Values)), other.Seeds
	}
	return s
}

// Difference is that of two points, a − b, with what can be said about it.
type Difference struct {
	stat.Difference
	Exact  bool        // no chance is in it: both sides are the same for every seed, or differ by the same
	Why    string      // why there is neither an interval nor certainty; empty when there is one
	Pairs  int         // pairs of seeds behind it; 0 where it was not made of pairs of seeds
	Alone  int         // seeds without a partner, which the pairs leave out
	Spread stat.Spread // over seeds; without a deviation where there are not several

	unpaired float64 // width of the interval that the same values have without pairs; 0: none
}

// Separated says that the interval leaves out zero, or that no chance is in it.
func (d Difference) Separated() bool { return d.Difference.Separated() || d.Exact && d.Value != 0 }

// Narrower is how many times narrower pairs made the interval, below 1 where they
// made it wider; 0 where there is nothing to compare with.
func (d Difference) Narrower() float64 {
	if !d.HasInterval() || d.Hi <= d.Lo {
		return 0
	}
	return d.unpaired / (d.Hi - d.Lo)
}

// Needs is how many seeds a side would separate the two in 80 of 100 cases, at a
// level, if they differ by as much as it seems; 0 where this cannot be told, or
// more than [MostSeeds] are needed.
func (d Difference) Needs(level float64) int {
	if d.Spread.SD == 0 {
		return 0
	}
	return d.Spread.Seeds(d.Value, level, MostSeeds)
}

// MostSeeds is the largest number of seeds that is advised.
const MostSeeds = 200

// leastPairs is from how many pairs on seeds without a partner are left out: of
// fewer, an interval over all seeds says more.
const leastPairs = 3

// Compare gives the difference a − b. A training seed fixes the initial weights, the
// order of the images and the noise of a training, whatever else is set, so the
// values of one seed are a pair; without pairs the trainings are independent
// (Welch). Which of the two is decided by the seeds alone, never by what comes
// out. images is the difference over pairs of images, for two points of one seed
// that drew from the same weights; nil for others.
func Compare(a, b Side, images func() (d stat.Difference, unpaired float64, ok bool)) Difference {
	a, b = a.beside(b), b.beside(a)
	if len(a.Values) < 2 || len(b.Values) < 2 {
		d := Difference{Difference: stat.Difference{Estimate: stat.Point(a.Value-b.Value, 0), P: math.NaN()},
			Why: "one training seed has no interval over seeds"}
		if a.Same || b.Same {
			d.Why = "all seeds are one training, which has no interval over seeds"
		}
		if images != nil {
			if over, width, ok := images(); ok {
				d = Difference{Difference: over, unpaired: width}
				if !d.HasInterval() {
					d.exact()
				}
			}
		}
		return d
	}
	x, y := pairs(a, b)
	if len(x) == 0 {
		d := Difference{Difference: stat.Welch(b.Values, a.Values, stat.Seeds)}
		if !d.HasInterval() {
			d.exact()
			return d
		}
		d.Spread = stat.SpreadOf(d.Difference, len(a.Values), len(b.Values))
		return d
	}
	d := Difference{Difference: stat.Paired(y, x, stat.Pairs), Pairs: len(x), Alone: len(a.Values) + len(b.Values) - 2*len(x)}
	if !d.HasInterval() {
		d.exact()
		return d
	}
	d.Spread = stat.SpreadOf(d.Difference, len(x), len(x))
	if w := stat.Welch(y, x, stat.Seeds); w.HasInterval() {
		d.unpaired = w.Hi - w.Lo
	}
	return d
}

// exact makes a difference without chance.
func (d *Difference) exact() {
	d.Exact, d.P = true, 1
	if d.Value != 0 {
		d.P = 0
	}
}

// pairs are the values of the seeds that both sides have; none where too few pair.
func pairs(a, b Side) (x, y []float64) {
	if len(a.Seeds) != len(a.Values) || len(b.Seeds) != len(b.Values) {
		return nil, nil
	}
	for i, seed := range a.Seeds {
		if k := slices.Index(b.Seeds, seed); k >= 0 {
			x, y = append(x, a.Values[i]), append(y, b.Values[k])
		}
	}
	if all := len(x) == len(a.Values) && len(x) == len(b.Values); !all && len(x) < leastPairs {
		return nil, nil
	}
	return x, y
}
