package embed

import "math"

// pool writes the convolution, pooled when the layer pools, to hat.
func (t *layerTrace) pool(c *conv) {
	if !c.pool {
		copy(t.hat, t.z)
		return
	}
	side, f := c.outSide(), c.out
	for i := range chunk {
		for y := range side {
			for x := range side {
				at := ((i*side+y)*side + x) * f
				top := ((i*c.side+2*y)*c.side + 2*x) * f
				low := top + c.side*f
				a, b := t.z[top:top+f], t.z[top+f:top+2*f]
				d, e := t.z[low:low+f], t.z[low+f:low+2*f]
				to, where := t.hat[at:at+f], t.where[at:at+f]
				for j := range to {
					best, k := a[j], uint8(0)
					if b[j] > best {
						best, k = b[j], 1
					}
					if d[j] > best {
						best, k = d[j], 2
					}
					if e[j] > best {
						best, k = e[j], 3
					}
					to[j], where[j] = best, k
				}
			}
		}
	}
}

// unpool writes the gradient of the convolution over its values.
func (t *layerTrace) unpool(c *conv) {
	if !c.pool {
		copy(t.z, t.grad)
		return
	}
	clear(t.z)
	side, f := c.outSide(), c.out
	for i := range chunk {
		for y := range side {
			for x := range side {
				at := ((i*side+y)*side + x) * f
				top := ((i*c.side+2*y)*c.side + 2*x) * f
				step := [4]int{0, f, c.side * f, (c.side + 1) * f}
				for j, k := range t.where[at : at+f] {
					t.z[top+step[k&3]+j] = t.grad[at+j]
				}
			}
		}
	}
}

// normalise subtracts each column's mean and divides by its deviation, and
// keeps both statistics.
func normalise(x, mean, vari []float32) {
	f := len(mean)
	inv := float32(f) / float32(len(x))
	clear(mean)
	clear(vari)
	for at := 0; at < len(x); at += f {
		for j, v := range x[at : at+f] {
			mean[j] += v
		}
	}
	for j := range mean {
		mean[j] *= inv
	}
	for at := 0; at < len(x); at += f {
		row := x[at : at+f]
		for j, m := range mean {
			row[j] -= m
			vari[j] += row[j] * row[j]
		}
	}
	factor := make([]float32, f)
	for j := range vari {
		vari[j] *= inv
		factor[j] = float32(1 / math.Sqrt(float64(vari[j])+normEps))
	}
	for at := 0; at < len(x); at += f {
		row := x[at : at+f]
		for j, v := range factor {
			row[j] *= v
		}
	}
}

// normaliseBack turns the gradient of act into that of the pooled convolution:
// through max(·,0), gain and bias, and the normalisation with its statistics.
func normaliseBack(t *layerTrace, gain, vari, dGain, dBias []float32) {
	f := len(gain)
	clear(dGain)
	clear(dBias)
	for at := 0; at < len(t.grad); at += f {
		g, hat, act := t.grad[at:at+f], t.hat[at:at+f], t.act[at:at+f]
		for j := range g {
			if act[j] <= 0 {
				g[j] = 0
				continue
			}
			dBias[j] += g[j]
			dGain[j] += g[j] * hat[j]
		}
	}
	inv := float32(f) / float32(len(t.grad))
	factor := make([]float32, f)
	for j := range factor {
		factor[j] = gain[j] / float32(math.Sqrt(float64(vari[j])+normEps))
	}
	for at := 0; at < len(t.grad); at += f {
		g, hat := t.grad[at:at+f], t.hat[at:at+f]
		for j := range g {
			g[j] = factor[j] * (g[j] - inv*dBias[j] - inv*hat[j]*dGain[j])
		}
	}
}
