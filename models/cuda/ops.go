//go:build cuda

package cuda

/*
#include "queue.h"
*/
import "C"

import (
	"math"
	"unsafe"

	"prabench/models/cuda/kernels"
	"prabench/models/device"
)

func (d *Backend) BiasActBackward(dpre, dbias, dy, pre device.Buffer, rows, n int, act device.Act) {
	size := rows * n
	pp, pb, py, ppre := at(dpre, size), at(dbias, n), at(dy, size), opt(pre, size)
	d.queue.note("BiasActBackward", rows, n)
	d.ops.BiasActBackward(pp, pb, py, ppre, rows, n, int(act))
}

func (d *Backend) Norm(y, x, gain, bias, stats device.Buffer, rows, n int, kind device.NormKind) {
	py, px, pg, pb, ps := at(y, rows*n), at(x, rows*n), opt(gain, n), opt(bias, n), at(stats, 2*rows)
	d.queue.note("Norm", rows, n)
	d.ops.Norm(py, px, pg, pb, ps, rows, n, int(kind))
}

func (d *Backend) NormBackward(dx, dgain, dbias, dy, x, gain, stats device.Buffer, rows, n int, kind device.NormKind, add bool) {
	pdx, pdg, pdb, pdy, px, pg, ps := at(dx, rows*n), opt(dgain, n), opt(dbias, n), at(dy, rows*n), at(x, rows*n), opt(gain, n), at(stats, 2*rows)
	d.queue.note("NormBackward", rows, n)
	d.ops.NormBackward(pdx, pdg, pdb, pdy, px, pg, ps, rows, n, int(kind), add)
}

func (d *Backend) ModNorm(y, x, stats, mod device.Buffer, ldmod, shiftOff, scaleOff, rows, n int) {
	columns(shiftOff, n, ldmod)
	columns(scaleOff, n, ldmod)
	py, px, ps, pm := at(y, rows*n), at(x, rows*n), at(stats, 2*rows), at(mod, rows*ldmod)
	d.queue.note("ModNorm", rows, n, ldmod)
	d.ops.ModNorm(py, px, ps, pm, ldmod, shiftOff, scaleOff, rows, n)
}

func (d *Backend) ModNormBackward(dx, dmod, dy, x, stats, mod device.Buffer, ldmod, shiftOff, scaleOff, rows, n int, add bool) {
	columns(shiftOff, n, ldmod)
	columns(scaleOff, n, ldmod)
	pdx, pdm, pdy, px, ps, pm := at(dx, rows*n), at(dmod, rows*ldmod), at(dy, rows*n), at(x, rows*n), at(stats, 2*rows), at(mod, rows*ldmod)
	d.queue.note("ModNormBackward", rows, n, ldmod)
	d.ops.ModNormBackward(pdx, pdm, pdy, px, ps, pm, ldmod, shiftOff, scaleOff, rows, n, add)
}

func (d *Backend) GateBackward(df, dmod, dout, f, mod device.Buffer, ldmod, off, rows, n int) {
	columns(off, n, ldmod)
	pdf, pdm, pdo, pf, pm := at(df, rows*n), at(dmod, rows*ldmod), at(dout, rows*n), at(f, rows*n), at(mod, rows*ldmod)
	d.queue.note("GateBackward", rows, n, ldmod)
	d.ops.GateBackward(pdf, pdm, pdo, pf, pm, ldmod, off, rows, n)
}

func (d *Backend) Attention(out, qkv, lse device.Buffer, batch, tokens, heads, width, block int) {
	blocks(tokens, block)
	rows := batch * tokens
	po, pq, pl := at(out, rows*width), at(qkv, 3*rows*width), at(lse, rows*heads)
	d.queue.note("Attention", batch, tokens, heads, width, block)
	d.ops.Attention(po, pq, pl, batch, tokens, heads, width, block)
}

