package reference

import (
	"math"

	"prabench/models/device"
)

// moments is what a normalisation subtracts from x and multiplies by.
func moments(x []float64, kind device.NormKind) (mean, rstd float64) {
	n := float64(len(x))
	if kind == device.LayerNorm {
		for _, v := range x {
			mean += v / n
		}
	}
	var square float64
	for _, v := range x {
		square += (v - mean) * (v - mean) / n
	}
	return mean, 1 / math.Sqrt(square+device.NormEps)
}

// throughNorm is ∂L/∂x given g = ∂L/∂x̂ and the row's x̂ = (x − mean)·rstd:
// rstd·(g − mean(g) − x̂·mean(g·x̂)), without mean(g) for the sphere, which
// subtracts nothing from x.
func throughNorm(g, xhat []float64, rstd float64, kind device.NormKind) []float64 {
	n := float64(len(g))
	var a, b float64
	for i := range g {
		if kind == device.LayerNorm {
			a += g[i] / n
		}
		b += g[i] * xhat[i] / n
	}
	dx := make([]float64, len(g))
	for i := range g {
		dx[i] = rstd * (g[i] - a - xhat[i]*b)
	}
	return dx
}

// normalised is x̂ of a row by its kept statistics.
func normalised(x []float64, mean, rstd float64) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = (v - mean) * rstd
	}
	return y
}

// write puts or adds a row.
func write(dst, src []float64, add bool) {
	for i, v := range src {
		if add {
			v += dst[i]
		}
		dst[i] = v
	}
}

func (d *Backend) Norm(y, x, gain, bias, stats device.Buffer, rows, n int, kind device.NormKind) {
	Y, X, S := d.rows(y, rows, n), d.rows(x, rows, n), d.rows(stats, rows, 2)
	g, b := d.optional(gain, n), d.optional(bias, n)
	for r := range rows {
		mean, rstd := moments(X.row(r), kind)
		S.set(r, 0, mean)
		S.set(r, 1, rstd)
		for i, v := range normalised(X.row(r), mean, rstd) {
			if g != nil {
				v = v*g[i] + b[i]
			}
			Y.set(r, i, v)
		}
	}
}

func (d *Backend) NormBackward(dx, dgain, dbias, dy, x, gain, stats device.Buffer, rows, n int, kind device.NormKind, add bool) {
	DX, DY, X, S := d.rows(dx, rows, n), d.rows(dy, rows, n), d.rows(x, rows, n), d.rows(stats, rows, 2)
	w := d.optional(gain, n)
	var dw, db []float64
	if w != nil {
		dw, db = d.view(dgain, n), d.view(dbias, n)
	}
	for r := range rows {
		mean, rstd := S.at(r, 0), S.at(r, 1)
		xhat, g := normalised(X.row(r), mean, rstd), make([]float64, n)
		for i := range n {
			g[i] = DY.at(r, i)
			if w != nil {
				dw[i] += DY.at(r, i) * xhat[i]
				db[i] += DY.at(r, i)
				g[i] *= w[i]
			}
		}
		write(DX.row(r), throughNorm(g, xhat, rstd, kind), add)
	}
}

func (d *Backend) ModNorm(y, x, stats, mod device.Buffer, ldmod, shiftOff, scaleOff, rows, n int) {
	Y, X, S := d.rows(y, rows, n), d.rows(x, rows, n), d.rows(stats, rows, 2)
	shift, scale := d.columns(mod, rows, ldmod, shiftOff, n), d.columns(mod, rows, ldmod, scaleOff, n)
	for r := range rows {
		mean, rstd := moments(X.row(r), device.LayerNorm)
		S.set(r, 0, mean)
		S.set(r, 1, rstd)
		for i, v := range normalised(X.row(r), mean, rstd) {
			Y.set(r, i, v*(1+scale.at(r, i))+shift.at(r, i))
		}
	}
}

func (d *Backend) ModNormBackward(dx, dmod, dy, x, stats, mod device.Buffer, ldmod, shiftOff, scaleOff, rows, n int, add bool) {
	DX, DY, X, S := d.rows(dx, rows, n), d.rows(dy, rows, n), d.rows(x, rows, n), d.rows(stats, rows, 2)
	scale := d.columns(mod, rows, ldmod, scaleOff, n)
	dshift, dscale := d.columns(dmod, rows, ldmod, shiftOff, n), d.columns(dmod, rows, ldmod, scaleOff, n)
	for r := range rows {
		mean, rstd := S.at(r, 0), S.at(r, 1)
		xhat, g := normalised(X.row(r), mean, rstd), make([]float64, n)
		for i := range n {
			dshift.set(r, i, DY.at(r, i))
			dscale.set(r, i, DY.at(r, i)*xhat[i])
			g[i] = DY.at(r, i) * (1 + scale.at(r, i))
		}
		write(DX.row(r), throughNorm(g, xhat, rstd, device.LayerNorm), add)
	}
}

func (d *Backend) GateBackward(df, dmod, dout, f, mod device.Buffer, ldmod, off, rows, n int) {
	DF, DO, F := d.rows(df, rows, n), d.rows(dout, rows, n), d.rows(f, rows, n)
	G, DG := d.columns(mod, rows, ldmod, off, n), d.columns(dmod, rows, ldmod, off, n)
	for r := range rows {
		for i := range n {
			o := DO.at(r, i)
			DG.set(r, i, F.at(r, i)*o)
			DF.set(r, i, G.at(r, i)*o)
		}
	}
}
