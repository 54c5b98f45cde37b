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

var _ = device.On(&ops, func(d *Backend, o *device.Norm) {
	Y, X, S := d.rows(o.Y, o.Rows, o.N), d.rows(o.X, o.Rows, o.N), d.rows(o.Stats, o.Rows, 2)
	g, b := d.optional(o.Gain, o.N), d.optional(o.Bias, o.N)
	for r := range o.Rows {
		mean, rstd := moments(X.row(r), o.Form)
		S.set(r, 0, mean)
		S.set(r, 1, rstd)
		for i, v := range normalised(X.row(r), mean, rstd) {
			if g != nil {
				v = v*g[i] + b[i]
			}
			Y.set(r, i, v)
		}
	}
})

var _ = device.On(&ops, func(d *Backend, o *device.NormBackward) {
	DX, DY, X, S := d.rows(o.DX, o.Rows, o.N), d.rows(o.DY, o.Rows, o.N), d.rows(o.X, o.Rows, o.N), d.rows(o.Stats, o.Rows, 2)
	w := d.optional(o.Gain, o.N)
	var dw, db []float64
	if w != nil {
		dw, db = d.view(o.DGain, o.N), d.view(o.DBias, o.N)
	}
	for r := range o.Rows {
		mean, rstd := S.at(r, 0), S.at(r, 1)
		xhat, g := normalised(X.row(r), mean, rstd), make([]float64, o.N)
		for i := range o.N {
			g[i] = DY.at(r, i)
			if w != nil {
				dw[i] += DY.at(r, i) * xhat[i]
				db[i] += DY.at(r, i)
				g[i] *= w[i]
			}
		}
		write(DX.row(r), throughNorm(g, xhat, rstd, o.Form), o.Add)
	}
})

// modulations is how many rows share one, and how many there are.
func modulations(rows, each int) (of, mods int) { return max(each, 1), rows / max(each, 1) }

var _ = device.On(&ops, func(d *Backend, o *device.ModNorm) {
	Y, X, S := d.rows(o.Y, o.Rows, o.N), d.rows(o.X, o.Rows, o.N), d.rows(o.Stats, o.Rows, 2)
	each, mods := modulations(o.Rows, o.Each)
	shift, scale := d.columns(o.Mod, mods, o.LDMod, o.Shift, o.N), d.columns(o.Mod, mods, o.LDMod, o.Scale, o.N)
	for r := range o.Rows {
		mean, rstd := moments(X.row(r), device.LayerNorm)
		S.set(r, 0, mean)
		S.set(r, 1, rstd)
		for i, v := range normalised(X.row(r), mean, rstd) {
			Y.set(r, i, v*(1+scale.at(r/each, i))+shift.at(r/each, i))
		}
	}
})

var _ = device.On(&ops, func(d *Backend, o *device.ModNormBackward) {
	DX, DY, X, S := d.rows(o.DX, o.Rows, o.N), d.rows(o.DY, o.Rows, o.N), d.rows(o.X, o.Rows, o.N), d.rows(o.Stats, o.Rows, 2)
	each, mods := modulations(o.Rows, o.Each)
	scale := d.columns(o.Mod, mods, o.LDMod, o.Scale, o.N)
	dshift, dscale := d.columns(o.DMod, mods, o.LDMod, o.Shift, o.N), d.columns(o.DMod, mods, o.LDMod, o.Scale, o.N)
	for m := range mods {
		clear(dshift.row(m))
		clear(dscale.row(m))
	}
	for r := range o.Rows {
		mean, rstd := S.at(r, 0), S.at(r, 1)
		xhat, g := normalised(X.row(r), mean, rstd), make([]float64, o.N)
		for i := range o.N {
			dshift.addTo(r/each, i, DY.at(r, i))
			dscale.addTo(r/each, i, DY.at(r, i)*xhat[i])
			g[i] = DY.at(r, i) * (1 + scale.at(r/each, i))
		}
		write(DX.row(r), throughNorm(g, xhat, rstd, device.LayerNorm), o.Add)
	}
})

var _ = device.On(&ops, func(d *Backend, o *device.Gate) {
	Y, X, F := d.rows(o.Y, o.Rows, o.N), d.rows(o.X, o.Rows, o.N), d.rows(o.F, o.Rows, o.N)
	each, mods := modulations(o.Rows, o.Each)
	G := d.columns(o.Mod, mods, o.LDMod, o.Gate, o.N)
	for r := range o.Rows {
		for i := range o.N {
			Y.set(r, i, X.at(r, i)+G.at(r/each, i)*F.at(r, i))
		}
	}
})

var _ = device.On(&ops, func(d *Backend, o *device.GateBackward) {
	DF, DO, F := d.rows(o.DF, o.Rows, o.N), d.rows(o.DOut, o.Rows, o.N), d.rows(o.F, o.Rows, o.N)
	each, mods := modulations(o.Rows, o.Each)
	G, DG := d.columns(o.Mod, mods, o.LDMod, o.Gate, o.N), d.columns(o.DMod, mods, o.LDMod, o.Gate, o.N)
	for m := range mods {
		clear(DG.row(m))
	}
	for r := range o.Rows {
		for i := range o.N {
			g := DO.at(r, i)
			DG.addTo(r/each, i, F.at(r, i)*g)
			DF.set(r, i, G.at(r/each, i)*g)
		}
	}
})

var _ = device.On(&ops, func(d *Backend, o *device.RMSNorm) {
	Y, X, S, w := d.rows(o.Y, o.Rows, o.N), d.rows(o.X, o.Rows, o.N), d.view(o.Stats, o.Rows), d.optional(o.Gain, o.N)
	for r := range o.Rows {
		x := X.row(r)
		S[r] = 1 / math.Sqrt(dot(x, x)/float64(o.N)+float64(o.Eps))
		for i, v := range x {
			v *= S[r]
			if w != nil {
				v *= w[i]
			}
			Y.set(r, i, v)
		}
	}
})

var _ = device.On(&ops, func(d *Backend, o *device.RMSNormBackward) {
	DX, DY, X := d.rows(o.DX, o.Rows, o.N), d.rows(o.DY, o.Rows, o.N), d.rows(o.X, o.Rows, o.N)
	S, w := d.view(o.Stats, o.Rows), d.optional(o.Gain, o.N)
	var dw []float64
	if w != nil {
		dw = d.view(o.DGain, o.N)
	}
	for r := range o.Rows {
		xhat, g := normalised(X.row(r), 0, S[r]), append([]float64(nil), DY.row(r)...)
		for i := range w {
			dw[i] += g[i] * xhat[i]
			g[i] *= w[i]
		}
		mean := dot(g, xhat) / float64(o.N)
		for i := range g {
			g[i] = S[r] * (g[i] - xhat[i]*mean)
		}
		write(DX.row(r), g, o.Add)
	}
})
