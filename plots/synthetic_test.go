package plots

import (
	"fmt"
	"math"
	"math/rand/v2"

	_ "prabench/experiments" // declares the keys, which figures call by their labels
	"prabench/metrics/stat"
	"prabench/results/view"
)

// Synthetic results with the shape of a real sweep.

const protocol = "embedder=1c0b9a77e5d2;data=fashion-mnist;split=train;counts=2000/60000"

func ptr(v float64) *float64 { return &v }

func measured(v, half float64, unit string) MetricValue {
	return MetricValue{Value: v, Lo: ptr(v - half), Hi: ptr(v + half), N: 3, Unit: unit, Interval: "95 % Student t over seeds"}
}

func fid(v, half float64) MetricValue {
	m := measured(v, half, "1")
	m.Protocol = protocol
	return m
}

// tradeoff is patch × block × rollout depth with two failures and one combination
// that the plan leaves out.
func tradeoff() Data {
	r := rand.New(rand.NewPCG(1, 2))
	d := Data{Experiment: "tradeoff"}
	for _, patch := range []int64{4, 7, 14} {
		for _, block := range []int64{1, 2, 4} {
			if patch == 14 && block == 4 {
				continue
			}
			for _, depth := range []any{int64(0), int64(1), int64(2)} {
				k := float64(depth.(int64))
				tokens := 28 * 28 / float64(patch*patch)
				speed := 26000 / tokens * math.Sqrt(float64(block))
				q := 9 + 0.5*float64(patch) + 2.2*float64(block) + []float64{9, 1.5, 0}[int(k)] + 2*r.Float64()
				c := CellData{
					Params: map[string]any{
						"model.patch": patch, "patch": patch, "model.block": block, "block": block,
						"train.rollout_depth": depth, "rollout_depth": depth, "model.state": int64(12), "state": int64(12),
					},
					Metrics: map[string]MetricValue{
						"fid_proxy":   fid(q, 0.4+r.Float64()),
						"throughput":  measured(speed*(1+0.1*r.Float64()), speed*0.06, "images/s"),
						"memory_peak": measured(3e8+2e7*tokens, 4e6, "bytes"),
						"latency":     measured(1/speed, 0.05/speed, "s"),
					},
					Outcome: "ok", Seeds: 3,
				}
				if patch == 4 && block == 1 && k == 2 {
					c.Metrics, c.Outcome, c.Reason, c.Seeds = nil, "oom", "the worker passed its limit of 8 GiB in training step 1", 0
				}
				if patch == 7 && block == 4 && k == 1 {
					delete(c.Metrics, "fid_proxy")
					c.Outcome, c.Reason = "timeout", "scoring passed 2h0m0s"
				}
				d.Cells = append(d.Cells, c)
			}
		}
	}
	return d
}

// withExact is tradeoff with a rollout depth that is no number.
func withExact() Data {
	d := tradeoff()
	for i := range d.Cells {
		if p := d.Cells[i].Params; p["rollout_depth"] == int64(2) {
			p["rollout_depth"], p["train.rollout_depth"] = "exact", "exact"
		}
	}
	return d
}

// methods is one cell a method, named.
func methods() Data {
	d := Data{Experiment: "methods"}
	for i, m := range []struct {
		label     string
		v, half   float64
		precision float64
	}{
		{"teacher forcing, velocity", 31.4, 1.9, 0.41}, {"x-prediction", 25.3, 1.1, 0.47}, {"input noise", 21.8, 1.4, 0.52},
		{"state without PRA inputs", 24.1, 2.3, 0.49}, {"PRA", 15.2, 0.7, 0.61}, {"PRA, depth 2", 14.6, 0.8, 0.62},
		{"PRA, depth 4", 14.3, 0.9, 0.62}, {"exact rollout", 14.2, 0.6, 0.63},
	} {
		c := CellData{
			Label:  m.label,
			Params: map[string]any{"model.state": int64(12 * min(i, 1)), "method": int64(i)},
			Metrics: map[string]MetricValue{
				"fid_proxy": fid(m.v, m.half), "precision": measured(m.precision, 0.021, "1"), "train_seconds": measured(410+30*float64(i), 6, "s"),
				"params": {Value: 1.31e6, N: 1, Unit: "1"},
			},
			Seeds: 3,
		}
		for step := 1; step <= 1500; step += 5 {
			t := float64(step)
			loss := m.v/12*math.Exp(-t/120) + 0.02*m.v/(1+t/300) + 0.01*math.Sin(t/7+float64(i))*math.Exp(-t/400)
			c.Curve = append(c.Curve, CurvePoint{step, map[string]float64{"train_loss": loss, "flow_loss": loss * 0.7}})
		}
		c.Grid = classes(10, 8, 28, 1, uint64(i))
		d.Cells = append(d.Cells, c)
	}
	return d
}

