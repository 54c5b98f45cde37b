package models

import "fmt"

// Classifier is the part of a classifier of images that a training compares images in:
// its convolutions, up to the activations whose mean over the positions are its features.
// Pixels are from 0 to 1.
type Classifier struct {
	Size, Channels int
	Convolutions   []Convolution
}

// Convolution is one of 3×3 with zeros around the image, then, where Pool says so, the
// largest of each 2×2, then max(0, Scale·z + Shift) of each channel.
type Convolution struct {
	In, Out      int
	Pool         bool
	Weight       []float32 // [3, 3, In, Out]: row, column
	Scale, Shift []float32 // [Out]
}

// ClassifierOf is the architecture of the classifiers that trainings compare images in,
// without weights, for images of that form; an error says why there is none.
func ClassifierOf(size, channels int) (*Classifier, error) {
	if size < 8 || size > 256 || size%4 != 0 || channels < 1 || channels > 16 {
		return nil, fmt.Errorf("a classifier takes images of 8 to 256 pixels a side, a multiple of 4, with 1 to 16 channels; these are %d×%d×%d",
			size, size, channels)
	}
	c := &Classifier{Size: size, Channels: channels}
	in := channels
	for i, out := range []int{24, 48, 64, 64} {
		c.Convolutions = append(c.Convolutions, Convolution{In: in, Out: out, Pool: i < 2})
		in = out
	}
	return c, nil
}

// Fits says why c, with weights, is not of the architecture of want; nil if it is.
func (c *Classifier) Fits(want *Classifier) error {
	if c.Size != want.Size || c.Channels != want.Channels || len(c.Convolutions) != len(want.Convolutions) {
		return fmt.Errorf("a classifier of images of %d×%d×%d with %d convolutions, want %d×%d×%d with %d", c.Size, c.Size, c.Channels,
			len(c.Convolutions), want.Size, want.Size, want.Channels, len(want.Convolutions))
	}
	for i, v := range c.Convolutions {
		w := want.Convolutions[i]
		if v.In != w.In || v.Out != w.Out || v.Pool != w.Pool || len(v.Weight) != 9*w.In*w.Out || len(v.Scale) != w.Out || len(v.Shift) != w.Out {
			return fmt.Errorf("convolution %d of a classifier goes from %d to %d channels, pooled: %v, with %d weights, %d scales and %d shifts; "+
				"want %d to %d, pooled: %v", i+1, v.In, v.Out, v.Pool, len(v.Weight), len(v.Scale), len(v.Shift), w.In, w.Out, w.Pool)
		}
	}
	return nil
}

// Untrained gives c weights that have learned nothing, for timings: no operation takes
// longer for other values.
func (c *Classifier) Untrained() *Classifier {
	of := *c
	of.Convolutions = nil
	for _, v := range c.Convolutions {
		v.Weight, v.Scale, v.Shift = make([]float32, 9*v.In*v.Out), make([]float32, v.Out), make([]float32, v.Out)
		for i := range v.Weight {
			v.Weight[i] = float32(i%7-3) / float32(9*v.In)
		}
		for i := range v.Scale {
			v.Scale[i] = 1
		}
		of.Convolutions = append(of.Convolutions, v)
	}
	return &of
}

// Perceptive parameters are those of trainings that may compare images in the features of
// a classifier; their trainers are [Perceiver].
type Perceptive interface {
	Perceives() bool
}

// Perceiver is a trainer that is given the classifier before its first step.
type Perceiver interface {
	Perceive(*Classifier) error
}

// ForTiming gives a trainer that needs a classifier one that has learned nothing.
func ForTiming(p Params, tr Trainer) error {
	if q, ok := p.(Perceptive); !ok || !q.Perceives() {
		return nil
	}
	c, err := ClassifierOf(p.Shape().Size, p.Shape().Channels)
	if err != nil {
		return err
	}
	return tr.(Perceiver).Perceive(c.Untrained())
}
