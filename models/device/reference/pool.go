package reference

import "prabench/models/device"

var _ = device.On(&ops, func(d *Backend, o *device.MaxPool) {
	Y, X := d.rows(o.Y, o.Rows, o.N), d.rows(o.X, o.Rows*o.Group, o.N)
	scale, shift := d.view(o.Scale, o.N), d.view(o.Shift, o.N)
	for r := range o.Rows {
		for i := range o.N {
			Y.row(r)[i] = max(0, scale[i]*X.row(largest(X, r, o.Group, i))[i]+shift[i])
		}
	}
})

var _ = device.On(&ops, func(d *Backend, o *device.MaxPoolBackward) {
	Y, DY, X, DX := d.rows(o.Y, o.Rows, o.N), d.rows(o.DY, o.Rows, o.N), d.rows(o.X, o.Rows*o.Group, o.N), d.rows(o.DX, o.Rows*o.Group, o.N)
	scale := d.view(o.Scale, o.N)
	for r := range o.Rows {
		for i := range o.N {
			best := largest(X, r, o.Group, i)
			for g := range o.Group {
				DX.row(r*o.Group + g)[i] = 0
			}
			if Y.row(r)[i] > 0 {
				DX.row(best)[i] = scale[i] * DY.row(r)[i]
			}
		}
	}
})

// largest is the row of the first of the largest values of a column in group r.
func largest(x matrix, r, group, column int) int {
	best := r * group
	for g := range group {
		if x.row(r*group + g)[column] > x.row(best)[column] {
			best = r*group + g
		}
	}
	return best
}
