package devicetest

import "prabench/models/device"

var _ = of[device.Gemm](gemm)

func gemm() []*trial {
	var out []*trial
	for _, c := range []struct{ m, n, k, pad int }{
		{1, 1, 1, 0}, {2, 3, 4, 0}, {7, 12, 49, 3}, {1, 96, 64, 0}, {64, 100, 96, 1}, {300, 49, 12, 0}, {12, 513, 128, 5}, {130, 128, 64, 0},
		{12, 40, 600, 1},
	} {
		for _, trans := range [][2]bool{{false, false}, {true, false}, {false, true}, {true, true}} {
			for _, by := range [][2]float32{{1, 0}, {1, 1}, {-0.5, 2}} {
				tr := newTrial("%dx%dx%d+%d trans %v,%v alpha %g beta %g", c.m, c.n, c.k, c.pad, trans[0], trans[1], by[0], by[1])
				rowsA, lda, rowsB, ldb := c.m, c.k, c.k, c.n
				if trans[0] {
					rowsA, lda = c.k, c.m
				}
				if trans[1] {
					rowsB, ldb = c.n, c.k
				}
				lda, ldb = lda+c.pad, ldb+2*c.pad
				ldc := c.n + 3*c.pad
				extent := func(rows, cols, ld int) int { return (rows-1)*ld + cols }
				a := tr.normal("a", extent(rowsA, lda-c.pad, lda))
				b := tr.normal("b", extent(rowsB, ldb-2*c.pad, ldb))
				var y slot
				if size := extent(c.m, c.n, ldc); by[1] == 0 {
					y = tr.unset("c", size, sum)
				} else {
					y = tr.as(tr.normal("c", size), sum)
				}
				tr.run = func(m *machine) {
					device.Do(m, device.Gemm{
						TransA: trans[0], TransB: trans[1], M: c.m, N: c.n, K: c.k, Alpha: by[0], A: m.at(a), LDA: lda,
						B: m.at(b), LDB: ldb, Beta: by[1], C: m.at(y), LDC: ldc,
					})
				}
				tr.rounds, tr.ranges = true, c.m == 2 || c.m == 7
				out = append(out, tr)
			}
		}
	}
	return out
}

var acts = map[device.Act]string{device.None: "none", device.SiLU: "silu", device.GELU: "gelu"}

var _ = of[device.Linear](linear)

// linear tries every part of the epilogue alone and all of them together.
func linear() []*trial {
	var out []*trial
	for _, c := range []struct{ rows, in, out int }{
		{1, 1, 1}, {2, 3, 4}, {7, 12, 49}, {1, 96, 64}, {3, 64, 100}, {16, 128, 96}, {64, 12, 513}, {65, 100, 33}, {300, 49, 96}, {9, 600, 30},
	} {
		for _, e := range []struct {
			bias, pre, gate, residual bool
			act                       device.Act
		}{
			{}, {bias: true}, {bias: true, pre: true, act: device.SiLU}, {bias: true, act: device.GELU}, {bias: true, act: device.SiLU},
			{bias: true, residual: true}, {bias: true, pre: true, gate: true, residual: true}, {residual: true, act: device.GELU}, {gate: true},
			{bias: true, pre: true, act: device.GELU, gate: true, residual: true},
		} {
			for _, inPlace := range []bool{false, true} {
				if inPlace && !(e.pre && e.residual && e.act == device.None) {
					continue
				}
				tr := newTrial("%dx%dx%d %+v in place %v", c.rows, c.in, c.out, e, inPlace)
				x, w := tr.normal("x", c.rows*c.in), tr.normal("w", c.in*c.out)
				bias, pre, gate, residual := absent, absent, absent, absent
				if e.bias {
					bias = tr.normal("bias", c.out)
				}
				if e.pre {
					pre = tr.unset("pre", c.rows*c.out, sum)
				}
				ld, off := c.out+5, 3
				if e.gate {
					gate = tr.normal("gate", c.rows*ld)
				}
				y := absent
				if e.residual {
					residual = tr.as(tr.normal("residual", c.rows*c.out), sum)
					y = residual
				}
				if !inPlace {
					y = tr.unset("y", c.rows*c.out, sum)
				}
				tr.run = func(m *machine) {
					device.Do(m, device.Linear{Y: m.at(y), X: m.at(x), W: m.at(w), Rows: c.rows, In: c.in, Out: c.out, Epilogue: device.Epilogue{
						Bias: m.at(bias), Pre: m.at(pre), Act: e.act, Gate: m.at(gate), LDGate: ld, GateOff: off, Residual: m.at(residual),
					}})
				}
				tr.rounds, tr.ranges = true, c.rows == 2 || c.rows == 7
				out = append(out, tr)
			}
		}
	}
	return out
}

var _ = of[device.NormLinear](normLinear)

