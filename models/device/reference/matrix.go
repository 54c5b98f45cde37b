package reference

import (
	"fmt"

	"prabench/models/device"
)

// matrix is rows of n values, ld elements apart.
type matrix struct {
	values []float64
	n, ld  int
}

// matrix views b as [rows, n] with row stride ld; it panics where b is too
// short or rows would overlap.
func (d *Backend) matrix(b device.Buffer, rows, n, ld int) matrix {
	if ld < n {
		panic(fmt.Sprintf("reference: row stride %d under %d columns", ld, n))
	}
	if rows == 0 {
		return matrix{nil, n, ld}
	}
	return matrix{d.view(b, (rows-1)*ld+n), n, ld}
}

// columns views columns [off, off+n) of b's rows of ld.
func (d *Backend) columns(b device.Buffer, rows, ld, off, n int) matrix {
	if off < 0 || off+n > ld {
		panic(fmt.Sprintf("reference: columns [%d, %d) of rows of %d", off, off+n, ld))
	}
	return matrix{d.view(b, rows*ld)[off:], n, ld}
}

func (m matrix) row(r int) []float64                        { return m.values[r*m.ld : r*m.ld+m.n] }
func (m matrix) at(r, i int) float64                        { return m.values[r*m.ld+i] }
func (m matrix) set(r, i int, v float64)                    { m.values[r*m.ld+i] = v }
func (m matrix) addTo(r, i int, v float64)                  { m.values[r*m.ld+i] += v }
func (d *Backend) rows(b device.Buffer, rows, n int) matrix { return d.matrix(b, rows, n, n) }

// Gemm is the sum over k of every element of C, as it is written.
func (d *Backend) Gemm(transA, transB bool, m, n, k int, alpha float32, a device.Buffer, lda int, b device.Buffer, ldb int, beta float32, c device.Buffer, ldc int) {
	A, B, C := d.operand(a, transA, m, k, lda), d.operand(b, transB, k, n, ldb), d.matrix(c, m, n, ldc)
	sum := make([]float64, n)
	for i := range m {
		clear(sum)
		for x := range k {
			v := A(i, x)
			for j := range n {
				sum[j] += v * B(x, j)
			}
		}
		for j := range n {
			v := float64(alpha) * sum[j]
			if beta != 0 { // β = 0 does not read C
				v += float64(beta) * C.at(i, j)
			}
			C.set(i, j, v)
		}
	}
}

// operand is op(X) [rows, n] as a function of row and column.
func (d *Backend) operand(b device.Buffer, trans bool, rows, n, ld int) func(r, i int) float64 {
	if trans {
		x := d.matrix(b, n, rows, ld)
		return func(r, i int) float64 { return x.at(i, r) }
	}
	return d.matrix(b, rows, n, ld).at
}
