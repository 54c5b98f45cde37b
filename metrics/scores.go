package metrics

import (
	"fmt"

	"prabench/metrics/quantity"
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

// ScoreBy is one of the scores of [Score], by the name of its metric.
func ScoreBy(metric string, reference, gen Features) (stat.Estimate, error) {
	switch metric {
	case quantity.FIDProxy.Name:
		return FrechetEstimate(reference, gen)
	case quantity.KID.Name:
		return KIDEstimate(reference, gen)
	}
	s, err := Score(reference, gen)
	switch metric {
	case quantity.Precision.Name:
		return s.Precision, err
	case quantity.Recall.Name:
		return s.Recall, err
	}
	return stat.Estimate{}, fmt.Errorf("there is no score %q of a sample", metric)
}

// Floor scores real images as if they had been generated: count images of a
// held-out real set, none of which is in the reference, against the reference.
// No generator can be expected below it with the same counts.
func Floor(reference, heldOut Features, count int) (Scores, error) {
	if count > heldOut.N {
		return Scores{}, fmt.Errorf("floor: %d held-out real images are needed to match the generated ones, there are %d; generate fewer "+
			"images (sample.count) or hold out more", count, heldOut.N)
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

// Later is a score of two sets of features that came after those of [Score].
// What Score computes is part of the keys of stages, and a score that joined it
// would make every database score again. So a later one is a stage of its own,
// of what is kept already, for the experiments that ask for it by its name in
// metrics.also.
type Later struct {
	Name, Version   string             // of its kind of stage; the version rises when its results change
	Metrics, Floors []*quantity.Metric // what it gives; the same of held-out real images
	Of              func(reference, gen Features) ([]stat.Estimate, error)
	Classes         bool                   // it needs the classes of images: of those without, it gives nothing
	Least           func(features int) int // images that it needs on each side; nil: as every score
	// Check says whether there are enough images on each side; nil: as for every score.
	Check func(reference, gen int) error
}

// LaterScores are all of them. A new one is its formula, its rows in the
// catalogue and a line here.
var LaterScores = []Later{
	{"density", "1", []*quantity.Metric{quantity.Density, quantity.Coverage},
		floors(quantity.Density, quantity.Coverage),
		func(reference, gen Features) ([]stat.Estimate, error) {
			density, coverage, err := DensityCoverage(reference, gen, DensityNeighbours)
			return []stat.Estimate{density, coverage}, err
		}, false, nil,
		func(reference, gen int) error {
			if err := enoughOf(reference, gen); err != nil {
				return err
			}
			if err := neighboursFit(min(reference, gen), DensityNeighbours); err != nil {
				return fmt.Errorf("density and coverage: real images: %w", err)
			}
			return nil
		}},
	{"fd_inf", "1", []*quantity.Metric{quantity.FDInf}, floors(quantity.FDInf), single(FrechetInfinite), false,
		leastInfinite, nil},
	{"sliced", "1", []*quantity.Metric{quantity.Sliced}, floors(quantity.Sliced), single(SlicedWasserstein), false, nil, nil},
	{"mmd_rbf", "1", []*quantity.Metric{quantity.RBF}, floors(quantity.RBF), single(RBF), false, nil, nil},
	{"duplicates", "1", []*quantity.Metric{quantity.Duplicates}, floors(quantity.Duplicates), single(Duplicates), false, nil, nil},
	{"kid_class", "1", []*quantity.Metric{quantity.KIDClass, quantity.KIDClassWorst},
		floors(quantity.KIDClass, quantity.KIDClassWorst),
		func(reference, gen Features) ([]stat.Estimate, error) {
			mean, worst, err := KIDByClass(reference, gen)
			return []stat.Estimate{mean, worst}, err
		}, true, nil, nil},
}

// Enough says what the score could not do with so many images on each side, or nil.
func (l Later) Enough(reference, gen int) error {
	if l.Check == nil {
		return enoughOf(reference, gen)
	}
	return l.Check(reference, gen)
}

func floors(of ...*quantity.Metric) (out []*quantity.Metric) {
	for _, m := range of {
		out = append(out, quantity.FloorOf(m))
	}
	return out
}

// NeedsMore says that a score of that name needs more images on each side than
// there are, and how many; 0 where it does not.
func NeedsMore(later string, images, features int) int {
	for _, l := range LaterScores {
		if l.Name == later && l.Least != nil && images < l.Least(features) {
			return l.Least(features)
		}
	}
	return 0
}

func single(of func(reference, gen Features) (stat.Estimate, error)) func(reference, gen Features) ([]stat.Estimate, error) {
	return func(reference, gen Features) ([]stat.Estimate, error) {
		e, err := of(reference, gen)
		return []stat.Estimate{e}, err
	}
}
