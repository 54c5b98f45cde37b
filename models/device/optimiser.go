package device

// SumSquares is Σ X², summed in a fixed order; see [SquaredNorm].
type SumSquares struct {
	X   Buffer
	Sum float64 // the result
}

// SquaredNorm is Σ x² by [SumSquares]; it waits for the device.
func SquaredNorm(be Backend, x Buffer) float64 {
	Do(be, SumSquares{X: x})
	return be.scratch().ops[sumSquaresKind].(*SumSquares).Sum
}

var sumSquaresKind = newKind("SumSquares")

func (*SumSquares) Kind() Kind         { return sumSquaresKind }
func (o *SumSquares) Sizes() Sizes     { return sizes(o.X.N) }
func (*SumSquares) FLOPs() float64     { return 0 }
func (o *SumSquares) Operands(u *Uses) { u.reads("X", o.X, o.X.N) }

// AdamW is one decoupled-weight-decay Adam step with the averaged weights:
// g ← GradScale·G, M ← β₁M + (1−β₁)g, V ← β₂V + (1−β₂)g²,
// P ← P − LR·(M/Correct1/(√(V/Correct2) + Eps) + WeightDecay·P),
// Avg ← EMA·Avg + (1−EMA)·P.
type AdamW struct {
	P, G, M, V, Avg                    Buffer
	LR, Beta1, Beta2, Eps, WeightDecay float64
	Correct1, Correct2                 float64 // 1 − βᵢᵗ
	GradScale                          float64 // multiplies the gradient: clipping
	EMA                                float64 // decay of the averaged weights
}

var adamWKind = newKind("AdamW")

func (*AdamW) Kind() Kind     { return adamWKind }
func (o *AdamW) Sizes() Sizes { return sizes(o.P.N) }
func (*AdamW) FLOPs() float64 { return 0 }
func (o *AdamW) Operands(u *Uses) {
	n := o.P.N
	u.reads("G", o.G, n)
	u.updates("P", o.P, n)
	u.updates("M", o.M, n)
	u.updates("V", o.V, n)
	u.updates("Avg", o.Avg, n)
}
