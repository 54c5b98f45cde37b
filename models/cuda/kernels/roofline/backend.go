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
)

// Backend is a device.Backend whose operations become launches. It has no
// memory: addresses are given out and never read.
type Backend struct {
	ops   *kernels.Ops
	prec  kernels.Precision
	next  uintptr
	sizes map[uintptr]held
	held  [device.Classes]int64
	peak  [device.Classes]int64
}

type held struct {
	class device.Class
	bytes int64
}

var _ device.Counter = (*Backend)(nil)

// NewBackend counts into l. With kernels.BF16 all products round fp32 operands
// to bf16, and the cache holds bf16; with kernels.Packed the layers also read
// weights that were packed once, before what is counted.
func NewBackend(l kernels.Launcher, p kernels.Precision) *Backend {
	return &Backend{ops: kernels.New(l), prec: p, next: 1 << 20, sizes: map[uintptr]held{}}
}

// ComputesNothing tells the core to spare itself what only a computing backend needs.
func (b *Backend) ComputesNothing()          {}
func (b *Backend) AheadRows() int            { return kernels.AheadRows }
func (b *Backend) Name() string              { return "roofline" }
func (b *Backend) Threads() int              { return 0 }
func (b *Backend) Details() string           { return "counts the launches of CUDA kernels, computes nothing" }
func (b *Backend) Peak(c device.Class) int64 { return b.peak[c] }
func (b *Backend) Sync() error               { return nil }
func (b *Backend) Err() error                { return nil }
func (b *Backend) Close() error              { return nil }

func (b *Backend) alloc(c device.Class, n int) uintptr {
	p := b.next
	bytes := (int64(n)*4 + 255) / 256 * 256
	b.next += uintptr(bytes) + 256
	b.sizes[p] = held{c, bytes}
	b.held[c] += bytes
	b.peak[c] = max(b.peak[c], b.held[c])
	return p
}

func (b *Backend) free(p uintptr) {
	b.held[b.sizes[p].class] -= b.sizes[p].bytes
	delete(b.sizes, p)
}

func (b *Backend) Alloc(c device.Class, n int) (device.Buffer, error) {
	return device.Buffer{Base: b.alloc(c, n), N: n}, nil
}

func (b *Backend) AllocInts(n int) (device.Ints, error) {
	return device.Ints{Base: b.alloc(device.Activations, n), N: n}, nil
}

func (b *Backend) Free(x device.Buffer)               { b.free(x.Base) }
func (b *Backend) FreeInts(x device.Ints)             { b.free(x.Base) }
func (b *Backend) Upload(device.Buffer, []float32)    {}
func (b *Backend) Download([]float32, device.Buffer)  {}
func (b *Backend) UploadInts(device.Ints, []int32)    {}
func (b *Backend) SumSquares(x device.Buffer) float64 { b.ops.SumSquares(8, at(x), x.N); return 0 }
func (b *Backend) Fill(dst device.Buffer, v float32)  { b.ops.Fill(at(dst), v, dst.N) }
func (b *Backend) Copy(dst, src device.Buffer)        { b.ops.Copy(at(dst), at(src), dst.N) }

// at is the address of a buffer's first element, 0 of an absent one.
func at(x device.Buffer) kernels.Ptr {
	if x.Absent() {
		return 0
	}
	return kernels.Ptr(x.Base).At(x.Off)
}

func ints(x device.Ints) kernels.Ptr { return kernels.Ptr(x.Base) }

func (b *Backend) Gemm(transA, transB bool, m, n, k int, alpha float32, x device.Buffer, ldx int, y device.Buffer, ldy int, beta float32, c device.Buffer, ldc int) {
	b.ops.Gemm(transA, transB, m, n, k, alpha, at(x), ldx, at(y), ldy, beta, at(c), ldc, min(b.prec, kernels.BF16))
}

func (b *Backend) Linear(y, x, w device.Buffer, rows, in, out int, e device.Epilogue) {
	to := kernels.Epilogue{Bias: at(e.Bias), Pre: at(e.Pre), Act: int(e.Act), Gate: at(e.Gate).At(e.GateOff), LDGate: e.LDGate, Residual: at(e.Residual)}
	if e.Gate.Absent() {
		to.Gate = 0
	}
	b.ops.Linear(at(y), at(x), at(w), rows, in, out, to, b.prec)
}

func (b *Backend) BiasActBackward(dpre, dbias, dy, pre device.Buffer, rows, n int, act device.Act) {
	b.ops.BiasActBackward(at(dpre), at(dbias), at(dy), at(pre), rows, n, int(act))
}

func (b *Backend) Norm(y, x, gain, bias, stats device.Buffer, rows, n int, kind device.NormKind) {
	b.ops.Norm(at(y), at(x), at(gain), at(bias), at(stats), rows, n, int(kind))
}

func (b *Backend) NormBackward(dx, dgain, dbias, dy, x, gain, stats device.Buffer, rows, n int, kind device.NormKind, add bool) {
	b.ops.NormBackward(at(dx), at(dgain), at(dbias), at(dy), at(x), at(gain), at(stats), rows, n, int(kind), add)
}