// classes draws a different stripe pattern for each class.
func classes(rows, cols, size, channels int, seed uint64) *Grid {
	r := rand.New(rand.NewPCG(seed, 9))
	g := &Grid{Rows: rows, Cols: cols, Size: size, Channels: channels}
	for row := 0; row < rows; row++ {
		g.RowLabels = append(g.RowLabels, []string{"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
			"Ankle boot"}[row%10])
		for col := 0; col < cols; col++ {
			phase := r.Float64() * 6
			for y := 0; y < size; y++ {
				for x := 0; x < size; x++ {
					for ch := 0; ch < channels; ch++ {
						a := float64(row) * 0.6
						u := (float64(x)*math.Cos(a) + float64(y)*math.Sin(a)) / float64(size) * 12
						g.Images = append(g.Images, uint8(127+120*math.Sin(u+phase+float64(ch))))
					}
				}
			}
		}
	}
	return g
}

// sweep is n cells of s series with values from f.
func sweep(n, s int, f func(i int) float64) Data {
	d := Data{Experiment: "sweep"}
	for i := 0; i < n; i++ {
		d.Cells = append(d.Cells, CellData{
			Params:  map[string]any{"train.steps": int64(100 * (i/s + 1)), "variant": fmt.Sprintf("variant %c", 'A'+i%s), "model.width": int64(64)},
			Metrics: map[string]MetricValue{"fid_proxy": fid(f(i), math.Abs(f(i))*0.05), "throughput": measured(50+float64(i*7%n), 2, "images/s")},
			Seeds:   1,
		})
	}
	return d
}

// withSteps is methods with errors of 16 AR steps; one cell has none.
func withSteps() Data {
	d := methods()
	for i := range d.Cells {
		if d.Cells[i].Label == "exact rollout" {
			continue
		}
		free, given := StepLine{Name: "block_error_free", Interval: "95 % over seeds"},
			StepLine{Name: "block_error_given", Interval: "95 % over seeds"}
		real, ratio := StepLine{Name: "block_error_real", Interval: "95 % jackknife"},
			StepLine{Name: "block_error_ratio", Interval: "95 % over seeds"}
		for k := range 16 {
			at := 0.01 + 0.008*math.Sin(float64(k)*1.6)*math.Sin(float64(k)*1.6)
			grown := 1 + 0.02*float64(k)*float64(4-i%4)
			mark := func(v, half float64) Point {
				return Point{X: float64(k + 1), Y: v, YLo: ptr(v - half), YHi: ptr(v + half)}
			}
			given.Points, free.Points = append(given.Points, mark(at, 0.1*at)), append(free.Points, mark(at*grown, 0.1*at))
			real.Points, ratio.Points = append(real.Points, mark(at/8, 0.05*at)), append(ratio.Points, mark(grown, 0.04))
		}
		d.Cells[i].Steps = []StepLine{free, given, real, ratio}
	}
	return d
}

// lottery is 12 trainings of two models, each sampled with four seeds.
func lottery() Data {
	r := rand.New(rand.NewPCG(3, 4))
	d := Data{Experiment: "lottery"}
	for _, patch := range []int64{7, 14} {
		luck := make([]float64, 12)
		for i := range luck {
			luck[i] = r.NormFloat64()
		}
		for s := range int64(4) {
			m := fid(10+float64(patch), 0.5)
			m.Values, m.Seeds = nil, nil
			shift := 0.2 * r.NormFloat64()
			for i, l := range luck {
				m.Values, m.Seeds = append(m.Values, m.Value+l*float64(patch)/7+shift+0.3*r.NormFloat64()), append(m.Seeds, uint64(i+1))
			}
			d.Cells = append(d.Cells, CellData{Params: map[string]any{"model.patch": patch, "patch": patch, "sample.seed": s},
				Metrics: map[string]MetricValue{"fid_proxy": m}, Outcome: "ok", Seeds: 12})
		}
	}
	return d
}

