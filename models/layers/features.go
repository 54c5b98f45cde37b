package layers

import (
	"prabench/models"
	"prabench/models/device"
)

// Features compares images, as tokens, in the activations of a classifier's last
// convolution. The classifier is frozen. Images go through it some at a time, whose
// neighbourhoods are laid out as rows of products, forward and backward.
type Features struct {
	arch  *models.Classifier
	chunk int
	ready bool // the classifier was given

	convs  []featureConv
	pixels device.Buffer // [1 + images·size², channels] those of tokens, behind a row of −1
	cols   device.Buffer // neighbourhoods, for the largest convolution either way
	target device.Buffer // [images·positions, out] of the images that are compared with
	grad   device.Buffer // [images·positions, out]
	inner  device.Buffer // the gradient of activations between convolutions
	ones   device.Buffer // [images·positions]
	Loss   device.Buffer // [all images·positions] sums of squares over channels
}

// featureConv is a convolution as a product with neighbourhoods. Rows of its output lie in
// groups that are pooled; before those of a table there is a row for what lies outside.
type featureConv struct {
	models.Convolution
	side, group  int           // of its input; positions that are pooled
	weight, back device.Buffer // [9·in, out], [9·out, in]
	scale, shift device.Buffer
	from, to     device.Ints   // neighbourhoods of inputs by output, of outputs by input
	z            device.Buffer // [1 + images·side², out], then its gradient
	act          device.Buffer // [1 + images·side²/group, out]
}

// featureChunk is how many images go through the classifier at a time.
const featureChunk = 32

// NewFeatures allocates for so many images whose tokens are patches in an order of raster
// positions, and for the losses of all.
func NewFeatures(m *Memory, of *models.Classifier, p Patches, order []int32, images, all int) *Features {
	f := &Features{arch: of, chunk: min(images, featureChunk)}
	side, cols, inner := of.Size, 0, 0
	at := p.places(order)
	for _, c := range of.Convolutions {
		v := featureConv{Convolution: c, side: side, group: 1}
		if c.Pool {
			v.group = 4
		}
		rows := f.chunk * side * side
		v.weight, v.back = m.Alloc(device.Model, 9*c.In*c.Out), m.Alloc(device.Model, 9*c.In*c.Out)
		v.scale, v.shift = m.Alloc(device.Model, c.Out), m.Alloc(device.Model, c.Out)
		v.from, v.to = m.Ints(rows*9), m.Ints(rows*9)
		v.z, v.act = m.Act((1+rows)*c.Out), m.Act((1+rows/v.group)*c.Out)
		if m.Err == nil {
			from, to := neighbours(side, v.group, f.chunk, at)
			m.Be.UploadInts(v.from, from)
			m.Be.UploadInts(v.to, to)
			device.Do(m.Be, device.Fill{Dst: v.z.Slice(0, c.Out)})
			device.Do(m.Be, device.Fill{Dst: v.act.Slice(0, c.Out)})
		}
		cols = max(cols, rows*9*max(c.In, c.Out))
		if len(f.convs) > 0 {
			inner = max(inner, rows*c.In)
		}
		if c.Pool {
			side /= 2
		}
		at = nil
		f.convs = append(f.convs, v)
	}
	out := f.convs[len(f.convs)-1].Out
	positions := side * side
	f.pixels, f.cols = m.Act((1+f.chunk*of.Size*of.Size)*of.Channels), m.Act(cols)
	f.target, f.grad = m.Act(f.chunk*positions*out), m.Act(f.chunk*positions*out)
	f.inner, f.ones, f.Loss = m.Act(inner), m.Act(f.chunk*positions), m.Act(all*positions)
	if m.Err == nil {
		device.Do(m.Be, device.Fill{Dst: f.ones, Value: 1})
		device.Do(m.Be, device.Fill{Dst: f.pixels.Slice(0, of.Channels), Value: -1})
	}
	return f
}

// places are the rows of an image's pixels, in raster order, among its tokens.
func (c Patches) places(order []int32) []int32 {
	out, g, p := make([]int32, c.Size*c.Size), c.Size/c.Patch, c.Patch
	for i, o := range order {
		y, x := int(o)/g*p, int(o)%g*p
		for j := range p * p {
			out[(y+j/p)*c.Size+x+j%p] = int32(i*p*p + j)
		}
	}
	return out
}

// neighbours are, of images side by side, the rows of the inputs about each output and
// those of the outputs about each input, with 0 for what lies outside. Outputs lie in
// groups of 2×2 where group is 4; inputs in raster order, or where at says.
func neighbours(side, group, images int, at []int32) (from, to []int32) {
	n := side * side
	from, to = make([]int32, images*n*9), make([]int32, images*n*9)
	input := func(y, x int) int {
		if at == nil {
			return y*side + x
		}
		return int(at[y*side+x])
	}
	output := func(y, x int) int {
		if group == 1 {
			return y*side + x
		}
		return (y/2*(side/2)+x/2)*4 + y%2*2 + x%2
	}
	for i := range images {
		for y := range side {
			for x := range side {
				for k := range 9 {
					dy, dx := k/3-1, k%3-1
					if v, u := y+dy, x+dx; v >= 0 && v < side && u >= 0 && u < side {
						from[(i*n+output(y, x))*9+k] = int32(1 + i*n + input(v, u))
					}
					if v, u := y-dy, x-dx; v >= 0 && v < side && u >= 0 && u < side {
						to[(i*n+input(y, x))*9+k] = int32(1 + i*n + output(v, u))
					}
				}
			}
		}
	}
	return from, to
}

