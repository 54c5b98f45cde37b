package reference

import (
	"math"

	"prabench/models/device"
)

func (d *Backend) SumSquares(x device.Buffer) float64 {
	v := d.Host(x)
	return dot(v, v)
}

func (d *Backend) AdamW(p, g, m, v, ema device.Buffer, h device.AdamW) {
	P, G, M, V, E := d.Host(p), d.view(g, p.N), d.view(m, p.N), d.view(v, p.N), d.view(ema, p.N)
	for i := range P {
		grad := h.GradScale * G[i]
		M[i] = h.Beta1*M[i] + (1-h.Beta1)*grad
		V[i] = h.Beta2*V[i] + (1-h.Beta2)*grad*grad
		P[i] -= h.LR * (M[i]/h.Correct1/(math.Sqrt(V[i]/h.Correct2)+h.Eps) + h.WeightDecay*P[i])
		E[i] = h.EMA*E[i] + (1-h.EMA)*P[i]
	}
}
