// Package roofline predicts what the CUDA kernels will take on a device, from
// arithmetic alone: the real model core runs on a backend without memory whose
// launches are counted with their bytes and floating-point operations.
//
// Its principle is that a prediction is worth having before there is a device to
// measure on, if it is kept beside the measurement that will judge it. A time
// is the larger of bytes over bandwidth and operations over peak, launch after
// launch: nothing overlaps, and every kernel reaches its bound. So it is a bound
// of this design, not a promise.
package roofline

import (
	"prabench/models/cuda/kernels"
	"prabench/models/device"
	"prabench/models/device/counter"
)

// Backend is a counter whose operations become launches. It has no memory:
// addresses are given out and never read.
type Backend struct {
	*counter.Backend
	ops  *kernels.Ops
	half bool
	kept bool // the weights are, now

	// CuBLAS has products done by cuBLAS, as a CUDA device does by default: one
	// launch each, on operands in fp32 memory, and a pass where an epilogue asks
	// for one. Layers of few rows on weights that are kept are not among them.
	CuBLAS bool
	// NoFusion has no layers of few rows in one launch.
	NoFusion  bool
	launcher  kernels.Launcher
	precision kernels.Precision
	recorder  device.Recorder
}

var _ device.Backend = (*Backend)(nil)

// NewBackend counts into l. With kernels.BF16 all products round fp32 operands
// to bf16, and the cache holds bf16; with kernels.Packed the layers also read
// weights that were packed once, before what is counted.
func NewBackend(l kernels.Launcher, p kernels.Precision) *Backend {
	return &Backend{Backend: counter.New(), ops: kernels.New(l, p), half: p != kernels.FP32, launcher: l, precision: p}
}

func (b *Backend) Name() string    { return "roofline" }
func (b *Backend) Details() string { return "counts the launches of CUDA kernels, computes nothing" }

// Caps are those of a CUDA device as far as they change what is launched.
func (b *Backend) Caps() device.Caps {
	caps := device.Caps{Counts: true, AheadRows: kernels.AheadRows, HalfCache: b.half, Recorder: b.recorder}
	if b.layerRows() > 0 {
		caps.NormRows, caps.Keeper = kernels.NormRows, keeper{b}
	}
	return caps
}

// layerRows is up to how many rows a layer on kept weights is one launch.
func (b *Backend) layerRows() int {
	switch {
	case b.NoFusion || b.precision == kernels.FP32 || b.precision == kernels.BF16 && !b.CuBLAS:
		return 0 // own kernels that read fp32 weights are counted without copies
	case b.CuBLAS:
		return kernels.NormRows
	}
	return kernels.LayerRows
}

// keeper knows when weights are kept; their copies are made before what is counted.
type keeper struct{ b *Backend }

func (k keeper) Keeping([]device.Weight) device.Kept { return k }
func (k keeper) Begin()                              { k.b.kept = true }
func (k keeper) End()                                { k.b.kept = false }
func (k keeper) Close()                              {}

// Alloc gives addresses that are aligned as a device's are.
func (b *Backend) Alloc(c device.Class, n int) (device.Buffer, error) {
	x, err := b.Backend.Alloc(c, n)
	x.Base <<= aligned
	return x, err
}

// Free takes back what Alloc gave.
func (b *Backend) Free(x device.Buffer) {
	x.Base >>= aligned
	b.Backend.Free(x)
}

const aligned = 40

// copyOf is where a kept weight's copy is: anywhere.
const copyOf kernels.Ptr = 1 << 60

func (b *Backend) Does(k device.Kind) bool { return kernels.Does(k) }

func (b *Backend) Do(op device.Op) {
	switch o := op.(type) {
	case *device.Gemm:
		if b.CuBLAS && o.K > 0 {
			again := 1.0 // C is written, and read where it is added to
			if o.Beta != 0 {
				again = 2
			}
			b.product(o.FLOPs(), float64(o.M)*float64(o.K)+float64(o.K)*float64(o.N)+again*float64(o.M)*float64(o.N))
			return
		}
	case *device.NormLinear:
		if b.kept && b.layerRows() > 0 && kernels.NormLayerFits(o, copyOf) {
			b.ops.NormLayer(o, copyOf)
			return
		}
		norm, layer := o.Apart()
		b.ops.Do(norm)
		b.Do(layer)
		return
	case *device.Linear:
		if b.kept && o.Rows <= b.layerRows() && kernels.LayerFits(o, copyOf) {
			b.ops.Layer(o, copyOf)
			return
		}
		if b.CuBLAS && o.In > 0 {
			rows, in, out := float64(o.Rows), float64(o.In), float64(o.Out)
			b.product(o.FLOPs(), rows*in+in*out+rows*out)
			e := kernels.EpilogueOf(o)
			to := at(o.Y)
			if e.Pre != 0 {
				to = e.Pre
			}
			b.ops.Finish(at(o.Y), to, o.Rows, o.Out, e)
			b.ops.Moments(o)
			return
		}
	}
	b.ops.Do(op)
}

// library is cuBLAS as a kernel, by what its products are computed in.
var library = map[bool]*kernels.Kernel{false: {Name: "cuBLAS"}, true: {Name: "cuBLAS", Compute: 80}}

func (b *Backend) product(flops, elements float64) {
	b.launcher.Launch(&kernels.Launch{
		Kernel: library[b.precision != kernels.FP32], Cost: kernels.Cost{FLOPs: flops, Bytes: 4 * elements, Least: 4 * elements},
	})
}

func at(x device.Buffer) kernels.Ptr { return kernels.Ptr(x.Base).At(x.Off) }
