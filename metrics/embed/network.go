package embed

import (
	"fmt"

	"prabench/models/gemm"
)

// The classifier: four 3×3 convolutions with zero padding, each followed by a
// per-channel affine map (batch normalisation folded) and max(·,0); 2×2 maximum
// pooling right after the first two convolutions; the mean over the remaining
// positions gives the features; one linear layer gives the classes.
var (
	widths = [...]int{24, 48, featureDim, featureDim}
	pooled = [len(widths)]bool{true, true, false, false}
)

const (
	featureDim = 64
	chunk      = 32 // images that pass a matrix product together
)

// ClassifierDim is the number of features of every classifier.
const ClassifierDim = featureDim

// conv is one convolution with its folded normalisation.
type conv struct {
	in, out int
	side    int  // of its input and of its output before pooling
	pool    bool // 2×2 maximum right after the convolution
	weight  []float32
	scale   []float32 // [out]
	shift   []float32 // [out]
} // weight is [3, 3, in, out]

// outSide is the side after pooling.
func (c *conv) outSide() int {
	if c.pool {
		return c.side / 2
	}
	return c.side
}

// network holds the parameters; it is never written after it was built.
type network struct {
	size, channels, classes int
	convs                   [len(widths)]conv
	headWeight              []float32 // [featureDim, classes]
	headBias                []float32 // [classes]
}

// Trainable says why no classifier can be trained for images of that form; nil if
// one can. images is the number of training images, below 0 if unknown.
func Trainable(size, channels, classes, images int) error {
	if size < 8 || size > 256 || size%4 != 0 || channels < 1 || channels > 16 || classes < 2 || classes > 1<<16 {
		return fmt.Errorf("the classifier takes images of 8 to 256 pixels a side, a multiple of 4, with 1 to 16 channels and at least 2 "+
			"classes; asked for size %d, channels %d, classes %d", size, channels, classes)
	}
	if images >= 0 && images < batchImages {
		return fmt.Errorf("%d training images, at least one batch of %d is needed", images, batchImages)
	}
	return nil
}

// TrainingFLOPs is the arithmetic of training on n images once, counted as three
// times that of the forward pass.
func TrainingFLOPs(size, channels, n int) float64 {
	var one float64
	for i, in := 0, channels; i < len(widths); i++ {
		one += 2 * 9 * float64(in*widths[i]) * float64(size*size)
		in = widths[i]
		if pooled[i] {
			size /= 2
		}
	}
	return 3 * one * float64(n)
}

// TrainingBytes is about what a training holds beside the images.
func TrainingBytes(size, channels int) int64 {
	var one int64
	for i, in := 0, channels; i < len(widths); i++ {
		one += int64(size*size) * int64(11*in+5*widths[i]) * 4
		in = widths[i]
		if pooled[i] {
			size /= 2
		}
	}
	return one * batchImages
}

func newNetwork(size, channels, classes int) (*network, error) {
	if err := Trainable(size, channels, classes, -1); err != nil {
		return nil, err
	}
	n := &network{size: size, channels: channels, classes: classes}
	in, side := channels, size
	for i := range n.convs {
		c := conv{in: in, out: widths[i], side: side, pool: pooled[i]}
		c.weight = make([]float32, 9*in*c.out)
		c.scale, c.shift = make([]float32, c.out), make([]float32, c.out)
		n.convs[i] = c
		in, side = c.out, c.outSide()
	}
	n.headWeight, n.headBias = make([]float32, featureDim*classes), make([]float32, classes)
	return n, nil
}

// activations is the scratch space for one chunk in one goroutine.
type activations struct {
	padded [len(widths)][]float32 // [chunk, side+2, side+2, in], zero border
	cols   []float32              // [chunk·side², 9·in], of the largest convolution
	out    []float32              // [chunk·side², out], of the largest convolution
	last   []float32              // [chunk, side², featureDim]
}

