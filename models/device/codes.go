package device

// Gather is Y[r] ← Table[Index[r]] on [Rows, N]: the rows of a table that indices
// choose, such as the embeddings of codes or of classes.
type Gather struct {
	Y, Table Buffer
	Index    Ints
	Rows, N  int
}

var gatherKind = newKind("Gather")

func (*Gather) Kind() Kind     { return gatherKind }
func (o *Gather) Sizes() Sizes { return sizes(o.Rows, o.N) }
func (*Gather) FLOPs() float64 { return 0 }
func (o *Gather) Operands(u *Uses) {
	u.indices("Index", o.Index, o.Rows)
	u.chosen("Index", o.Index, o.Rows, o.Table, o.N)
	u.use("Table", Reads, o.Table, o.N, o.Rows*o.N)
	u.writes("Y", o.Y, o.Rows*o.N)
}

// GatherBackward is DTable[Index[r]] ← DTable[Index[r]] + DY[r], rows in their order.
type GatherBackward struct {
	DTable, DY Buffer
	Index      Ints
	Rows, N    int
}

var gatherBackwardKind = newKind("GatherBackward")

func (*GatherBackward) Kind() Kind     { return gatherBackwardKind }
func (o *GatherBackward) Sizes() Sizes { return sizes(o.Rows, o.N) }
func (*GatherBackward) FLOPs() float64 { return 0 }
func (o *GatherBackward) Operands(u *Uses) {
	u.indices("Index", o.Index, o.Rows)
	u.chosen("Index", o.Index, o.Rows, o.DTable, o.N)
	u.reads("DY", o.DY, o.Rows*o.N)
	u.use("DTable", Updates, o.DTable, o.N, 2*o.Rows*o.N)
}

// CrossEntropy is Loss[r] ← −log softmax(X[r])[Target[r]] over [Rows, N] and its
// gradient Grad[r] ← Scale·(softmax(X[r]) − onehot(Target[r])). Grad may be X.
type CrossEntropy struct {
	Loss, Grad, X Buffer
	Target        Ints // from 0 to N−1
	Rows, N       int
	Scale         float32
}

var crossEntropyKind = newKind("CrossEntropy")

func (*CrossEntropy) Kind() Kind     { return crossEntropyKind }
func (o *CrossEntropy) Sizes() Sizes { return sizes(o.Rows, o.N) }
func (*CrossEntropy) FLOPs() float64 { return 0 }
func (o *CrossEntropy) Operands(u *Uses) {
	u.indices("Target", o.Target, o.Rows)
	u.chosen("Target", o.Target, o.Rows, Buffer{N: o.N}, 1)
	u.reads("X", o.X, o.Rows*o.N)
	u.writes("Loss", o.Loss, o.Rows)
	u.writes("Grad", o.Grad, o.Rows*o.N)
}
