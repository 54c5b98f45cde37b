package kernels

import (
	"fmt"

	"prabench/models/device"
)

// Act numbers are those of device.Act: 0 none, 1 SiLU, 2 GELU.

// Epilogue is what follows a product, device.Epilogue with addresses; 0 is
// absent. Gate points at the first gate of row 0.
type Epilogue struct {
	Bias, Pre Ptr
	Act       int
	Gate      Ptr
	LDGate    int
	Residual  Ptr
}

func (e Epilogue) empty() bool { return e == Epilogue{} }

// tile is a kernel of a matrix product that computes side × side results a block.
type tile struct {
	kernel        *Kernel
	side, threads int
	shared        int // floats
}

// products is a table of kernels by transposition of A and of B.
type products [2][2]struct{ small, large tile }

const gemmArgs = 19

func productTable(file string, of func(file, name string, threads, blocks, args int) *Kernel, small, large tile) (p products) {
	for i, a := range "nt" {
		for j, b := range "nt" {
			t := &p[i][j]
			t.small, t.large = small, large
			t.small.kernel = of(file, fmt.Sprintf("%s_%c%c_%d", file, a, b, small.side), small.threads, 2, gemmArgs)
			t.large.kernel = of(file, fmt.Sprintf("%s_%c%c_%d", file, a, b, large.side), large.threads, 1, gemmArgs)
		}
	}
	return p
}

var (
	gemmFP32 = productTable("gemm", kernel, tile{side: 64, threads: 256, shared: 2 * 16 * (64 + 4)},
		tile{side: 128, threads: 256, shared: 2 * 16 * (128 + 4)})
	gemmBF16 = productTable("gemm_bf16", kernel80, tile{side: 64, threads: 128, shared: bf16Shared(64)},
		tile{side: 128, threads: 256, shared: bf16Shared(128)})

	packedSmall = tile{kernel80("gemm_bf16", "linear_packed_64", 128, 2, gemmArgs), 64, 128, bf16Shared(64)}
	packedLarge = tile{kernel80("gemm_bf16", "linear_packed_128", 256, 1, gemmArgs), 128, 256, bf16Shared(128)}

	finishKernel = kernel("bias", "finish", 256, 2, 14)
)

// bf16Shared is the space of one side × 32 tile of each operand, in pairs of
// bf16: [side][16 + 4] or [16][side + 8], whichever is larger.
func bf16Shared(side int) int { return 2 * max(side*20, 16*(side+8)) }

// A product of few tiles is split along its depth into about as many blocks as
// large devices have multiprocessors, where it is deep enough. A constant, so
// that the order of additions is the same on every device.
const (
	enoughBlocks = 132
	leastDepth   = 128 // of a split
)

// split chooses the tile for an m × n result of depth k, how many splits of the
// depth and how deep each.
func split(small, large tile, m, n, k int) (t tile, splits, depth int) {
	tiles := func(t tile) int { return ceil(m, t.side) * ceil(n, t.side) }
	t = small
	if tiles(large) >= enoughBlocks {
		t = large
	}
	splits = min(enoughBlocks/tiles(t), k/leastDepth)
	if splits <= 1 {
		return t, 1, max(k, 1)
	}
	depth = ceil(ceil(k, splits), 32) * 32
	return t, ceil(k, depth), depth
}

var _ = device.On(&does, func(o *Ops, op *device.Gemm) {
	o.Gemm(op.TransA, op.TransB, op.M, op.N, op.K, op.Alpha, at(op.A), op.LDA, at(op.B), op.LDB, op.Beta, at(op.C), op.LDC)
})

// Gemm is [device.Gemm] on addresses.
func (o *Ops) Gemm(transA, transB bool, m, n, k int, alpha float32, a Ptr, lda int, b Ptr, ldb int, beta float32, c Ptr, ldc int) {
	set := &gemmFP32
	if o.precision != FP32 {
		set = &gemmBF16
	}
	t := set[index(transA)][index(transB)]
	o.product(t.small, t.large, m, n, k, alpha, a, lda, b, ldb, 4, beta, c, ldc, Epilogue{})
}

