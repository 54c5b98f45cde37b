package cpu

// #include "ops.h"
import "C"

import (
	"unsafe"

	"prabench/models/device"
	"prabench/models/gemm"
)

var (
	_ = device.On(&ops, (*Backend).gemm)
	_ = device.On(&ops, (*Backend).linear)
	_ = device.On(&ops, (*Backend).biasActBackward)
	_ = device.On(&ops, (*Backend).normLinear)
)

func (d *Backend) gemm(o *device.Gemm) {
	d.multiply(o.TransA, o.TransB, o.M, o.N, o.K, o.Alpha, unsafe.Pointer(at(o.A)), o.LDA, unsafe.Pointer(at(o.B)), o.LDB,
		o.Beta, unsafe.Pointer(at(o.C)), o.LDC)
}

// linear is one product whose epilogue is applied while a tile of it is in the
// nearest cache. In place of its residual it is the product into Pre and a pass
// over the rows.
func (d *Backend) linear(o *device.Linear) {
	if !o.Moments.Absent() {
		defer moments(o)
	}
	y, x, w := unsafe.Pointer(at(o.Y)), unsafe.Pointer(at(o.X)), unsafe.Pointer(at(o.W))
	bias, residual := unsafe.Pointer(at(o.Bias)), unsafe.Pointer(at(o.Residual))
	var gate, pre unsafe.Pointer
	if !o.Gate.Absent() {
		gate = unsafe.Add(unsafe.Pointer(at(o.Gate)), 4*o.GateOff)
	}
	if o.KeepsPre() {
		pre = unsafe.Pointer(at(o.Pre))
	}
	if !o.InPlace() {
		f := gemm.Finish{
			Bias: bias, Pre: pre, LDPre: o.Out, Act: o.Act, Gate: gate, LDGate: o.LDGate, Residual: residual, LDResidual: o.Out,
		}
		bf16 := d.bf16For(o.Rows)
		switch p := (*d.packed)[o.W]; {
		case p != nil && p.BF16() == bf16:
			gemm.PackedPtr(d.threads, false, o.Rows, 1, x, o.In, p, 0, y, o.Out, f)
		case bf16:
			gemm.FusedBF16Ptr(d.threads, false, false, o.Rows, o.Out, o.In, 1, x, o.In, w, o.Out, 0, y, o.Out, f)
		default:
			gemm.FusedPtr(d.threads, false, false, o.Rows, o.Out, o.In, 1, x, o.In, w, o.Out, 0, y, o.Out, f)
		}
		return
	}
	f := y
	if pre != nil {
		f = pre
	}
	d.multiply(false, false, o.Rows, o.Out, o.In, 1, x, o.In, w, o.Out, 0, f, o.Out)
	C.pra_epilogue(d.th(), (*C.float)(y), (*C.float)(f), (*C.float)(bias), C.int(o.Act), (*C.float)(gate), C.long(o.LDGate),
		(*C.float)(residual), C.long(o.Rows), C.long(o.Out))
}

func (d *Backend) biasActBackward(o *device.BiasActBackward) {
	C.pra_bias_act_backward(d.th(), at(o.DPre), at(o.DBias), at(o.DY), at(o.Pre), C.long(o.Rows), C.long(o.N), C.int(o.Act))
}

// bf16Rows is from how many rows of the result bf16 products pay; below, and
// there fp32 is the more exact, the operands' conversion takes longer than it saves.
const bf16Rows = 32

func (d *Backend) bf16For(rows int) bool { return d.bf16 && rows >= bf16Rows }

// multiply is C ← α·op(A)·op(B) + β·C in the backend's precision.
func (d *Backend) multiply(transA, transB bool, m, n, k int, alpha float32, a unsafe.Pointer, lda int, b unsafe.Pointer, ldb int,
	beta float32, c unsafe.Pointer, ldc int) {
	if d.bf16For(m) {
		gemm.SgemmBF16Ptr(d.threads, transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
		return
	}
	gemm.SgemmPtr(d.threads, transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
}

// normLinear is a normalisation and a layer: nothing is gained by both in one here.
func (d *Backend) normLinear(o *device.NormLinear) {
	norm, layer := o.Apart()
	d.Do(norm)
	d.Do(layer)
}

// moments leaves those of the rows that a layer has written.
func moments(o *device.Linear) {
	y, each := unsafe.Slice((*float32)(unsafe.Pointer(at(o.Y))), o.Rows*o.Out), device.Moments(o.Out)
	to := unsafe.Slice((*float32)(unsafe.Pointer(at(o.Moments))), o.Rows*each)
	for r := range o.Rows {
		for i := 0; i < each; i += 2 {
			part := y[r*o.Out+i/2*device.MomentColumns:]
			part = part[:min(device.MomentColumns, o.Out-i/2*device.MomentColumns)]
			var mean, square float64
			for _, v := range part {
				mean += float64(v) / float64(len(part))
			}
			for _, v := range part {
				square += (float64(v) - mean) * (float64(v) - mean)
			}
			to[r*each+i], to[r*each+i+1] = float32(mean), float32(square)
		}
	}
}
