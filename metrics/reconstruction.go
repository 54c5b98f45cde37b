package metrics

import (
	"fmt"
	"math"

	"prabench/metrics/stat"
)

// ReconstructionError is the mean squared difference of pixels between images and
// their reconstructions, as values in [−1, 1]. The interval leaves out blocks of images.
func ReconstructionError(real, made Pictures) (stat.Estimate, error) {
	if real.N != made.N || len(real.Pixels) != len(made.Pixels) || real.N == 0 {
		return stat.Estimate{}, fmt.Errorf("reconstruction: %d images and %d reconstructions", real.N, made.N)
	}
	per := len(real.Pixels) / real.N
	of := make([]float64, real.N)
	for i := range of {
		for j := i * per; j < (i+1)*per; j++ {
			d := (float64(real.Pixels[j]) - float64(made.Pixels[j])) / 127.5
			of[i] += d * d / float64(per)
		}
	}
	return ImageMean(of, real.Labels)
}

// ImageMean is the mean of a number ≥ 0 of each image; its interval leaves out blocks of
// images, which have labels or none.
func ImageMean(of []float64, labels []int32) (stat.Estimate, error) {
	if len(of) < 4 {
		return stat.Estimate{}, fmt.Errorf("metrics: an interval needs at least 4 images, there are %d", len(of))
	}
	if len(labels) != len(of) && len(labels) != 0 {
		return stat.Estimate{}, fmt.Errorf("metrics: %d images with %d labels", len(of), len(labels))
	}
	mean := func(without int, block []int) float64 {
		var sum, n float64
		for i, v := range of {
			if block[i] != without {
				sum, n = sum+v, n+1
			}
		}
		return sum / n
	}
	return withoutBlocks(len(of), labels, mean).Within(0, math.Inf(1)), nil
}

// withoutBlocks is a statistic of images with its delete-a-group interval: of gives it
// without a block of images, −1 for all.
func withoutBlocks(n int, labels []int32, of func(without int, block []int) float64) stat.Estimate {
	block, g := deal(Features{N: n, Labels: labels})
	left := make([]float64, g)
	for b := range left {
		left[b] = of(b, block)
	}
	return stat.DeleteGroup(of(-1, block), n, left)
}

// Codebook says how much of a codebook of size entries n images use: the share of its
// codes that occur at all, which has no interval (it can only grow with n), and the
// perplexity of how often they do, the exponential of the Shannon entropy: size where all
// occur equally often, 1 where one does.
func Codebook(codes []int32, n int, labels []int32, size int) (use, perplexity stat.Estimate, err error) {
	if n < 4 || len(codes)%n != 0 || len(codes) == 0 || size < 1 {
		return use, perplexity, fmt.Errorf("codebook: %d codes of %d images; at least 4 images with equally many codes are needed", len(codes), n)
	}
	per := len(codes) / n
	for _, c := range codes {
		if c < 0 || int(c) >= size {
			return use, perplexity, fmt.Errorf("codebook: a code %d of %d", c, size)
		}
	}
	count := func(without int, block []int) []float64 {
		out := make([]float64, size)
		for i, c := range codes {
			if block[i/per] != without {
				out[c]++
			}
		}
		return out
	}
	perplexity = withoutBlocks(n, labels, func(without int, block []int) float64 { return perplexityOf(count(without, block)) })
	used := 0
	for _, k := range count(-1, make([]int, n)) {
		if k > 0 {
			used++
		}
	}
	return stat.Point(float64(used)/float64(size), n), perplexity.Within(1, float64(size)), nil
}

func perplexityOf(count []float64) float64 {
	var all, entropy float64
	for _, k := range count {
		all += k
	}
	for _, k := range count {
		if k > 0 {
			entropy -= k / all * math.Log(k/all)
		}
	}
	return math.Exp(entropy)
}
