package metrics

import (
	"fmt"
	"math"

	"prabench/metrics/stat"
)

// lowFrequencies is how many frequencies a side of a patch keeps.
const lowFrequencies = 8

// BlockErrors is the error of each AR step: of the patches that the step
// generates, the Fréchet distance between those of the generated images and
// those of real images at the same place, divided by the number of values of a
// patch; the mean over the patches of the step. steps lists for each step the
// raster positions of its patches.
//
// The features of a patch are its values in [−1, 1]; of patches larger than 8
// pixels, the 8×8 lowest frequencies of each channel (orthonormal DCT-II, which
// leaves a Fréchet distance as it is). Only the distribution of single patches
// is seen, not how they fit together. Places differ, so compare a step with the
// same step of other images, not with other steps.
func BlockErrors(real, gen Pictures, patch int, steps [][]int) ([]stat.Estimate, error) {
	if err := samePictures(real, gen); err != nil {
		return nil, fmt.Errorf("block error: %w", err)
	}
	if patch < 1 || real.Size%patch != 0 {
		return nil, fmt.Errorf("block error: patches of %d pixels do not fill images of %d", patch, real.Size)
	}
	grid := real.Size / patch
	out := make([]stat.Estimate, len(steps))
	for k, at := range steps {
		var value float64
		var left [2][]float64
		if len(at) == 0 {
			return nil, fmt.Errorf("block error: step %d has no patches", k+1)
		}
		for _, position := range at {
			if position < 0 || position >= grid*grid {
				return nil, fmt.Errorf("block error: step %d has a patch at %d of %d", k+1, position, grid*grid)
			}
			v, l, err := frechetLeft(real.patches(patch, position), gen.patches(patch, position))
			if err != nil {
				return nil, fmt.Errorf("block error of step %d: %w", k+1, err)
			}
			share := 1 / float64(len(at)*patch*patch*real.Channels)
			value += v * share
			for side := range left {
				if left[side] == nil {
					left[side] = make([]float64, len(l[side]))
				}
				for b, v := range l[side] {
					left[side][b] += v * share
				}
			}
		}
		out[k] = stat.DeleteGroup(value, gen.N, left[:]...).Within(0, math.Inf(1))
	}
	return out, nil
}

// patches is the features of the patches at one raster position.
func (p Pictures) patches(patch, position int) Features {
	grid := p.Size / patch
	y0, x0 := position/grid*patch, position%grid*patch
	keep := min(patch, lowFrequencies)
	f := Features{N: p.N, D: keep * keep * p.Channels, Labels: p.Labels}
	f.X = make([]float64, f.N*f.D)
	basis := cosines(patch, keep)
	pixels, half := make([]float64, patch*patch), make([]float64, keep*patch)
	for i := range p.N {
		image, to := p.image(i), f.row(i)
		for c := range p.Channels {
			for y := range patch {
				for x := range patch {
					pixels[y*patch+x] = float64(image[((y0+y)*p.Size+x0+x)*p.Channels+c])/127.5 - 1
				}
			}
			out := to[c*keep*keep : (c+1)*keep*keep]
			if keep == patch {
				copy(out, pixels)
				continue
			}
			for u := range keep {
				for x := range patch {
					var sum float64
					for y := range patch {
						sum += basis[u*patch+y] * pixels[y*patch+x]
					}
					half[u*patch+x] = sum
				}
			}
			for u := range keep {
				for v := range keep {
					out[u*keep+v] = dot(basis[v*patch:(v+1)*patch], half[u*patch:(u+1)*patch])
				}
			}
		}
	}
	return f
}

// cosines are the first keep rows of the orthonormal DCT-II of length n.
func cosines(n, keep int) []float64 {
	b := make([]float64, keep*n)
	for u := range keep {
		scale := math.Sqrt(2 / float64(n))
		if u == 0 {
			scale = math.Sqrt(1 / float64(n))
		}
		for x := range n {
			b[u*n+x] = scale * math.Cos(math.Pi*(float64(x)+0.5)*float64(u)/float64(n))
		}
	}
	return b
}

// Gap compares the errors of AR steps in free sampling with those of the same
// model given real prefixes, step by step: gap is the mean of their ratios, less
// 1 (0: the model's own inputs do no harm). growth is the mean ratio of the last
// quarter of the steps over that of the first (1: the harm does not grow). The
// first step has no prefix, so its ratio is 1. ok is false with fewer than two
// steps, or where given a real prefix there is no error to divide by.
func Gap(free, given []stat.Estimate) (gap, growth float64, ok bool) {
	if len(free) < 2 || len(free) != len(given) {
		return 0, 0, false
	}
	mean := func(from, n int) (sum float64) {
		for k := from; k < from+n; k++ {
			sum += free[k].Value / given[k].Value / float64(n)
		}
		return sum
	}
	quarter := max(1, len(free)/4)
	gap, growth = mean(0, len(free))-1, mean(len(free)-quarter, quarter)/mean(0, quarter)
	return gap, growth, !math.IsNaN(gap+growth) && !math.IsInf(gap+growth, 0)
}
