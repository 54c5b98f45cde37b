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
	e := Point(value, n)
	se := math.Sqrt(total)
	if !(se > rounding*largest) {
		return e
	}
	half := quantile(total*total/spread) * se
	return e.with(value-half, value+half, se, Jackknife)
}
