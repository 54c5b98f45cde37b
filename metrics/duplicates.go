package metrics

import (
	"errors"
	"math"

	"prabench/metrics/stat"
)

// Duplicates is the share of generated images that repeat another generated one:
// whose nearest other generated image, in the embedder's features, is no farther
// than the nearest other real image of the 1 % of real images that are nearest to
// another ([NearShare]). So it is about 0.01 for real images, and 1 for one image
// over and over. It sees what distances of distributions hardly see: few images,
// each drawn many times. Nearest distances fall with the count: a larger reference
// is cut to as many images as were generated.
//
// The interval leaves out blocks of both sets.
func Duplicates(real, gen Features) (stat.Estimate, error) {
	if err := errors.Join(pair(real, gen), enough(real, gen)); err != nil {
		return stat.Estimate{}, err
	}
	real, err := atMost(real, gen.N)
	if err != nil {
		return stat.Estimate{}, err
	}
	centre := columnMean(real)
	r, g := newBalls(real, centre, 1), newBalls(gen, centre, 1)
	// Of two equal images rounding leaves a distance: what is below it is none.
	least := 1e-12 * max(meanOf(r.norm), meanOf(g.norm))
	limit := func(without int) float64 { return max(quantile(r.without(without), NearShare), least) }
	near := func(without int, limit float64) (hits, of int) {
		radii := g.without(without)
		for _, d := range radii {
			if d <= limit {
				hits++
			}
		}
		return hits, len(radii)
	}
	part := func(hits, of int) float64 { return float64(hits) / float64(of) }
	hits, _ := near(-1, limit(-1))
	left := [2][]float64{make([]float64, r.blocks), make([]float64, g.blocks)}
	for b := range r.blocks {
		left[0][b] = part(near(-1, limit(b)))
	}
	for b := range g.blocks {
		left[1][b] = part(near(b, limit(-1)))
	}
	return share(stat.DeleteGroup(part(hits, gen.N), gen.N, left[:]...), hits, gen.N), nil
}

// without are the squared radii of the images that are not in a block, among the
// others that are not; −1 leaves out none.
func (s *balls) without(block int) []float64 {
	at := block
	if block < 0 {
		at = s.blocks
	}
	var out []float64
	for i, b := range s.block {
		if d := s.radius[i*(s.blocks+1)+at]; b != block && !math.IsInf(d, 1) {
			out = append(out, d)
		}
	}
	return out
}
