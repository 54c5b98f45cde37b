package device

// Table is what a backend of type B does, by kind of operation; nil where it does
// nothing. [On] fills it where a package is set up, beside the function that does
// the work, so that nothing lists all operations.
type Table[B any] []func(B, Op)

// On has t call f for the operations of f's kind.
func On[B, O any, P interface {
	*O
	Op
}](t *Table[B], f func(B, P)) struct{} {
	var none P
	k := none.Kind()
	if *t == nil {
		*t = make(Table[B], len(kinds))
	}
	if (*t)[k] != nil {
		panic("device: two functions for " + kinds[k])
	}
	(*t)[k] = func(b B, op Op) { f(b, op.(P)) }
	return struct{}{}
}
