package reference

import (
	"math"

	"prabench/models/device"
)

var _ = device.On(&ops, func(d *Backend, o *device.SumSquares) {
	v := d.Host(o.X)
	o.Sum = dot(v, v)
})

var _ = device.On(&ops, func(d *Backend, o *device.AdamW) {
	n := o.P.N
	P, G, M, V, E := d.Host(o.P), d.view(o.G, n), d.view(o.M, n), d.view(o.V, n), d.view(o.Avg, n)
	for i := range P {
		grad := o.GradScale * G[i]
		M[i] = o.Beta1*M[i] + (1-o.Beta1)*grad
		V[i] = o.Beta2*V[i] + (1-o.Beta2)*grad*grad
		P[i] -= o.LR * (M[i]/o.Correct1/(math.Sqrt(V[i]/o.Correct2)+o.Eps) + o.WeightDecay*P[i])
		E[i] = o.EMA*E[i] + (1-o.EMA)*P[i]
	}
})
