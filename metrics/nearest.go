package metrics

import (
	"fmt"
	"math"
	"slices"

	"prabench/metrics/stat"
	"prabench/models/gemm"
)

// NearShare is the quantile of the held-out images' distances below which a
// generated image counts as near a training image.
const NearShare = 0.01

// Nearness tells how near images come to the training images: the distance of
// an image is the root of the mean squared difference of its pixels, in [0, 1],
// to the training image that is nearest. Held-out real images are the control:
// a model that copies comes nearer than these. Blurred images do as well, since
// a mean is near everything, so read it beside the other scores.
type Nearness struct {
	Generated stat.Estimate // mean distance
	HeldOut   stat.Estimate // mean distance of the control
	Ratio     stat.Estimate // of the two means; below 1: nearer than held-out images
	// Near is the share of generated images that come nearer than all but
	// NearShare of the held-out images; about NearShare for real ones.
	Near stat.Estimate
}

// Nearest compares generated and held-out images with all training images, on
// the given number of threads. Intervals are jackknives over the images on both
// sides; the training images are taken as they are.
func Nearest(training, heldOut, gen Pictures, threads int) (Nearness, error) {
	var n Nearness
	for _, real := range []Pictures{training, heldOut} {
		if err := samePictures(real, gen); err != nil {
			return n, fmt.Errorf("nearest training images: %w", err)
		}
	}
	g, h := nearest(training, gen, threads), nearest(training, heldOut, threads)
	of := func(pick func(g, h []float64) float64, moves ...bool) stat.Estimate {
		var left [][]float64
		for side, p := range []Pictures{gen, heldOut} {
			if !moves[side] {
				continue
			}
			var values []float64
			for _, at := range p.deal() {
				x := []([]float64){g, h}
				x[side] = leave(x[side], at)
				values = append(values, pick(x[0], x[1]))
			}
			left = append(left, values)
		}
		return stat.DeleteGroup(pick(g, h), gen.N, left...).Within(0, math.Inf(1))
	}
	n.Generated = of(func(g, _ []float64) float64 { return meanOf(g) }, true, false)
	n.HeldOut = of(func(_, h []float64) float64 { return meanOf(h) }, false, true)
	n.HeldOut.N = heldOut.N
	n.Ratio = of(func(g, h []float64) float64 { return meanOf(g) / meanOf(h) }, true, true)
	n.Near = of(func(g, h []float64) float64 { return float64(below(g, quantile(h, NearShare))) / float64(len(g)) }, true, true)
	n.Near = share(n.Near, below(g, quantile(h, NearShare)), gen.N)
	return n, nil
}

// nearest is the distance of every image to the training image nearest to it.
// Products in single precision only say which training images can be nearest:
// the distance to those is summed in integers, so that it is exact.
func nearest(training, images Pictures, threads int) []float64 {
	const height, width = 256, 4096
	per := images.Size * images.Size * images.Channels
	// Centred on the mean grey of a byte, the products stay far from the
	// rounding of single precision.
	value := func(b uint8) float32 { return (float32(b) - 127.5) / 255 }
	best := make([]float64, images.N)
	for i := range best {
		best[i] = math.Inf(1)
	}
	centres, norms := make([]float32, width*per), make([]float64, width)
	rows, products := make([]float32, height*per), make([]float32, height*width)
	fill := func(to []float32, p Pictures, at, n int, norm []float64) {
		for i := range n {
			var sum float64
			for j, b := range p.image(at + i) {
				v := value(b)
				to[i*per+j] = v
				sum += float64(v) * float64(v)
			}
			norm[i] = sum
		}
	}
	own := make([]float64, height)
	for c := 0; c < training.N; c += width {
		cols := min(width, training.N-c)
		fill(centres, training, c, cols, norms)
		for at := 0; at < images.N; at += height {
			n := min(height, images.N-at)
			fill(rows, images, at, n, own)
			gemm.Sgemm(threads, false, true, n, cols, per, -2, rows, per, centres, per, 0, products, cols)
			for i := range n {
				for j, v := range products[i*cols : (i+1)*cols] {
					if float64(v)+own[i]+norms[j]-doubt(per, own[i], norms[j]) < best[at+i] {
						best[at+i] = min(best[at+i], squares(images.image(at+i), training.image(c+j)))
					}
				}
			}
		}
	}
	for i, v := range best {
		best[i] = math.Sqrt(v / float64(per))
	}
	return best
}

// doubt bounds the rounding error of a squared distance that was put together of
// two squared norms and a product of n terms in single precision. The product of
// the norms bounds the sum of the terms' sizes (Cauchy and Schwarz).
func doubt(n int, a, b float64) float64 {
	const unit = 1.0 / (1 << 24)
	return 2*float64(n+4)*unit*math.Sqrt(a*b) + 16*unit*(a+b)
}

// squares is the sum of the squared differences of two images, pixels in [0, 1].
func squares(a, b []byte) float64 {
	var sum int64
	for i, v := range a {
		d := int64(v) - int64(b[i])
		sum += d * d
	}
	return float64(sum) / (255 * 255)
}

// leave is x without the elements at the given places.
func leave(x []float64, at []int) []float64 {
	out := slices.Clone(x)
	for _, i := range at {
		out[i] = math.NaN()
	}
	return slices.DeleteFunc(out, math.IsNaN)
}

func meanOf(x []float64) float64 {
	var sum float64
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

// below is how many of x are under v.
func below(x []float64, v float64) int {
	n := 0
	for _, w := range x {
		if w < v {
			n++
		}
	}
	return n
}

// quantile is the smallest element that at least the share q does not exceed.
func quantile(x []float64, q float64) float64 {
	s := slices.Sorted(slices.Values(x))
	return s[min(len(s)-1, int(math.Ceil(q*float64(len(s)))))]
}
