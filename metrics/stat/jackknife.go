package stat

import "math"

// rounding is the standard error, relative to the values, that their rounding
// alone may leave.
const rounding = 1e-13

// DeleteGroup makes an estimate from the value on all images and its values
// with one group of images left out, one list for each independent sample: the
// delete-a-group jackknife. The variance of a list of g is (g−1)/g·Σ(θ₍ᵦ₎−θ̄)²;
// the samples are independent, so variances add, and the Student quantile has
// Welch's degrees of freedom. Where nothing but rounding
// moves the value there is no interval.
func DeleteGroup(value float64, n int, samples ...[]float64) Estimate {
	e := Point(value, n)
	se, df := leftOut(samples)
	if se == 0 {
		return e
	}
	half := quantile(df) * se
	return e.with(value-half, value+half, se, Jackknife)
}

// PairedGroups is the difference b − a of two statistics of the same images (or
// of images that were drawn from the same noise, against the same reference),
// each with the same groups left out, one list for each independent sample: what
// the images have in common cancels. R is the correlation over the groups of the
// last sample. It panics where a group has no partner.
func PairedGroups(a, b float64, n int, left, right [][]float64) Difference {
	d := Difference{Estimate: Point(b-a, n), P: math.NaN()}
	of := make([][]float64, len(left))
	for s := range left {
		if len(left) != len(right) || len(left[s]) != len(right[s]) {
			panic("stat: groups left out that have no partner")
		}
		of[s] = make([]float64, len(left[s]))
		for g := range of[s] {
			of[s][g] = right[s][g] - left[s][g]
		}
	}
	// Rounding is that of the statistics, not of their difference.
	se, df := leftOut(of)
	if own, _ := leftOut(left); se <= 1e-9*own {
		return d
	}
	if se > 0 {
		d.test(df, se, ImagePairs)
	}
	if last := len(left) - 1; last >= 0 && len(left[last]) > 1 && !constant(left[last]) && !constant(right[last]) {
		d.R = correlation(left[last], right[last])
	}
	return d
}

// leftOut is the jackknife's standard error with its degrees of freedom; 0 where
// nothing but rounding moves the value.
func leftOut(samples [][]float64) (se, df float64) {
	var total, spread, largest float64
	for _, left := range samples {
		g := float64(len(left))
		var mean, ss float64
		for _, v := range left {
			mean += v / g
		}
		for _, v := range left {
			ss += (v - mean) * (v - mean)
			largest = max(largest, math.Abs(v))
		}
		variance := ss * (g - 1) / g
		total += variance
		spread += variance * variance / (g - 1)
	}
	se = math.Sqrt(total)
	if !(se > rounding*largest) {
		return 0, 0
	}
	return se, total * total / spread
}
