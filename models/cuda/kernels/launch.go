// Package kernels holds the CUDA kernels of the model core, one family a .cu
// file with its twin in models/cpu, their committed PTX, and for every
// operation of package device a pure Go function that chooses grid, block and
// shared memory and hands the launches to a [Launcher].
//
// Its principle is that the choice of a launch is arithmetic and can be tested
// anywhere: nothing here needs a GPU, cgo or a driver. Results depend on
// nothing but the operands: every sum has a fixed order, atomics only count blocks that
// have arrived (skinny_bf16.cu, chain_bf16.cu), and no launch is chosen by the size of the
// device. The blocks of a chain are, which do the same blocks of the same launches.
package kernels

import (
	"fmt"
	"math"

	"prabench/models/device"
)

// Ptr is a device address; 0 is an absent operand.
type Ptr uint64

// At is the address of element i of the fp32 array at p.
func (p Ptr) At(i int) Ptr { return p + Ptr(4*i) }

// Arg is one kernel argument in its own 8-byte slot, little-endian: a pointer
// or 64-bit integer fills it, a 32-bit integer or float its lower half.
type Arg uint64

// Precision is how a matrix product reads its operands; sums are always fp32.
type Precision int

// The precisions of products.
const (
	FP32   Precision = iota
	BF16             // operands are fp32 in memory and rounded to bf16 on their way in
	Packed           // as BF16, and the weights of [device.Linear] are what [Ops.PackBF16] made of them
)

// Launch is one kernel launch.
type Launch struct {
	Kernel      *Kernel
	Grid, Block [3]uint32
	Shared      uint32 // bytes of dynamic shared memory
	Args        []Arg
	Cost        Cost
}

// Cost is what a launch takes, computed from its shape. FLOPs count matrix
// products and attention, a multiplication and an addition as two. Least are
// the bytes that the operation cannot avoid to move: every operand read once,
// every result written once. Bytes are those that this launch moves: scratch
// and second readings count, but what the blocks of one tile row or column of a
// product read in common counts once, for it comes from the cache. Scratch is that
// part of Bytes which is written and read again within one launch, in memory that the
// next launch uses too: a few MiB, which a cache of some ten holds.
type Cost struct {
	FLOPs, Bytes, Least, Scratch float64
}

// Launcher takes launches in the order of one stream. A Launch and its Args are
// its to read until Launch returns.
type Launcher interface {
	Launch(l *Launch)
	// Scratch is memory for bytes bytes, aligned to 16, that the launches up to
	// the next call of Scratch may use.
	Scratch(bytes int) Ptr
	// Counters are LayerCounters 32-bit numbers that are 0 before a launch and that
	// every launch leaves at 0.
	Counters() Ptr
}

// maxShared is the dynamic shared memory that every device gives without asking.
const maxShared = 48 << 10

const maxArgs = 24

// Ops launches the operations. An Ops serves one goroutine and allocates
// nothing after it was made.
type Ops struct {
	// Sum is where [device.SumSquares] leaves its result, 8 bytes aligned to 8.
	Sum Ptr

	to        Launcher
	precision Precision
	launch    Launch
	args      [maxArgs]Arg
}

// New makes the operations on a launcher, their products in a precision.
func New(to Launcher, p Precision) *Ops { return &Ops{to: to, precision: p} }

// does is the launches of each kind of operation. They follow the kernels of a
// family, and their extents have been checked.
var does device.Table[*Ops]

// Does reports whether there are kernels for a kind of operation.
func Does(k device.Kind) bool { return does[k] != nil }

// Do launches op.
func (o *Ops) Do(op device.Op) { does[op.Kind()](o, op) }

// at is the address of a buffer's first element, 0 of an absent one.
func at(b device.Buffer) Ptr {
	if b.Absent() {
		return 0
	}
	return Ptr(b.Base).At(b.Off)
}

func list(b device.Ints) Ptr { return Ptr(b.Base) }

// call starts a launch of k; its arguments follow by ptr, int, long and float,
// and emit sends it.
func (o *Ops) call(k *Kernel) *Ops {
	o.launch = Launch{Kernel: k, Args: o.args[:0]}
	return o
}

func (o *Ops) arg(a Arg) *Ops {
	if len(o.launch.Args) == maxArgs {
		panic(fmt.Sprintf("kernels: %s takes more than %d arguments", o.launch.Kernel.Name, maxArgs))
	}
	o.launch.Args = append(o.launch.Args, a)
	return o
}

func (o *Ops) ptr(ps ...Ptr) *Ops {
	for _, p := range ps {
		o.arg(Arg(p))
	}
	return o
}

func (o *Ops) bufs(bs ...device.Buffer) *Ops {
	for _, b := range bs {
		o.arg(Arg(at(b)))
	}
	return o
}

func (o *Ops) ints(vs ...int) *Ops {
	for _, v := range vs {
		if v < math.MinInt32 || v > math.MaxInt32 {
			panic(fmt.Sprintf("kernels: %s: %d does not fit a 32-bit argument", o.launch.Kernel.Name, v))
		}
		o.arg(Arg(uint32(int32(v))))
	}
	return o
}

func (o *Ops) longs(vs ...int) *Ops {
	for _, v := range vs {
		o.arg(Arg(v))
	}
	return o
}

func (o *Ops) floats(vs ...float32) *Ops {
	for _, v := range vs {
		o.arg(Arg(math.Float32bits(v)))
	}
	return o
}

func (o *Ops) cost(flops, bytes, least float64) *Ops {
	o.launch.Cost = Cost{FLOPs: flops, Bytes: bytes, Least: least}
	return o
}

// grid sends the launch on a grid of x·y·z blocks of threads each, with shared
// floats of dynamic shared memory a block.
func (o *Ops) grid(x, y, z, threads, shared int) {
	k := o.launch.Kernel
	if x < 1 || y < 1 || z < 1 || x > math.MaxInt32 || y > 65535 || z > 65535 {
		panic(fmt.Sprintf("kernels: %s: a grid of %d×%d×%d blocks", k.Name, x, y, z))
	}
	if threads < 1 || threads > k.MaxBlock {
		panic(fmt.Sprintf("kernels: %s: %d threads a block; it is built for %d", k.Name, threads, k.MaxBlock))
	}
	if shared*4 > maxShared {
		panic(fmt.Sprintf("kernels: %s: %d bytes of shared memory a block; devices give %d", k.Name, shared*4, maxShared))
	}
	if len(o.launch.Args) != k.Args {
		panic(fmt.Sprintf("kernels: %s: %d arguments; it takes %d", k.Name, len(o.launch.Args), k.Args))
	}
	o.launch.Grid = [3]uint32{uint32(x), uint32(y), uint32(z)}
	o.launch.Block = [3]uint32{uint32(threads), 1, 1}
	o.launch.Shared = uint32(4 * shared)
	o.to.Launch(&o.launch)
}

func ceil(a, b int) int { return (a + b - 1) / b }
