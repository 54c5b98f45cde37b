package metrics

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Estimate is a value with its 95 % interval. N counts the generated images
// behind it. SE is the standard error that the interval was made from.
type Estimate struct {
	Value, Lo, Hi float64
	SE            float64
	N             int
}

// clamp keeps the interval inside the range that the quantity can take.
func (e Estimate) clamp(lo, hi float64) Estimate {
	e.Lo, e.Hi = max(e.Lo, lo), min(e.Hi, hi)
	return e
}

// jackknife makes an estimate from the value on all images and its
// leave-one-block-out values, one list for each independent sample. The
// variance of a list of g is (g−1)/g·Σ(θ₍ᵦ₎−θ̄)²; the samples are independent,
// so variances add, and the Student quantile has Welch's degrees of freedom.
func jackknife(value float64, n int, samples ...[]float64) Estimate {
	var total, spread float64
	for _, left := range samples {
		g := float64(len(left))
		var mean, ss float64
		for _, v := range left {
			mean += v / g
		}
		for _, v := range left {
			ss += (v - mean) * (v - mean)
		}
		variance := ss * (g - 1) / g
		total += variance
		spread += variance * variance / (g - 1)
	}
	e := Estimate{Value: value, Lo: value, Hi: value, SE: math.Sqrt(total), N: n}
	if spread > 0 {
		t := distuv.StudentsT{Sigma: 1, Nu: total * total / spread}.Quantile(0.975)
		e.Lo, e.Hi = value-t*e.SE, value+t*e.SE
	}
	return e
}

// enough says whether two sets are large enough for an interval.
func enough(real, gen Features) error {
	if real.N < 4 || gen.N < 4 {
		return fmt.Errorf("metrics: an interval needs at least 4 images on each side, there are %d real and %d generated", real.N, gen.N)
	}
	return nil
}

// ClassAccuracy is the share of images that a classifier gives the class they
// were generated for, with Wilson's 95 % score interval: it stays honest near 0
// and 1, where a jackknife of a proportion collapses to a point.
func ClassAccuracy(predicted, intended []int32) (Estimate, error) {
	if len(predicted) != len(intended) || len(predicted) == 0 {
		return Estimate{}, fmt.Errorf("class accuracy: %d predictions for %d intended classes; there must be as many, and at least one", len(predicted), len(intended))
	}
	hits := 0
	for i, c := range predicted {
		if c == intended[i] {
			hits++
		}
	}
	n := float64(len(predicted))
	p, z := float64(hits)/n, distuv.UnitNormal.Quantile(0.975)
	mid := (p + z*z/(2*n)) / (1 + z*z/n)
	half := z / (1 + z*z/n) * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	e := Estimate{Value: p, Lo: mid - half, Hi: mid + half, SE: math.Sqrt(p * (1 - p) / n), N: len(predicted)}
	return e.clamp(0, 1), nil
}
