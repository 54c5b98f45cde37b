package device

import (
	"fmt"
	"strings"
)

// Op is one operation with its operands. Ops are structs, used by pointer; Kind
// also answers for a nil one.
type Op interface {
	Kind() Kind
	// Sizes are its dimensions, for words about it.
	Sizes() Sizes
	// Operands names what the operation reads and writes, with the elements that
	// it needs of each, and panics where the sizes contradict each other.
	Operands(u *Uses)
	// FLOPs are those of matrix products and attention, a multiplication and an
	// addition as two; other work is counted by its bytes (see [Bytes]).
	FLOPs() float64
}

// Kind is which operation an Op is.
type Kind int

var kinds []string

func newKind(name string) Kind {
	kinds = append(kinds, name)
	return Kind(len(kinds) - 1)
}

func (k Kind) String() string { return kinds[k] }

// Kinds are all kinds of operations.
func Kinds() []Kind {
	out := make([]Kind, len(kinds))
	for i := range out {
		out[i] = Kind(i)
	}
	return out
}

// Sizes are the dimensions of an operation.
type Sizes struct {
	n  int
	of [8]int
}

func sizes(of ...int) (s Sizes) {
	s.n = copy(s.of[:], of)
	return s
}

func (s Sizes) String() string {
	var words []string
	for _, v := range s.of[:s.n] {
		words = append(words, fmt.Sprint(v))
	}
	return strings.Join(words, ", ")
}

// Text is an operation in words, as "Norm(64, 96)".
func Text(op Op) string { return fmt.Sprintf("%v(%v)", op.Kind(), op.Sizes()) }

// Scratch holds the operation that a backend is doing, one of each kind, so that
// asking for one allocates nothing. A backend embeds it.
type Scratch struct {
	ops   []Op
	uses  Uses
	watch func(Op)
}

func (s *Scratch) scratch() *Scratch { return s } //nolint:unused // Backend asks for it

// Do has be do op, after checking its extents: a wrong shape is a programmer's
// mistake and panics before anything is computed.
func Do[O any, P interface {
	*O
	Op
}](be Backend, op O) {
	var none P
	k, s := none.Kind(), be.scratch()
	if s.ops == nil {
		s.ops = make([]Op, len(kinds))
	}
	p, ok := s.ops[k].(P)
	if !ok { // the first of its kind
		if !be.Does(k) {
			panic(fmt.Sprintf("device: %s does not do %v", be.Name(), k))
		}
		p = P(new(O))
		s.ops[k] = p
	}
	*p = op
	s.uses.be = be
	p.Operands(&s.uses)
	be.Do(p)
	if s.watch != nil {
		s.watch(p)
	}
}

// Watch has f called after each operation that be is asked for, nil for no more. It does
// not see what a [Divider]'s shares do and what a [Recording] plays.
func Watch(be Backend, f func(Op)) {
	s := be.scratch()
	if f != nil && s.watch != nil {
		panic("device: " + be.Name() + " is watched already")
	}
	s.watch = f
}