// The product on own kernels: x [rows, in], w [in, out] row-major, or packed.
var _ = device.On(&does, func(o *Ops, op *device.Linear) {
	small, large, size := gemmFP32[0][0].small, gemmFP32[0][0].large, 4.0
	switch o.precision {
	case BF16:
		small, large = gemmBF16[0][0].small, gemmBF16[0][0].large
	case Packed:
		small, large, size = packedSmall, packedLarge, 2
	}
	defer o.Moments(op)
	o.product(small, large, op.Rows, op.Out, op.In, 1, at(op.X), op.In, at(op.W), op.Out, size, 0, at(op.Y), op.Out, EpilogueOf(op))
})

// EpilogueOf is a layer's epilogue on addresses.
func EpilogueOf(op *device.Linear) Epilogue {
	e := Epilogue{Bias: at(op.Bias), Act: int(op.Act), Residual: at(op.Residual)}
	if op.KeepsPre() {
		e.Pre = at(op.Pre)
	}
	if !op.Gate.Absent() {
		e.Gate, e.LDGate = at(op.Gate).At(op.GateOff), op.LDGate
	}
	return e
}

// Finish is what [device.Linear] does after the product, for a product that
// another library left in f [rows, n]: f may be y or e.Pre.
func (o *Ops) Finish(y, f Ptr, rows, n int, e Epilogue) {
	if y == f && e.empty() {
		return
	}
	o.finish(y, f, 1, rows, n, n, 1, 0, e)
}

func (o *Ops) product(small, large tile, m, n, k int, alpha float32, a Ptr, lda int, b Ptr, ldb int, sizeB float64, beta float32, c Ptr,
	ldc int, e Epilogue) {
	if m == 0 || n == 0 {
		return
	}
	t, splits, depth := split(small, large, m, n, k)
	var part Ptr
	if splits > 1 {
		part = o.to.Scratch(4 * splits * m * n)
	}
	size := float64(m) * float64(n)
	operands := 4*float64(m)*float64(k) + sizeB*float64(k)*float64(n)
	least := operands + resultBytes(size, beta, e)
	bytes := least
	if splits > 1 {
		bytes = operands + 4*float64(splits)*size
		least = operands // the finish writes what is left
	}
	o.call(t.kernel).ptr(c, a, b).ints(m, n, k, lda, ldb, ldc).floats(alpha, beta).ints(depth).ptr(part)
	o.epilogue(e).cost(2*size*float64(k), bytes, least).grid(ceil(m, t.side), ceil(n, t.side), splits, t.threads, t.shared)
	if splits > 1 {
		o.finish(c, part, splits, m, n, ldc, alpha, beta, e)
	}
}

func (o *Ops) epilogue(e Epilogue) *Ops {
	return o.ptr(e.Bias, e.Pre).ints(e.Act).ptr(e.Gate).ints(e.LDGate).ptr(e.Residual)
}

// resultBytes are those of writing the result and of what its epilogue reads
// and keeps, for size results.
func resultBytes(size float64, beta float32, e Epilogue) float64 {
	n := 4 * size
	for _, also := range []bool{beta != 0, e.Pre != 0, e.Gate != 0, e.Residual != 0} {
		if also {
			n += 4 * size
		}
	}
	return n
}

// finish sums the splits of a product and applies the epilogue.
func (o *Ops) finish(y, part Ptr, splits, m, n, ldc int, alpha, beta float32, e Epilogue) {
	size := float64(m) * float64(n)
	result := resultBytes(size, beta, e)
	least := result
	if splits == 1 {
		least += 4 * size
	}
	o.call(finishKernel).ptr(y, part).ints(splits, m, n, ldc).floats(alpha, beta)
	o.epilogue(e).cost(0, result+4*float64(splits)*size, least).rows(m, n, 0)
}

func index(b bool) int {
	if b {
		return 1
	}
	return 0
}
