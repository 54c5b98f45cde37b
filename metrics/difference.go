package metrics

import (
	"errors"
	"fmt"
	"slices"

	"prabench/metrics/quantity"
	"prabench/metrics/stat"
)

// Differences are those of two generated sets from one reference, a − b, in every
// score of [Score], by the names of the metrics. Image i of both sets was drawn
// for the same class from the same noise, so blocks of both are left out
// together, and what the noise and the reference do to both scores cancels: of
// the same weights, two ways of sampling compare far better than their own
// intervals say.
func Differences(reference, a, b Features) (map[string]stat.Difference, error) {
	if a.N != b.N || !slices.Equal(a.Labels, b.Labels) {
		return nil, fmt.Errorf("a difference over pairs of images needs the same images of the same classes on both sides; there are %d and %d",
			a.N, b.N)
	}
	cut := reference
	if cut.N > a.N {
		var err error
		if cut, err = cut.Take(a.N); err != nil {
			return nil, err
		}
	}
	out := map[string]stat.Difference{}
	put := func(m *quantity.Metric, of func(gen Features) (float64, [2][]float64, error)) error {
		x, left, errA := of(b)
		y, right, errB := of(a)
		if err := errors.Join(errA, errB); err != nil {
			return err
		}
		out[m.Name] = stat.PairedGroups(x, y, a.N, left[:], right[:])
		return nil
	}
	distance := func(of func(real, gen Features) (float64, [2][]float64, error)) func(Features) (float64, [2][]float64, error) {
		return func(gen Features) (float64, [2][]float64, error) { return of(reference, gen) }
	}
	part := func(second bool) func(Features) (float64, [2][]float64, error) {
		return func(gen Features) (float64, [2][]float64, error) {
			p, r, err := precisionRecall(cut, gen, Neighbours)
			if second {
				// as the others: blocks of the reference, then of generated images
				return r.value(), [2][]float64{r.left[1], r.left[0]}, err
			}
			return p.value(), p.left, err
		}
	}
	return out, errors.Join(put(quantity.FIDProxy, distance(frechetLeft)), put(quantity.KID, distance(kidLeft)),
		put(quantity.Precision, part(false)), put(quantity.Recall, part(true)))
}
