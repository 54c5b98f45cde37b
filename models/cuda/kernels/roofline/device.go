package roofline

import "prabench/models/cuda/kernels"

// Device is what a prediction knows of a GPU.
type Device struct {
	Name      string
	Bandwidth float64 // bytes/s of its memory
	FP32      float64 // FLOP/s in fp32
	BF16      float64 // FLOP/s of bf16 tensor cores with fp32 sums, dense
	CuBLAS    bool    // products are cuBLAS's
	NoFusion  bool    // and layers of few rows are no launches of their own
}

// H100 is the SXM card by its data sheet.
var H100 = Device{Name: "H100 SXM", Bandwidth: 3.35e12, FP32: 67e12, BF16: 989e12}

// seconds of a launch that reaches its bound.
func (d Device) seconds(l *kernels.Launch) float64 {
	peak := d.FP32
	if l.Kernel.Compute >= 80 {
		peak = d.BF16
	}
	return max(l.Cost.Bytes/d.Bandwidth, l.Cost.FLOPs/peak)
}
