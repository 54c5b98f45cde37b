package cpu

// #include "ops.h"
import "C"

import (
	"fmt"
	"unsafe"

	"prabench/models/device"
)

func (d *Backend) th() C.int { return C.int(d.threads) }

// columns panics unless columns [off, off+n) lie inside rows of ld.
func columns(off, n, ld int) {
	if off < 0 || off+n > ld {
		panic(fmt.Sprintf("cpu: columns [%d, %d) of rows of %d", off, off+n, ld))
	}
}

// blocks panics unless blocks divide the tokens.
func blocks(tokens, block int) {
	if block < 1 || tokens%block != 0 {
		panic(fmt.Sprintf("cpu: %d tokens in blocks of %d", tokens, block))
	}
}

// indexed panics unless every index has its row of width in the table.
func indexed(b device.Ints, n int, table device.Buffer, width int) {
	ints(b, n)
	for _, i := range unsafe.Slice((*int32)(pointer(b.Base)), n) {
		if i < 0 || (int(i)+1)*width > table.N {
			panic(fmt.Sprintf("cpu: index %d into a table of %d rows", i, table.N/width))
		}
	}
}

func flag(b bool) C.int {
	if b {
		return 1
	}
	return 0
}

func (d *Backend) BiasActBackward(dpre, dbias, dy, pre device.Buffer, rows, n int, act device.Act) {
	C.pra_bias_act_backward(d.th(), at(dpre, rows*n), at(dbias, n), at(dy, rows*n), opt(pre, rows*n), C.long(rows), C.long(n), C.int(act))
}

func (d *Backend) Norm(y, x, gain, bias, stats device.Buffer, rows, n int, kind device.NormKind) {
	C.pra_norm(d.th(), at(y, rows*n), at(x, rows*n), opt(gain, n), opt(bias, n), at(stats, 2*rows), C.long(rows), C.long(n), C.int(kind))
}

func (d *Backend) NormBackward(dx, dgain, dbias, dy, x, gain, stats device.Buffer, rows, n int, kind device.NormKind, add bool) {
	C.pra_norm_backward(d.th(), at(dx, rows*n), opt(dgain, n), opt(dbias, n), at(dy, rows*n), at(x, rows*n), opt(gain, n), at(stats, 2*rows), C.long(rows), C.long(n), C.int(kind), flag(add))
}

func (d *Backend) ModNorm(y, x, stats, mod device.Buffer, ldmod, shiftOff, scaleOff, rows, n int) {
	columns(shiftOff, n, ldmod)
	columns(scaleOff, n, ldmod)
	C.pra_mod_norm(d.th(), at(y, rows*n), at(x, rows*n), at(stats, 2*rows), at(mod, rows*ldmod), C.long(ldmod), C.long(shiftOff), C.long(scaleOff), C.long(rows), C.long(n))
}

func (d *Backend) ModNormBackward(dx, dmod, dy, x, stats, mod device.Buffer, ldmod, shiftOff, scaleOff, rows, n int, add bool) {
	columns(shiftOff, n, ldmod)
	columns(scaleOff, n, ldmod)
	C.pra_mod_norm_backward(d.th(), at(dx, rows*n), at(dmod, rows*ldmod), at(dy, rows*n), at(x, rows*n), at(stats, 2*rows), at(mod, rows*ldmod), C.long(ldmod), C.long(shiftOff), C.long(scaleOff), C.long(rows), C.long(n), flag(add))
}

func (d *Backend) GateBackward(df, dmod, dout, f, mod device.Buffer, ldmod, off, rows, n int) {
	columns(off, n, ldmod)
	C.pra_gate_backward(d.th(), at(df, rows*n), at(dmod, rows*ldmod), at(dout, rows*n), at(f, rows*n), at(mod, rows*ldmod), C.long(ldmod), C.long(off), C.long(rows), C.long(n))
}

func (d *Backend) Attention(out, qkv, lse device.Buffer, batch, tokens, heads, width, block int) {
	blocks(tokens, block)
	rows := batch * tokens
	C.pra_attention(d.th(), at(out, rows*width), at(qkv, 3*rows*width), at(lse, rows*heads), C.long(batch), C.long(tokens), C.long(heads), C.long(width), C.long(block))
}

func (d *Backend) AttentionBackward(dqkv, dout, out, qkv, lse device.Buffer, batch, tokens, heads, width, block int) {
	blocks(tokens, block)
	rows := batch * tokens
	C.pra_attention_backward(d.th(), at(dqkv, 3*rows*width), at(dout, rows*width), at(out, rows*width), at(qkv, 3*rows*width), at(lse, rows*heads), C.long(batch), C.long(tokens), C.long(heads), C.long(width), C.long(block))
}

