package devicetest

import "prabench/models/device"

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

var _ = of[device.CondAct](condAct)

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
					device.Do(m, device.CondAct{
						Y: m.at(y), Pre: m.at(pre), Time: m.at(time), Cond: m.at(cond), Rows: s.rows, TimeRows: c.trows,
						CondRows: c.crows, N: s.n,
					})
				}
				tr.ranges = s.small()
				out = append(out, tr)
			}
		}
	}
	return out
}

var _ = of[device.CondActBackward](condActBackward)

func condActBackward() []*trial {
	var out []*trial
	for _, s := range shapes {
		for _, p := range s.periods() {
			tr := newTrial("%dx%d condition rows %d", s.rows, s.n, p)
			dy, pre := tr.normal("dy", s.size()), tr.spread("pre", s.size(), 0, 3)
			dtime, dcond := tr.unset("dtime", s.size(), element), tr.unset("dcond", p*s.n, sum)
			tr.slack = 6 // as in BiasActBackward
			tr.run = func(m *machine) {
				device.Do(m, device.CondActBackward{
					DTime: m.at(dtime), DCond: m.at(dcond), DY: m.at(dy), Pre: m.at(pre), Rows: s.rows, CondRows: p,
					N: s.n,
				})
			}
			// pre is the time's part alone
			cond, y := tr.extra(tr.add("cond", make([]float32, p*s.n), element)), tr.extra(tr.unset("y", s.size(), element))
			tr.gradient = &gradient{out: y, seed: dy, of: []pair{{pre, dtime}, {cond, dcond}}, forward: func(m *machine) {
				device.Do(m, device.CondAct{
					Y: m.at(y), Time: m.at(pre), Cond: m.at(cond), Rows: s.rows, TimeRows: s.rows, CondRows: p, N: s.n,
				})
			}}
			tr.ranges = s.small()
			out = append(out, tr)
		}
	}
	return out
}

var _ = of[device.Sinusoid](sinusoid)

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
		tr.run = func(m *machine) { device.Do(m, device.Sinusoid{Out: m.at(o), T: m.at(times), Rows: s.rows, Dim: s.n}) }
		tr.ranges = s.rows == 2
		out = append(out, tr)
	}
	return out
}

var _ = of[device.RowMix](rowMix)

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
					device.Do(m, device.RowMix{
						Dst: m.at(dst), A: m.at(a), X: m.at(x), B: m.at(b), Y: m.at(y), Rows: s.rows, N: s.n, XRows: p,
					})
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

var _ = of[device.Mix](mix)

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
			tr.run = func(m *machine) { device.Do(m, device.Mix{Dst: m.at(dst), A: 0.75, X: m.at(x), B: -1.5, Y: m.at(y)}) }
			tr.ranges = n == 3 && !inPlace
			out = append(out, tr)
		}
	}
	return out
}

var _ = of[device.WeightedError](weightedError)

func weightedError() []*trial {
	var out []*trial
	for _, s := range shapes {
		for k, p := range append(s.periods(), s.periods()...) {
			absolute := k >= len(s.periods())
			tr := newTrial("%dx%d target rows %d absolute %v", s.rows, s.n, p, absolute)
			pred, target, w := tr.normal("pred", s.size()), tr.normal("target", p*s.n), tr.spread("w", s.rows, 4, 4)
			loss, grad := tr.unset("loss", s.rows, sum), tr.unset("grad", s.size(), element)
			tr.run = func(m *machine) {
				device.Do(m, device.WeightedError{
					Loss: m.at(loss), Grad: m.at(grad), Pred: m.at(pred), Target: m.at(target), W: m.at(w),
					Rows: s.rows, N: s.n, TargetRows: p, Scale: 0.0123, Absolute: absolute,
				})
			}
			scales := make([]float32, s.rows)
			for i := range scales {
				scales[i] = 0.0123
			}
			tr.gradient = &gradient{forward: tr.run, out: loss, seed: tr.extra(tr.add("scales", scales, element)), of: []pair{{pred, grad}}}
			tr.ranges = s.small()
			out = append(out, tr)
		}
	}
	return out
}

var _ = of[device.Velocity](velocity)

var velocities = []struct {
	null          bool
	guidance, inv float32
}{{false, 0, 0}, {false, 0, 20}, {true, 1.5, 0}, {true, 0.25, 1.25}, {false, 3, 2}}

func velocity() []*trial {
	var out []*trial
	for _, n := range lengths {
		for _, c := range velocities {
			tr := newTrial("%d %+v", n, c)
			o, z, v := tr.normal("o", n), tr.normal("z", n), tr.sizes(tr.unset("v", n, element))
			null := absent
			if c.null {
				null = tr.normal("onull", n)
			}
			tr.run = func(m *machine) {
				device.Do(m, device.Velocity{V: m.at(v), O: m.at(o), Null: m.at(null), Z: m.at(z), Guidance: c.guidance, Inv: c.inv})
			}
			tr.ranges = n == 3
			tr.slack = 4 // a difference of numbers of the same size
			out = append(out, tr)
		}
	}
	return out
}

var _ = of[device.FlowStep](flowStep)

func flowStep() []*trial {
	var out []*trial
	for _, n := range lengths {
		for _, c := range velocities {
			tr := newTrial("%d %+v", n, c)
			o, z, v := tr.normal("o", n), tr.normal("z", n), tr.sizes(tr.unset("v", n, element))
			null := absent
			if c.null {
				null = tr.normal("null", n)
			}
			tr.run = func(m *machine) {
				device.Do(m, device.FlowStep{
					Z: m.at(z), V: m.at(v), O: m.at(o), Null: m.at(null), Guidance: c.guidance, Inv: c.inv, DT: 0.04,
				})
			}
			tr.ranges = n == 3
			tr.slack = 4
			out = append(out, tr)
		}
	}
	return out
}
