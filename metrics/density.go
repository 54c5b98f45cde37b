package metrics

import (
	"errors"
	"fmt"

	"prabench/metrics/stat"
)

// DensityNeighbours is the k of density and coverage that the published values use.
const DensityNeighbours = 5

// DensityCoverage follows Naeem et al. (2020). Around every real image lies a
// ball that reaches its k-th nearest real neighbour. Density is the mean number
// of balls that a generated image lies in, over k: unlike precision, one outlier
// among the real images with its large ball hardly raises it, and it may exceed
// 1. Coverage is the share of real balls that hold a generated image: unlike
// recall it builds no balls around generated images, which are large where
// these are bad. Both depend on the counts: a larger reference is cut to as many
// images as were generated.
//
// The intervals leave out blocks of both sets, real ones from the balls (whose
// radii then grow) as well as from what is covered.
func DensityCoverage(real, gen Features, k int) (density, coverage stat.Estimate, err error) {
	if err := errors.Join(pair(real, gen), enough(real, gen)); err != nil {
		return density, coverage, err
	}
	if real.N > gen.N {
		if real, err = real.Take(gen.N); err != nil {
			return density, coverage, err
		}
	}
	if err := neighboursFit(real.N, k); err != nil {
		return density, coverage, fmt.Errorf("density and coverage: real images: %w", err)
	}
	centre := columnMean(real)
	balls := newBalls(real, centre, k)
	points := &Features{N: gen.N, D: gen.D, X: make([]float64, len(gen.X))}
	for i, v := range gen.X {
		points.X[i] = v - centre[i%gen.D]
	}
	block, blocks := deal(gen)
	in := balls.inhabitants(*points, block, blocks)

	size, of := make([]float64, blocks), make([]float64, balls.blocks)
	for _, b := range block {
		size[b]++
	}
	for _, b := range balls.block {
		of[b]++
	}
	var all, covered float64
	leftReal, leftGen := newPair(balls.blocks), newPair(blocks)
	for i, ball := range in {
		all += ball.total
		covered += one(ball.total > 0)
		for b, n := range ball.without {
			if b != balls.block[i] {
				leftReal.density[b] += n
				leftReal.coverage[b] += one(n > 0)
			}
		}
		for c, n := range ball.from {
			leftGen.density[c] += ball.total - n
			leftGen.coverage[c] += one(ball.total > n)
		}
	}
	n, m := float64(real.N), float64(gen.N)
	for b := range of {
		leftReal.density[b] /= float64(k) * m
		leftReal.coverage[b] /= n - of[b]
	}
	for c := range size {
		leftGen.density[c] /= float64(k) * (m - size[c])
		leftGen.coverage[c] /= n
	}
	density = stat.DeleteGroup(all/(float64(k)*m), gen.N, leftReal.density, leftGen.density)
	if density.HasInterval() {
		density.Lo = max(density.Lo, 0)
	}
	return density, share(stat.DeleteGroup(covered/n, gen.N, leftReal.coverage, leftGen.coverage), int(covered), real.N), nil
}

// inhabited is how many points lie in one ball: of all, with the ball's radius
// where a block of centres is left out, and of each block of points.
type inhabited struct {
	total         float64
	without, from []float64
}

// inhabitants counts the points in every ball.
func (s *balls) inhabitants(points Features, block []int, blocks int) []inhabited {
	other := &balls{points: points, norm: squaredNorms(points)}
	out := make([]inhabited, s.points.N)
	other.tiles(s.points, func(i int, squared []float64) {
		in := inhabited{without: make([]float64, s.blocks), from: make([]float64, blocks)}
		radius := s.radius[i*(s.blocks+1) : (i+1)*(s.blocks+1)]
		for j, d := range squared {
			if d > s.widest[i] {
				continue
			}
			if d <= radius[s.blocks] {
				in.total++
				in.from[block[j]]++
			}
			for b := range s.blocks {
				if d <= radius[b] {
					in.without[b]++
				}
			}
		}
		out[i] = in
	})
	return out
}

// densityAndCoverage are values with one block left out each.
type densityAndCoverage struct{ density, coverage []float64 }

func newPair(blocks int) densityAndCoverage {
	return densityAndCoverage{make([]float64, blocks), make([]float64, blocks)}
}

func one(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
