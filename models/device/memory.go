package device

import "fmt"

// Fill is Dst ← Value.
type Fill struct {
	Dst   Buffer
	Value float32
}

var fillKind = newKind("Fill")

func (*Fill) Kind() Kind         { return fillKind }
func (o *Fill) Sizes() Sizes     { return sizes(o.Dst.N) }
func (*Fill) FLOPs() float64     { return 0 }
func (o *Fill) Operands(u *Uses) { u.writes("Dst", o.Dst, o.Dst.N) }

// Copy is Dst ← Src, of equal length.
type Copy struct{ Dst, Src Buffer }

var copyKind = newKind("Copy")

func (*Copy) Kind() Kind     { return copyKind }
func (o *Copy) Sizes() Sizes { return sizes(o.Dst.N) }
func (*Copy) FLOPs() float64 { return 0 }
func (o *Copy) Operands(u *Uses) {
	if o.Dst.N != o.Src.N {
		panic(fmt.Sprintf("device: copy of %d elements to %d", o.Src.N, o.Dst.N))
	}
	u.reads("Src", o.Src, o.Src.N)
	u.writes("Dst", o.Dst, o.Dst.N)
}

// Copy2D copies [Rows, N] between row strides LDDst and LDSrc.
type Copy2D struct {
	Dst     Buffer
	LDDst   int
	Src     Buffer
	LDSrc   int
	Rows, N int
}

var copy2DKind = newKind("Copy2D")

func (*Copy2D) Kind() Kind     { return copy2DKind }
func (o *Copy2D) Sizes() Sizes { return sizes(o.Rows, o.N, o.LDDst, o.LDSrc) }
func (*Copy2D) FLOPs() float64 { return 0 }
func (o *Copy2D) Operands(u *Uses) {
	u.use("Src", Reads, o.Src, span(o.Rows, o.N, o.LDSrc), o.Rows*o.N)
	u.use("Dst", Writes, o.Dst, span(o.Rows, o.N, o.LDDst), o.Rows*o.N)
}
