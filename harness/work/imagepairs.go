package work

import (
	"prabench/harness/artifact"
	"prabench/harness/stage"
	"prabench/metrics"
	"prabench/metrics/embed"
	"prabench/metrics/quantity"
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
	reference, info, err := readReference(s, Reference.Ref(a.Key(Reference)))
	if err != nil {
		return nil, err
	}
	var sides [2]metrics.Features
	for i, c := range []stage.Chain{a, b} {
		drawn, err := Described(s, c.Key(Sample))
		if err != nil {
			return nil, err
		}
		if sides[i], err = readFeatures(s, Score.Ref(c.Key(Score)), drawn.Labels); err != nil {
			return nil, err
		}
	}
	out, err := metrics.Differences(reference, sides[0], sides[1])
	if err != nil {
		return nil, fitting(err)
	}
	if key := a.Key(Classifier); key != "" {
		c, err := OpenClassifier(s, key)
		if err != nil {
			return nil, err
		}
		out[quantity.ClassAccuracy.Name] = stat.Paired(asked(c, sides[1]), asked(c, sides[0]), stat.ImagePairs)
		return out, nil
	}
	e, err := embed.For(info.Protocol.Data, info.Protocol.Size, info.Protocol.Channels, "auto")
	if c, ok := e.(*embed.Classifier); err == nil && ok && c.Hash() == info.Protocol.EmbedderHash {
		out[quantity.ClassAccuracy.Name] = stat.Paired(asked(c, sides[1]), asked(c, sides[0]), stat.ImagePairs)
	}
	return out, nil
}

// asked is 1 for each image that the classifier gives the class it was made for, else 0.
func asked(c *embed.Classifier, of metrics.Features) []float64 {
	x := make([]float32, len(of.X))
	for i, v := range of.X {
		x[i] = float32(v)
	}
	seen, _ := c.ClassifyFeatures(x)
	hits := make([]float64, of.N)
	for i, class := range seen {
		if class == of.Labels[i] {
			hits[i] = 1
		}
	}
	return hits
}
