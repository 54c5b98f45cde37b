package device

// NormKind is how [Norm] normalises a row of n values.
type NormKind int

// The norms.
const (
	LayerNorm NormKind = iota // (x − mean)/√(var + 1e-5)
	Sphere                    // x/√(mean(x²) + 1e-5): length √n
)

// NormEps is the ε inside the square root of LayerNorm and Sphere.
const NormEps = 1e-5

// Norm is Y ← Gain·norm(X) + Bias, Stats[r] ← (mean, 1/σ); Gain and Bias may both
// be absent (1 and 0).
type Norm struct {
	Y, X, Gain, Bias, Stats Buffer
	Rows, N                 int
	Form                    NormKind
}

var normKind = newKind("Norm")

func (*Norm) Kind() Kind     { return normKind }
func (o *Norm) Sizes() Sizes { return sizes(o.Rows, o.N) }
func (*Norm) FLOPs() float64 { return 0 }
func (o *Norm) Operands(u *Uses) {
	u.reads("X", o.X, o.Rows*o.N)
	if !o.Gain.Absent() {
		u.reads("Gain", o.Gain, o.N)
		u.reads("Bias", o.Bias, o.N)
	}
	u.writes("Y", o.Y, o.Rows*o.N)
	u.writes("Stats", o.Stats, 2*o.Rows)
}

// NormBackward is DX ← [DX +] ∂L/∂X and, where Gain is given, DGain and DBias
// accumulate. Add keeps what DX holds.
type NormBackward struct {
	DX, DGain, DBias, DY, X, Gain, Stats Buffer
	Rows, N                              int
	Form                                 NormKind
	Add                                  bool
}

var normBackwardKind = newKind("NormBackward")

func (*NormBackward) Kind() Kind     { return normBackwardKind }
func (o *NormBackward) Sizes() Sizes { return sizes(o.Rows, o.N) }
func (*NormBackward) FLOPs() float64 { return 0 }
func (o *NormBackward) Operands(u *Uses) {
	size := o.Rows * o.N
	u.reads("DY", o.DY, size)
	u.reads("X", o.X, size)
	u.reads("Stats", o.Stats, 2*o.Rows)
	if !o.Gain.Absent() {
		u.reads("Gain", o.Gain, o.N)
		u.updates("DGain", o.DGain, o.N)
		u.updates("DBias", o.DBias, o.N)
	}
	u.gradient("DX", o.DX, size, o.Add)
}

// gradient names one that is written, or added to.
func (u *Uses) gradient(name string, b Buffer, n int, add bool) {
	if add {
		u.updates(name, b, n)
	} else {
		u.writes(name, b, n)
	}
}

// ModNorm is adaLN: Y ← layernorm(X)·(1 + scale) + shift with scale and shift read
// from Mod[r/Each, Scale:] and Mod[r/Each, Shift:], row stride LDMod: Each rows in
// turn, the tokens of an image for example, share a modulation. 0 is 1: each row has
// its own. Each divides Rows.
type ModNorm struct {
	Y, X, Stats, Mod    Buffer
	LDMod, Shift, Scale int
	Rows, N, Each       int
}

// shared is how many rows share a modulation, and how many modulations there are.
func shared(rows, each int) (of, mods int) {
	of = max(each, 1)
	divides("rows", rows, of)
	return of, rows / of
}

var modNormKind = newKind("ModNorm")

func (*ModNorm) Kind() Kind     { return modNormKind }
func (o *ModNorm) Sizes() Sizes { return sizes(o.Rows, o.N, o.LDMod, max(o.Each, 1)) }
func (*ModNorm) FLOPs() float64 { return 0 }
func (o *ModNorm) Operands(u *Uses) {
	columns(o.Shift, o.N, o.LDMod)
	columns(o.Scale, o.N, o.LDMod)
	size := o.Rows * o.N
	_, mods := shared(o.Rows, o.Each)
	u.reads("X", o.X, size)
	u.use("Mod", Reads, o.Mod, mods*o.LDMod, 2*mods*o.N)
	u.writes("Y", o.Y, size)
	u.writes("Stats", o.Stats, 2*o.Rows)
}

// ModNormBackward is DX ← [DX +] ∂L/∂X, and writes the scale and shift columns of
// DMod: sums over the Each rows that share a modulation, see [ModNorm].
type ModNormBackward struct {
	DX, DMod, DY, X, Stats, Mod Buffer
	LDMod, Shift, Scale         int
	Rows, N, Each               int
	Add                         bool
}

var modNormBackwardKind = newKind("ModNormBackward")