// normLinear has a layer whose moments the next one's normalisation may be made from.
func normLinear() []*trial {
	var out []*trial
	for _, c := range []struct{ rows, in, mid, out int }{{1, 3, 12, 5}, {2, 3, 4, 7}, {7, 12, 130, 33}, {64, 40, 96, 64}, {65, 64, 192, 100}} {
		for _, m := range append([]modulation{{}}, shape{c.rows, c.mid}.modulations()...) {
			affine := m.ld == 0
			tr := newTrial("%dx%dx%dx%d %+v", c.rows, c.in, c.mid, c.out, m)
			x, w, v := tr.normal("x", c.rows*c.in), tr.normal("w", c.in*c.mid), tr.normal("v", c.mid*c.out)
			bias, residual := tr.normal("bias", c.out), tr.as(tr.normal("residual", c.rows*c.mid), sum)
			mid, known := tr.unset("mid", c.rows*c.mid, sum), tr.unset("known", c.rows*device.Moments(c.mid), sum)
			gain, offset, mod := absent, absent, absent
			if affine {
				gain, offset = tr.normal("gain", c.mid), tr.normal("offset", c.mid)
			} else {
				mod = tr.normal("mod", m.mods(shape{c.rows, c.mid})*m.ld)
			}
			normed, stats := tr.own(tr.unset("normed", c.rows*c.mid, sum)), tr.own(tr.unset("stats", 2*c.rows, sum))
			y, moments := tr.unset("y", c.rows*c.out, sum), tr.unset("moments", c.rows*device.Moments(c.out), sum)
			tr.run = func(b *machine) {
				device.Do(b, device.Linear{Y: b.at(mid), X: b.at(x), W: b.at(w), Rows: c.rows, In: c.in, Out: c.mid,
					Epilogue: device.Epilogue{Residual: b.at(residual), Moments: b.at(known)}})
				device.Do(b, device.NormLinear{
					Linear: device.Linear{Y: b.at(y), X: b.at(mid), W: b.at(v), Rows: c.rows, In: c.mid, Out: c.out,
						Epilogue: device.Epilogue{Bias: b.at(bias), Act: device.SiLU, Moments: b.at(moments)}},
					Known: b.at(known), Gain: b.at(gain), Offset: b.at(offset), Mod: b.at(mod), LDMod: m.ld, Shift: m.shift, Scale: m.scale,
					Each: m.each, Normed: b.at(normed), Stats: b.at(stats),
				})
			}
			tr.slack, tr.rounds, tr.ranges = 3, true, c.rows == 2
			out = append(out, tr)
		}
	}
	return out
}

var _ = of[device.BiasActBackward](biasActBackward)

func biasActBackward() []*trial {
	var out []*trial
	for _, s := range shapes {
		for act, name := range acts {
			for _, inPlace := range []bool{false, true} {
				tr := newTrial("%dx%d %s in place %v", s.rows, s.n, name, inPlace)
				dy, dbias := tr.normal("dy", s.size()), tr.as(tr.normal("dbias", s.n), sum)
				dpre, pre := dy, absent
				if !inPlace {
					dpre = tr.unset("dpre", s.size(), element)
				}
				if act != device.None {
					pre = tr.spread("pre", s.size(), 0, 3)
				}
				tr.slack = 6 // the slope's exponent is rounded before exp takes it
				tr.run = func(m *machine) {
					device.Do(m, device.BiasActBackward{
						DPre: m.at(dpre), DBias: m.at(dbias), DY: m.at(dy), Pre: m.at(pre), Rows: s.rows, N: s.n,
						Act: act,
					})
				}
				if !inPlace && s.n <= 12 {
					tr.gradient = biasActGradient(tr, s, act, pre, dpre, dy, dbias)
				}
				tr.ranges = s.small()
				out = append(out, tr)
			}
		}
	}
	return out
}

// biasActGradient has the layer of the identity, without a bias, as the forward pass.
func biasActGradient(tr *trial, s shape, act device.Act, pre, dpre, dy, dbias slot) *gradient {
	if pre == absent {
		pre = tr.extra(tr.normal("x", s.size()))
	}
	bias, y := tr.extra(tr.add("bias", make([]float32, s.n), element)), tr.extra(tr.unset("y", s.size(), sum))
	eye := tr.identity(s.n)
	return &gradient{out: y, seed: dy, of: []pair{{pre, dpre}, {bias, dbias}}, forward: func(m *machine) {
		device.Do(m, device.Linear{
			Y: m.at(y), X: m.at(pre), W: m.at(eye), Rows: s.rows, In: s.n, Out: s.n,
			Epilogue: device.Epilogue{Bias: m.at(bias), Act: act},
		})
	}}
}

// identity is the matrix that changes nothing, for a forward pass.
func (tr *trial) identity(n int) slot {
	eye := make([]float32, n*n)
	for i := range n {
		eye[i*n+i] = 1
	}
	return tr.extra(tr.add("identity", eye, element))
}

var _ = of[device.SwiGLU](swiGLU)

func swiGLU() []*trial {
	var out []*trial
	for _, s := range shapes {
		tr := newTrial("%dx%d", s.rows, s.n)
		x, y := tr.spread("x", 2*s.size(), 0, 3), tr.unset("y", s.size(), element)
		tr.slack = 6 // as in BiasActBackward
		tr.run = func(m *machine) { device.Do(m, device.SwiGLU{Y: m.at(y), X: m.at(x), Rows: s.rows, N: s.n}) }
		tr.ranges = s.small()
		out = append(out, tr)
	}
	return out
}

var _ = of[device.SwiGLUBackward](swiGLUBackward)

func swiGLUBackward() []*trial {
	var out []*trial
	for _, s := range shapes {
		tr := newTrial("%dx%d", s.rows, s.n)
		x, dx, dy := tr.spread("x", 2*s.size(), 0, 3), tr.unset("dx", 2*s.size(), element), tr.normal("dy", s.size())
		tr.slack = 6
		tr.run = func(m *machine) {
			device.Do(m, device.SwiGLUBackward{DX: m.at(dx), DY: m.at(dy), X: m.at(x), Rows: s.rows, N: s.n})
		}
		y := tr.extra(tr.unset("y", s.size(), element))
		tr.gradient = &gradient{out: y, seed: dy, of: []pair{{x, dx}}, forward: func(m *machine) {
			device.Do(m, device.SwiGLU{Y: m.at(y), X: m.at(x), Rows: s.rows, N: s.n})
		}}
		tr.ranges = s.small()
		out = append(out, tr)
	}
	return out
}
