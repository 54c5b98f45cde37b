// Package metrics scores generated images against real ones: Fréchet distance,
// unbiased kernel distance, precision and recall, all on the features of a
// named embedder (package embed), each with an interval, beside a floor that
// real images reach with the same counts.
//
// Its principle is that a score without its interval, its floor and its protocol is
// not a result; that a distance must be exact on closed forms and on
// rank-deficient samples, so it factors samples and never takes the square root
// of a covariance; and that an interval must say which randomness it covers:
// here the finite samples of images on both sides, never the training seed.
// README.md beside this file gives every formula and source.
package metrics

import (
	"fmt"
	"math"
	"slices"
)

// Features are the embedded images of one set, row-major [N, D].
type Features struct {
	N, D int
	X    []float64 // [N, D]
	// Labels are the classes of the N images, or nil. They change no value,
	// only how samples are dealt to the blocks of an interval and by Take.
	Labels []int32
}

// FromFloat32 copies an embedder's output [n, d]. Labels may be nil.
func FromFloat32(x []float32, d int, labels []int32) (Features, error) {
	if d <= 0 || len(x)%d != 0 {
		return Features{}, fmt.Errorf("features: %d numbers do not make rows of %d", len(x), d)
	}
	f := Features{N: len(x) / d, D: d, X: make([]float64, len(x)), Labels: labels}
	for i, v := range x {
		f.X[i] = float64(v)
	}
	return f, f.check()
}

// check refuses what no distance can be computed from.
func (f Features) check() error {
	if f.N < 2 || f.D < 1 {
		return fmt.Errorf("features: %d images of %d features; a distance needs at least 2 images and 1 feature", f.N, f.D)
	}
	if len(f.X) != f.N*f.D {
		return fmt.Errorf("features: %d numbers for %d images of %d features, want %d", len(f.X), f.N, f.D, f.N*f.D)
	}
	if f.Labels != nil && len(f.Labels) != f.N {
		return fmt.Errorf("features: %d labels for %d images", len(f.Labels), f.N)
	}
	for i, v := range f.X {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("features: image %d has the value %g in feature %d; an image set with such features cannot be scored", i/f.D, v, i%f.D)
		}
	}
	return nil
}

// pair checks two sets that are to be compared.
func pair(real, gen Features) error {
	if err := real.check(); err != nil {
		return fmt.Errorf("real images: %w", err)
	}
	if err := gen.check(); err != nil {
		return fmt.Errorf("generated images: %w", err)
	}
	if real.D != gen.D {
		return fmt.Errorf("features: %d of real images against %d of generated ones; both sets must pass the same embedder", real.D, gen.D)
	}
	return nil
}

func (f Features) row(i int) []float64 { return f.X[i*f.D : (i+1)*f.D] }

// Take returns n of the images, spread evenly over the classes, in each by a fixed
// shuffle (of all images without labels); the same n for the same set, always.
func (f Features) Take(n int) (Features, error) {
	if n > f.N {
		return Features{}, fmt.Errorf("features: %d images asked for, the set has %d", n, f.N)
	}
	order := classOrder(f.N, f.Labels)
	picked := make([]int, n)
	for i := range picked {
		picked[i] = order[i*f.N/n]
	}
	slices.Sort(picked)
	return f.pick(picked), nil
}

// Halves splits the set into two disjoint halves, each with every second image
// of each class.
func (f Features) Halves() (Features, Features) {
	order := classOrder(f.N, f.Labels)
	var half [2][]int
	for i, at := range order {
		half[i%2] = append(half[i%2], at)
	}
	slices.Sort(half[0])
	slices.Sort(half[1])
	return f.pick(half[0]), f.pick(half[1])
}

func (f Features) pick(at []int) Features {
	out := Features{N: len(at), D: f.D, X: make([]float64, 0, len(at)*f.D)}
	for _, i := range at {
		out.X = append(out.X, f.row(i)...)
		if f.Labels != nil {
			out.Labels = append(out.Labels, f.Labels[i])
		}
	}
	return out
}
