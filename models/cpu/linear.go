package cpu

// #include "ops.h"
import "C"

import (
	"fmt"
	"unsafe"

	"prabench/models/device"
	"prabench/models/gemm"
)

var finishActs = map[device.Act]gemm.Act{device.None: gemm.None, device.SiLU: gemm.SiLU, device.GELU: gemm.GELU}

// Linear is one product whose epilogue is applied while a tile of it is in the
// nearest cache. In place of its residual it is the product into Pre and a pass
// over the rows.
func (d *Backend) Linear(y, x, w device.Buffer, rows, in, out int, e device.Epilogue) {
	size := rows * out
	act, ok := finishActs[e.Act]
	if !ok {
		panic(fmt.Sprintf("cpu: no activation %d", e.Act))
	}
	same := func(a, b device.Buffer) bool { return a.Base == b.Base && a.Off == b.Off }
	inPlace := !e.Residual.Absent() && same(y, e.Residual)
	if inPlace && (e.Pre.Absent() || e.Act != device.None) {
		panic("cpu: a linear layer in place of its residual needs Pre, and no activation")
	}
	var gate unsafe.Pointer
	if !e.Gate.Absent() {
		columns(e.GateOff, out, e.LDGate)
		gate = unsafe.Add(unsafe.Pointer(at(e.Gate, rows*e.LDGate)), 4*e.GateOff)
	}
	to, px, pw := unsafe.Pointer(at(y, size)), unsafe.Pointer(at(x, rows*in)), unsafe.Pointer(at(w, in*out))
	bias, pre, residual := unsafe.Pointer(opt(e.Bias, out)), unsafe.Pointer(opt(e.Pre, size)), unsafe.Pointer(opt(e.Residual, size))
	if pre == to {
		pre = nil
	}
	if !inPlace {
		f := gemm.Finish{Bias: bias, Pre: pre, LDPre: out, Act: act, Gate: gate, LDGate: e.LDGate, Residual: residual, LDResidual: out}
		bf16 := d.bf16For(rows)
		switch p := (*d.packed)[w]; {
		case p != nil && p.BF16() == bf16:
			gemm.PackedPtr(d.threads, false, rows, 1, px, in, p, 0, to, out, f)
		case bf16:
			gemm.FusedBF16Ptr(d.threads, false, false, rows, out, in, 1, px, in, pw, out, 0, to, out, f)
		default:
			gemm.FusedPtr(d.threads, false, false, rows, out, in, 1, px, in, pw, out, 0, to, out, f)
		}
		return
	}
	f := to
	if pre != nil {
		f = pre
	}
	d.multiply(false, false, rows, out, in, 1, px, in, pw, out, 0, f, out)
	if f == to && bias == nil && gate == nil && residual == nil && e.Act == device.None {
		return
	}
	C.pra_epilogue(d.th(), (*C.float)(to), (*C.float)(f), (*C.float)(bias), C.int(e.Act), (*C.float)(gate), C.long(e.LDGate), (*C.float)(residual), C.long(rows), C.long(out))
}

// bf16Rows is from how many rows of the result bf16 products pay; below, and
// there fp32 is the more exact, the operands' conversion takes longer than it saves.
const bf16Rows = 32

func (d *Backend) bf16For(rows int) bool { return d.bf16 && rows >= bf16Rows }

// multiply is C ← α·op(A)·op(B) + β·C in the backend's precision.
func (d *Backend) multiply(transA, transB bool, m, n, k int, alpha float32, a unsafe.Pointer, lda int, b unsafe.Pointer, ldb int, beta float32, c unsafe.Pointer, ldc int) {
	if d.bf16For(m) {
		gemm.SgemmBF16Ptr(d.threads, transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
		return
	}
	gemm.SgemmPtr(d.threads, transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
}
