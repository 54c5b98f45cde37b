package metrics

import (
	"errors"
	"fmt"

	"prabench/metrics/stat"
)

// Neighbours is the k of precision and recall that the published values use.
const Neighbours = 3

// PrecisionRecall follows Kynkäänniemi et al. (2019). Around every image of a
// set lies a ball that reaches its k-th nearest neighbour in the same set.
// Precision is the share of generated images inside the union of the real
// balls, recall the share of real images inside the union of the generated
// ones. Both depend on the counts: compare only equal counts. Time grows with
// the square of the counts; 10,000 a side is a sensible limit (Features.Take).
//
// The intervals leave out blocks of both sets, from the balls (whose radii then
// grow) as well as from the points that are counted.
func PrecisionRecall(real, gen Features, k int) (precision, recall stat.Estimate, err error) {
	p, r, err := precisionRecall(real, gen, k)
	if err != nil {
		return precision, recall, err
	}
	return p.estimate(gen.N), r.estimate(gen.N), nil
}

func precisionRecall(real, gen Features, k int) (precision, recall shared, err error) {
	if err := errors.Join(pair(real, gen), enough(real, gen)); err != nil {
		return precision, recall, err
	}
	for _, f := range []Features{real, gen} {
		if err := neighboursFit(f.N, k); err != nil {
			return precision, recall, fmt.Errorf("precision and recall: %w", err)
		}
	}
	// Distances do not change by a shift, but lose fewer digits near 0.
	centre := columnMean(real)
	r, g := newBalls(real, centre, k), newBalls(gen, centre, k)
	return r.share(g), g.share(r), nil
}

// shared is a share of points, and the shares without each block of balls and
// of points.
type shared struct {
	hits, of int
	left     [2][]float64
}

func (s shared) value() float64 { return float64(s.hits) / float64(s.of) }

// estimate is the share with its interval; n is the count to report.
func (s shared) estimate(n int) stat.Estimate {
	return share(stat.DeleteGroup(s.value(), n, s.left[:]...), s.hits, s.of)
}

// share is the share of points inside the union of the balls.
func (s *balls) share(points *balls) shared {
	inside := s.holds(points.points)
	every := uint32(1) << s.blocks
	hit := 0.0
	leftBalls := make([]float64, s.blocks)
	hits, size := make([]float64, points.blocks), make([]float64, points.blocks)
	for i, mask := range inside {
		size[points.block[i]]++
		if mask&every != 0 {
			hit++
			hits[points.block[i]]++
		}
		for b := range s.blocks {
			leftBalls[b] += float64(mask >> b & 1)
		}
	}
	total := float64(len(inside))
	for b := range leftBalls {
		leftBalls[b] /= total
	}
	leftPoints := make([]float64, points.blocks)
	for b := range leftPoints {
		leftPoints[b] = (hit - hits[b]) / (total - size[b])
	}
	return shared{int(hit), len(inside), [2][]float64{leftBalls, leftPoints}}
}
