package layers

import (
	"math"
	"runtime"
	"sync"

	"prabench/models/device"
)

// Tensor is one named parameter inside the flat parameter array.
type Tensor struct {
	Name   string
	Shape  []int
	Offset int     // first element in the flat array
	N      int     // elements
	Decay  bool    // subject to weight decay: matrices, not gains, biases or embeddings
	Std    float64 // standard deviation of the initial normals; 0 = zeros
	One    bool    // initialised to ones
}

// Of is the tensor's elements inside a flat array.
func (t *Tensor) Of(flat device.Buffer) device.Buffer { return flat.Slice(t.Offset, t.N) }

// Parameters are all tensors of an architecture in the order in which they were
// declared, which their initial values depend on. In the flat array those with
// weight decay come first.
type Parameters struct {
	Tensors []*Tensor
	Total   int // elements
	Decayed int // elements at the front that are subject to weight decay
}

// Tensor declares a tensor whose initial values are normals of a standard
// deviation, or zeros.
func (l *Parameters) Tensor(name string, decay bool, std float64, shape ...int) *Tensor {
	n := 1
	for _, s := range shape {
		n *= s
	}
	t := &Tensor{Name: name, Shape: shape, N: n, Decay: decay, Std: std}
	l.Tensors = append(l.Tensors, t)
	return t
}

// Linear declares a matrix and a bias; the matrix keeps the scale of its input.
func (l *Parameters) Linear(name string, in, out int) Linear {
	return l.LinearOf(name, in, out, 1/math.Sqrt(float64(in)))
}

// LinearOf is Linear with another standard deviation of the matrix.
func (l *Parameters) LinearOf(name string, in, out int, std float64) Linear {
	return Linear{l.Tensor(name+".weight", true, std, in, out), l.Tensor(name+".bias", false, 0, out), in, out}
}

// Affine declares a gain of ones and a bias of zeros.
func (l *Parameters) Affine(name string, n int) Affine {
	a := Affine{l.Tensor(name+".gain", false, 0, n), l.Tensor(name+".bias", false, 0, n)}
	a.Gain.One = true
	return a
}

// Gain declares the gain of an [Affine] without a bias.
func (l *Parameters) Gain(name string, n int) Affine {
	a := Affine{Gain: l.Tensor(name+".gain", false, 0, n)}
	a.Gain.One = true
	return a
}

// Place gives the tensors their places in the flat array, after the last was
// declared.
func (l *Parameters) Place() {
	l.Total = 0
	for _, decay := range []bool{true, false} {
		for _, t := range l.Tensors {
			if t.Decay == decay {
				t.Offset = l.Total
				l.Total += t.N
			}
		}
		if decay {
			l.Decayed = l.Total
		}
	}
}

// Initial is the flat array at the start of a training with a seed, drawn from a
// stream of its own. Every number has an address of its own, so all processors
// draw at once.
func (l *Parameters) Initial(seed uint64, stream uint32) []float32 {
	flat := make([]float32, l.Total)
	const at = 1 << 16 // numbers in one go
	var drawing sync.WaitGroup
	free := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i, t := range l.Tensors {
		for from := 0; from < t.N; from += at {
			dst := flat[t.Offset+from : t.Offset+min(from+at, t.N)]
			switch {
			case t.One:
				for j := range dst {
					dst[j] = 1
				}
			case t.Std > 0:
				free <- struct{}{}
				drawing.Go(func() {
					for j := range dst {
						k := from + j
						dst[j] = float32(t.Std * Normal(seed, stream, uint32(i), uint32(k/2), k%2))
					}
					<-free
				})
			}
		}
	}
	drawing.Wait()
	return flat
}
