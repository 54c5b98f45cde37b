package devicetest

import "prabench/models/device"

func gemm() []*trial {
	var out []*trial
	for _, c := range []struct{ m, n, k, pad int }{
		{1, 1, 1, 0}, {2, 3, 4, 0}, {7, 12, 49, 3}, {1, 96, 64, 0}, {64, 100, 96, 1}, {300, 49, 12, 0}, {12, 513, 128, 5}, {130, 128, 64, 0}, {12, 40, 600, 1},
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
					m.Gemm(trans[0], trans[1], c.m, c.n, c.k, by[0], m.at(a), lda, m.at(b), ldb, by[1], m.at(y), ldc)
				}
				tr.rounds, tr.ranges = true, c.m == 2 || c.m == 7
				out = append(out, tr)
			}
		}
	}
	return out
}

var acts = map[device.Act]string{device.None: "none", device.SiLU: "silu", device.GELU: "gelu"}

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
					m.Linear(m.at(y), m.at(x), m.at(w), c.rows, c.in, c.out, device.Epilogue{
						Bias: m.at(bias), Pre: m.at(pre), Act: e.act, Gate: m.at(gate), LDGate: ld, GateOff: off, Residual: m.at(residual),
					})
				}
				tr.rounds, tr.ranges = true, c.rows == 2 || c.rows == 7
				out = append(out, tr)
			}
		}
	}
	return out
}

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
					m.BiasActBackward(m.at(dpre), m.at(dbias), m.at(dy), m.at(pre), s.rows, s.n, act)
				}
				tr.ranges = s.small()
				out = append(out, tr)
			}
		}
	}
	return out
}
