package metrics

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
)

// balls are the k-nearest-neighbour balls of a set: for every image the squared
// radius with all images, and with each block left out.
type balls struct {
	points Features
	norm   []float64 // squared norms of the points
	block  []int
	blocks int
	radius []float64 // [N, blocks+1], squared; the last is with all images
	widest []float64 // [N], the largest radius of each row
}

func newBalls(f Features, centre []float64, k int) *balls {
	s := &balls{points: Features{N: f.N, D: f.D, X: make([]float64, len(f.X))}}
	for i, v := range f.X {
		s.points.X[i] = v - centre[i%f.D]
	}
	s.norm = squaredNorms(s.points)
	s.block, s.blocks = deal(f)
	s.radius = make([]float64, f.N*(s.blocks+1))
	s.widest = make([]float64, f.N)
	s.tiles(s.points, func(i int, squared []float64) { s.measure(i, squared, k) })
	return s
}

// measure finds the radii of ball i from its squared distances to all others.
// The k nearest without block b are among the k nearest of each other block.
func (s *balls) measure(i int, squared []float64, k int) {
	near := make([]float64, s.blocks*k)
	for j := range near {
		near[j] = math.Inf(1)
	}
	for j, d := range squared {
		row := near[s.block[j]*k : (s.block[j]+1)*k]
		if d >= row[k-1] || j == i {
			continue
		}
		at := k - 1
		for ; at > 0 && row[at-1] > d; at-- {
			row[at] = row[at-1]
		}
		row[at] = d
	}
	type neighbour struct {
		d     float64
		block int
	}
	order := make([]neighbour, len(near))
	for j, d := range near {
		order[j] = neighbour{d, j / k}
	}
	slices.SortFunc(order, func(a, b neighbour) int { return cmp.Compare(a.d, b.d) })
	for b := range s.blocks + 1 { // b = blocks leaves out none
		seen := 0
		for _, o := range order {
			if o.block == b {
				continue
			}
			if seen++; seen == k {
				s.radius[i*(s.blocks+1)+b] = o.d
				break
			}
		}
	}
	s.widest[i] = slices.Max(s.radius[i*(s.blocks+1) : (i+1)*(s.blocks+1)])
}

// holds returns for every point a mask: bit b is set when the point lies in a
// ball with block b left out, bit `blocks` when it does with all balls.
func (s *balls) holds(points Features) []uint32 {
	inside := make([]uint32, points.N)
	full := uint32(1)<<(s.blocks+1) - 1
	s.tiles(points, func(i int, squared []float64) {
		var mask uint32
		for j, d := range squared {
			if d > s.widest[j] {
				continue
			}
			// A ball of block b does not exist when b is left out. Radii
			// only grow, so the full radius decides for all other blocks.
			radius := s.radius[j*(s.blocks+1) : (j+1)*(s.blocks+1)]
			if d <= radius[s.blocks] {
				mask |= full &^ (1 << s.block[j])
				continue
			}
			for b, r := range radius {
				if d <= r && b != s.block[j] {
					mask |= 1 << b
				}
			}
		}
		inside[i] = mask
	})
	return inside
}

// tiles calls row(i, squared distances from point i to all centres), for all
// points, in parallel.
func (s *balls) tiles(points Features, row func(i int, squared []float64)) {
	const height = 64
	norm := squaredNorms(points)
	centres := blas64.General{Rows: s.points.N, Cols: s.points.D, Stride: s.points.D, Data: s.points.X}
	parallel((points.N+height-1)/height, func(t int) {
		lo, hi := t*height, min((t+1)*height, points.N)
		a := blas64.General{Rows: hi - lo, Cols: points.D, Stride: points.D, Data: points.X[lo*points.D : hi*points.D]}
		out := blas64.General{Rows: hi - lo, Cols: centres.Rows, Stride: centres.Rows, Data: make([]float64, (hi-lo)*centres.Rows)}
		blas64.Gemm(blas.NoTrans, blas.Trans, -2, a, centres, 0, out)
		for i := lo; i < hi; i++ {
			squared := out.Data[(i-lo)*out.Stride : (i-lo+1)*out.Stride]
			for j := range squared {
				squared[j] = max(squared[j]+norm[i]+s.norm[j], 0)
			}
			row(i, squared)
		}
	})
}

func squaredNorms(f Features) []float64 {
	norm := make([]float64, f.N)
	for i := range norm {
		norm[i] = dot(f.row(i), f.row(i))
	}
	return norm
}