func (d *Backend) AttentionDecode(out, qkv, cache device.Buffer, batch, start, n, capacity, heads, width int) {
	if start+n > capacity {
		panic("cpu: attention past the end of the cache")
	}
	C.pra_attention_decode(d.th(), at(out, batch*n*width), at(qkv, 3*batch*n*width), at(cache, 2*batch*capacity*width), C.long(batch), C.long(start), C.long(n), C.long(capacity), C.long(heads), C.long(width))
}

func (d *Backend) Embed(u, proj, start, inpos, pos, class device.Buffer, labels, order device.Ints, batch, from, n, projAt, projTokens, width, block int) {
	indexed(order, from+n, pos, width)
	indexed(order, max(0, from+n-block), inpos, width)
	indexed(labels, batch, class, width)
	C.pra_embed(d.th(), at(u, batch*n*width), opt(proj, batch*projTokens*width), at(start, block*width), at(inpos, width), at(pos, width), at(class, width), ints(labels, batch), ints(order, from+n),
		C.long(batch), C.long(from), C.long(n), C.long(projAt), C.long(projTokens), C.long(width), C.long(block))
}

func (d *Backend) EmbedBackward(dproj, dstart, dinpos, dpos, dclass, du device.Buffer, labels, order device.Ints, batch, tokens, width, block int) {
	blocks(tokens, block)
	indexed(order, tokens, dpos, width)
	indexed(order, tokens, dinpos, width)
	indexed(labels, batch, dclass, width)
	C.pra_embed_backward(d.th(), at(dproj, batch*tokens*width), at(dstart, block*width), at(dinpos, tokens*width), at(dpos, tokens*width), at(dclass, width), at(du, batch*tokens*width), ints(labels, batch), ints(order, tokens),
		C.long(batch), C.long(tokens), C.long(width), C.long(block))
}

// per panics unless parts divide the rows; it returns the parts.
func per(rows, parts int) int {
	if parts < 1 || rows%parts != 0 {
		panic(fmt.Sprintf("cpu: %d rows in %d parts", rows, parts))
	}
	return parts
}

func (d *Backend) CondAct(y, pre, time, cond device.Buffer, rows, trows, crows, n int) {
	C.pra_cond_act(d.th(), at(y, rows*n), opt(pre, rows*n), at(time, per(rows, trows)*n), at(cond, crows*n), C.long(rows), C.long(trows), C.long(crows), C.long(n))
}

func (d *Backend) CondActBackward(dtime, dcond, dy, pre device.Buffer, rows, crows, n int) {
	C.pra_cond_act_backward(d.th(), at(dtime, rows*n), at(dcond, crows*n), at(dy, rows*n), at(pre, rows*n), C.long(rows), C.long(crows), C.long(n))
}

func (d *Backend) Sinusoid(out, t device.Buffer, rows, dim int) {
	if dim > 1024 {
		panic("cpu: more than 1024 time features")
	}
	C.pra_sinusoid(d.th(), at(out, rows*dim), at(t, rows), C.long(rows), C.long(dim))
}

func (d *Backend) RowMix(dst, a, x, b, y device.Buffer, rows, n, xrows int) {
	C.pra_row_mix(d.th(), at(dst, rows*n), at(a, rows), at(x, xrows*n), at(b, rows), at(y, rows*n), C.long(rows), C.long(n), C.long(xrows))
}

func (d *Backend) Mix(dst device.Buffer, a float32, x device.Buffer, b float32, y device.Buffer) {
	C.pra_mix(d.th(), at(dst, dst.N), C.float(a), at(x, dst.N), C.float(b), at(y, dst.N), C.long(dst.N))
}

func (d *Backend) WeightedError(loss, grad, pred, target, w device.Buffer, rows, n, trows int, scale float32) {
	C.pra_weighted_error(d.th(), at(loss, rows), at(grad, rows*n), at(pred, rows*n), at(target, trows*n), at(w, rows), C.long(rows), C.long(n), C.long(trows), C.float(scale))
}

func (d *Backend) Velocity(v, o, onull, z device.Buffer, guidance, inv float32) {
	C.pra_velocity(d.th(), at(v, v.N), at(o, v.N), opt(onull, v.N), at(z, v.N), C.float(guidance), C.float(inv), C.long(v.N))
}

func (d *Backend) SumSquares(x device.Buffer) float64 {
	return float64(C.pra_sum_squares(d.th(), at(x, x.N), C.long(x.N)))
}

func (d *Backend) AdamW(p, g, m, v, ema device.Buffer, h device.AdamW) {
	n := p.N
	f := func(x float64) C.float { return C.float(x) }
	C.pra_adamw(d.th(), at(p, n), at(g, n), at(m, n), at(v, n), at(ema, n), C.long(n), f(h.LR), f(h.Beta1), f(h.Beta2), f(1-h.Beta1), f(1-h.Beta2), f(h.Eps), f(h.WeightDecay), f(h.Correct1), f(h.Correct2), f(h.GradScale), f(h.EMA), f(1-h.EMA))
}
