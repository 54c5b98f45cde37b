package cpu

// #include "ops.h"
import "C"

import (
	"fmt"
	"unsafe"

	"prabench/models/cpu/noise"
	"prabench/models/device"
)

// ops is what this backend does for each kind of operation: a call of the C
// function of its name, see ops.h. Matrix products are in linear.go.
var ops device.Table[*Backend]

func (d *Backend) th() C.int { return C.int(d.threads) }

// each is how many rows share a modulation.
func each(n int) C.long { return C.long(max(n, 1)) }

func flag(b bool) C.int {
	if b {
		return 1
	}
	return 0
}

var _ = device.On(&ops, func(d *Backend, o *device.Norm) {
	C.pra_norm(d.th(), at(o.Y), at(o.X), at(o.Gain), at(o.Bias), at(o.Stats), C.long(o.Rows), C.long(o.N), C.int(o.Form))
})

var _ = device.On(&ops, func(d *Backend, o *device.NormBackward) {
	C.pra_norm_backward(d.th(), at(o.DX), at(o.DGain), at(o.DBias), at(o.DY), at(o.X), at(o.Gain), at(o.Stats),
		C.long(o.Rows), C.long(o.N), C.int(o.Form), flag(o.Add))
})

var _ = device.On(&ops, func(d *Backend, o *device.SwiGLU) {
	C.pra_swiglu(d.th(), at(o.Y), at(o.X), C.long(o.Rows), C.long(o.N))
})

var _ = device.On(&ops, func(d *Backend, o *device.SwiGLUBackward) {
	C.pra_swiglu_backward(d.th(), at(o.DX), at(o.DY), at(o.X), C.long(o.Rows), C.long(o.N))
})

var _ = device.On(&ops, func(d *Backend, o *device.RMSNorm) {
	C.pra_rms_norm(d.th(), at(o.Y), at(o.X), at(o.Gain), at(o.Stats), C.long(o.Rows), C.long(o.N), C.float(o.Eps))
})

var _ = device.On(&ops, func(d *Backend, o *device.RMSNormBackward) {
	C.pra_rms_norm_backward(d.th(), at(o.DX), at(o.DGain), at(o.DY), at(o.X), at(o.Gain), at(o.Stats),
		C.long(o.Rows), C.long(o.N), flag(o.Add))
})

var _ = device.On(&ops, func(d *Backend, o *device.ModNorm) {
	C.pra_mod_norm(d.th(), at(o.Y), at(o.X), at(o.Stats), at(o.Mod), C.long(o.LDMod), C.long(o.Shift), C.long(o.Scale),
		C.long(o.Rows), C.long(o.N), each(o.Each))
})

var _ = device.On(&ops, func(d *Backend, o *device.ModNormBackward) {
	C.pra_mod_norm_backward(d.th(), at(o.DX), at(o.DMod), at(o.DY), at(o.X), at(o.Stats), at(o.Mod),
		C.long(o.LDMod), C.long(o.Shift), C.long(o.Scale), C.long(o.Rows), C.long(o.N), each(o.Each), flag(o.Add))
})

var _ = device.On(&ops, func(d *Backend, o *device.Gate) {
	C.pra_gate(d.th(), at(o.Y), at(o.X), at(o.F), at(o.Mod), C.long(o.LDMod), C.long(o.Gate), C.long(o.Rows), C.long(o.N), each(o.Each))
})

var _ = device.On(&ops, func(d *Backend, o *device.GateBackward) {
	C.pra_gate_backward(d.th(), at(o.DF), at(o.DMod), at(o.DOut), at(o.F), at(o.Mod), C.long(o.LDMod), C.long(o.Gate),
		C.long(o.Rows), C.long(o.N), each(o.Each))
})

var _ = device.On(&ops, func(d *Backend, o *device.Gather) {
	C.pra_gather(d.th(), at(o.Y), at(o.Table), ints(o.Index), C.long(o.Rows), C.long(o.N))
})

