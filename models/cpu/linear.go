package cpu

// #include "ops.h"
import "C"

import (
	"fmt"
	"unsafe"

	"prabench/models/device"
	"prabench/models/gemm"
)

// Linear is the product into Pre, or into y where nothing keeps it, and one
// pass over the rows for the rest.
func (d *Backend) Linear(y, x, w device.Buffer, rows, in, out int, e device.Epilogue) {
	size := rows * out
	to := y
	if !e.Pre.Absent() {
		to = e.Pre
	}
	if !e.Residual.Absent() && y.Base == e.Residual.Base && y.Off == e.Residual.Off && (to == y || e.Act != device.None) {
		panic("cpu: a linear layer in place of its residual needs Pre, and no activation")
	}
	var gate *C.float
	if !e.Gate.Absent() {
		columns(e.GateOff, out, e.LDGate)
		gate = (*C.float)(unsafe.Add(unsafe.Pointer(at(e.Gate, rows*e.LDGate)), 4*e.GateOff))
	}
	f, bias, residual := at(to, size), opt(e.Bias, out), opt(e.Residual, size)
	gemm.SgemmPtr(d.threads, false, false, rows, out, in, 1, unsafe.Pointer(at(x, rows*in)), in, unsafe.Pointer(at(w, in*out)), out, 0, unsafe.Pointer(f), out)
	if e.Act < device.None || e.Act > device.GELU {
		panic(fmt.Sprintf("cpu: no activation %d", e.Act))
	}
	if to == y && bias == nil && gate == nil && residual == nil && e.Act == device.None {
		return
	}
	C.pra_epilogue(d.th(), at(y, size), f, bias, C.int(e.Act), gate, C.long(e.LDGate), residual, C.long(rows), C.long(out))
}
