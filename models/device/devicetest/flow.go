package devicetest

// periods are the numbers of rows of an operand that repeats.
func (s shape) periods() []int {
	var out []int
	for _, p := range []int{1, 2, 7, 32, 100} {
		if p < s.rows && s.rows%p == 0 {
			out = append(out, p)
		}
	}
	return append(out, s.rows)
}

func condAct() []*trial {
	var out []*trial
	for _, s := range shapes {
		for _, p := range s.periods() {
			for _, c := range []struct {
				trows, crows int
				keep         bool
			}{{s.rows, p, true}, {p, s.rows, true}, {p, p, true}, {1, p, false}} {
				tr := newTrial("%dx%d %+v", s.rows, s.n, c)
				time, cond := tr.spread("time", c.trows*s.n, 0, 3), tr.spread("cond", c.crows*s.n, 0, 3)
				y, pre := tr.unset("y", s.size(), element), absent
				if c.keep {
					pre = tr.unset("pre", s.size(), element)
				}
				tr.run = func(m *machine) {
					m.CondAct(m.at(y), m.at(pre), m.at(time), m.at(cond), s.rows, c.trows, c.crows, s.n)
				}
				tr.ranges = s.small()
				out = append(out, tr)
			}
		}
	}
	return out
}

func condActBackward() []*trial {
	var out []*trial
	for _, s := range shapes {
		for _, p := range s.periods() {
			tr := newTrial("%dx%d condition rows %d", s.rows, s.n, p)
			dy, pre := tr.normal("dy", s.size()), tr.spread("pre", s.size(), 0, 3)
			dtime, dcond := tr.unset("dtime", s.size(), element), tr.unset("dcond", p*s.n, sum)
			tr.slack = 6 // as in BiasActBackward
			tr.run = func(m *machine) {
				m.CondActBackward(m.at(dtime), m.at(dcond), m.at(dy), m.at(pre), s.rows, p, s.n)
			}
			tr.ranges = s.small()
			out = append(out, tr)
		}
	}
	return out
}

func sinusoid() []*trial {
	var out []*trial
	for _, s := range []shape{{1, 2}, {2, 4}, {7, 12}, {300, 64}, {64, 512}, {3, 1024}} {
		tr := newTrial("%dx%d", s.rows, s.n)
		v := make([]float32, s.rows)
		for i := range v {
			v[i] = tr.rng.Float32()
		}
		v[0] = 1 // the largest angle
		if s.rows > 1 {
			v[1] = 0
		}
		times, o := tr.add("t", v, element), tr.unset("out", s.size(), angle)
		tr.run = func(m *machine) { m.Sinusoid(m.at(o), m.at(times), s.rows, s.n) }
		tr.ranges = s.rows == 2
		out = append(out, tr)
	}
	return out
}

func rowMix() []*trial {
	var out []*trial
	for _, s := range shapes {
		for _, p := range s.periods() {
			for _, inPlace := range []bool{false, true} {
				tr := newTrial("%dx%d period %d in place %v", s.rows, s.n, p, inPlace)
				a, b := tr.normal("a", s.rows), tr.normal("b", s.rows)
				x, y := tr.normal("x", p*s.n), tr.normal("y", s.size())
				dst := y
				if !inPlace {
					dst = tr.unset("dst", s.size(), element)
				}
				tr.run = func(m *machine) {
					m.RowMix(m.at(dst), m.at(a), m.at(x), m.at(b), m.at(y), s.rows, s.n, p)
				}
				tr.ranges = s.small()
				out = append(out, tr)
			}
		}
	}
	return out
}

// lengths of flat arrays, some beyond what one thread is worth.
var lengths = []int{1, 3, 12, 49, 513, 4096, 4097, 40001}

func mix() []*trial {
	var out []*trial
	for _, n := range lengths {
		for _, inPlace := range []bool{false, true} {
			tr := newTrial("%d in place %v", n, inPlace)
			x, y := tr.normal("x", n), tr.normal("y", n)
			dst := x
			if !inPlace {
				dst = tr.sizes(tr.unset("dst", n, element))
			}
			tr.run = func(m *machine) { m.Mix(m.at(dst), 0.75, m.at(x), -1.5, m.at(y)) }
			tr.ranges = n == 3 && !inPlace
			out = append(out, tr)
		}
	}
	return out
}

func weightedError() []*trial {
	var out []*trial
	for _, s := range shapes {
		for _, p := range s.periods() {
			tr := newTrial("%dx%d target rows %d", s.rows, s.n, p)
			pred, target, w := tr.normal("pred", s.size()), tr.normal("target", p*s.n), tr.spread("w", s.rows, 4, 4)
			loss, grad := tr.unset("loss", s.rows, sum), tr.unset("grad", s.size(), element)
			tr.run = func(m *machine) {
				m.WeightedError(m.at(loss), m.at(grad), m.at(pred), m.at(target), m.at(w), s.rows, s.n, p, 0.0123)
			}
			tr.ranges = s.small()
			out = append(out, tr)
		}
	}
	return out
}

func velocity() []*trial {
	var out []*trial
	for _, n := range lengths {
		for _, c := range []struct {
			null          bool
			guidance, inv float32
		}{{false, 0, 0}, {false, 0, 20}, {true, 1.5, 0}, {true, 0.25, 1.25}, {false, 3, 2}} {
			tr := newTrial("%d %+v", n, c)
			o, z, v := tr.normal("o", n), tr.normal("z", n), tr.sizes(tr.unset("v", n, element))
			null := absent
			if c.null {
				null = tr.normal("onull", n)
			}
			tr.run = func(m *machine) { m.Velocity(m.at(v), m.at(o), m.at(null), m.at(z), c.guidance, c.inv) }
			tr.ranges = n == 3
			tr.slack = 4 // a difference of numbers of the same size
			out = append(out, tr)
		}
	}
	return out
}
