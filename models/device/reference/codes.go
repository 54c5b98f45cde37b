package reference

import (
	"math"
	"slices"

	"prabench/models/device"
)

var _ = device.On(&ops, func(d *Backend, o *device.Gather) {
	Y, T := d.rows(o.Y, o.Rows, o.N), d.table(o.Table, o.N)
	for r, i := range d.indices(o.Index, o.Rows) {
		copy(Y.row(r), T.row(int(i)))
	}
})

var _ = device.On(&ops, func(d *Backend, o *device.GatherBackward) {
	Y, T := d.rows(o.DY, o.Rows, o.N), d.table(o.DTable, o.N)
	for r, i := range d.indices(o.Index, o.Rows) {
		addScaled(T.row(int(i)), 1, Y.row(r))
	}
})

var _ = device.On(&ops, func(d *Backend, o *device.CrossEntropy) {
	X, G, L := d.rows(o.X, o.Rows, o.N), d.rows(o.Grad, o.Rows, o.N), d.view(o.Loss, o.Rows)
	for r, target := range d.indices(o.Target, o.Rows) {
		most, sum := slices.Max(X.row(r)), 0.0
		for _, v := range X.row(r) {
			sum += math.Exp(v - most)
		}
		L[r] = most + math.Log(sum) - X.at(r, int(target))
		for i, v := range X.row(r) {
			p := math.Exp(v-most) / sum
			if i == int(target) {
				p--
			}
			G.set(r, i, float64(o.Scale)*p)
		}
	}
})