func (*ModNormBackward) Kind() Kind     { return modNormBackwardKind }
func (o *ModNormBackward) Sizes() Sizes { return sizes(o.Rows, o.N, o.LDMod, max(o.Each, 1)) }
func (*ModNormBackward) FLOPs() float64 { return 0 }
func (o *ModNormBackward) Operands(u *Uses) {
	columns(o.Shift, o.N, o.LDMod)
	columns(o.Scale, o.N, o.LDMod)
	size := o.Rows * o.N
	_, mods := shared(o.Rows, o.Each)
	u.reads("DY", o.DY, size)
	u.reads("X", o.X, size)
	u.reads("Stats", o.Stats, 2*o.Rows)
	u.use("Mod", Reads, o.Mod, mods*o.LDMod, mods*o.N)
	u.gradient("DX", o.DX, size, o.Add)
	u.use("DMod", Writes, o.DMod, mods*o.LDMod, 2*mods*o.N)
}

// Gate is Y ← X + gate·F with gate = Mod[r/Each, Gate:], row stride LDMod: a residual
// stream under a gate that Each rows in turn share (0 is 1), see [ModNorm]. Where each
// row has its own it costs less as the epilogue of a [Linear]. Y may be X or F.
type Gate struct {
	Y, X, F, Mod  Buffer
	LDMod, Gate   int
	Rows, N, Each int
}

var gateKind = newKind("Gate")

func (*Gate) Kind() Kind     { return gateKind }
func (o *Gate) Sizes() Sizes { return sizes(o.Rows, o.N, o.LDMod, max(o.Each, 1)) }
func (*Gate) FLOPs() float64 { return 0 }
func (o *Gate) Operands(u *Uses) {
	columns(o.Gate, o.N, o.LDMod)
	size := o.Rows * o.N
	_, mods := shared(o.Rows, o.Each)
	u.reads("X", o.X, size)
	u.reads("F", o.F, size)
	u.use("Mod", Reads, o.Mod, mods*o.LDMod, mods*o.N)
	u.writes("Y", o.Y, size)
}

// GateBackward is the gradient of out = x + gate·f with gate = Mod[r/Each, Gate:]:
// DF ← gate·DOut, DMod[r/Each, Gate:] ← Σ F·DOut over the Each rows that share it
// (the gradient of x is DOut). Each is 1 where it is 0.
type GateBackward struct {
	DF, DMod, DOut, F, Mod Buffer
	LDMod, Gate            int
	Rows, N, Each          int
}

var gateBackwardKind = newKind("GateBackward")

func (*GateBackward) Kind() Kind     { return gateBackwardKind }
func (o *GateBackward) Sizes() Sizes { return sizes(o.Rows, o.N, o.LDMod, max(o.Each, 1)) }
func (*GateBackward) FLOPs() float64 { return 0 }
func (o *GateBackward) Operands(u *Uses) {
	columns(o.Gate, o.N, o.LDMod)
	size := o.Rows * o.N
	_, mods := shared(o.Rows, o.Each)
	u.reads("DOut", o.DOut, size)
	u.reads("F", o.F, size)
	u.use("Mod", Reads, o.Mod, mods*o.LDMod, mods*o.N)
	u.writes("DF", o.DF, size)
	u.use("DMod", Writes, o.DMod, mods*o.LDMod, mods*o.N)
}

// RMSNorm is Y ← Gain·X·rstd with rstd = 1/√(mean(X²) + Eps) of each row, kept as
// Stats[r] (Zhang and Sennrich 2019). Gain may be absent (1).
type RMSNorm struct {
	Y, X, Gain, Stats Buffer
	Rows, N           int
	Eps               float32
}

var rmsNormKind = newKind("RMSNorm")

func (*RMSNorm) Kind() Kind     { return rmsNormKind }
func (o *RMSNorm) Sizes() Sizes { return sizes(o.Rows, o.N) }
func (*RMSNorm) FLOPs() float64 { return 0 }
func (o *RMSNorm) Operands(u *Uses) {
	u.reads("X", o.X, o.Rows*o.N)
	u.mayRead("Gain", o.Gain, o.N)
	u.writes("Y", o.Y, o.Rows*o.N)
	u.writes("Stats", o.Stats, o.Rows)
}

// RMSNormBackward is DX ← [DX +] rstd·(g − x̂·mean(g·x̂)) with x̂ = X·rstd and
// g = Gain·DY, and, where Gain is given, DGain ← DGain + Σ_rows DY·x̂. Stats is what
// [RMSNorm] left; Add keeps what DX holds.
type RMSNormBackward struct {
	DX, DGain, DY, X, Gain, Stats Buffer
	Rows, N                       int
	Add                           bool
}

var rmsNormBackwardKind = newKind("RMSNormBackward")

func (*RMSNormBackward) Kind() Kind     { return rmsNormBackwardKind }
func (o *RMSNormBackward) Sizes() Sizes { return sizes(o.Rows, o.N) }
func (*RMSNormBackward) FLOPs() float64 { return 0 }
func (o *RMSNormBackward) Operands(u *Uses) {
	size := o.Rows * o.N
	u.reads("DY", o.DY, size)
	u.reads("X", o.X, size)
	u.reads("Stats", o.Stats, o.Rows)
	if !o.Gain.Absent() {
		u.reads("Gain", o.Gain, o.N)
		u.updates("DGain", o.DGain, o.N)
	}
	u.gradient("DX", o.DX, size, o.Add)
}