func (d *Backend) AttentionBackward(dqkv, dout, out, qkv, lse device.Buffer, batch, tokens, heads, width, block int) {
	blocks(tokens, block)
	rows := batch * tokens
	pdq, pdo, po, pq, pl := at(dqkv, 3*rows*width), at(dout, rows*width), at(out, rows*width), at(qkv, 3*rows*width), at(lse, rows*heads)
	d.queue.note("AttentionBackward", batch, tokens, heads, width, block)
	d.ops.AttentionBackward(pdq, pdo, po, pq, pl, batch, tokens, heads, width, block)
}

func (d *Backend) AttentionDecode(out, qkv, cache device.Buffer, batch, start, n, capacity, heads, width int) {
	if start+n > capacity {
		panic("cuda: attention past the end of the cache")
	}
	po, pq, pc := at(out, batch*n*width), at(qkv, 3*batch*n*width), at(cache, d.CacheElements(batch, capacity, heads, width))
	d.queue.note("AttentionDecode", batch, start, n, capacity, heads, width)
	if d.precision != kernels.FP32 { // of a cache in bf16 half as much is read
		d.ops.AttentionDecodeBF16(po, pq, pc, batch, start, n, capacity, heads, width)
		return
	}
	d.ops.AttentionDecode(po, pq, pc, batch, start, n, capacity, heads, width)
}

// CacheElements implements [device.CacheSizer].
func (d *Backend) CacheElements(batch, capacity, heads, width int) int {
	if d.precision == kernels.FP32 {
		return 2 * batch * capacity * width
	}
	return kernels.CacheWordsBF16(batch, capacity, heads, width)
}

func (d *Backend) Embed(u, proj, start, inpos, pos, class device.Buffer, labels, order device.Ints, batch, from, n, projAt, projTokens, width, block int) {
	po := d.indexed(order, from+n, pos, width)
	d.indexed(order, max(0, from+n-block), inpos, width)
	pl := d.indexed(labels, batch, class, width)
	pu, pp, ps, pi, ppos, pc := at(u, batch*n*width), opt(proj, batch*projTokens*width), at(start, block*width), at(inpos, width), at(pos, width), at(class, width)
	d.queue.note("Embed", batch, from, n, projAt, width, block)
	d.ops.Embed(pu, pp, ps, pi, ppos, pc, pl, po, batch, from, n, projAt, projTokens, width, block)
}

func (d *Backend) EmbedBackward(dproj, dstart, dinpos, dpos, dclass, du device.Buffer, labels, order device.Ints, batch, tokens, width, block int) {
	blocks(tokens, block)
	po := d.indexed(order, tokens, dpos, width)
	d.indexed(order, tokens, dinpos, width)
	pl := d.indexed(labels, batch, dclass, width)
	rows := batch * tokens
	pp, ps, pi, ppos, pc, pdu := at(dproj, rows*width), at(dstart, block*width), at(dinpos, tokens*width), at(dpos, tokens*width), at(dclass, width), at(du, rows*width)
	d.queue.note("EmbedBackward", batch, tokens, width, block)
	d.ops.EmbedBackward(pp, ps, pi, ppos, pc, pdu, pl, po, batch, tokens, width, block)
}

func (d *Backend) CondAct(y, pre, time, cond device.Buffer, rows, trows, crows, n int) {
	py, pp, pt, pc := at(y, rows*n), opt(pre, rows*n), at(time, per(rows, trows)*n), at(cond, crows*n)
	d.queue.note("CondAct", rows, trows, crows, n)
	d.ops.CondAct(py, pp, pt, pc, rows, trows, crows, n)
}

func (d *Backend) CondActBackward(dtime, dcond, dy, pre device.Buffer, rows, crows, n int) {
	pt, pc, py, pp := at(dtime, rows*n), at(dcond, crows*n), at(dy, rows*n), at(pre, rows*n)
	d.queue.note("CondActBackward", rows, crows, n)
	d.ops.CondActBackward(pt, pc, py, pp, rows, crows, n)
}

func (d *Backend) Sinusoid(out, t device.Buffer, rows, dim int) {
	po, pt := at(out, rows*dim), at(t, rows)
	d.queue.note("Sinusoid", rows, dim)
	d.ops.Sinusoid(po, pt, rows, dim)
}

