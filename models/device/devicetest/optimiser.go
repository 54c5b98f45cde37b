package devicetest

import "prabench/models/device"

var _ = of[device.SumSquares](sumSquares)

func sumSquares() []*trial {
	var out []*trial
	for _, n := range append([]int{100003}, lengths...) {
		tr := newTrial("%d", n)
		x := tr.normal("x", n)
		tr.run = func(m *machine) { m.result(device.SquaredNorm(m, m.at(x))) }
		out = append(out, tr)
	}
	return out
}

var _ = of[device.AdamW](adamW)

// adamW uses decays that float32 holds exactly; of others 1 − β is known to
// 2⁻²⁴/(1 − β) only.
func adamW() []*trial {
	var out []*trial
	for _, n := range lengths {
		for name, h := range map[string]device.AdamW{
			"first": {LR: 1e-3, Beta1: 0.875, Beta2: 1 - 1.0/1024, Eps: 1e-8, WeightDecay: 0.05, Correct1: 0.125, Correct2: 1.0 / 1024,
				GradScale: 0.3, EMA: 0.125},
			"later": {LR: 2e-4, Beta1: 0.875, Beta2: 1 - 1.0/1024, Eps: 1e-8, WeightDecay: 0.05, Correct1: 0.9, Correct2: 0.4, GradScale: 1,
				EMA: 1 - 1.0/1024},
			"plain":   {LR: 1e-2, Beta1: 0.875, Beta2: 0.75, Eps: 1e-3, Correct1: 1, Correct2: 1, GradScale: 1},
			"stopped": {LR: 0, Beta1: 0.875, Beta2: 0.75, Eps: 1e-8, WeightDecay: 1, Correct1: 1, Correct2: 1, GradScale: 0, EMA: 0.5},
		} {
			tr := newTrial("%d %s", n, name)
			p, g, m1 := tr.sizes(tr.normal("p", n)), tr.normal("g", n), tr.spread("m", n, 0, 0.1)
			v, ema := tr.spread("v", n, 0, 0.1), tr.normal("ema", n)
			for i, x := range tr.values[v] {
				tr.values[v][i] = x * x
			}
			tr.run = func(m *machine) {
				h := h
				h.P, h.G, h.M, h.V, h.Avg = m.at(p), m.at(g), m.at(m1), m.at(v), m.at(ema)
				device.Do(m, h)
			}
			tr.slack = 2
			tr.ranges = n == 3
			out = append(out, tr)
		}
	}
	return out
}
