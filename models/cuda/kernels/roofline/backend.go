// Package roofline predicts what the CUDA kernels will take on a device, from
// arithmetic alone: the real model core runs on a backend without memory whose
// launches are counted with their bytes and floating-point operations.
//
// It believes that a prediction is worth having before there is a device to
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
}

var _ device.Backend = (*Backend)(nil)

// NewBackend counts into l. With kernels.BF16 all products round fp32 operands
// to bf16, and the cache holds bf16; with kernels.Packed the layers also read
// weights that were packed once, before what is counted.
func NewBackend(l kernels.Launcher, p kernels.Precision) *Backend {
	return &Backend{Backend: counter.New(), ops: kernels.New(l, p), half: p != kernels.FP32}
}

func (b *Backend) Name() string    { return "roofline" }
func (b *Backend) Details() string { return "counts the launches of CUDA kernels, computes nothing" }

// Caps are those of a CUDA device as far as they change what is launched.
func (b *Backend) Caps() device.Caps {
	return device.Caps{Counts: true, AheadRows: kernels.AheadRows, HalfCache: b.half}
}

func (b *Backend) Does(k device.Kind) bool { return kernels.Does(k) }
func (b *Backend) Do(op device.Op)         { b.ops.Do(op) }
