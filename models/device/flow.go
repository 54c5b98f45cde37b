package device

// CondAct is Pre ← Time[r / (Rows/TimeRows)] + Cond[r mod CondRows], Y ← silu(Pre)
// on [Rows, N]: every time serves as many rows in turn, every condition every
// CondRows-th row. TimeRows divides Rows; Pre may be absent.
type CondAct struct {
	Y, Pre, Time, Cond       Buffer
	Rows, TimeRows, CondRows int
	N                        int
}

var condActKind = newKind("CondAct")

func (*CondAct) Kind() Kind     { return condActKind }
func (o *CondAct) Sizes() Sizes { return sizes(o.Rows, o.TimeRows, o.CondRows, o.N) }
func (*CondAct) FLOPs() float64 { return 0 }
func (o *CondAct) Operands(u *Uses) {
	divides("rows", o.Rows, o.TimeRows)
	u.reads("Time", o.Time, o.TimeRows*o.N)
	u.reads("Cond", o.Cond, o.CondRows*o.N)
	u.writes("Y", o.Y, o.Rows*o.N)
	u.mayWrite("Pre", o.Pre, o.Rows*o.N)
}

// CondActBackward is DTime[r] ← DY·silu′(Pre), DCond[i] ← Σ of DTime over
// r ≡ i mod CondRows. DTime is [Rows, N].
type CondActBackward struct {
	DTime, DCond, DY, Pre Buffer
	Rows, CondRows, N     int
}

var condActBackwardKind = newKind("CondActBackward")

func (*CondActBackward) Kind() Kind     { return condActBackwardKind }
func (o *CondActBackward) Sizes() Sizes { return sizes(o.Rows, o.CondRows, o.N) }
func (*CondActBackward) FLOPs() float64 { return 0 }
func (o *CondActBackward) Operands(u *Uses) {
	size := o.Rows * o.N
	u.reads("DY", o.DY, size)
	u.reads("Pre", o.Pre, size)
	u.writes("DTime", o.DTime, size)
	u.writes("DCond", o.DCond, o.CondRows*o.N)
}

// Sinusoid is Out[r, i] = cos(T_r·ω_i), Out[r, Dim/2+i] = sin(T_r·ω_i) with
// ω_i = 100·1000^(−2i/Dim).
type Sinusoid struct {
	Out, T    Buffer
	Rows, Dim int
}

var sinusoidKind = newKind("Sinusoid")

func (*Sinusoid) Kind() Kind     { return sinusoidKind }
func (o *Sinusoid) Sizes() Sizes { return sizes(o.Rows, o.Dim) }
func (*Sinusoid) FLOPs() float64 { return 0 }
func (o *Sinusoid) Operands(u *Uses) {
	u.reads("T", o.T, o.Rows)
	u.writes("Out", o.Out, o.Rows*o.Dim)
}

// RowMix is Dst[r] ← A[r]·X[r mod XRows] + B[r]·Y[r] on [Rows, N].
type RowMix struct {
	Dst, A, X, B, Y Buffer
	Rows, N, XRows  int
}

var rowMixKind = newKind("RowMix")

func (*RowMix) Kind() Kind     { return rowMixKind }
func (o *RowMix) Sizes() Sizes { return sizes(o.Rows, o.N, o.XRows) }
func (*RowMix) FLOPs() float64 { return 0 }
func (o *RowMix) Operands(u *Uses) {
	u.reads("A", o.A, o.Rows)
	u.reads("X", o.X, o.XRows*o.N)
	u.reads("B", o.B, o.Rows)
	u.reads("Y", o.Y, o.Rows*o.N)
	u.writes("Dst", o.Dst, o.Rows*o.N)
}

// Mix is Dst ← A·X + B·Y.
type Mix struct {
	Dst Buffer
	A   float32
	X   Buffer
	B   float32
	Y   Buffer
}

var mixKind = newKind("Mix")

func (*Mix) Kind() Kind     { return mixKind }
func (o *Mix) Sizes() Sizes { return sizes(o.Dst.N) }
func (*Mix) FLOPs() float64 { return 0 }
func (o *Mix) Operands(u *Uses) {
	u.reads("X", o.X, o.Dst.N)
	u.reads("Y", o.Y, o.Dst.N)
	u.writes("Dst", o.Dst, o.Dst.N)
}

// WeightedError is e = W[r]·(Pred[r] − Target[r mod TargetRows]),
// Loss[r] ← Σ e², Grad[r] ← 2·Scale·W[r]·e; with Absolute Loss[r] ← Σ |e| and
// Grad[r] ← Scale·W[r]·sign(e), 0 where e is.
type WeightedError struct {
	Loss, Grad, Pred, Target, W Buffer
	Rows, N, TargetRows         int
	Scale                       float32
	Absolute                    bool
}

var weightedErrorKind = newKind("WeightedError")

func (*WeightedError) Kind() Kind     { return weightedErrorKind }
func (o *WeightedError) Sizes() Sizes { return sizes(o.Rows, o.N, o.TargetRows) }
func (*WeightedError) FLOPs() float64 { return 0 }
func (o *WeightedError) Operands(u *Uses) {
	u.reads("Pred", o.Pred, o.Rows*o.N)
	u.reads("Target", o.Target, o.TargetRows*o.N)
	u.reads("W", o.W, o.Rows)
	u.writes("Loss", o.Loss, o.Rows)
	u.writes("Grad", o.Grad, o.Rows*o.N)
}

// Velocity turns head outputs into the flow's velocity: O ← O + Guidance·(O − Null)
// where Null is given, then V ← (O − Z)·Inv where Inv ≠ 0 (x-target) and V ← O
// otherwise.
type Velocity struct {
	V, O, Null, Z Buffer
	Guidance, Inv float32
}

var velocityKind = newKind("Velocity")

func (*Velocity) Kind() Kind     { return velocityKind }
func (o *Velocity) Sizes() Sizes { return sizes(o.V.N) }
func (*Velocity) FLOPs() float64 { return 0 }
func (o *Velocity) Operands(u *Uses) {
	n := o.V.N
	u.reads("O", o.O, n)
	u.mayRead("Null", o.Null, n)
	if o.Inv != 0 {
		u.reads("Z", o.Z, n)
	} else {
		u.use("Z", Reads, o.Z, n, 0)
	}
	u.writes("V", o.V, n)
}

// FlowStep is an Euler step of the flow: [Velocity] into V, then Z ← Z + DT·V,
// rounded as by [Mix].
type FlowStep struct {
	Z, V, O, Null     Buffer
	Guidance, Inv, DT float32
}

var flowStepKind = newKind("FlowStep")

func (*FlowStep) Kind() Kind     { return flowStepKind }
func (o *FlowStep) Sizes() Sizes { return sizes(o.V.N) }
func (*FlowStep) FLOPs() float64 { return 0 }
func (o *FlowStep) Operands(u *Uses) {
	n := o.V.N
	u.reads("O", o.O, n)
	u.mayRead("Null", o.Null, n)
	u.updates("Z", o.Z, n)
	u.writes("V", o.V, n)
}
