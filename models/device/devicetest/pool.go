package devicetest

import "prabench/models/device"

// groups are how many rows are pooled.
var groups = []int{1, 2, 4}

var _ = of[device.MaxPool](maxPool)

func maxPool() []*trial {
	var out []*trial
	for _, s := range shapes {
		for _, group := range groups {
			tr := newTrial("%dx%d groups of %d", s.rows, s.n, group)
			x, scale, shift := tr.normal("x", group*s.size()), tr.normal("scale", s.n), tr.normal("shift", s.n)
			y := tr.unset("y", s.size(), element)
			tr.run = func(m *machine) {
				device.Do(m, device.MaxPool{Y: m.at(y), X: m.at(x), Scale: m.at(scale), Shift: m.at(shift), Rows: s.rows, Group: group, N: s.n})
			}
			tr.ranges = s.small()
			out = append(out, tr)
		}
	}
	return out
}

var _ = of[device.MaxPoolBackward](maxPoolBackward)

func maxPoolBackward() []*trial {
	var out []*trial
	for _, s := range shapes {
		for _, group := range groups {
			for _, inPlace := range []bool{false, true} {
				tr := newTrial("%dx%d groups of %d in place %v", s.rows, s.n, group, inPlace)
				x, scale := tr.as(tr.normal("x", group*s.size()), element), tr.normal("scale", s.n)
				dy, shift, y := tr.normal("dy", s.size()), tr.normal("shift", s.n), tr.unset("y", s.size(), element)
				dx := x
				if !inPlace {
					dx = tr.unset("dx", group*s.size(), element)
				}
				forward := func(m *machine) {
					device.Do(m, device.MaxPool{Y: m.at(y), X: m.at(x), Scale: m.at(scale), Shift: m.at(shift), Rows: s.rows, Group: group, N: s.n})
				}
				tr.run = func(m *machine) {
					forward(m)
					device.Do(m, device.MaxPoolBackward{DX: m.at(dx), DY: m.at(dy), Y: m.at(y), X: m.at(x), Scale: m.at(scale), Rows: s.rows,
						Group: group, N: s.n})
				}
				if !inPlace {
					tr.gradient = &gradient{out: y, seed: dy, of: []pair{{x, dx}}, forward: forward}
				}
				tr.ranges = s.small()
				out = append(out, tr)
			}
		}
	}
	return out
}
