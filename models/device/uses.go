package device

import "fmt"

// Access is what an operation does with an operand.
type Access int

// The kinds of access.
const (
	Reads   Access = iota
	Writes         // whatever it held before
	Updates        // both
)

// Use is an operand in the hands of an operation.
type Use struct {
	Name   string
	Access Access
	Buffer Buffer
	Need   int // elements from its start that it must have
	Moves  int // values read and values written, each once
}

// Uses takes an operation's operands: [Do] checks them, [Operands] lists them. An
// operand that may be absent is named only where it is there.
type Uses struct {
	be   Backend // whose indices can be checked; nil for none
	on   bool    // keep them in list
	list []Use
	ints int // indices read
}

// Operands are what op reads and writes, appended to list.
func Operands(op Op, list []Use) []Use {
	u := Uses{on: true, list: list}
	op.Operands(&u)
	return u.list
}

// Bytes is what op cannot avoid to move: each operand read once and each result
// written once.
func Bytes(op Op) float64 {
	u := Uses{on: true}
	op.Operands(&u)
	values := u.ints
	for _, x := range u.list {
		values += x.Moves
	}
	return 4 * float64(values)
}

func (u *Uses) reads(name string, b Buffer, n int) {
	if u.on || b.N < n { // most often neither, and then there is no call
		u.note(name, Reads, b, n, n)
	}
}

func (u *Uses) writes(name string, b Buffer, n int) {
	if u.on || b.N < n {
		u.note(name, Writes, b, n, n)
	}
}

func (u *Uses) updates(name string, b Buffer, n int) { u.use(name, Updates, b, n, 2*n) }

// use names an operand of which need elements must be there and moves are moved.
func (u *Uses) use(name string, a Access, b Buffer, need, moves int) {
	if u.on || b.N < need {
		u.note(name, a, b, need, moves)
	}
}

func (u *Uses) note(name string, a Access, b Buffer, need, moves int) {
	if b.N < need {
		panic(fmt.Sprintf("device: %s has %d elements where %d are needed", name, b.N, need))
	}
	u.list = append(u.list, Use{name, a, b, need, moves})
}

// mayRead is reads of an operand that may be absent.
func (u *Uses) mayRead(name string, b Buffer, n int) {
	if !b.Absent() {
		u.reads(name, b, n)
	}
}

func (u *Uses) mayWrite(name string, b Buffer, n int) {
	if !b.Absent() {
		u.writes(name, b, n)
	}
}

// indices names n indices that are read.
func (u *Uses) indices(name string, b Ints, n int) {
	if b.N < n {
		panic(fmt.Sprintf("device: %s has %d indices where %d are needed", name, b.N, n))
	}
	if u.on {
		u.ints += n
	}
}

// chosen checks that each of the first n indices has its row of width in the table.
func (u *Uses) chosen(name string, b Ints, n int, table Buffer, width int) {
	if u.be == nil {
		return
	}
	held := u.be.Indices(b)
	if held == nil {
		return
	}
	for _, i := range held[:n] {
		if i < 0 || (int(i)+1)*width > table.N {
			panic(fmt.Sprintf("device: %s holds %d for a table of %d rows", name, i, table.N/width))
		}
	}
}

// columns panics unless columns [off, off+n) lie inside rows of ld.
func columns(off, n, ld int) {
	if off < 0 || off+n > ld {
		panic(fmt.Sprintf("device: columns [%d, %d) of rows of %d", off, off+n, ld))
	}
}

// divides panics unless parts of equal size make up the whole.
func divides(what string, whole, parts int) {
	if parts < 1 || whole%parts != 0 {
		panic(fmt.Sprintf("device: %d %s are no multiple of %d", whole, what, parts))
	}
}

// span is the extent of a matrix [rows, n] with row stride ld.
func span(rows, n, ld int) int {
	if ld < n {
		panic(fmt.Sprintf("device: row stride %d under %d columns", ld, n))
	}
	if rows == 0 {
		return 0
	}
	return (rows-1)*ld + n
}
