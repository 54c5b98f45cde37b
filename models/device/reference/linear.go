package reference

import "prabench/models/device"

// Linear is the sum over the inputs of every output, then the epilogue's steps
// one after another.
func (d *Backend) Linear(y, x, w device.Buffer, rows, in, out int, e device.Epilogue) {
	Y, X, W := d.rows(y, rows, out), d.rows(x, rows, in), d.rows(w, in, out)
	bias, pre, residual := d.optional(e.Bias, out), d.optional(e.Pre, rows*out), d.optional(e.Residual, rows*out)
	var gate matrix
	if !e.Gate.Absent() {
		gate = d.columns(e.Gate, rows, e.LDGate, e.GateOff, out)
	}
	sum := make([]float64, out)
	for r := range rows {
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
				pre[r*out+i] = v
			}
			v = activate(e.Act, v)
			if gate.values != nil {
				v *= gate.at(r, i)
			}
			if residual != nil {
				v += residual[r*out+i]
			}
			Y.set(r, i, v)
		}
	}
}
