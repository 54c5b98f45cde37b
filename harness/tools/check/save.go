package check

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"prabench/harness/stage"
	"prabench/metrics/stat"
)

// Save measures the new program alone, in two blocks, and gives the baseline.
func (b Bench) Save(ctx context.Context, cells []Cell, o Options, rep *Report, name string) (*Baseline, error) {
	b.Baseline = &Baseline{} // there is no old program
	out := &Baseline{Format: BaselineFormat, Name: name, Experiment: rep.Experiment, Revision: rep.New.Revision,
		Saved:  b.Now().UTC().Truncate(time.Second),
		Device: rep.Device, Threads: rep.Threads, Protocol: protocol(o, rep)}
	var all []target
	for i := range cells {
		all = append(all, target{i, noisy(o.Metrics)})
	}
	begin := b.Now()
	var blocks [2]block
	for i := range blocks {
		blocks[i] = block{tries: map[int][]round{}, fault: map[int]error{}}
		until := begin.Add(o.Budget * time.Duration(i+1) / 2)
		if err := b.collect(ctx, &blocks[i], cells, all, o, until, fmt.Sprintf("block %d of 2", i+1)); err != nil {
			return nil, err
		}
	}
	var peaks, copies []float64
	for i, c := range cells {
		var halves [2][]round
		for k, bl := range blocks {
			if err := bl.fault[i]; err != nil {
				return nil, fmt.Errorf("%s: %w", c.Label, err)
			}
			var disturbed int
			halves[k], disturbed = bl.chosen(i, o.Rounds)
			if disturbed*2 > len(halves[k]) {
				return nil, &Refusal{fmt.Sprintf("%s: %d of %d rounds ran while something else loaded the machine: no baseline is kept of that; "+
					"save it when the machine is quiet", c.Label, disturbed, len(halves[k]))}
			}
			if len(halves[k]) < 6 {
				return nil, &Refusal{fmt.Sprintf("%s: %d rounds a block are too few for a baseline: give more time with --budget %v, or fewer cells "+
					"with --only", c.Label, len(halves[k]), more(o.Budget))}
			}
		}
		both := slices.Concat(halves[0], halves[1])
		for _, r := range both {
			peaks, copies = append(peaks, r.Peak), append(copies, r.Bandwidth)
			if !maps.Equal(r.Exact[New], both[0].Exact[New]) {
				return nil, fmt.Errorf("%s: figures that have no noise differ between rounds: %v and %v: the program or the file changed meanwhile; "+
					"save again", c.Label, both[0].Exact[New], r.Exact[New])
			}
		}
		raw, err := stage.Canonical(c.alike)
		if err != nil {
			return nil, err
		}
		cell := BaselineCell{Label: c.Label, Model: raw, Exact: both[0].Exact[New], Metrics: map[string]BaselineMetric{}}
		for _, m := range noisy(o.Metrics) {
			cell.Metrics[m.Name] = baselineMetric(m, halves, c.Batch, cell.Exact)
		}
		out.Cells = append(out.Cells, cell)
	}
	out.Peak = digits(stat.Median(peaks, stat.Processes).Value)
	out.Bandwidth = digits(stat.Median(copies, stat.Processes).Value)
	return out, nil
}

func baselineMetric(m Metric, halves [2][]round, batch int, exact map[string]float64) BaselineMetric {
	out := BaselineMetric{Unit: m.Unit, Series: map[string]BaselineRun{}}
	var values []float64
	by := [2]map[string][]float64{{}, {}}
	for k, half := range halves {
		for _, r := range half {
			values = append(values, r.Value[New][m.Name])
			for name, v := range yardsticks(m, r, batch, exact) {
				by[k][name] = append(by[k][name], digits(v))
			}
		}
	}
	out.Value = digits(stat.Median(values, stat.Processes).Value)
	for name := range by[0] {
		between := stat.Shift(logs(by[0][name]), logs(by[1][name]), stat.Processes).Value
		out.Series[name] = BaselineRun{Rounds: slices.Concat(by[0][name], by[1][name]), Between: digits(math.Abs(between))}
	}
	return out
}

// digits keeps five significant digits: more would be noise in a file that is
// committed.
func digits(v float64) float64 {
	x, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 5, 64), 64)
	return x
}

// Doubts says of which metrics the baseline's own two blocks lay further apart
// than the change that matters: a comparison with it will stay open there.
func (bl *Baseline) Doubts(metrics []Metric) []string {
	var out []string
	for _, c := range bl.Cells {
		for _, m := range noisy(metrics) {
			var least = math.Inf(1) // the better yardstick's
			for _, s := range c.Metrics[m.Name].Series {
				least = min(least, s.Between)
			}
			if least > m.limit() {
				out = append(out, fmt.Sprintf("%s of %s: the two blocks of this baseline lay %.1f %% apart, more than the %.1f %% that matter: "+
					"comparisons will stay open; save it on a quieter machine, or use --against", m.Name, c.Label, 100*math.Expm1(least), 100*m.Threshold))
			}
		}
	}
	return out
}
