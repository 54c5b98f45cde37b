package work

import (
	"prabench/harness/artifact"
	"prabench/harness/stage"
	"prabench/metrics"
	"prabench/metrics/stat"
)

// SameWeights says that two cells draw their images from one training and score
// them against one reference, so that their scores differ by sampling alone.
func SameWeights(a, b stage.Chain) bool {
	same := func(k *stage.Kind) bool { return a.Key(k) != "" && a.Key(k) == b.Key(k) }
	return same(Train) && same(Reference) && a.Key(Score) != "" && b.Key(Score) != ""
}

// ImageDifferences are the differences a − b of the scores of two cells of the same
// weights over pairs of images, by the names of the metrics: made of the features
// that their scores keep. It is for images of the same sampling seed.
func ImageDifferences(s artifact.Store, a, b stage.Chain) (map[string]stat.Difference, error) {
	reference, _, err := readReference(s, Reference.Ref(a.Key(Reference)))
	if err != nil {
		return nil, err
	}
	var sides [2]metrics.Features
	for i, c := range []stage.Chain{a, b} {
		drawn, _, err := ReadDrawn(s, c.Key(Sample))
		if err != nil {
			return nil, err
		}
		if sides[i], err = readFeatures(s, Score.Ref(c.Key(Score)), drawn.Labels); err != nil {
			return nil, err
		}
	}
	return metrics.Differences(reference, sides[0], sides[1])
}