func (d *Backend) RowMix(dst, a, x, b, y device.Buffer, rows, n, xrows int) {
	pd, pa, px, pb, py := at(dst, rows*n), at(a, rows), at(x, xrows*n), at(b, rows), at(y, rows*n)
	d.queue.note("RowMix", rows, n, xrows)
	d.ops.RowMix(pd, pa, px, pb, py, rows, n, xrows)
}

func (d *Backend) Mix(dst device.Buffer, a float32, x device.Buffer, b float32, y device.Buffer) {
	n := dst.N
	pd, px, py := at(dst, n), at(x, n), at(y, n)
	d.queue.note("Mix", n)
	d.ops.Mix(pd, a, px, b, py, n)
}

func (d *Backend) WeightedError(loss, grad, pred, target, w device.Buffer, rows, n, trows int, scale float32) {
	pl, pg, pp, pt, pw := at(loss, rows), at(grad, rows*n), at(pred, rows*n), at(target, trows*n), at(w, rows)
	d.queue.note("WeightedError", rows, n, trows)
	d.ops.WeightedError(pl, pg, pp, pt, pw, rows, n, trows, scale)
}

func (d *Backend) Velocity(v, o, onull, z device.Buffer, guidance, inv float32) {
	n := v.N
	pv, po, pn, pz := at(v, n), at(o, n), opt(onull, n), at(z, n)
	d.queue.note("Velocity", n)
	d.ops.Velocity(pv, po, pn, pz, guidance, inv, n)
}

// FlowStep implements [device.FlowStepper].
func (d *Backend) FlowStep(z, v, o, onull device.Buffer, guidance, inv, dt float32) {
	n := v.N
	pz, pv, po, pn := at(z, n), at(v, n), at(o, n), opt(onull, n)
	d.queue.note("FlowStep", n)
	d.ops.FlowStep(pz, pv, po, pn, guidance, inv, dt, n)
}

func (d *Backend) Normal(dst device.Buffer, ids device.Ints, batch, tokens, from, dim int, key uint64, stream uint32) {
	pd, pi := at(dst, batch*tokens*dim), ints(ids, batch)
	d.queue.note("Normal", batch, tokens, from, dim)
	d.ops.Normal(pd, pi, batch, tokens, from, dim, key, stream)
}

// SumSquares waits for the device: its caller needs the number.
func (d *Backend) SumSquares(x device.Buffer) float64 {
	if d.sum.Absent() {
		s, err := d.Alloc(device.Activations, 2)
		if err != nil {
			d.fail(err)
			return math.NaN()
		}
		d.sum = s
	}
	d.queue.note("SumSquares", x.N)
	d.ops.SumSquares(at(d.sum, 2), at(x, x.N), x.N)
	sum := math.NaN()
	d.stage.download(d, unsafe.Pointer(&sum), d.sum.Base, 8)
	return sum
}

func (d *Backend) AdamW(p, g, m, v, ema device.Buffer, h device.AdamW) {
	n := p.N
	pp, pg, pm, pv, pe := at(p, n), at(g, n), at(m, n), at(v, n), at(ema, n)
	d.queue.note("AdamW", n)
	d.ops.AdamW(pp, pg, pm, pv, pe, n, h)
}

func (d *Backend) Fill(dst device.Buffer, v float32) {
	d.queue.note("Fill", dst.N)
	d.ops.Fill(at(dst, dst.N), v, dst.N)
}

func (d *Backend) Copy(dst, src device.Buffer) {
	if dst.N != src.N {
		panic("cuda: copy between buffers of different length")
	}
	d.queue.note("Copy", dst.N)
	d.ops.Copy(at(dst, dst.N), at(src, src.N), dst.N)
}

func (d *Backend) Copy2D(dst device.Buffer, ldd int, src device.Buffer, lds int, rows, n int) {
	if rows == 0 {
		return
	}
	pd, ps := at(dst, (rows-1)*ldd+n), at(src, (rows-1)*lds+n)
	d.queue.note("Copy2D", rows, n, ldd, lds)
	d.ops.Copy2D(pd, ldd, ps, lds, rows, n)
}
