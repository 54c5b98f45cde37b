package main

import (
	"prabench/harness/engine"
	"prabench/harness/work"
	"prabench/metrics/stat"
	"prabench/plots"
)

// steps are the errors of a point's AR steps, averaged over its seeds.
func (d figureData) steps(p *point, chains map[string]engine.Cell) ([]plots.StepLine, error) {
	var seeds []work.Steps
	for _, c := range p.cells {
		key := chains[c.Cell].Chain.Key(work.Exposure)
		if key == "" {
			continue
		}
		if _, err := d.store.Stat(work.Exposure.Ref(key)); err != nil {
			continue // not measured yet: the figure says so
		}
		steps, err := work.ReadSteps(d.store, key)
		if err != nil {
			return nil, err
		}
		seeds = append(seeds, steps)
	}
	if len(seeds) == 0 {
		return nil, nil
	}
	return []plots.StepLine{
		stepLine("block_error_free", seeds, func(s work.StepError) stat.Estimate { return s.Free.Estimate() }),
		stepLine("block_error_given", seeds, func(s work.StepError) stat.Estimate { return s.Given.Estimate() }),
		// The control is the same for all seeds, so it keeps its own interval.
		stepLine("block_error_real", seeds[:1], func(s work.StepError) stat.Estimate { return s.Real.Estimate() }),
		stepLine("block_error_ratio", seeds, func(s work.StepError) stat.Estimate {
			return stat.Point(s.Free.Value/s.Given.Value, 0) // images on both sides are the same: no interval of its own
		}),
	}, nil
}

// stepLine averages one quantity over seeds; with one seed it keeps the
// quantity's own interval.
func stepLine(name string, seeds []work.Steps, of func(work.StepError) stat.Estimate) plots.StepLine {
	line := plots.StepLine{Name: name}
	for k, s := range seeds[0] {
		e := of(s)
		if len(seeds) > 1 {
			values := make([]float64, len(seeds))
			for i, steps := range seeds {
				values[i] = of(steps[k]).Value
			}
			e = stat.Student(values, stat.Seeds)
		}
		q := plots.Point{X: float64(s.Step), Y: e.Value}
		q.YLo, q.YHi = e.Bounds()
		if e.HasInterval() {
			line.Interval = e.Method.Short()
		}
		line.Points = append(line.Points, q)
	}
	return line
}
