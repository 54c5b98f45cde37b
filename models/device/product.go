package device

import "fmt"

// Act is an activation function.
type Act int

// The activation functions.
const (
	None Act = iota // as it is
	SiLU            // x·σ(x)
	GELU            // tanh form: x·σ(2√(2/π)(x + 0.044715x³))
	Acts            // how many there are
)

// Gemm is C ← Alpha·op(A)·op(B) + Beta·C with op(A) [M, K], op(B) [K, N], C [M, N]
// and row strides LDA, LDB, LDC of the stored matrices.
type Gemm struct {
	TransA, TransB bool
	M, N, K        int
	Alpha          float32
	A              Buffer
	LDA            int
	B              Buffer
	LDB            int
	Beta           float32
	C              Buffer
	LDC            int
}

var gemmKind = newKind("Gemm")

func (*Gemm) Kind() Kind       { return gemmKind }
func (o *Gemm) Sizes() Sizes   { return sizes(o.M, o.N, o.K, o.LDA, o.LDB, o.LDC) }
func (o *Gemm) FLOPs() float64 { return 2 * float64(o.M) * float64(o.N) * float64(o.K) }
func (o *Gemm) Operands(u *Uses) {
	var a, b int
	if o.TransA {
		a = span(o.K, o.M, o.LDA)
	} else {
		a = span(o.M, o.K, o.LDA)
	}
	if o.TransB {
		b = span(o.N, o.K, o.LDB)
	} else {
		b = span(o.K, o.N, o.LDB)
	}
	u.use("A", Reads, o.A, a, o.M*o.K)
	u.use("B", Reads, o.B, b, o.K*o.N)
	c := span(o.M, o.N, o.LDC)
	if o.Beta == 0 { // C is not read
		u.use("C", Writes, o.C, c, o.M*o.N)
	} else {
		u.use("C", Updates, o.C, c, 2*o.M*o.N)
	}
}

// Linear is the product X·W [Rows, In]·[In, Out] with what [Epilogue] says done to
// it: Y [Rows, Out] ← residual + gate·act(X·W + bias).
type Linear struct {
	Y, X, W       Buffer
	Rows, In, Out int
	Epilogue
}

// Epilogue is what [Linear] does with f = X·W while it is at hand, in this order;
// what is absent is left out. The zero Epilogue is the product.
type Epilogue struct {
	Bias     Buffer // [Out]: f ← f + bias
	Pre      Buffer // [Rows, Out]: keeps f for a backward pass; may be Y where nothing follows
	Act      Act    // f ← act(f)
	Gate     Buffer // rows of LDGate values: f ← Gate[r, GateOff:]·f
	LDGate   int
	GateOff  int
	Residual Buffer // [Rows, Out]: f ← Residual + f; may be Y where Pre is given and Act is None
	Moments  Buffer // [Rows, Moments(Out)]: those of the result, for a [NormLinear]; only where Caps.NormRows asks for it
}

// MomentColumns is of how many values of a row moments are kept together.
const MomentColumns = 64

// Moments is how many values the moments of a row of n values take: the mean and the sum
// of squared deviations from it of every [MomentColumns] of them in turn.
func Moments(n int) int { return 2 * ((n + MomentColumns - 1) / MomentColumns) }

// InPlace reports whether the result takes the place of its residual.
func (o *Linear) InPlace() bool { return !o.Residual.Absent() && o.Y.same(o.Residual) }

// KeepsPre reports whether Pre is kept beside the result.
func (o *Linear) KeepsPre() bool { return !o.Pre.Absent() && !o.Y.same(o.Pre) }

var linearKind = newKind("Linear")

func (*Linear) Kind() Kind       { return linearKind }
func (o *Linear) Sizes() Sizes   { return sizes(o.Rows, o.In, o.Out) }
func (o *Linear) FLOPs() float64 { return 2 * float64(o.Rows) * float64(o.In) * float64(o.Out) }
func (o *Linear) Operands(u *Uses) {
	size := o.Rows * o.Out
	if o.Act < None || o.Act >= Acts {
		panic(fmt.Sprintf("device: no activation %d", o.Act))
	}
	if o.InPlace() && (!o.KeepsPre() || o.Act != None) {
		panic("device: a linear layer in place of its residual needs Pre, and no activation")
	}
	u.reads("X", o.X, o.Rows*o.In)
	u.reads("W", o.W, o.In*o.Out)
	u.mayRead("Bias", o.Bias, o.Out)
	if !o.Gate.Absent() {
		columns(o.GateOff, o.Out, o.LDGate)
		u.use("Gate", Reads, o.Gate, o.Rows*o.LDGate, size)
	}
	u.mayRead("Residual", o.Residual, size)
	u.writes("Y", o.Y, size)
	if o.KeepsPre() {
		u.writes("Pre", o.Pre, size)
	}
	u.mayWrite("Moments", o.Moments, o.Rows*Moments(o.Out))
}