var _ = device.On(&ops, func(d *Backend, o *device.GatherBackward) {
	C.pra_gather_backward(d.th(), at(o.DTable), at(o.DY), ints(o.Index), C.long(o.Rows), C.long(o.N))
})

var _ = device.On(&ops, func(d *Backend, o *device.MaxPool) {
	C.pra_max_pool(d.th(), at(o.Y), at(o.X), at(o.Scale), at(o.Shift), C.long(o.Rows), C.long(o.Group), C.long(o.N))
})

var _ = device.On(&ops, func(d *Backend, o *device.MaxPoolBackward) {
	C.pra_max_pool_backward(d.th(), at(o.DX), at(o.DY), at(o.Y), at(o.X), at(o.Scale), C.long(o.Rows), C.long(o.Group), C.long(o.N))
})

var _ = device.On(&ops, func(d *Backend, o *device.CrossEntropy) {
	C.pra_cross_entropy(d.th(), at(o.Loss), at(o.Grad), at(o.X), ints(o.Target), C.long(o.Rows), C.long(o.N), C.float(o.Scale))
})

var _ = device.On(&ops, func(d *Backend, o *device.Attention) {
	C.pra_attention(d.th(), at(o.Out), at(o.QKV), at(o.LSE),
		C.long(o.Batch), C.long(o.Tokens), C.long(o.Heads), C.long(o.Width), C.long(o.Block), C.long(o.Prefix))
})

var _ = device.On(&ops, func(d *Backend, o *device.AttentionBackward) {
	C.pra_attention_backward(d.th(), at(o.DQKV), at(o.DOut), at(o.Out), at(o.QKV), at(o.LSE),
		C.long(o.Batch), C.long(o.Tokens), C.long(o.Heads), C.long(o.Width), C.long(o.Block), C.long(o.Prefix))
})

var _ = device.On(&ops, func(d *Backend, o *device.PlaceQK) {
	C.pra_place_qk(d.th(), at(o.Y), at(o.X), at(o.Gain), at(o.Turns), C.long(o.Rows), C.long(o.At), C.long(o.Tokens), C.long(o.Heads),
		C.long(o.Width))
})

var _ = device.On(&ops, func(d *Backend, o *device.PlaceQKBackward) {
	C.pra_place_qk_backward(d.th(), at(o.DX), at(o.DGain), at(o.DY), at(o.X), at(o.Gain), at(o.Turns), C.long(o.Rows), C.long(o.Tokens),
		C.long(o.Heads), C.long(o.Width))
})

var _ = device.On(&ops, func(d *Backend, o *device.AttentionDecode) {
	if o.Half {
		panic("cpu: a cache in bf16")
	}
	C.pra_attention_decode(d.th(), at(o.Out), at(o.QKV), at(o.Cache),
		C.long(o.Batch), C.long(o.At), C.long(o.N), C.long(o.Capacity), C.long(o.Heads), C.long(o.Width))
})

var _ = device.On(&ops, func(d *Backend, o *device.Embed) {
	C.pra_embed(d.th(), at(o.U), at(o.Proj), at(o.Start), at(o.InPos), at(o.Pos), at(o.Class), ints(o.Labels), ints(o.Order),
		C.long(o.Batch), C.long(o.At), C.long(o.N), C.long(o.ProjAt), C.long(o.ProjTokens), C.long(o.Width), C.long(o.Block))
})

var _ = device.On(&ops, func(d *Backend, o *device.EmbedBackward) {
	C.pra_embed_backward(d.th(), at(o.DProj), at(o.DStart), at(o.DInPos), at(o.DPos), at(o.DClass), at(o.DU),
		ints(o.Labels), ints(o.Order), C.long(o.Batch), C.long(o.Tokens), C.long(o.Width), C.long(o.Block))
})

