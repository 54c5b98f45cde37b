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

var _ = of[device.Norm](norm)

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
						device.Do(m, device.Norm{
							Y: m.at(y), X: m.at(x), Gain: m.at(gain), Bias: m.at(bias), Stats: m.at(stats),
							Rows: s.rows, N: s.n, Form: kind,
						})
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

var _ = of[device.NormBackward](normBackward)

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
						device.Do(m, device.Norm{Y: m.at(y), X: m.at(x), Stats: m.at(stats), Rows: s.rows, N: s.n, Form: kind})
						device.Do(m, device.NormBackward{
							DX: m.at(dx), DGain: m.at(dgain), DBias: m.at(dbias), DY: m.at(dy), X: m.at(x),
							Gain: m.at(gain), Stats: m.at(stats), Rows: s.rows, N: s.n, Form: kind, Add: add,
						})
					}
					bias, of := absent, []pair{{x, dx}}
					if affine {
						bias = tr.extra(tr.normal("bias", s.n))
						of = append(of, pair{gain, dgain}, pair{bias, dbias})
					}
					tr.gradient = &gradient{out: y, seed: dy, of: of, forward: func(m *machine) {
						device.Do(m, device.Norm{
							Y: m.at(y), X: m.at(x), Gain: m.at(gain), Bias: m.at(bias), Stats: m.at(stats),
							Rows: s.rows, N: s.n, Form: kind,
						})
					}}
					tr.ranges = s.small()
					out = append(out, tr)
				}
			}
		}
	}
	return out
}

// modulation is how shift and scale lie in rows of ld values, and how many rows in
// turn share one of them: 0 is each its own.
type modulation struct{ ld, shift, scale, each int }

func (s shape) modulations() []modulation {
	out := []modulation{{2 * s.n, 0, s.n, 0}, {3*s.n + 5, 2*s.n + 4, 1, 0}}
	for _, each := range []int{2, 7, 30} {
		if s.rows%each == 0 {
			out = append(out, modulation{3*s.n + 5, 2*s.n + 4, 1, each})
		}
	}
	return out
}

// mods is how many modulations the rows have.
func (c modulation) mods(s shape) int { return s.rows / max(c.each, 1) }

var _ = of[device.ModNorm](modNorm)

func modNorm() []*trial {
	var out []*trial
	for _, s := range shapes {
		for _, c := range s.modulations() {
			tr := newTrial("%dx%d %+v", s.rows, s.n, c)
			x, mod := tr.normal("x", s.size()), tr.normal("mod", c.mods(s)*c.ld)
			y, stats := tr.unset("y", s.size(), sum), tr.unset("stats", 2*s.rows, sum)
			tr.run = func(m *machine) {
				device.Do(m, device.ModNorm{
					Y: m.at(y), X: m.at(x), Stats: m.at(stats), Mod: m.at(mod), LDMod: c.ld, Shift: c.shift,
					Scale: c.scale, Rows: s.rows, N: s.n, Each: c.each,
				})
			}
			tr.ranges = s.small()
			out = append(out, tr)
		}
	}
	return out
}

var _ = of[device.ModNormBackward](modNormBackward)

func modNormBackward() []*trial {
	var out []*trial
	for _, s := range shapes {
		for _, c := range s.modulations() {
			for _, add := range []bool{false, true} {
				tr := newTrial("%dx%d %+v add %v", s.rows, s.n, c, add)
				x, dy, mod := tr.normal("x", s.size()), tr.normal("dy", s.size()), tr.normal("mod", c.mods(s)*c.ld)
				y, stats := tr.unset("y", s.size(), sum), tr.unset("stats", 2*s.rows, sum)
				// Other columns of dmod belong to other operations.
				dmod, dx := tr.as(tr.normal("dmod", c.mods(s)*c.ld), sum), absent
				if add {
					dx = tr.as(tr.normal("dx", s.size()), sum)
				} else {
					dx = tr.unset("dx", s.size(), sum)
				}
				tr.floor(dx, steepness(tr.values[x], s.n, device.LayerNorm))
				forward := func(m *machine) {
					device.Do(m, device.ModNorm{
						Y: m.at(y), X: m.at(x), Stats: m.at(stats), Mod: m.at(mod), LDMod: c.ld, Shift: c.shift, Scale: c.scale,
						Rows: s.rows, N: s.n, Each: c.each,
					})
				}
				tr.run = func(m *machine) {
					forward(m)
					device.Do(m, device.ModNormBackward{
						DX: m.at(dx), DMod: m.at(dmod), DY: m.at(dy), X: m.at(x), Stats: m.at(stats), Mod: m.at(mod),
						LDMod: c.ld, Shift: c.shift, Scale: c.scale, Rows: s.rows, N: s.n, Each: c.each, Add: add,
					})
				}
				tr.gradient = &gradient{forward: forward, out: y, seed: dy, of: []pair{{x, dx}, {mod, dmod}}}
				tr.ranges = s.small()
				out = append(out, tr)
			}
		}
	}
	return out
}

var _ = of[device.Gate](gate)

