package reference

import (
	"math"

	"prabench/models/device"
)

var _ = device.On(&ops, func(d *Backend, o *device.Sinusoid) {
	O, T := d.rows(o.Out, o.Rows, o.Dim), d.view(o.T, o.Rows)
	for r := range o.Rows {
		for i := range o.Dim / 2 {
			sin, cos := math.Sincos(T[r] * 100 * math.Pow(1000, -2*float64(i)/float64(o.Dim)))
			O.set(r, i, cos)
			O.set(r, o.Dim/2+i, sin)
		}
	}
})

var _ = device.On(&ops, func(d *Backend, o *device.RowMix) {
	D, X, Y := d.rows(o.Dst, o.Rows, o.N), d.rows(o.X, o.XRows, o.N), d.rows(o.Y, o.Rows, o.N)
	A, B := d.view(o.A, o.Rows), d.view(o.B, o.Rows)
	for r := range o.Rows {
		for i := range o.N {
			D.set(r, i, A[r]*X.at(r%o.XRows, i)+B[r]*Y.at(r, i))
		}
	}
})

var _ = device.On(&ops, func(d *Backend, o *device.Mix) {
	D, X, Y := d.Host(o.Dst), d.view(o.X, o.Dst.N), d.view(o.Y, o.Dst.N)
	for i := range D {
		D[i] = float64(o.A)*X[i] + float64(o.B)*Y[i]
	}
})

var _ = device.On(&ops, func(d *Backend, o *device.WeightedError) {
	G, P, T := d.rows(o.Grad, o.Rows, o.N), d.rows(o.Pred, o.Rows, o.N), d.rows(o.Target, o.TargetRows, o.N)
	L, W := d.view(o.Loss, o.Rows), d.view(o.W, o.Rows)
	for r := range o.Rows {
		var sum float64
		for i := range o.N {
			e := W[r] * (P.at(r, i) - T.at(r%o.TargetRows, i))
			if o.Absolute {
				sum += math.Abs(e)
				G.set(r, i, float64(o.Scale)*W[r]*sign(e))
				continue
			}
			sum += e * e
			G.set(r, i, 2*float64(o.Scale)*W[r]*e)
		}
		L[r] = sum
	}
})

func sign(x float64) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return 0
}

// velocity is that of output x at z, null beside it where there is one.
func velocity(x float64, null []float64, i int, z float64, guidance, inv float32) float64 {
	if null != nil {
		x += float64(guidance) * (x - null[i])
	}
	if inv != 0 {
		x = (x - z) * float64(inv)
	}
	return x
}

var _ = device.On(&ops, func(d *Backend, o *device.Velocity) {
	n := o.V.N
	V, O, Z, null := d.Host(o.V), d.view(o.O, n), d.view(o.Z, n), d.optional(o.Null, n)
	for i := range V {
		V[i] = velocity(O[i], null, i, Z[i], o.Guidance, o.Inv)
	}
})

var _ = device.On(&ops, func(d *Backend, o *device.FlowStep) {
	n := o.V.N
	V, O, Z, null := d.Host(o.V), d.view(o.O, n), d.view(o.Z, n), d.optional(o.Null, n)
	for i := range V {
		V[i] = velocity(O[i], null, i, Z[i], o.Guidance, o.Inv)
		Z[i] += float64(o.DT) * V[i]
	}
})
