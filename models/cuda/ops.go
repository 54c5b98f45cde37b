//go:build cuda

package cuda

import (
	"math"
	"unsafe"

	"prabench/models/cuda/kernels"
	"prabench/models/device"
)

// Does implements [device.Backend]: there is a kernel for it.
func (d *Backend) Does(k device.Kind) bool { return kernels.Does(k) }

// Do queues op. Products go to cuBLAS where that is there, everything else to the
// kernels.
func (d *Backend) Do(op device.Op) {
	d.queue.note(op)
	switch op := op.(type) {
	case *device.Gemm:
		d.product(op.TransA, op.TransB, op.M, op.N, op.K, op.Alpha, address(op.A), op.LDA, address(op.B), op.LDB, op.Beta, address(op.C), op.LDC)
	case *device.Linear:
		d.linear(op)
	case *device.SumSquares:
		op.Sum = d.sumSquares(op)
	default:
		d.ops.Do(op)
	}
}

// address is that of b's first element.
func address(b device.Buffer) kernels.Ptr { return kernels.Ptr(b.Base).At(b.Off) }

// linear is one launch on own kernels; with cuBLAS it is the product into Pre
// or y and a pass over the rows where an epilogue asks for one.
func (d *Backend) linear(op *device.Linear) {
	if d.target.blas == nil || op.In == 0 {
		d.ops.Do(op)
		return
	}
	e := kernels.EpilogueOf(op)
	y := address(op.Y)
	to := y
	if e.Pre != 0 {
		to = e.Pre
	}
	d.product(false, false, op.Rows, op.Out, op.In, 1, address(op.X), op.In, address(op.W), op.Out, 0, to, op.Out)
	d.ops.Finish(y, to, op.Rows, op.Out, e)
}

// sumSquares waits for the device: its caller needs the number.
func (d *Backend) sumSquares(op *device.SumSquares) float64 {
	if d.ops.Sum == 0 {
		s, err := d.Alloc(device.Activations, 2)
		if err != nil {
			d.fail(err)
			return math.NaN()
		}
		d.ops.Sum = kernels.Ptr(s.Base)
	}
	d.ops.Do(op)
	sum := math.NaN()
	d.stage.download(d, unsafe.Pointer(&sum), uintptr(d.ops.Sum), 8)
	return sum
}
