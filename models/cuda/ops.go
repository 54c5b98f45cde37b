//go:build cuda

package cuda

import (
	"math"
	"unsafe"

	"prabench/models/cuda/kernels"
	"prabench/models/device"
)

// Does implements [device.Backend]: there is a kernel for it.
func (b *Backend) Does(k device.Kind) bool { return kernels.Does(k) }

// Do queues op. Products go to cuBLAS where that is there, everything else to the
// kernels.
func (b *Backend) Do(op device.Op) {
	b.queue.note(op)
	switch op := op.(type) {
	case *device.Gemm:
		b.product(op)
	case *device.Linear:
		b.linear(op)
	case *device.NormLinear:
		b.normLinear(op)
	case *device.SumSquares:
		op.Sum = b.sumSquares(op)
	default:
		b.ops.Do(op)
	}
	b.did(op)
}

// address is that of b's first element.
func address(b device.Buffer) kernels.Ptr { return kernels.Ptr(b.Base).At(b.Off) }

// linear is one launch where the weights are kept and the rows few; otherwise one or
// two on own kernels; with cuBLAS the product into Pre or y and a pass over the rows
// where an epilogue asks for one.
func (b *Backend) linear(op *device.Linear) {
	if w, ok := b.kept(op); ok && kernels.LayerFits(op, w) && op.Rows <= b.layerRows() {
		b.ops.Layer(op, w)
		return
	}
	if b.target.blas == nil || op.In == 0 {
		b.ops.Do(op)
		return
	}
	defer b.ops.Moments(op)
	e := kernels.EpilogueOf(op)
	y := address(op.Y)
	to := y
	if e.Pre != 0 {
		to = e.Pre
	}
	b.multiply(&device.Gemm{M: op.Rows, N: op.Out, K: op.In, Alpha: 1, A: op.X, LDA: op.In, B: op.W, LDB: op.Out, LDC: op.Out}, to)
	b.ops.Finish(y, to, op.Rows, op.Out, e)
}

// layerRows is up to how many rows a layer is one launch. Beyond a tile's rows every
// weight is read more than once, and cuBLAS, where there is one, has more to gain than
// the launches cost.
func (b *Backend) layerRows() int {
	if b.target.blas != nil {
		return kernels.NormRows
	}
	return kernels.LayerRows
}

// normLinear is one launch, or the normalisation and then the layer.
func (b *Backend) normLinear(op *device.NormLinear) {
	if w, ok := b.kept(&op.Linear); ok && kernels.NormLayerFits(op, w) {
		b.ops.NormLayer(op, w)
		return
	}
	norm, layer := op.Apart()
	b.ops.Do(norm)
	b.wrote(op.Normed)
	b.linear(layer)
}

// sumSquares waits for the device: its caller needs the number.
func (b *Backend) sumSquares(op *device.SumSquares) float64 {
	if b.ops.Sum == 0 {
		s, err := b.Alloc(device.Activations, 2)
		if err != nil {
			b.fail(err)
			return math.NaN()
		}
		b.ops.Sum = kernels.Ptr(s.Base)
	}
	b.ops.Do(op)
	sum := math.NaN()
	b.stage.download(b, unsafe.Pointer(&sum), uintptr(b.ops.Sum), 8)
	return sum
}