// Give uploads the classifier's weights. Pixels v from −1 to 1 stand for (v + 1)/2: the
// first convolution has half its weights and the rest in its shift.
func (f *Features) Give(be device.Backend, c *models.Classifier) error {
	if err := c.Fits(f.arch); err != nil {
		return err
	}
	for l, from := range c.Convolutions {
		v := &f.convs[l]
		weight, back, shift := append([]float32(nil), from.Weight...), make([]float32, len(from.Weight)), append([]float32(nil), from.Shift...)
		for i := range weight {
			o := i % v.Out
			if l == 0 {
				weight[i] /= 2
				shift[o] += from.Scale[o] * weight[i]
			}
			k, in := i/v.Out/v.In, i/v.Out%v.In
			back[(k*v.Out+o)*v.In+in] = weight[i]
		}
		be.Upload(v.weight, weight)
		be.Upload(v.back, back)
		be.Upload(v.scale, from.Scale)
		be.Upload(v.shift, shift)
	}
	f.ready = true
	return be.Err()
}

// Ready says whether the classifier was given.
func (f *Features) Ready() bool { return f.ready }

// positions is the number of activations of each channel for an image.
func (f *Features) positions() int {
	v := &f.convs[len(f.convs)-1]
	return v.side * v.side / v.group
}

// Activations are those of n images of the tokens x: [n·positions, channels], good until
// the next call. n is at most those that go through it at a time.
func (f *Features) Activations(p *Pass, x device.Buffer, n int) device.Buffer {
	c := f.arch.Channels
	table := f.pixels
	device.Do(p.Be, device.Copy{Dst: table.Slice(c, x.N), Src: x})
	for i := range f.convs {
		v := &f.convs[i]
		rows := n * v.side * v.side
		cols, z := f.cols.Slice(0, rows*9*v.In), v.z.Slice(v.Out, rows*v.Out)
		device.Do(p.Be, device.Gather{Y: cols, Table: table, Index: v.from, Rows: rows * 9, N: v.In})
		device.Do(p.Be, device.Linear{Y: z, X: cols, W: v.weight, Rows: rows, In: 9 * v.In, Out: v.Out})
		device.Do(p.Be, device.MaxPool{Y: v.act.Slice(v.Out, rows/v.group*v.Out), X: z, Scale: v.scale, Shift: v.shift, Rows: rows / v.group,
			Group: v.group, N: v.Out})
		table = v.act
	}
	v := &f.convs[len(f.convs)-1]
	return table.Slice(v.Out, n*f.positions()*v.Out)
}

// backward adds to dx, of n images of tokens, the gradient that f.grad has of the
// activations that Activations has left.
func (f *Features) backward(p *Pass, dx device.Buffer, n int) {
	dy := f.grad
	for i := len(f.convs) - 1; i >= 0; i-- {
		v := &f.convs[i]
		rows := n * v.side * v.side
		z, cols := v.z.Slice(v.Out, rows*v.Out), f.cols.Slice(0, rows*9*v.Out)
		device.Do(p.Be, device.MaxPoolBackward{DX: z, DY: dy, Y: v.act.Slice(v.Out, rows/v.group*v.Out), X: z, Scale: v.scale,
			Rows: rows / v.group, Group: v.group, N: v.Out})
		device.Do(p.Be, device.Gather{Y: cols, Table: v.z, Index: v.to, Rows: rows * 9, N: v.Out})
		to, add := f.inner, float32(0)
		if i == 0 {
			to, add = dx, 1
		}
		device.Do(p.Be, device.Gemm{M: rows, N: v.In, K: 9 * v.Out, Alpha: 1, A: cols, LDA: 9 * v.Out, B: v.back, LDB: v.In, Beta: add, C: to,
			LDC: v.In})
		dy = to
	}
}

// Compare leaves the squared differences between the images of the tokens pred and target,
// [images·N, P], in Loss from image at on, and adds to dpred the gradient of scale times
// their sum.
func (f *Features) Compare(p *Pass, dpred, pred, target device.Buffer, images, at int, scale float32) {
	each, rows, out := pred.N/images, f.positions(), f.convs[len(f.convs)-1].Out
	for lo := 0; lo < images; lo += f.chunk {
		n := min(f.chunk, images-lo)
		size := n * rows * out
		want := f.target.Slice(0, size)
		device.Do(p.Be, device.Copy{Dst: want, Src: f.Activations(p, target.Slice(lo*each, n*each), n)})
		got := f.Activations(p, pred.Slice(lo*each, n*each), n)
		device.Do(p.Be, device.WeightedError{Loss: f.Loss.Slice((at+lo)*rows, n*rows), Grad: f.grad.Slice(0, size), Pred: got, Target: want,
			W: f.ones.Slice(0, n*rows), Rows: n * rows, N: out, TargetRows: n * rows, Scale: scale})
		f.backward(p, dpred.Slice(lo*each, n*each), n)
	}
}

// Values is the number of activations of an image.
func (f *Features) Values() int { return f.positions() * f.Channels() }

// Channels is the number of activations of a position.
func (f *Features) Channels() int { return f.convs[len(f.convs)-1].Out }