// responses is methods that chose guidance and flow steps; one chose nothing.
func responses() Data {
	d := methods()
	for i := range d.Cells {
		if d.Cells[i].Label == "exact rollout" {
			continue
		}
		r := &view.Response{Metric: "fid_proxy", Chosen: -1}
		for _, steps := range []int{10, 25} {
			for _, w := range []float64{0, 0.3, 0.6, 1} {
				best := 0.9 - 0.2*float64(i)
				v := 12 + float64(i) + 9*(w-best)*(w-best) - float64(steps)/20
				r.Trials = append(r.Trials, view.Trial{Settings: map[string]any{"guidance": w, "flow_steps": steps},
					Score: stat.FromBounds(v, ptr(v-0.4), ptr(v+0.4), 500, stat.Jackknife)})
				if last := len(r.Trials) - 1; r.Chosen < 0 || v < r.Trials[r.Chosen].Score.Value {
					r.Chosen = last
				}
			}
		}
		if r.Trials[r.Chosen].Settings["guidance"] == 1.0 {
			r.Ends = []string{"guidance"}
		}
		d.Cells[i].Response = r
	}
	return d
}

// seeded is two recipes with four seeds each, a cell a seed, and their curves.
func seeded() Data {
	d := Data{Experiment: "seeded"}
	for _, state := range []int64{0, 12} {
		for seed := range int64(4) {
			r := rand.New(rand.NewPCG(uint64(seed), 8))
			c := CellData{Params: map[string]any{"model.state": state, "state": state, "seed": seed}, Outcome: "ok", Seeds: 1}
			shift := 0.12 * r.NormFloat64()
			for step := 10; step <= 600; step += 10 {
				t := float64(step)
				level := map[int64]float64{0: 0.75 + 0.8*math.Exp(-t/90), 12: 0.45 + 1.6*math.Exp(-t/160)}[state]
				c.Curve = append(c.Curve, CurvePoint{step, map[string]float64{"train_loss": level + shift*math.Exp(-t/500) + 0.02*r.NormFloat64()}})
			}
			d.Cells = append(d.Cells, c)
		}
	}
	return d
}

// overtaking is two recipes with four seeds, looked at along their trainings: their distances
// cross.
func overtaking() Data {
	d := Data{Experiment: "along"}
	for _, state := range []int64{0, 12} {
		for _, until := range []int64{100, 200, 400, 800} {
			t := float64(until)
			m := fid(map[int64]float64{0: 30 - 8*math.Log10(t), 12: 52 - 17*math.Log10(t)}[state], 0)
			center := m.Value
			m.Values, m.Seeds = nil, []uint64{1, 2, 3, 4}
			for _, luck := range []float64{-1, -0.2, 0.3, 0.9} { // of a seed, in both recipes alike, and a little of each
				m.Values = append(m.Values, center+luck+0.2*luck*float64(state)/12)
			}
			e := stat.Student(m.Values, stat.Seeds)
			m.Value = e.Value
			m.Lo, m.Hi = e.Bounds()
			d.Cells = append(d.Cells, CellData{Params: map[string]any{"model.state": state, "state": state, "train.until": until}, Outcome: "ok",
				Seeds: 4, Metrics: map[string]MetricValue{"fid_proxy": m}})
		}
	}
	return d
}

// repeated is tradeoff with four seeds a cell.
func repeated() Data {
	d := tradeoff()
	r := rand.New(rand.NewPCG(14, 20))
	luck := []float64{-1, 0.4, 0.9, 0}
	for i := range d.Cells {
		c := &d.Cells[i]
		m, ok := c.Metrics["fid_proxy"]
		if !ok {
			continue
		}
		m.Seeds = []uint64{1, 2, 3, 4}
		for _, l := range luck {
			m.Values = append(m.Values, m.Value+l+0.8*r.NormFloat64())
		}
		c.Metrics["fid_proxy"] = m
	}
	return d
}
