// Package device is the line between the model core and what computes it.
//
// A [Backend] owns memory and a fixed list of operations in forward/backward
// pairs; the model above it is plain Go that calls them in order. Operations
// are few, fused where a model needs it, and each is exact about shapes: all
// matrices are row-major, a row is a token. Operations do not return errors:
// a wrong shape is a programmer's mistake and panics, a failing device keeps
// its first error, which [Backend.Err] reports after [Backend.Sync].
//
// devicetest holds the conformance suite that every backend passes; reference
// is the float64 backend that the suite and the gradient checks compare with.
package device

import "fmt"

// Class says what memory is for; peaks are reported for each.
type Class int

const (
	Model       Class = iota // parameters, gradients, optimiser moments, EMA
	Cache                    // keys and values of sequential sampling
	Activations              // everything else
	Classes                  // how many there are
)

func (c Class) String() string {
	return [...]string{"model", "cache", "activations"}[c]
}

// Buffer is a range of N float elements of a backend's memory. It is a value:
// slicing allocates nothing. The zero Buffer is "absent" where an operation
// allows that.
type Buffer struct {
	Base uintptr // the backend's handle or address of the allocation
	Off  int     // first element
	N    int     // elements
}

// Slice is elements [lo, lo+n) of b.
func (b Buffer) Slice(lo, n int) Buffer {
	if lo < 0 || n < 0 || lo+n > b.N {
		panic(fmt.Sprintf("device: slice [%d, %d+%d) of a buffer of %d", lo, lo, n, b.N))
	}
	return Buffer{b.Base, b.Off + lo, n}
}

// Absent reports whether b is the zero Buffer.
func (b Buffer) Absent() bool { return b.N == 0 }

// Ints is a buffer of N int32 indices or labels.
type Ints struct {
	Base uintptr
	N    int
}

// Act is an activation function.
type Act int

const (
	None Act = iota
	SiLU     // x·σ(x)
	GELU     // tanh form: x·σ(2√(2/π)(x + 0.044715x³))
)

// Epilogue is what [Backend.Linear] does with f = x·W while it is at hand, in
// this order; what is absent is left out. The zero Epilogue is the product.
type Epilogue struct {
	Bias     Buffer // [out]: f ← f + bias
	Pre      Buffer // [rows, out]: keeps f for a backward pass; may be y where nothing follows
	Act      Act    // f ← act(f)
	Gate     Buffer // rows of LDGate values: f ← Gate[r, GateOff:]·f
	LDGate   int
	GateOff  int
	Residual Buffer // [rows, out]: f ← Residual + f; may be y where Pre is given and Act is None
}

// NormKind is how [Backend.Norm] normalises a row of n values.
type NormKind int

const (
	LayerNorm NormKind = iota // (x − mean)/√(var + 1e-5)
	Sphere                    // x/√(mean(x²) + 1e-5): length √n
)

// NormEps is the ε inside the square root of every normalisation.
const NormEps = 1e-5

// AdamW holds one update's scalars; [Backend.AdamW] gives the equations.
type AdamW struct {
	LR, Beta1, Beta2, Eps, WeightDecay float64
	Correct1, Correct2                 float64 // 1 − βᵢᵗ
	GradScale                          float64 // multiplies the gradient: clipping
	EMA                                float64 // decay of the averaged weights
}

