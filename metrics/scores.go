package metrics

import (
	"fmt"

	"prabench/metrics/stat"
)

// Scores are all distances of one generated set from one reference.
type Scores struct {
	Frechet   stat.Estimate // the metric fid_proxy; features squared
	KID       stat.Estimate // the metric kid
	Precision stat.Estimate // k = Neighbours
	Recall    stat.Estimate
}

// Score computes every distance between the reference and the generated set.
// Precision and recall mean something only at equal counts, and their time is
// quadratic: for them a larger reference is cut by Features.Take to as many
// images as were generated.
func Score(reference, gen Features) (Scores, error) {
	var s Scores
	var err error
	if s.Frechet, err = FrechetEstimate(reference, gen); err != nil {
		return s, err
	}
	if s.KID, err = KIDEstimate(reference, gen); err != nil {
		return s, err
	}
	cut := reference
	if cut.N > gen.N {
		if cut, err = cut.Take(gen.N); err != nil {
			return s, err
		}
	}
	s.Precision, s.Recall, err = PrecisionRecall(cut, gen, Neighbours)
	return s, err
}

// Floor scores real images as if they had been generated: count images of a
// held-out real set, none of which is in the reference, against the reference.
// No generator can be expected below it with the same counts.
func Floor(reference, heldOut Features, count int) (Scores, error) {
	if count > heldOut.N {
		return Scores{}, fmt.Errorf("floor: %d held-out real images are needed to match the generated ones, there are %d; generate fewer images (sample.count) or hold out more", count, heldOut.N)
	}
	as, err := heldOut.Take(count)
	if err != nil {
		return Scores{}, err
	}
	s, err := Score(reference, as)
	if err != nil {
		return s, fmt.Errorf("floor: %w", err)
	}
	return s, nil
}