// NormLinear is a [Linear] of normalised rows, for inference: X is normalised as by
// [Norm] under Gain and Offset [In], or as by [ModNorm] under the modulations Mod, and
// then multiplied. Known is the moments of X that the operation before it left. A
// backend may use Normed [Rows, In] and Stats [Rows, 2] or leave them as they are.
type NormLinear struct {
	Linear
	Known                     Buffer
	Gain, Offset              Buffer // of a norm that all rows share
	Mod                       Buffer // or of one that Each rows in turn share
	LDMod, Shift, Scale, Each int
	Normed, Stats             Buffer
}

var normLinearKind = newKind("NormLinear")

func (*NormLinear) Kind() Kind { return normLinearKind }
func (o *NormLinear) Operands(u *Uses) {
	if !o.Moments.Absent() && o.Moments.same(o.Known) {
		panic("device: the moments of a layer's result in the place of those that it reads")
	}
	u.reads("Known", o.Known, o.Rows*Moments(o.In))
	if o.Mod.Absent() {
		u.reads("Gain", o.Gain, o.In)
		u.reads("Offset", o.Offset, o.In)
	} else {
		columns(o.Shift, o.In, o.LDMod)
		columns(o.Scale, o.In, o.LDMod)
		_, mods := shared(o.Rows, o.Each)
		u.use("Mod", Reads, o.Mod, mods*o.LDMod, 2*mods*o.In)
	}
	u.use("Normed", Writes, o.Normed, o.Rows*o.In, 0)
	u.use("Stats", Writes, o.Stats, 2*o.Rows, 0)
	o.Linear.Operands(u)
}

// Apart is the normalisation into Normed and the layer of that, which together are the
// operation.
func (o *NormLinear) Apart() (norm Op, layer *Linear) {
	l := o.Linear
	l.X = o.Normed
	if o.Mod.Absent() {
		return &Norm{Y: o.Normed, X: o.X, Gain: o.Gain, Bias: o.Offset, Stats: o.Stats, Rows: o.Rows, N: o.In}, &l
	}
	return &ModNorm{Y: o.Normed, X: o.X, Stats: o.Stats, Mod: o.Mod, LDMod: o.LDMod, Shift: o.Shift, Scale: o.Scale,
		Rows: o.Rows, N: o.In, Each: o.Each}, &l
}

// BiasActBackward is DPre ← DY·act′(Pre), DBias ← DBias + Σ_rows DPre; DPre may be
// DY; Pre is not read where Act is None.
type BiasActBackward struct {
	DPre, DBias, DY, Pre Buffer
	Rows, N              int
	Act                  Act
}

var biasActBackwardKind = newKind("BiasActBackward")

func (*BiasActBackward) Kind() Kind     { return biasActBackwardKind }
func (o *BiasActBackward) Sizes() Sizes { return sizes(o.Rows, o.N) }
func (*BiasActBackward) FLOPs() float64 { return 0 }
func (o *BiasActBackward) Operands(u *Uses) {
	size := o.Rows * o.N
	u.reads("DY", o.DY, size)
	if o.Act != None {
		u.reads("Pre", o.Pre, size)
	}
	u.writes("DPre", o.DPre, size)
	u.updates("DBias", o.DBias, o.N)
}

// SwiGLU is Y ← silu(X₁)·X₂ for X [Rows, 2·N], whose rows are N gates X₁ and then N
// values X₂ (Shazeer 2020).
type SwiGLU struct {
	Y, X    Buffer
	Rows, N int
}

var swiGLUKind = newKind("SwiGLU")

func (*SwiGLU) Kind() Kind     { return swiGLUKind }
func (o *SwiGLU) Sizes() Sizes { return sizes(o.Rows, o.N) }
func (*SwiGLU) FLOPs() float64 { return 0 }
func (o *SwiGLU) Operands(u *Uses) {
	u.reads("X", o.X, 2*o.Rows*o.N)
	u.writes("Y", o.Y, o.Rows*o.N)
}

// SwiGLUBackward is the gradient DX [Rows, 2·N] of [SwiGLU] from DY [Rows, N].
type SwiGLUBackward struct {
	DX, DY, X Buffer
	Rows, N   int
}

var swiGLUBackwardKind = newKind("SwiGLUBackward")

func (*SwiGLUBackward) Kind() Kind     { return swiGLUBackwardKind }
func (o *SwiGLUBackward) Sizes() Sizes { return sizes(o.Rows, o.N) }
func (*SwiGLUBackward) FLOPs() float64 { return 0 }
func (o *SwiGLUBackward) Operands(u *Uses) {
	u.reads("DY", o.DY, o.Rows*o.N)
	u.reads("X", o.X, 2*o.Rows*o.N)
	u.writes("DX", o.DX, 2*o.Rows*o.N)
}
