package gemm

import (
	"fmt"
	"unsafe"

	"prabench/models/device"
)

// For the benchmark, which lives outside to measure the peak by package cpu.
var (
	Own    = own
	OneDNN = oneDNN
)

const (
	None = device.None
	SiLU = device.SiLU
	GELU = device.GELU
)

// Pack copies op(B) [k, n] with row stride ldb; later changes of b are not
// seen, see [Packed.Update].
func Pack(transB bool, k, n int, b []float32, ldb int) *Packed {
	return PackPtr(transB, k, n, unsafe.Pointer(&b[0]), ldb)
}

// PackPtr is Pack from a raw address.
func PackPtr(transB bool, k, n int, b unsafe.Pointer, ldb int) *Packed {
	return pack(false, transB, k, n, b, ldb)
}

// PackBF16Ptr is PackPtr with the values rounded to bf16, in half the memory,
// for products in which A is rounded too. It panics where [HasBF16] is false.
func PackBF16Ptr(transB bool, k, n int, b unsafe.Pointer, ldb int) *Packed {
	needBF16()
	return pack(true, transB, k, n, b, ldb)
}

func pack(bf16, transB bool, k, n int, b unsafe.Pointer, ldb int) *Packed {
	if k < 1 || n < 1 {
		panic(fmt.Sprintf("gemm: a packed operand of %d × %d", k, n))
	}
	size := PackedLen(bf16, k, n)
	values := make([]float32, size+15)
	if off := uintptr(unsafe.Pointer(&values[0])) % 64; off != 0 {
		values = values[(64-off)/4:]
	}
	p := PackedIn(values[:size], bf16, k, n)
	p.Update(transB, b, ldb)
	return p
}
