package reference

import "prabench/models/device"

// Linear is the sum over the inputs of every output, then the epilogue's steps
// one after another.
var _ = device.On(&ops, func(d *Backend, o *device.Linear) {
	Y, X, W := d.rows(o.Y, o.Rows, o.Out), d.rows(o.X, o.Rows, o.In), d.rows(o.W, o.In, o.Out)
	bias, pre, residual := d.optional(o.Bias, o.Out), d.optional(o.Pre, o.Rows*o.Out), d.optional(o.Residual, o.Rows*o.Out)
	var gate matrix
	if !o.Gate.Absent() {
		gate = d.columns(o.Gate, o.Rows, o.LDGate, o.GateOff, o.Out)
	}
	sum := make([]float64, o.Out)
	for r := range o.Rows {
		clear(sum)
		for k, v := range X.row(r) {
			for i, u := range W.row(k) {
				sum[i] += v * u
			}
		}
		for i, v := range sum {
			if bias != nil {
				v += bias[i]
			}
			if pre != nil {
				pre[r*o.Out+i] = v
			}
			v = activate(o.Act, v)
			if gate.values != nil {
				v *= gate.at(r, i)
			}
			if residual != nil {
				v += residual[r*o.Out+i]
			}
			Y.set(r, i, v)
		}
	}
})
