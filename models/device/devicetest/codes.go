package devicetest

import "prabench/models/device"

// chosen are indices of rows in a table of so many: some come again, some never.
func (s shape) chosen(tr *trial, of int) []int32 {
	out := make([]int32, s.rows)
	for i := range out {
		out[i] = int32(tr.rng.IntN(of))
	}
	return out
}

// tables are how many rows a table has.
var tables = []int{1, 5, 300}

var _ = of[device.Gather](gather)

func gather() []*trial {
	var out []*trial
	for _, s := range shapes {
		for _, rows := range tables {
			tr := newTrial("%dx%d of %d", s.rows, s.n, rows)
			index, table := tr.indices(s.chosen(tr, rows)), tr.sizes(tr.normal("table", rows*s.n))
			y := tr.unset("y", s.size(), element)
			tr.run = func(m *machine) {
				device.Do(m, device.Gather{Y: m.at(y), Table: m.at(table), Index: m.list(index), Rows: s.rows, N: s.n})
			}
			tr.ranges = s.small()
			out = append(out, tr)
		}
	}
	return out
}

var _ = of[device.GatherBackward](gatherBackward)

func gatherBackward() []*trial {
	var out []*trial
	for _, s := range shapes {
		for _, rows := range tables {
			tr := newTrial("%dx%d of %d", s.rows, s.n, rows)
			index, dy := tr.indices(s.chosen(tr, rows)), tr.normal("dy", s.size())
			dtable := tr.sizes(tr.as(tr.normal("dtable", rows*s.n), sum))
			tr.run = func(m *machine) {
				device.Do(m, device.GatherBackward{DTable: m.at(dtable), DY: m.at(dy), Index: m.list(index), Rows: s.rows, N: s.n})
			}
			table, y := tr.extra(tr.normal("table", rows*s.n)), tr.extra(tr.unset("y", s.size(), element))
			tr.gradient = &gradient{out: y, seed: dy, of: []pair{{table, dtable}}, forward: func(m *machine) {
				device.Do(m, device.Gather{Y: m.at(y), Table: m.at(table), Index: m.list(index), Rows: s.rows, N: s.n})
			}}
			tr.ranges = s.small()
			out = append(out, tr)
		}
	}
	return out
}

var _ = of[device.CrossEntropy](crossEntropy)

func crossEntropy() []*trial {
	const scale = 0.37
	var out []*trial
	for _, s := range shapes {
		for _, c := range []struct {
			mean, deviation float64
			inPlace         bool
		}{{0, 1, false}, {0, 20, false}, {90, 3, true}} {
			tr := newTrial("%dx%d %+v", s.rows, s.n, c)
			target, x := tr.indices(s.chosen(tr, s.n)), tr.spread("x", s.size(), c.mean, c.deviation)
			loss, grad := tr.unset("loss", s.rows, sum), x
			if c.inPlace {
				tr.as(x, sum)
			} else {
				grad = tr.unset("grad", s.size(), sum)
			}
			tr.floor(loss, c.mean+8*c.deviation) // a difference of numbers of that size
			tr.floor(grad, scale)
			tr.slack = 4
			tr.run = func(m *machine) {
				device.Do(m, device.CrossEntropy{Loss: m.at(loss), Grad: m.at(grad), X: m.at(x), Target: m.list(target), Rows: s.rows,
					N: s.n, Scale: scale})
			}
			if !c.inPlace {
				seed := make([]float32, s.rows)
				for i := range seed {
					seed[i] = scale
				}
				tr.gradient = &gradient{forward: tr.run, out: loss, seed: tr.extra(tr.add("seed", seed, element)), of: []pair{{x, grad}}}
			}
			tr.ranges = s.small()
			out = append(out, tr)
		}
	}
	return out
}
