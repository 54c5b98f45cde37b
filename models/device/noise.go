package device

// Normal fills Dst [Batch, Tokens, Dim] with standard normals from Philox4x32-10:
// element c of token At+t of image IDs[b] is number c mod 4 of counter
// (c/4, At+t, IDs[b], Stream) under Key.
type Normal struct {
	Dst                    Buffer
	IDs                    Ints
	Batch, Tokens, At, Dim int
	Key                    uint64
	Stream                 uint32
}

var normalKind = newKind("Normal")

func (*Normal) Kind() Kind     { return normalKind }
func (o *Normal) Sizes() Sizes { return sizes(o.Batch, o.Tokens, o.At, o.Dim) }
func (*Normal) FLOPs() float64 { return 0 }
func (o *Normal) Operands(u *Uses) {
	u.indices("IDs", o.IDs, o.Batch)
	u.writes("Dst", o.Dst, o.Batch*o.Tokens*o.Dim)
}
