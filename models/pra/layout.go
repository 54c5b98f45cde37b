package pra

import (
	"fmt"
	"math"
	"runtime"
	"sync"

	"prabench/models/device"
)

// timeFeatures is the number of sinusoidal features of the flow time t.
const timeFeatures = 64

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

// of is the tensor's elements inside a flat array.
func (t *Tensor) of(flat device.Buffer) device.Buffer { return flat.Slice(t.Offset, t.N) }

// linear is y = x·W + b with W stored [in, out].
type linear struct {
	w, b    *Tensor
	in, out int
}

type affine struct{ gain, bias *Tensor }

type trunkLayer struct {
	norm1    affine
	qkv, out linear
	norm2    affine
	up, down linear
}

type headBlock struct{ up, down linear }

// layout is the whole parameter list of an architecture, by role and in the
// order of the flat array: first the tensors with weight decay.
type layout struct {
	tensors []*Tensor
	total   int
	decayed int // elements at the front that are subject to weight decay

	in                       *Tensor // [P, W]
	start, inpos, pos, class *Tensor
	layers                   []trunkLayer
	norm                     affine

	cond         linear // W → Hw
	time1, time2 linear
	headIn       linear
	mod          linear // Hw → (3·blocks + 2)·Hw
	blocks       []headBlock
	headOut      linear

	enc1, enc2       linear
	dec1, dec2, dec3 linear
}

func newLayout(c Config) *layout {
	l := &layout{}
	tensor := func(name string, decay bool, std float64, shape ...int) *Tensor {
		n := 1
		for _, s := range shape {
			n *= s
		}
		t := &Tensor{Name: name, Shape: shape, N: n, Decay: decay, Std: std}
		l.tensors = append(l.tensors, t)
		return t
	}
	scaled := func(name string, in, out int, std float64) linear {
		return linear{tensor(name+".weight", true, std, in, out), tensor(name+".bias", false, 0, out), in, out}
	}
	lin := func(name string, in, out int) linear { return scaled(name, in, out, 1/math.Sqrt(float64(in))) }
	norm := func(name string, n int) affine {
		a := affine{tensor(name+".gain", false, 0, n), tensor(name+".bias", false, 0, n)}
		a.gain.One = true
		return a
	}
	P, W, N, d, H, C := c.TokenDim(), c.Width, c.Tokens(), c.StateDim(), c.HeadWidth, c.CoderWidth

	l.in = tensor("in.weight", true, 1/math.Sqrt(float64(P)), P, W)
	l.start = tensor("in.start", false, 0.1, c.Block, W)
	l.inpos = tensor("in.inpos", false, 0.1, N, W)
	l.pos = tensor("in.pos", false, 0.1, N, W)
	l.class = tensor("in.class", false, 0.1, c.Classes+1, W)
	residual := 1 / math.Sqrt(2*float64(c.Depth)) // keeps the residual stream's scale at any depth
	for i := range c.Depth {
		p := fmt.Sprintf("trunk.%d.", i)
		l.layers = append(l.layers, trunkLayer{
			norm1: norm(p+"norm1", W), qkv: lin(p+"qkv", W, 3*W),
			out:   scaled(p+"out", W, W, residual/math.Sqrt(float64(W))),
			norm2: norm(p+"norm2", W), up: lin(p+"up", W, c.MLP*W),
			down: scaled(p+"down", c.MLP*W, W, residual/math.Sqrt(float64(c.MLP*W))),
		})
	}
	l.norm = norm("trunk.norm", W)

	l.cond = lin("head.cond", W, H)
	l.time1 = lin("head.time1", timeFeatures, H)
	l.time2 = lin("head.time2", H, H)
	l.headIn = lin("head.in", d, H)
	l.mod = scaled("head.mod", H, (3*c.HeadDepth+2)*H, 0)
	for i := range c.HeadDepth {
		p := fmt.Sprintf("head.%d.", i)
		l.blocks = append(l.blocks, headBlock{lin(p+"up", H, H), lin(p+"down", H, H)})
	}
	l.headOut = scaled("head.out", H, d, 0)

	if c.State > 0 {
		l.enc1, l.enc2 = lin("enc.1", P, C), lin("enc.2", C, d)
		l.dec1, l.dec2, l.dec3 = lin("dec.1", d, C), lin("dec.2", C, C), lin("dec.3", C, P)
	}

	for _, decay := range []bool{true, false} {
		for _, t := range l.tensors {
			if t.Decay == decay {
				t.Offset = l.total
				l.total += t.N
			}
		}
		if decay {
			l.decayed = l.total
		}
	}
	return l
}

// initial is the flat parameter array at the start of a training with seed.
// Every number has an address of its own, so all processors draw at once.
func (l *layout) initial(seed uint64) []float32 {
	flat := make([]float32, l.total)
	const at = 1 << 16 // numbers in one go
	var drawing sync.WaitGroup
	free := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i, t := range l.tensors {
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
						dst[j] = float32(t.Std * normalAt(seed, streamInit, uint32(i), uint32(k/2), k%2))
					}
					<-free
				})
			}
		}
	}
	drawing.Wait()
	return flat
}

// Params is the number of trained parameters.
func (c Config) Params() int64 { return int64(newLayout(c).total) }

// Tensors lists the parameters of the architecture in the order of the flat
// array's offsets.
func (c Config) Tensors() []*Tensor { return newLayout(c).tensors }