// Backend is a device with its operations. Dimensions are elements; "rows"
// are tokens. A Backend serves one goroutine at a time.
type Backend interface {
	Name() string    // "cpu", "cuda:0 …"
	Threads() int    // compute threads; 0 where it has no meaning
	Details() string // libraries and vector path, for the environment record

	Alloc(c Class, n int) (Buffer, error) // uninitialised; ErrOutOfMemory when it cannot
	AllocInts(n int) (Ints, error)
	Free(b Buffer)
	FreeInts(b Ints)
	Peak(c Class) int64 // largest number of bytes held at once
	Upload(dst Buffer, src []float32)
	Download(dst []float32, src Buffer)
	UploadInts(dst Ints, src []int32)
	Sync() error
	Err() error
	Close() error

	// Gemm is C ← α·op(A)·op(B) + β·C with op(A) [m,k], op(B) [k,n], C [m,n]
	// and row strides lda, ldb, ldc.
	Gemm(transA, transB bool, m, n, k int, alpha float32, a Buffer, lda int, b Buffer, ldb int, beta float32, c Buffer, ldc int)

	// Linear is the product x·W [rows, in]·[in, out] with what [Epilogue] says
	// done to it: y [rows, out] ← residual + gate·act(x·W + bias).
	Linear(y, x, w Buffer, rows, in, out int, e Epilogue)
	// BiasActBackward is dpre ← dy·act′(pre), dbias ← dbias + Σ_rows dpre;
	// dpre may be dy; pre is not read where act is None.
	BiasActBackward(dpre, dbias, dy, pre Buffer, rows, n int, act Act)

	// Norm is y ← gain·norm(x) + bias, stats[r] ← (mean, 1/σ); gain and bias
	// may both be absent (1 and 0).
	Norm(y, x, gain, bias, stats Buffer, rows, n int, kind NormKind)
	// NormBackward is dx ← [dx +] ∂L/∂x and, where gain is given, dgain and
	// dbias accumulate. add keeps what dx holds.
	NormBackward(dx, dgain, dbias, dy, x, gain, stats Buffer, rows, n int, kind NormKind, add bool)

	// ModNorm is adaLN: y ← layernorm(x)·(1 + scale) + shift with scale and
	// shift read from mod[r, scaleOff:] and mod[r, shiftOff:], row stride ldmod.
	ModNorm(y, x, stats, mod Buffer, ldmod, shiftOff, scaleOff, rows, n int)
	// ModNormBackward is dx ← [dx +] ∂L/∂x, and writes the scale and shift
	// columns of dmod.
	ModNormBackward(dx, dmod, dy, x, stats, mod Buffer, ldmod, shiftOff, scaleOff, rows, n int, add bool)
	// GateBackward is the gradient of out = x + gate·f with gate = mod[r, off:]: df ← gate·dout, dmod[r, off:] ← f·dout (dx is dout).
	GateBackward(df, dmod, dout, f, mod Buffer, ldmod, off, rows, n int)

	// Attention is block-causal multi-head attention over qkv
	// [batch·tokens, 3·width]: token i reads j iff j/block ≤ i/block; scale
	// 1/√(width/heads); out [batch·tokens, width]; lse [batch, heads, tokens]
	// is the log of each softmax's denominator.
	Attention(out, qkv, lse Buffer, batch, tokens, heads, width, block int)
	AttentionBackward(dqkv, dout, out, qkv, lse Buffer, batch, tokens, heads, width, block int)
	// AttentionDecode appends the keys and values of the n tokens at
	// [at, at+n) to cache (2·batch·capacity·width elements, layout the
	// backend's own) and lets each read all at+n tokens. qkv is
	// [batch·n, 3·width], out [batch·n, width].
	AttentionDecode(out, qkv, cache Buffer, batch, at, n, capacity, heads, width int)

	// Embed assembles the trunk's input u [batch·n, width] for the tokens
	// i ∈ [at, at+n) in generation order:
	// u_i = (i < block ? start_i : proj_{i−block} + inpos_{order(i−block)}) + pos_{order(i)} + class_{label}.
	// proj is [batch, projTokens, width] and begins at token projAt.
	Embed(u, proj, start, inpos, pos, class Buffer, labels, order Ints, batch, at, n, projAt, projTokens, width, block int)
	// EmbedBackward is its gradient for at = 0, n = tokens = projTokens. dproj
	// is written (0 for the last block), the others accumulate.
	EmbedBackward(dproj, dstart, dinpos, dpos, dclass, du Buffer, labels, order Ints, batch, tokens, width, block int)

	// CondAct is pre ← time[r / (rows/trows)] + cond[r mod crows], y ← silu(pre)
	// on [rows, n]: every time serves as many rows in turn, every condition
	// every crows-th row. trows divides rows; pre may be absent.
	CondAct(y, pre, time, cond Buffer, rows, trows, crows, n int)
	// CondActBackward is dtime[r] ← dy·silu′(pre), dcond[i] ← Σ of dtime over
	// r ≡ i mod crows. dtime is [rows, n].
	CondActBackward(dtime, dcond, dy, pre Buffer, rows, crows, n int)

	// Sinusoid is out[r, i] = cos(t_r·ω_i), out[r, dim/2+i] = sin(t_r·ω_i) with
	// ω_i = 100·1000^(−2i/dim).
	Sinusoid(out, t Buffer, rows, dim int)

	// RowMix is dst[r] ← a[r]·x[r mod xrows] + b[r]·y[r] on [rows, n].
	RowMix(dst, a, x, b, y Buffer, rows, n, xrows int)
	// Mix is dst ← a·x + b·y.
	Mix(dst Buffer, a float32, x Buffer, b float32, y Buffer)
	// WeightedError is e = w[r]·(pred[r] − target[r mod trows]),
	// loss[r] ← Σ e², grad[r] ← 2·scale·w[r]·e.
	WeightedError(loss, grad, pred, target, w Buffer, rows, n, trows int, scale float32)
	// Velocity turns head outputs into the flow's velocity: o ← o + guidance·(o − onull)
	// where onull is given, then v ← (o − z)·inv where inv ≠ 0 (x-target) and
	// v ← o otherwise.
	Velocity(v, o, onull, z Buffer, guidance, inv float32)

	// Normal fills dst [batch, tokens, dim] with standard normals from
	// Philox4x32-10: element c of token at+t of image ids[b] is number c mod 4
	// of counter (c/4, at+t, ids[b], stream) under key.
	Normal(dst Buffer, ids Ints, batch, tokens, at, dim int, key uint64, stream uint32)

	// SumSquares is Σ x², summed in a fixed order; it synchronises.
	SumSquares(x Buffer) float64
	// AdamW is one decoupled-weight-decay Adam step with the averaged weights:
	// g ← GradScale·g, m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g²,
	// p ← p − LR·(m/Correct1/(√(v/Correct2) + Eps) + WeightDecay·p),
	// ema ← EMA·ema + (1−EMA)·p.
	AdamW(p, g, m, v, ema Buffer, h AdamW)

	Fill(dst Buffer, v float32)
	Copy(dst, src Buffer)
	// Copy2D copies [rows, n] between row strides.
	Copy2D(dst Buffer, ldd int, src Buffer, lds int, rows, n int)
}

// Counter is a Backend that counts what is asked of it and computes nothing: the
// core need not prepare numbers for it.
type Counter interface {
	Backend
	ComputesNothing()
}

// AheadOf is a Backend that says for how many rows at once the modulations of
// the flow's later steps are worth computing: more rows read the weights less
// often and take more memory.
type AheadOf interface {
	AheadRows() int
}

// FlowStepper is a Backend with an Euler step of the flow as one operation:
// [Backend.Velocity] into v, then z ← z + dt·v, rounded as by [Backend.Mix].
type FlowStepper interface {
	FlowStep(z, v, o, onull Buffer, guidance, inv, dt float32)
}

// ErrOutOfMemory is returned by Alloc, wrapped with what was asked.
var ErrOutOfMemory = fmt.Errorf("out of device memory")

// AttentionPairs is the number of (reader, read) token pairs of batch images
// under the block-causal mask.
func AttentionPairs(batch, tokens, block int) float64 {
	k := float64(tokens / block)
	return float64(batch) * float64(block*block) * k * (k + 1) / 2
}
