package device

// MaxPool is Y[r, i] ← max(0, Scale_i·max_g X[r·Group+g, i] + Shift_i) on Y [Rows, N] and
// X [Rows·Group, N]: what follows a convolution whose normalisation is folded, over
// positions that lie in the order of their groups. Group 1 pools nothing.
type MaxPool struct {
	Y, X, Scale, Shift Buffer
	Rows, Group, N     int
}

var maxPoolKind = newKind("MaxPool")

func (*MaxPool) Kind() Kind     { return maxPoolKind }
func (o *MaxPool) Sizes() Sizes { return sizes(o.Rows, o.Group, o.N) }
func (*MaxPool) FLOPs() float64 { return 0 }
func (o *MaxPool) Operands(u *Uses) {
	u.reads("X", o.X, o.Rows*o.Group*o.N)
	u.reads("Scale", o.Scale, o.N)
	u.reads("Shift", o.Shift, o.N)
	u.writes("Y", o.Y, o.Rows*o.N)
}

// MaxPoolBackward is DX of [MaxPool], from what that read and left: Scale_i·DY[r, i] at the
// first of the largest in a group where Y[r, i] > 0, and 0 elsewhere. DX may be X.
type MaxPoolBackward struct {
	DX, DY, Y, X, Scale Buffer
	Rows, Group, N      int
}

var maxPoolBackwardKind = newKind("MaxPoolBackward")

func (*MaxPoolBackward) Kind() Kind     { return maxPoolBackwardKind }
func (o *MaxPoolBackward) Sizes() Sizes { return sizes(o.Rows, o.Group, o.N) }
func (*MaxPoolBackward) FLOPs() float64 { return 0 }
func (o *MaxPoolBackward) Operands(u *Uses) {
	size := o.Rows * o.N
	u.reads("DY", o.DY, size)
	u.reads("Y", o.Y, size)
	u.reads("X", o.X, size*o.Group)
	u.reads("Scale", o.Scale, o.N)
	u.writes("DX", o.DX, size*o.Group)
}