func gate() []*trial {
	var out []*trial
	for _, s := range shapes {
		for _, c := range s.modulations() {
			for _, inPlace := range []bool{false, true} {
				tr := newTrial("%dx%d stride %d offset %d each %d in place %v", s.rows, s.n, c.ld, c.scale, c.each, inPlace)
				x, f, mod := tr.normal("x", s.size()), tr.normal("f", s.size()), tr.normal("mod", c.mods(s)*c.ld)
				y := x
				if !inPlace {
					y = tr.unset("y", s.size(), sum)
				}
				tr.run = func(m *machine) {
					device.Do(m, device.Gate{Y: m.at(y), X: m.at(x), F: m.at(f), Mod: m.at(mod), LDMod: c.ld, Gate: c.scale,
						Rows: s.rows, N: s.n, Each: c.each})
				}
				tr.ranges = s.small()
				out = append(out, tr)
			}
		}
	}
	return out
}

var _ = of[device.GateBackward](gateBackward)

func gateBackward() []*trial {
	var out []*trial
	for _, s := range shapes {
		for _, c := range s.modulations() {
			tr := newTrial("%dx%d stride %d offset %d each %d", s.rows, s.n, c.ld, c.scale, c.each)
			dout, f, mod := tr.normal("dout", s.size()), tr.normal("f", s.size()), tr.normal("mod", c.mods(s)*c.ld)
			df, dmod := tr.unset("df", s.size(), element), tr.as(tr.normal("dmod", c.mods(s)*c.ld), sum)
			tr.run = func(m *machine) {
				device.Do(m, device.GateBackward{
					DF: m.at(df), DMod: m.at(dmod), DOut: m.at(dout), F: m.at(f), Mod: m.at(mod), LDMod: c.ld,
					Gate: c.scale, Rows: s.rows, N: s.n, Each: c.each,
				})
			}
			x, y := tr.extra(tr.normal("x", s.size())), tr.extra(tr.unset("y", s.size(), sum))
			tr.gradient = &gradient{out: y, seed: dout, of: []pair{{f, df}, {mod, dmod}}, forward: func(m *machine) {
				device.Do(m, device.Gate{Y: m.at(y), X: m.at(x), F: m.at(f), Mod: m.at(mod), LDMod: c.ld, Gate: c.scale,
					Rows: s.rows, N: s.n, Each: c.each})
			}}
			tr.ranges = s.small()
			out = append(out, tr)
		}
	}
	return out
}

// long are rows of which a block of a device holds a part, or none.
var long = []shape{{3, 5000}, {9, 13000}}

var _ = of[device.RMSNorm](rmsNorm)

func rmsNorm() []*trial {
	var out []*trial
	for _, s := range append(long, shapes...) {
		for _, gained := range []bool{false, true} {
			for _, eps := range []float32{1e-6, 0.5} {
				tr := newTrial("%dx%d gain %v eps %g", s.rows, s.n, gained, eps)
				gain := absent
				if gained {
					gain = tr.normal("gain", s.n)
				}
				x, y, stats := tr.spread("x", s.size(), 0, 0.3), tr.unset("y", s.size(), sum), tr.unset("stats", s.rows, sum)
				tr.run = func(m *machine) {
					device.Do(m, device.RMSNorm{
						Y: m.at(y), X: m.at(x), Gain: m.at(gain), Stats: m.at(stats), Rows: s.rows, N: s.n, Eps: eps,
					})
				}
				tr.ranges = s.small()
				out = append(out, tr)
			}
		}
	}
	return out
}

var _ = of[device.RMSNormBackward](rmsNormBackward)

func rmsNormBackward() []*trial {
	var out []*trial
	for _, s := range append(long, shapes...) {
		for _, gained := range []bool{false, true} {
			for _, add := range []bool{false, true} {
				tr := newTrial("%dx%d gain %v add %v", s.rows, s.n, gained, add)
				x, dy, stats := tr.normal("x", s.size()), tr.normal("dy", s.size()), tr.unset("stats", s.rows, sum)
				y, dx, gain, dgain := tr.unset("y", s.size(), sum), absent, absent, absent
				if add {
					dx = tr.as(tr.normal("dx", s.size()), sum)
				} else {
					dx = tr.unset("dx", s.size(), sum)
				}
				of := []pair{{x, dx}}
				if gained {
					gain, dgain = tr.normal("gain", s.n), tr.as(tr.normal("dgain", s.n), sum)
					of = append(of, pair{gain, dgain})
				}
				tr.floor(dx, steepness(tr.values[x], s.n, device.Sphere))
				forward := func(m *machine) {
					device.Do(m, device.RMSNorm{
						Y: m.at(y), X: m.at(x), Gain: m.at(gain), Stats: m.at(stats), Rows: s.rows, N: s.n, Eps: device.NormEps,
					})
				}
				tr.run = func(m *machine) {
					forward(m)
					device.Do(m, device.RMSNormBackward{
						DX: m.at(dx), DGain: m.at(dgain), DY: m.at(dy), X: m.at(x), Gain: m.at(gain), Stats: m.at(stats),
						Rows: s.rows, N: s.n, Add: add,
					})
				}
				tr.gradient = &gradient{forward: forward, out: y, seed: dy, of: of}
				tr.ranges = s.small()
				out = append(out, tr)
			}
		}
	}
	return out
}
