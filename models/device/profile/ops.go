package profile

import (
	"time"

	"prabench/models/device"
)

// gemmName is the kind of a product by what it is used for in the core.
func gemmName(transA, transB bool) string {
	switch {
	case transA:
		return "Gemm, weight gradient"
	case transB:
		return "Gemm, input gradient"
	}
	return "Gemm"
}

func plus(n int, also bool, more int) int {
	if also {
		return n + more
	}
	return n
}

func (t *Backend) Gemm(transA, transB bool, m, n, k int, alpha float32, a device.Buffer, lda int, b device.Buffer, ldb int, beta float32, c device.Buffer, ldc int) {
	began := time.Now()
	t.Backend.Gemm(transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
	t.end(gemmName(transA, transB), began, 2*float64(m)*float64(n)*float64(k), m*k+k*n+m*n)
}

func (t *Backend) Linear(y, x, w device.Buffer, rows, in, out int, e device.Epilogue) {
	began := time.Now()
	t.Backend.Linear(y, x, w, rows, in, out, e)
	values := rows*in + in*out + rows*out + e.Bias.N
	values = plus(values, !e.Pre.Absent() && e.Pre != y, rows*out)
	values = plus(values, !e.Gate.Absent(), rows*out)
	values = plus(values, !e.Residual.Absent(), rows*out)
	t.end("Linear", began, 2*float64(rows)*float64(in)*float64(out), values)
}

func (t *Backend) BiasActBackward(dpre, dbias, dy, pre device.Buffer, rows, n int, act device.Act) {
	began := time.Now()
	t.Backend.BiasActBackward(dpre, dbias, dy, pre, rows, n, act)
	t.end("BiasActBackward", began, 0, 3*rows*n)
}

func (t *Backend) Norm(y, x, gain, bias, stats device.Buffer, rows, n int, kind device.NormKind) {
	began := time.Now()
	t.Backend.Norm(y, x, gain, bias, stats, rows, n, kind)
	t.end("Norm", began, 0, 2*rows*n)
}

func (t *Backend) NormBackward(dx, dgain, dbias, dy, x, gain, stats device.Buffer, rows, n int, kind device.NormKind, add bool) {
	began := time.Now()
	t.Backend.NormBackward(dx, dgain, dbias, dy, x, gain, stats, rows, n, kind, add)
	t.end("NormBackward", began, 0, plus(3*rows*n, add, rows*n))
}

func (t *Backend) ModNorm(y, x, stats, mod device.Buffer, ldmod, shiftOff, scaleOff, rows, n int) {
	began := time.Now()
	t.Backend.ModNorm(y, x, stats, mod, ldmod, shiftOff, scaleOff, rows, n)
	t.end("ModNorm", began, 0, 4*rows*n)
}

func (t *Backend) ModNormBackward(dx, dmod, dy, x, stats, mod device.Buffer, ldmod, shiftOff, scaleOff, rows, n int, add bool) {
	began := time.Now()
	t.Backend.ModNormBackward(dx, dmod, dy, x, stats, mod, ldmod, shiftOff, scaleOff, rows, n, add)
	t.end("ModNormBackward", began, 0, plus(6*rows*n, add, rows*n))
}

func (t *Backend) GateBackward(df, dmod, dout, f, mod device.Buffer, ldmod, off, rows, n int) {
	began := time.Now()
	t.Backend.GateBackward(df, dmod, dout, f, mod, ldmod, off, rows, n)
	t.end("GateBackward", began, 0, 5*rows*n)
}

func (t *Backend) Attention(out, qkv, lse device.Buffer, batch, tokens, heads, width, block int) {
	began := time.Now()
	t.Backend.Attention(out, qkv, lse, batch, tokens, heads, width, block)
	t.end("Attention", began, 4*device.AttentionPairs(batch, tokens, block)*float64(width), 4*batch*tokens*width)
}

func (t *Backend) AttentionBackward(dqkv, dout, out, qkv, lse device.Buffer, batch, tokens, heads, width, block int) {
	began := time.Now()
	t.Backend.AttentionBackward(dqkv, dout, out, qkv, lse, batch, tokens, heads, width, block)
	t.end("AttentionBackward", began, 10*device.AttentionPairs(batch, tokens, block)*float64(width), 8*batch*tokens*width)
}

func (t *Backend) AttentionDecode(out, qkv, cache device.Buffer, batch, at, n, capacity, heads, width int) {
	began := time.Now()
	t.Backend.AttentionDecode(out, qkv, cache, batch, at, n, capacity, heads, width)
	t.end("AttentionDecode", began, 4*float64(batch)*float64(n)*float64(at+n)*float64(width), batch*width*(2*(at+n)+6*n))
}

func (t *Backend) Embed(u, proj, start, inpos, pos, class device.Buffer, labels, order device.Ints, batch, at, n, projAt, projTokens, width, block int) {
	began := time.Now()
	t.Backend.Embed(u, proj, start, inpos, pos, class, labels, order, batch, at, n, projAt, projTokens, width, block)
	t.end("Embed", began, 0, 2*batch*n*width)
}

func (t *Backend) EmbedBackward(dproj, dstart, dinpos, dpos, dclass, du device.Buffer, labels, order device.Ints, batch, tokens, width, block int) {
	began := time.Now()
	t.Backend.EmbedBackward(dproj, dstart, dinpos, dpos, dclass, du, labels, order, batch, tokens, width, block)
	t.end("EmbedBackward", began, 0, 2*batch*tokens*width)
}

func (t *Backend) CondAct(y, pre, timeEmb, cond device.Buffer, rows, trows, crows, n int) {
	began := time.Now()
	t.Backend.CondAct(y, pre, timeEmb, cond, rows, trows, crows, n)
	t.end("CondAct", began, 0, (rows+trows+crows)*n+pre.N)
}

func (t *Backend) CondActBackward(dtime, dcond, dy, pre device.Buffer, rows, crows, n int) {
	began := time.Now()
	t.Backend.CondActBackward(dtime, dcond, dy, pre, rows, crows, n)
	t.end("CondActBackward", began, 0, (3*rows+crows)*n)
}

func (t *Backend) Sinusoid(out, times device.Buffer, rows, dim int) {
	began := time.Now()
	t.Backend.Sinusoid(out, times, rows, dim)
	t.end("Sinusoid", began, 0, rows*dim)
}

func (t *Backend) RowMix(dst, a, x, b, y device.Buffer, rows, n, xrows int) {
	began := time.Now()
	t.Backend.RowMix(dst, a, x, b, y, rows, n, xrows)
	t.end("RowMix", began, 0, (2*rows+xrows)*n)
}

func (t *Backend) Mix(dst device.Buffer, p float32, x device.Buffer, q float32, y device.Buffer) {
	began := time.Now()
	t.Backend.Mix(dst, p, x, q, y)
	t.end("Mix", began, 0, 3*dst.N)
}

func (t *Backend) WeightedError(loss, grad, pred, target, w device.Buffer, rows, n, trows int, scale float32) {
	began := time.Now()
	t.Backend.WeightedError(loss, grad, pred, target, w, rows, n, trows, scale)
	t.end("WeightedError", began, 0, (2*rows+trows)*n)
}

func (t *Backend) Velocity(v, o, onull, z device.Buffer, guidance, inv float32) {
	began := time.Now()
	t.Backend.Velocity(v, o, onull, z, guidance, inv)
	t.end("Velocity", began, 0, 3*v.N+onull.N)
}

func (t *Backend) Normal(dst device.Buffer, ids device.Ints, batch, tokens, at, dim int, key uint64, stream uint32) {
	began := time.Now()
	t.Backend.Normal(dst, ids, batch, tokens, at, dim, key, stream)
	t.end("Normal", began, 0, batch*tokens*dim)
}

func (t *Backend) AdamW(p, g, m, v, ema device.Buffer, h device.AdamW) {
	began := time.Now()
	t.Backend.AdamW(p, g, m, v, ema, h)
	t.end("AdamW", began, 0, 9*p.N)
}

func (t *Backend) Fill(dst device.Buffer, value float32) {
	began := time.Now()
	t.Backend.Fill(dst, value)
	t.end("Fill", began, 0, dst.N)
}

func (t *Backend) Copy(dst, src device.Buffer) {
	began := time.Now()
	t.Backend.Copy(dst, src)
	t.end("Copy", began, 0, 2*dst.N)
}

func (t *Backend) Copy2D(dst device.Buffer, ldd int, src device.Buffer, lds int, rows, n int) {
	began := time.Now()
	t.Backend.Copy2D(dst, ldd, src, lds, rows, n)
	t.end("Copy2D", began, 0, 2*rows*n)
}

func (t *Backend) Upload(dst device.Buffer, src []float32) {
	began := time.Now()
	t.Backend.Upload(dst, src)
	t.end("Upload", began, 0, dst.N)
}

func (t *Backend) Download(dst []float32, src device.Buffer) {
	began := time.Now()
	t.Backend.Download(dst, src)
	t.end("Download", began, 0, src.N)
}

func (t *Backend) SumSquares(x device.Buffer) float64 {
	began := time.Now()
	s := t.Backend.SumSquares(x)
	t.end("SumSquares", began, 0, x.N)
	return s
}
