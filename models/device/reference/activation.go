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

func (d *Backend) BiasActBackward(dpre, dbias, dy, pre device.Buffer, rows, n int, act device.Act) {
	DP, db, DY := d.rows(dpre, rows, n), d.view(dbias, n), d.rows(dy, rows, n)
	for r := range rows {
		for i := range n {
			v := DY.at(r, i)
			if act != device.None {
				v *= slope(act, d.rows(pre, rows, n).at(r, i))
			}
			DP.set(r, i, v)
			db[i] += v
		}
	}
}

func (d *Backend) CondAct(y, pre, time, cond device.Buffer, rows, trows, crows, n int) {
	Y, T, C := d.rows(y, rows, n), d.rows(time, trows, n), d.rows(cond, crows, n)
	keep := d.optional(pre, rows*n)
	for r := range rows {
		for i := range n {
			v := T.at(r*trows/rows, i) + C.at(r%crows, i)
			if keep != nil {
				keep[r*n+i] = v
			}
			Y.set(r, i, activate(device.SiLU, v))
		}
	}
}

func (d *Backend) CondActBackward(dtime, dcond, dy, pre device.Buffer, rows, crows, n int) {
	DT, DC, DY, P := d.rows(dtime, rows, n), d.rows(dcond, crows, n), d.rows(dy, rows, n), d.rows(pre, rows, n)
	clear(DC.values)
	for r := range rows {
		for i := range n {
			v := DY.at(r, i) * slope(device.SiLU, P.at(r, i))
			DT.set(r, i, v)
			DC.addTo(r%crows, i, v)
		}
	}
}
