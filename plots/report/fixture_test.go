package report

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"prabench/metrics/stat"
	"prabench/plots"
	"prabench/results/record"
	"prabench/results/view"

	_ "prabench/experiments" // declares the keys, which figures call by their labels
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func ptr(x float64) *float64 { return &x }

// made is an experiment of points × seeds, of which the last point failed in
// training. Point i has patch 7·(i+1), a distance of 10 + 3i and a throughput of
// 1000·(i+1); seeds differ by 0.1.
func made(name string, points, seeds int) Experiment { return madeWith(name, points, seeds, 0) }

// madeWith has further metrics.
func madeWith(name string, points, seeds, further int) Experiment {
	e := Experiment{Name: name, Description: "a test", Data: plots.Data{Experiment: name},
		Environments: map[string]record.Environment{"env": {CPU: "Xeon", Cores: 2, MemoryBytes: 8 << 30, OS: "linux", GitRevision: "abc123"}}}
	metric := func(c view.Cell, kind, attempt, name, unit string, value, half float64) {
		r := view.Row{Experiment: e.Name, Cell: c.Cell, Seed: c.Seed, Metric: name, Unit: unit, Value: value, N: 5, Protocol: "kind=" + kind,
			Attempt: attempt, Outcome: record.OK,
			CreatedAt: noon, Label: c.Label, Patch: c.Patch, Params: c.Params, Kind: kind, Device: "cpu", DeviceClass: "cpu Xeon", Code: "abc123"}
		if half > 0 {
			r.Lo, r.Hi, r.Method = ptr(value-half), ptr(value+half), stat.Jackknife
			if kind == record.Time {
				r.Method = stat.Rounds
			}
		}
		e.Rows = append(e.Rows, r)
	}
	for i := range points {
		label := fmt.Sprintf("patch=%d", 7*(i+1))
		p := plots.CellData{Label: label, Params: map[string]any{"model.patch": int64(7 * (i + 1)), "patch": 7 * (i + 1),
			"train.rollout_depth": int64(i % 2)}, Metrics: map[string]plots.MetricValue{}, Outcome: record.OK, Seeds: seeds}
		params := map[string]any{"model.patch": p.Params["model.patch"], "train.rollout_depth": p.Params["train.rollout_depth"]}
		var ids []string
		from := len(e.Rows)
		for seed := 1; seed <= seeds; seed++ {
			c := view.Cell{Experiment: e.Name, Cell: fmt.Sprintf("c%d-%d", i, seed), Seed: uint64(seed), Label: label, Patch: new(7 * (i + 1)),
				Params: params, Outcome: record.OK}
			if i == points-1 {
				c.Outcome, c.Kind, c.Reason = record.OutOfMemory, record.Train, "needs 9 GiB of 8"
				p.Outcome, p.Reason = c.Outcome, c.Reason
			} else {
				s := 0.1 * float64(seed)
				id := fmt.Sprintf("%d-%d", i, seed)
				metric(c, record.Train, "train-"+id, "train_loss", "1", 0.5+s, 0)
				metric(c, record.Score, "score-"+id, "fid_proxy", "1", 10+3*float64(i)+s, 0.5)
				metric(c, record.Time, "time-"+id, "throughput", "images/s", 1000*float64(i+1)+s, 20)
				metric(c, record.Time, "time-"+id, "latency", "s", 0.001/float64(i+1), 0.0001)
				metric(c, record.Time, "time-"+id, "disturbed_rounds", "1", float64(i%2), 0)
				for k := range further {
					metric(c, record.Score, "score-"+id, fmt.Sprintf("metric_%02d", k), "1", float64(i*k)+s, 0.5)
				}
				for _, kind := range []string{record.Train, record.Score, record.Time} {
					e.Attempts = append(e.Attempts, view.Provenance{Attempt: kind + "-" + id, Stage: "stage-" + kind + id, Kind: kind, Outcome: record.OK,
						Device: "cpu", Code: "abc123",
						Environment: "env", Started: noon, Finished: noon.Add(time.Minute)})
				}
			}
			e.Cells = append(e.Cells, c)
			ids = append(ids, c.Cell)
		}
		means := map[string]view.Mean{}
		all, err := view.Averaging{}.Mean(e.Rows[from:])
		if err != nil {
			panic(err)
		}
		for _, m := range all {
			means[m.Metric] = m
			p.Metrics[m.Metric] = plots.MetricValue{Value: m.Value, Lo: m.Lo, Hi: m.Hi, N: m.N, Unit: m.Unit, Protocol: m.Protocol,
				Interval: m.Interval.Short()}
		}
		for step := 0; step <= 300; step += 10 {
			p.Curve = append(p.Curve,
				plots.CurvePoint{Step: step, Values: map[string]float64{lossName: 0.5 + math.Exp(-float64(step)/50) + float64(i)/50}})
		}
		if i < 3 {
			p.Grid = &plots.Grid{Rows: 2, Cols: 3, Size: 8, Channels: 1, Images: slices.Repeat([]uint8{0, 80, 160, 255}, 2*3*8*8/4),
				RowLabels: []string{"a", "b"}}
		}
		e.Data.Cells = append(e.Data.Cells, p)
		e.Means = append(e.Means, means)
		e.Of = append(e.Of, ids)
	}
	return e
}

// renamed gives everything that a user names another name.
func renamed(e Experiment, name string) Experiment {
	e.Name, e.Description, e.Data.Experiment = name, name, name
	e.Notes = append(e.Notes, name)
	for i := range e.Data.Cells {
		c := &e.Data.Cells[i]
		c.Label, c.Reason = fmt.Sprintf("%s %d", name, i), name
		c.Params = maps.Clone(c.Params)
		c.Params["data.root"] = fmt.Sprintf("%s %d", name, i)
		if c.Grid != nil {
			c.Grid.RowLabels = []string{name, name}
		}
	}
	for i := range e.Cells {
		c := &e.Cells[i]
		c.Label, c.Reason = fmt.Sprintf("%s %d", name, (*c.Patch/7)-1), name
		c.Params = maps.Clone(c.Params)
		c.Params["data.root"] = c.Label
	}
	for i := range e.Rows {
		e.Rows[i].Protocol, e.Rows[i].Code, e.Rows[i].DeviceClass = name, name, name
	}
	for i := range e.Attempts {
		e.Attempts[i].Code, e.Attempts[i].Reason = name, name
	}
	e.Environments = map[string]record.Environment{"env": {CPU: name, OS: name, GPU: name}}
	e.Figures = append(e.Figures, Figure{Name: name, Title: name, Problem: name}, Figure{Name: name, Markdown: name, LaTeX: name})
	return e
}
