package device

// Table is what a backend of type B does for each kind of operation. The zero
// Table does nothing; [On] fills it where a package is set up, beside the function
// that does the work, so that nothing lists all operations.
type Table[B any] struct{ do []func(B, Op) }

// On has t call f for the operations of f's kind.
func On[B, O any, P interface {
	*O
	Op
}](t *Table[B], f func(B, P)) struct{} {
	var none P
	k := int(none.Kind())
	if t.do == nil {
		t.do = make([]func(B, Op), len(kinds))
	}
	if t.do[k] != nil {
		panic("device: two functions for " + kinds[k])
	}
	t.do[k] = func(b B, op Op) { f(b, op.(P)) }
	return struct{}{}
}

// Does reports whether there is a function for a kind.
func (t *Table[B]) Does(k Kind) bool { return t.do[k] != nil }

// Do calls the function of op's kind.
func (t *Table[B]) Do(b B, op Op) {
	f := t.do[op.Kind()]
	if f == nil {
		panic("device: nothing does " + op.Kind().String())
	}
	f(b, op)
}
