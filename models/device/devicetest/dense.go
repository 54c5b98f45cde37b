package devicetest

import "prabench/models/device"

func gemm() []*trial {
	var out []*trial
	for _, c := range []struct{ m, n, k, pad int }{
		{1, 1, 1, 0}, {2, 3, 4, 0}, {7, 12, 49, 3}, {1, 96, 64, 0}, {64, 100, 96, 1}, {300, 49, 12, 0}, {12, 513, 128, 5}, {130, 128, 64, 0},
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

func biasAct() []*trial {
	var out []*trial
	for _, s := range shapes {
		for act, name := range acts {
			tr := newTrial("%dx%d %s", s.rows, s.n, name)
			pre, bias, y := tr.spread("pre", s.size(), 0, 3), tr.normal("bias", s.n), tr.unset("y", s.size(), element)
			tr.run = func(m *machine) { m.BiasAct(m.at(y), m.at(pre), m.at(bias), s.rows, s.n, act) }
			tr.ranges = s.small()
			out = append(out, tr)
		}
		tr := newTrial("%dx%d in place", s.rows, s.n)
		pre, bias := tr.normal("pre", s.size()), tr.normal("bias", s.n)
		tr.run = func(m *machine) { m.BiasAct(m.at(pre), m.at(pre), m.at(bias), s.rows, s.n, device.None) }
		out = append(out, tr)
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

func biasResidual() []*trial {
	var out []*trial
	for _, s := range shapes {
		tr := newTrial("%dx%d", s.rows, s.n)
		x, y, bias := tr.normal("x", s.size()), tr.normal("y", s.size()), tr.normal("bias", s.n)
		o := tr.unset("out", s.size(), element)
		tr.run = func(m *machine) { m.BiasResidual(m.at(o), m.at(x), m.at(y), m.at(bias), s.rows, s.n) }
		tr.ranges = s.small()
		out = append(out, tr)
	}
	return out
}