func (b *Backend) ModNorm(y, x, stats, mod device.Buffer, ldmod, shiftOff, scaleOff, rows, n int) {
	b.ops.ModNorm(at(y), at(x), at(stats), at(mod), ldmod, shiftOff, scaleOff, rows, n)
}

func (b *Backend) ModNormBackward(dx, dmod, dy, x, stats, mod device.Buffer, ldmod, shiftOff, scaleOff, rows, n int, add bool) {
	b.ops.ModNormBackward(at(dx), at(dmod), at(dy), at(x), at(stats), at(mod), ldmod, shiftOff, scaleOff, rows, n, add)
}

func (b *Backend) GateBackward(df, dmod, dout, f, mod device.Buffer, ldmod, off, rows, n int) {
	b.ops.GateBackward(at(df), at(dmod), at(dout), at(f), at(mod), ldmod, off, rows, n)
}

func (b *Backend) Attention(out, qkv, lse device.Buffer, batch, tokens, heads, width, block int) {
	b.ops.Attention(at(out), at(qkv), at(lse), batch, tokens, heads, width, block)
}

func (b *Backend) AttentionBackward(dqkv, dout, out, qkv, lse device.Buffer, batch, tokens, heads, width, block int) {
	b.ops.AttentionBackward(at(dqkv), at(dout), at(out), at(qkv), at(lse), batch, tokens, heads, width, block)
}

func (b *Backend) AttentionDecode(out, qkv, cache device.Buffer, batch, start, n, capacity, heads, width int) {
	decode := b.ops.AttentionDecode
	if b.prec != kernels.FP32 {
		decode = b.ops.AttentionDecodeBF16
	}
	decode(at(out), at(qkv), at(cache), batch, start, n, capacity, heads, width)
}

func (b *Backend) Embed(u, proj, start, inpos, pos, class device.Buffer, labels, order device.Ints, batch, from, n, projAt, projTokens, width, block int) {
	b.ops.Embed(at(u), at(proj), at(start), at(inpos), at(pos), at(class), ints(labels), ints(order), batch, from, n, projAt, projTokens, width, block)
}

func (b *Backend) EmbedBackward(dproj, dstart, dinpos, dpos, dclass, du device.Buffer, labels, order device.Ints, batch, tokens, width, block int) {
	b.ops.EmbedBackward(at(dproj), at(dstart), at(dinpos), at(dpos), at(dclass), at(du), ints(labels), ints(order), batch, tokens, width, block)
}

func (b *Backend) CondAct(y, pre, time, cond device.Buffer, rows, trows, crows, n int) {
	b.ops.CondAct(at(y), at(pre), at(time), at(cond), rows, trows, crows, n)
}

func (b *Backend) CondActBackward(dtime, dcond, dy, pre device.Buffer, rows, crows, n int) {
	b.ops.CondActBackward(at(dtime), at(dcond), at(dy), at(pre), rows, crows, n)
}

func (b *Backend) Sinusoid(out, t device.Buffer, rows, dim int) {
	b.ops.Sinusoid(at(out), at(t), rows, dim)
}

func (b *Backend) RowMix(dst, x, u, y, v device.Buffer, rows, n, urows int) {
	b.ops.RowMix(at(dst), at(x), at(u), at(y), at(v), rows, n, urows)
}

func (b *Backend) Mix(dst device.Buffer, p float32, x device.Buffer, q float32, y device.Buffer) {
	b.ops.Mix(at(dst), p, at(x), q, at(y), dst.N)
}

func (b *Backend) WeightedError(loss, grad, pred, target, w device.Buffer, rows, n, trows int, scale float32) {
	b.ops.WeightedError(at(loss), at(grad), at(pred), at(target), at(w), rows, n, trows, scale)
}

func (b *Backend) Velocity(v, o, onull, z device.Buffer, guidance, inv float32) {
	b.ops.Velocity(at(v), at(o), at(onull), at(z), guidance, inv, v.N)
}

func (b *Backend) FlowStep(z, v, o, onull device.Buffer, guidance, inv, dt float32) {
	b.ops.FlowStep(at(z), at(v), at(o), at(onull), guidance, inv, dt, v.N)
}

func (b *Backend) Normal(dst device.Buffer, ids device.Ints, batch, tokens, start, dim int, key uint64, stream uint32) {
	b.ops.Normal(at(dst), ints(ids), batch, tokens, start, dim, key, stream)
}

func (b *Backend) AdamW(p, g, m, v, ema device.Buffer, h device.AdamW) {
	b.ops.AdamW(at(p), at(g), at(m), at(v), at(ema), p.N, h)
}

func (b *Backend) Copy2D(dst device.Buffer, ldd int, src device.Buffer, lds int, rows, n int) {
	b.ops.Copy2D(at(dst), ldd, at(src), lds, rows, n)
}
