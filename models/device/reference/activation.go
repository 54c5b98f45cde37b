package reference

import (
	"math"

	"prabench/models/device"
)

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// gelu's inner function u(x) = √(2/π)(x + 0.044715x³) and its derivative.
func inner(x float64) (u, du float64) {
	c := math.Sqrt(2 / math.Pi)
	return c * (x + 0.044715*x*x*x), c * (1 + 3*0.044715*x*x)
}

// activate is act(x).
func activate(act device.Act, x float64) float64 {
	switch act {
	case device.SiLU:
		return x * sigmoid(x)
	case device.GELU:
		u, _ := inner(x)
		return x * sigmoid(2*u)
	}
	return x
}

// slope is act′(x), with σ′ = σ(1 − σ).
func slope(act device.Act, x float64) float64 {
	switch act {
	case device.SiLU:
		s := sigmoid(x)
		return s + x*s*(1-s)
	case device.GELU:
		u, du := inner(x)
		s := sigmoid(2 * u)
		return s + x*s*(1-s)*2*du
	}
	return 1
}

var _ = device.On(&ops, func(d *Backend, o *device.BiasActBackward) {
	DP, db, DY := d.rows(o.DPre, o.Rows, o.N), d.view(o.DBias, o.N), d.rows(o.DY, o.Rows, o.N)
	for r := range o.Rows {
		for i := range o.N {
			v := DY.at(r, i)
			if o.Act != device.None {
				v *= slope(o.Act, d.rows(o.Pre, o.Rows, o.N).at(r, i))
			}
			DP.set(r, i, v)
			db[i] += v
		}
	}
})

var _ = device.On(&ops, func(d *Backend, o *device.CondAct) {
	Y, T, C := d.rows(o.Y, o.Rows, o.N), d.rows(o.Time, o.TimeRows, o.N), d.rows(o.Cond, o.CondRows, o.N)
	keep := d.optional(o.Pre, o.Rows*o.N)
	for r := range o.Rows {
		for i := range o.N {
			v := T.at(r*o.TimeRows/o.Rows, i) + C.at(r%o.CondRows, i)
			if keep != nil {
				keep[r*o.N+i] = v
			}
			Y.set(r, i, activate(device.SiLU, v))
		}
	}
})

var _ = device.On(&ops, func(d *Backend, o *device.CondActBackward) {
	DT, DC, DY, P := d.rows(o.DTime, o.Rows, o.N), d.rows(o.DCond, o.CondRows, o.N), d.rows(o.DY, o.Rows, o.N), d.rows(o.Pre, o.Rows, o.N)
	clear(DC.values)
	for r := range o.Rows {
		for i := range o.N {
			v := DY.at(r, i) * slope(device.SiLU, P.at(r, i))
			DT.set(r, i, v)
			DC.addTo(r%o.CondRows, i, v)
		}
	}
})

var _ = device.On(&ops, func(d *Backend, o *device.SwiGLU) {
	Y, X := d.rows(o.Y, o.Rows, o.N), d.rows(o.X, o.Rows, 2*o.N)
	for r := range o.Rows {
		for i := range o.N {
			Y.set(r, i, activate(device.SiLU, X.at(r, i))*X.at(r, o.N+i))
		}
	}
})

var _ = device.On(&ops, func(d *Backend, o *device.SwiGLUBackward) {
	DX, DY, X := d.rows(o.DX, o.Rows, 2*o.N), d.rows(o.DY, o.Rows, o.N), d.rows(o.X, o.Rows, 2*o.N)
	for r := range o.Rows {
		for i := range o.N {
			DX.set(r, i, DY.at(r, i)*X.at(r, o.N+i)*slope(device.SiLU, X.at(r, i)))
			DX.set(r, o.N+i, DY.at(r, i)*activate(device.SiLU, X.at(r, i)))
		}
	}
})
