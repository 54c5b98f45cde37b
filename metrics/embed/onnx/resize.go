package onnx

import "math"

// filter is a kernel of interpolation and half its width.
type filter struct {
	support float64
	at      func(x float64) float64
}

// The filters that packages of this field use under these names.
var filters = map[string]filter{
	// Pillow's, antialiased, as clean-fid resizes: Keys's cubic with a = −1/2.
	"bicubic": {2, func(x float64) float64 {
		switch x = math.Abs(x); {
		case x < 1:
			return (1.5*x-2.5)*x*x + 1
		case x < 2:
			return ((-0.5*x+2.5)*x-4)*x + 2
		}
		return 0
	}},
	"bilinear": {1, func(x float64) float64 { return math.Max(0, 1-math.Abs(x)) }},
}

// taps are the weights of input pixels for each output pixel along an axis: those
// from first on.
type taps struct {
	first   []int
	weights [][]float32
}

// tapsOf is how Pillow resizes: a kernel that is as much wider as the image becomes
// smaller, its weights made to sum to 1.
func tapsOf(f filter, from, to int) taps {
	scale := float64(from) / float64(to)
	wide := math.Max(1, scale)
	t := taps{make([]int, to), make([][]float32, to)}
	for i := range to {
		centre := (float64(i) + 0.5) * scale
		lo := max(0, int(centre-f.support*wide+0.5))
		hi := min(from, int(centre+f.support*wide+0.5))
		w := make([]float64, hi-lo)
		var sum float64
		for k := range w {
			w[k] = f.at((float64(lo+k) - centre + 0.5) / wide)
			sum += w[k]
		}
		t.first[i] = lo
		for _, v := range w {
			t.weights[i] = append(t.weights[i], float32(v/sum))
		}
	}
	return t
}

// tensorflow1 is the bilinear resize of TensorFlow 1, without antialiasing and with
// corners at whole pixels, which the original FID and torch-fidelity use.
func tensorflow1(from, to int) taps {
	t := taps{make([]int, to), make([][]float32, to)}
	scale := float32(from) / float32(to)
	for i := range to {
		at := float32(i) * scale
		lo := int(at)
		share := at - float32(lo)
		if lo >= from-1 {
			t.first[i], t.weights[i] = from-1, []float32{1}
			continue
		}
		t.first[i], t.weights[i] = lo, []float32{1 - share, share}
	}
	return t
}

// resizer resizes square images of some channels, in single precision and without
// rounding to whole values.
type resizer struct {
	from, to int
	taps
}

// resize writes plane c of a picture of n channels, as bytes, into out [to, to].
func (r *resizer) resize(in []uint8, n, c int, rows, out []float32) {
	for y := range r.from { // along x
		for x := range r.to {
			var v float32
			at := (y*r.from+r.first[x])*n + c
			for k, w := range r.weights[x] {
				v += w * float32(in[at+k*n])
			}
			rows[y*r.to+x] = v
		}
	}
	for y := range r.to {
		line := out[y*r.to : (y+1)*r.to]
		clear(line)
		for k, w := range r.weights[y] {
			from := rows[(r.first[y]+k)*r.to : (r.first[y]+k+1)*r.to]
			for x, v := range from {
				line[x] += w * v
			}
		}
	}
}
