package reference

import "prabench/models/device"

// matrix is rows of n values, ld elements apart.
type matrix struct {
	values []float64
	n, ld  int
}

// matrix views b as [rows, n] with row stride ld.
func (d *Backend) matrix(b device.Buffer, rows, n, ld int) matrix {
	if rows == 0 {
		return matrix{nil, n, ld}
	}
	return matrix{d.view(b, (rows-1)*ld+n), n, ld}
}

// columns views columns [off, off+n) of b's rows of ld.
func (d *Backend) columns(b device.Buffer, rows, ld, off, n int) matrix {
	return matrix{d.view(b, rows*ld)[off:], n, ld}
}

func (m matrix) row(r int) []float64                        { return m.values[r*m.ld : r*m.ld+m.n] }
func (m matrix) at(r, i int) float64                        { return m.values[r*m.ld+i] }
func (m matrix) set(r, i int, v float64)                    { m.values[r*m.ld+i] = v }
func (m matrix) addTo(r, i int, v float64)                  { m.values[r*m.ld+i] += v }
func (d *Backend) rows(b device.Buffer, rows, n int) matrix { return d.matrix(b, rows, n, n) }

// Gemm is the sum over k of every element of C, as it is written.
var _ = device.On(&ops, func(d *Backend, o *device.Gemm) {
	A, B, C := d.operand(o.A, o.TransA, o.M, o.K, o.LDA), d.operand(o.B, o.TransB, o.K, o.N, o.LDB), d.matrix(o.C, o.M, o.N, o.LDC)
	sum := make([]float64, o.N)
	for i := range o.M {
		clear(sum)
		for x := range o.K {
			v := A(i, x)
			for j := range o.N {
				sum[j] += v * B(x, j)
			}
		}
		for j := range o.N {
			v := float64(o.Alpha) * sum[j]
			if o.Beta != 0 { // β = 0 does not read C
				v += float64(o.Beta) * C.at(i, j)
			}
			C.set(i, j, v)
		}
	}
})

// operand is op(X) [rows, n] as a function of row and column.
func (d *Backend) operand(b device.Buffer, trans bool, rows, n, ld int) func(r, i int) float64 {
	if trans {
		x := d.matrix(b, n, rows, ld)
		return func(r, i int) float64 { return x.at(i, r) }
	}
	return d.matrix(b, rows, n, ld).at
}
