package devicetest

import (
	"math"

	"prabench/models/device"
)

var normKinds = map[device.NormKind]string{device.LayerNorm: "layer", device.Sphere: "sphere"}

// steepness is the largest 1/σ of x's rows of n: a normalisation's backward
// takes differences of terms of that size.
func steepness(x []float32, n int, kind device.NormKind) (largest float64) {
	for ; len(x) > 0; x = x[n:] {
		var mean, square float64
		for _, v := range x[:n] {
			if kind == device.LayerNorm {
				mean += float64(v) / float64(n)
			}
		}
		for _, v := range x[:n] {
			square += (float64(v) - mean) * (float64(v) - mean) / float64(n)
		}
		largest = max(largest, 1/math.Sqrt(square+device.NormEps))
	}
	return largest
}

func norm() []*trial {
	var out []*trial
	for _, s := range shapes {
		for kind, name := range normKinds {
			for _, affine := range []bool{false, true} {
				for _, mean := range []float64{0, 100} {
					if mean != 0 && s.n < 12 { // so few can lie so close together that nothing is known
						continue
					}
					tr := newTrial("%dx%d %s affine %v mean %g", s.rows, s.n, name, affine, mean)
					gain, bias := absent, absent
					if affine {
						gain, bias = tr.normal("gain", s.n), tr.normal("bias", s.n)
					}
					x, y, stats := tr.spread("x", s.size(), mean, 1), tr.unset("y", s.size(), sum), tr.unset("stats", 2*s.rows, sum)
					tr.run = func(m *machine) {
						m.Norm(m.at(y), m.at(x), m.at(gain), m.at(bias), m.at(stats), s.rows, s.n, kind)
					}
					if mean != 0 { // a mean is known to 100·2⁻²⁴; a variance by E[x²] − E[x]² would be off by 100 times as much
						tr.slack = 10
					}
					tr.ranges = s.small()
					out = append(out, tr)
				}
			}
		}
	}
	return out
}

func normBackward() []*trial {
	var out []*trial
	for _, s := range shapes {
		for kind, name := range normKinds {
			for _, affine := range []bool{false, true} {
				for _, add := range []bool{false, true} {
					tr := newTrial("%dx%d %s affine %v add %v", s.rows, s.n, name, affine, add)
					gain, dgain, dbias := absent, absent, absent
					if affine {
						gain, dgain, dbias = tr.normal("gain", s.n), tr.as(tr.normal("dgain", s.n), sum), tr.as(tr.normal("dbias", s.n), sum)
					}
					x, dy, stats := tr.normal("x", s.size()), tr.normal("dy", s.size()), tr.unset("stats", 2*s.rows, sum)
					y, dx := tr.unset("y", s.size(), sum), absent
					if add {
						dx = tr.as(tr.normal("dx", s.size()), sum)
					} else {
						dx = tr.unset("dx", s.size(), sum)
					}
					tr.floor(dx, steepness(tr.values[x], s.n, kind))
					tr.run = func(m *machine) {
						m.Norm(m.at(y), m.at(x), device.Buffer{}, device.Buffer{}, m.at(stats), s.rows, s.n, kind)
						m.NormBackward(m.at(dx), m.at(dgain), m.at(dbias), m.at(dy), m.at(x), m.at(gain), m.at(stats), s.rows, s.n, kind, add)
					}
					tr.ranges = s.small()
					out = append(out, tr)
				}
			}
		}
	}
	return out
}

// modulation is how shift and scale lie in rows of ld values.
type modulation struct{ ld, shift, scale int }

func (s shape) modulations() []modulation {
	return []modulation{{2 * s.n, 0, s.n}, {3*s.n + 5, 2*s.n + 4, 1}}
}

func modNorm() []*trial {
	var out []*trial
	for _, s := range shapes {
		for _, c := range s.modulations() {
			tr := newTrial("%dx%d %+v", s.rows, s.n, c)
			x, mod := tr.normal("x", s.size()), tr.normal("mod", s.rows*c.ld)
			y, stats := tr.unset("y", s.size(), sum), tr.unset("stats", 2*s.rows, sum)
			tr.run = func(m *machine) {
				m.ModNorm(m.at(y), m.at(x), m.at(stats), m.at(mod), c.ld, c.shift, c.scale, s.rows, s.n)
			}
			tr.ranges = s.small()
			out = append(out, tr)
		}
	}
	return out
}

func modNormBackward() []*trial {
	var out []*trial
	for _, s := range shapes {
		for _, c := range s.modulations() {
			for _, add := range []bool{false, true} {
				tr := newTrial("%dx%d %+v add %v", s.rows, s.n, c, add)
				x, dy, mod := tr.normal("x", s.size()), tr.normal("dy", s.size()), tr.normal("mod", s.rows*c.ld)
				y, stats := tr.unset("y", s.size(), sum), tr.unset("stats", 2*s.rows, sum)
				// Other columns of dmod belong to other operations.
				dmod, dx := tr.as(tr.normal("dmod", s.rows*c.ld), sum), absent
				if add {
					dx = tr.as(tr.normal("dx", s.size()), sum)
				} else {
					dx = tr.unset("dx", s.size(), sum)
				}
				tr.floor(dx, steepness(tr.values[x], s.n, device.LayerNorm))
				tr.run = func(m *machine) {
					m.ModNorm(m.at(y), m.at(x), m.at(stats), m.at(mod), c.ld, c.shift, c.scale, s.rows, s.n)
					m.ModNormBackward(m.at(dx), m.at(dmod), m.at(dy), m.at(x), m.at(stats), m.at(mod), c.ld, c.shift, c.scale, s.rows, s.n, add)
				}
				tr.ranges = s.small()
				out = append(out, tr)
			}
		}
	}
	return out
}

func gateBackward() []*trial {
	var out []*trial
	for _, s := range shapes {
		for _, c := range s.modulations() {
			tr := newTrial("%dx%d stride %d offset %d", s.rows, s.n, c.ld, c.scale)
			dout, f, mod := tr.normal("dout", s.size()), tr.normal("f", s.size()), tr.normal("mod", s.rows*c.ld)
			df, dmod := tr.unset("df", s.size(), element), tr.normal("dmod", s.rows*c.ld)
			tr.run = func(m *machine) {
				m.GateBackward(m.at(df), m.at(dmod), m.at(dout), m.at(f), m.at(mod), c.ld, c.scale, s.rows, s.n)
			}
			tr.ranges = s.small()
			out = append(out, tr)
		}
	}
	return out
}
