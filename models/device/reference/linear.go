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
		if !o.Moments.Absent() {
			keepMoments(d.rows(o.Moments, o.Rows, device.Moments(o.Out)).row(r), Y.row(r))
		}
	}
})

// keepMoments writes mean and sum of squared deviations of every few values of a row.
func keepMoments(dst, row []float64) {
	for i := 0; len(row) > 0; i += 2 {
		part := row[:min(device.MomentColumns, len(row))]
		row = row[len(part):]
		var mean, square float64
		for _, v := range part {
			mean += v / float64(len(part))
		}
		for _, v := range part {
			square += (v - mean) * (v - mean)
		}
		dst[i], dst[i+1] = mean, square
	}
}

// NormLinear goes by the rows themselves, not by what is said of them.
var _ = device.On(&ops, func(d *Backend, o *device.NormLinear) {
	norm, layer := o.Apart()
	d.Do(norm)
	d.Do(layer)
})