func (n *network) newActivations() *activations {
	var a activations
	var cols, out int
	for i, c := range n.convs {
		a.padded[i] = make([]float32, chunk*(c.side+2)*(c.side+2)*c.in)
		cols, out = max(cols, chunk*c.side*c.side*9*c.in), max(out, chunk*c.side*c.side*c.out)
	}
	a.cols, a.out = make([]float32, cols), make([]float32, out)
	final := &n.convs[len(n.convs)-1]
	a.last = make([]float32, chunk*final.side*final.side*final.out)
	return &a
}

// features runs a chunk of at most `chunk` images, [m, size, size, channels],
// and writes [m, featureDim]. The matrix products always have the full height,
// so that an image's features do not depend on how many came with it.
func (n *network) features(a *activations, images []uint8, m int, out []float32) {
	loadPixels(images, m, n.size, n.channels, a.padded[0])
	for i := range n.convs {
		c := &n.convs[i]
		rows, k := chunk*c.side*c.side, 9*c.in
		gather(a.padded[i], c.side, c.in, a.cols)
		gemm.Sgemm(1, false, false, rows, c.out, k, 1, a.cols[:rows*k], k, c.weight, c.out, 0, a.out[:rows*c.out], c.out)
		if i+1 < len(n.convs) {
			c.finish(a.out, a.padded[i+1], 1)
		} else {
			c.finish(a.out, a.last, 0)
		}
	}
	final := &n.convs[len(n.convs)-1]
	positions := final.side * final.side
	for i := range m {
		meanPositions(a.last[i*positions*featureDim:(i+1)*positions*featureDim], out[i*featureDim:(i+1)*featureDim])
	}
}

// finish pools, maps and rectifies a convolution's output into a buffer whose
// images have a border of the given width.
func (c *conv) finish(z, to []float32, border int) {
	side, f := c.outSide(), c.out
	wide := side + 2*border
	for i := range chunk {
		for y := range side {
			dst := to[((i*wide+y+border)*wide+border)*f:][:side*f]
			if !c.pool {
				src := z[(i*side+y)*side*f:][:side*f]
				for x := 0; x < len(dst); x += f {
					affine(dst[x:x+f], src[x:x+f], c.scale, c.shift)
				}
				continue
			}
			top := z[((i*c.side+2*y)*c.side)*f:][:c.side*f]
			low := z[((i*c.side+2*y+1)*c.side)*f:][:c.side*f]
			for x := range side {
				d := dst[x*f : (x+1)*f]
				maximum4(d, top[2*x*f:(2*x+1)*f], top[(2*x+1)*f:(2*x+2)*f], low[2*x*f:(2*x+1)*f], low[(2*x+1)*f:(2*x+2)*f])
				affine(d, d, c.scale, c.shift)
			}
		}
	}
}

func affine(to, from, scale, shift []float32) {
	from, scale, shift = from[:len(to)], scale[:len(to)], shift[:len(to)]
	for i := range to {
		to[i] = max(from[i]*scale[i]+shift[i], 0)
	}
}

func maximum4(to, a, b, c, d []float32) {
	a, b, c, d = a[:len(to)], b[:len(to)], c[:len(to)], d[:len(to)]
	for i := range to {
		to[i] = max(a[i], b[i], c[i], d[i])
	}
}

// meanPositions averages [positions, featureDim] over the positions.
func meanPositions(x, out []float32) {
	clear(out)
	for at := 0; at < len(x); at += featureDim {
		for j, v := range x[at : at+featureDim] {
			out[j] += v
		}
	}
	for j := range out {
		out[j] *= float32(featureDim) / float32(len(x))
	}
}

// logits writes [m, classes] from features [m, featureDim].
func (n *network) logits(features []float32, m int, out []float32) {
	for i := range m {
		row := out[i*n.classes : (i+1)*n.classes]
		copy(row, n.headBias)
		for j, v := range features[i*featureDim : (i+1)*featureDim] {
			for k, w := range n.headWeight[j*n.classes : (j+1)*n.classes] {
				row[k] += v * w
			}
		}
	}
}
