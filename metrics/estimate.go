package metrics

import (
	"fmt"

	"prabench/metrics/stat"
)

// enough says whether two sets are large enough for an interval.
func enough(real, gen Features) error { return enoughOf(real.N, gen.N) }

func enoughOf(real, gen int) error {
	if real < Least || gen < Least {
		return fmt.Errorf("metrics: an interval needs at least %d images on each side, there are %d real and %d generated", Least, real, gen)
	}
	return nil
}

// share is a jackknifed share of hits among n with its interval inside [0, 1].
// At 0 and 1 every group agrees and a jackknife has no interval, although a
// few more images might have shown the opposite: Wilson's interval says how
// many.
func share(e stat.Estimate, hits, n int) stat.Estimate {
	if e.HasInterval() {
		return e.Within(0, 1)
	}
	w := stat.Proportion(hits, n)
	w.N = e.N
	return w
}

// ClassAccuracy is the share of images that a classifier gives the class they
// were generated for, with Wilson's interval: it stays honest near 0 and 1,
// where a jackknife of a proportion collapses to a point.
func ClassAccuracy(predicted, intended []int32) (stat.Estimate, error) {
	if len(predicted) != len(intended) || len(predicted) == 0 {
		return stat.Estimate{}, fmt.Errorf("class accuracy: %d predictions for %d intended classes; there must be as many, and at least one",
			len(predicted), len(intended))
	}
	hits := 0
	for i, c := range predicted {
		if c == intended[i] {
			hits++
		}
	}
	return stat.Proportion(hits, len(predicted)), nil
}
