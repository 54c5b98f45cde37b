//go:build cuda

package cuda

import (
	"fmt"

	"prabench/models/cuda/kernels"
	"prabench/models/device"
)

// A wrong shape is a programmer's mistake and panics before anything is queued.

// at is the address of b's first element, after checking that it has n.
func at(b device.Buffer, n int) kernels.Ptr {
	if b.N < n {
		panic(fmt.Sprintf("cuda: a buffer of %d elements where %d are needed", b.N, n))
	}
	return kernels.Ptr(b.Base).At(b.Off)
}

// opt is at, or 0 for an absent buffer.
func opt(b device.Buffer, n int) kernels.Ptr {
	if b.Absent() {
		return 0
	}
	return at(b, n)
}

func ints(b device.Ints, n int) kernels.Ptr {
	if b.N < n {
		panic(fmt.Sprintf("cuda: %d indices where %d are needed", b.N, n))
	}
	return kernels.Ptr(b.Base)
}

// indexed is ints, after checking that each of the indices has its row of
// width in the table.
func (d *Backend) indexed(b device.Ints, n int, table device.Buffer, width int) kernels.Ptr {
	p := ints(b, n)
	for _, i := range d.pool.held[b.Base].ints[:n] {
		if i < 0 || (int(i)+1)*width > table.N {
			panic(fmt.Sprintf("cuda: index %d into a table of %d rows", i, table.N/width))
		}
	}
	return p
}

// columns panics unless columns [off, off+n) lie inside rows of ld.
func columns(off, n, ld int) {
	if off < 0 || off+n > ld {
		panic(fmt.Sprintf("cuda: columns [%d, %d) of rows of %d", off, off+n, ld))
	}
}

// blocks panics unless blocks divide the tokens.
func blocks(tokens, block int) {
	if block < 1 || tokens%block != 0 {
		panic(fmt.Sprintf("cuda: %d tokens in blocks of %d", tokens, block))
	}
}

// per panics unless parts divide the rows; it returns the parts.
func per(rows, parts int) int {
	if parts < 1 || rows%parts != 0 {
		panic(fmt.Sprintf("cuda: %d rows in %d parts", rows, parts))
	}
	return parts
}

// span is the extent of a matrix with row stride ld.
func span(rows, cols, ld int) int {
	if ld < cols {
		panic(fmt.Sprintf("cuda: row stride %d under %d columns", ld, cols))
	}
	return (rows-1)*ld + cols
}