var _ = device.On(&ops, func(d *Backend, o *device.CondAct) {
	C.pra_cond_act(d.th(), at(o.Y), at(o.Pre), at(o.Time), at(o.Cond),
		C.long(o.Rows), C.long(o.TimeRows), C.long(o.CondRows), C.long(o.N))
})

var _ = device.On(&ops, func(d *Backend, o *device.CondActBackward) {
	C.pra_cond_act_backward(d.th(), at(o.DTime), at(o.DCond), at(o.DY), at(o.Pre), C.long(o.Rows), C.long(o.CondRows), C.long(o.N))
})

var _ = device.On(&ops, func(d *Backend, o *device.Sinusoid) {
	if o.Dim > 1024 {
		panic(fmt.Sprintf("cpu: %d time features; at most 1024", o.Dim))
	}
	C.pra_sinusoid(d.th(), at(o.Out), at(o.T), C.long(o.Rows), C.long(o.Dim))
})

var _ = device.On(&ops, func(d *Backend, o *device.RowMix) {
	C.pra_row_mix(d.th(), at(o.Dst), at(o.A), at(o.X), at(o.B), at(o.Y), C.long(o.Rows), C.long(o.N), C.long(o.XRows))
})

var _ = device.On(&ops, func(d *Backend, o *device.Mix) {
	C.pra_mix(d.th(), at(o.Dst), C.float(o.A), at(o.X), C.float(o.B), at(o.Y), C.long(o.Dst.N))
})

var _ = device.On(&ops, func(d *Backend, o *device.WeightedError) {
	C.pra_weighted_error(d.th(), at(o.Loss), at(o.Grad), at(o.Pred), at(o.Target), at(o.W),
		C.long(o.Rows), C.long(o.N), C.long(o.TargetRows), C.float(o.Scale), flag(o.Absolute))
})

var _ = device.On(&ops, func(d *Backend, o *device.Velocity) {
	C.pra_velocity(d.th(), at(o.V), at(o.O), at(o.Null), at(o.Z), C.float(o.Guidance), C.float(o.Inv), C.long(o.V.N))
})

var _ = device.On(&ops, func(d *Backend, o *device.FlowStep) {
	C.pra_flow_step(d.th(), at(o.Z), at(o.V), at(o.O), at(o.Null), C.float(o.Guidance), C.float(o.Inv), C.float(o.DT), C.long(o.V.N))
})

var _ = device.On(&ops, func(d *Backend, o *device.Normal) {
	noise.Normal(d.threads, unsafe.Pointer(at(o.Dst)), unsafe.Pointer(ints(o.IDs)), o.Batch, o.Tokens, o.At, o.Dim, o.Key, o.Stream)
})

var _ = device.On(&ops, func(d *Backend, o *device.SumSquares) {
	o.Sum = float64(C.pra_sum_squares(d.th(), at(o.X), C.long(o.X.N)))
})

var _ = device.On(&ops, func(d *Backend, o *device.AdamW) {
	f := func(x float64) C.float { return C.float(x) }
	C.pra_adamw(d.th(), at(o.P), at(o.G), at(o.M), at(o.V), at(o.Avg), C.long(o.P.N), f(o.LR),
		f(o.Beta1), f(o.Beta2), f(1-o.Beta1), f(1-o.Beta2), f(o.Eps), f(o.WeightDecay),
		f(o.Correct1), f(o.Correct2), f(o.GradScale), f(o.EMA), f(1-o.EMA))
})

var _ = device.On(&ops, func(_ *Backend, o *device.Fill) {
	s := Host(o.Dst)
	for i := range s {
		s[i] = o.Value
	}
})

var _ = device.On(&ops, func(_ *Backend, o *device.Copy) { copy(Host(o.Dst), Host(o.Src)) })

var _ = device.On(&ops, func(_ *Backend, o *device.Copy2D) {
	to, from := Host(o.Dst), Host(o.Src)
	for r := range o.Rows {
		copy(to[r*o.LDDst:r*o.LDDst+o.N], from[r*o.LDSrc:r*o.LDSrc+o.N])
	}
})
