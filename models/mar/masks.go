package mar

import (
	"math"

	"prabench/models/layers"
)

// Streams separate the uses of random numbers under one seed.
const (
	streamSample  uint32 = 0       // the noise that sampling starts from
	streamPlaces  uint32 = 1       // order in which the tokens of an image are drawn, or shown in training
	streamRatio   uint32 = 2       // share of a training image's tokens that is hidden
	streamDropout uint32 = 3       // class dropout
	streamOrder   uint32 = 4       // order of the training images
	streamInit    uint32 = 5       // initial parameters
	streamFlow    uint32 = 16      // + s: ε of flow sample s
	streamTime    uint32 = 1 << 16 // + s: t of flow sample s
	streamSolver  uint32 = 1 << 17 // + i: what euler-maruyama adds in step i
)

// hidden is how many of n tokens of a training image are hidden: a share of them from a
// normal around 1, cut off at its mean and at MaskRatioMin, rounded up.
func (t TrainConfig) hidden(id uint32, n int) int {
	if t.MaskRatioStd == 0 {
		return n
	}
	least := math.Erfc((1-t.MaskRatioMin)/(t.MaskRatioStd*math.Sqrt2)) / 2 // of the normal below the cut
	u := layers.Uniform(t.noiseSeed(), streamRatio, id, 0)
	ratio := 1 - t.MaskRatioStd*math.Sqrt2*math.Erfcinv(2*(least+u*(0.5-least)))
	ratio = min(1, max(t.MaskRatioMin, ratio))
	return min(n, max(1, int(math.Ceil(ratio*float64(n)))))
}

// counts is how many of n tokens each of so many AR steps draws, at least one: after
// step k a share cos(π/2·(k+1)/K) is left, rounded down. 10⁻⁹ is added so that rounding
// never turns the half of cos π/3 into less.
func counts(n, steps int) []int {
	out := make([]int, steps)
	left := n
	for k := range out {
		after := int(math.Floor(float64(n)*math.Cos(math.Pi/2*float64(k+1)/float64(steps)) + 1e-9))
		after = max(min(after, left-1), 1)
		if k == steps-1 {
			after = 0
		}
		out[k], left = left-after, after
	}
	return out
}
