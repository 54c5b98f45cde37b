package reference

import (
	"math"

	"prabench/models/device"
)

func (d *Backend) Sinusoid(out, t device.Buffer, rows, dim int) {
	O, T := d.rows(out, rows, dim), d.view(t, rows)
	for r := range rows {
		for i := range dim / 2 {
			sin, cos := math.Sincos(T[r] * 100 * math.Pow(1000, -2*float64(i)/float64(dim)))
			O.set(r, i, cos)
			O.set(r, dim/2+i, sin)
		}
	}
}

func (d *Backend) RowMix(dst, a, x, b, y device.Buffer, rows, n int, xrows int) {
	D, X, Y := d.rows(dst, rows, n), d.rows(x, xrows, n), d.rows(y, rows, n)
	A, B := d.view(a, rows), d.view(b, rows)
	for r := range rows {
		for i := range n {
			D.set(r, i, A[r]*X.at(r%xrows, i)+B[r]*Y.at(r, i))
		}
	}
}

func (d *Backend) Mix(dst device.Buffer, a float32, x device.Buffer, b float32, y device.Buffer) {
	D, X, Y := d.Host(dst), d.view(x, dst.N), d.view(y, dst.N)
	for i := range D {
		D[i] = float64(a)*X[i] + float64(b)*Y[i]
	}
}

func (d *Backend) WeightedError(loss, grad, pred, target, w device.Buffer, rows, n, trows int, scale float32) {
	G, P, T := d.rows(grad, rows, n), d.rows(pred, rows, n), d.rows(target, trows, n)
	L, W := d.view(loss, rows), d.view(w, rows)
	for r := range rows {
		var sum float64
		for i := range n {
			e := W[r] * (P.at(r, i) - T.at(r%trows, i))
			sum += e * e
			G.set(r, i, 2*float64(scale)*W[r]*e)
		}
		L[r] = sum
	}
}

func (d *Backend) Velocity(v, o, onull, z device.Buffer, guidance, inv float32) {
	V, O, Z, null := d.Host(v), d.view(o, v.N), d.view(z, v.N), d.optional(onull, v.N)
	for i := range V {
		x := O[i]
		if null != nil {
			x += float64(guidance) * (x - null[i])
		}
		if inv != 0 {
			x = (x - Z[i]) * float64(inv)
		}
		V[i] = x
	}
}
