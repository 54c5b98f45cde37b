package main

import (
	"prabench/harness/engine"
	"prabench/harness/work"
	"prabench/plots"
	"prabench/results"
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
		stepLine("block_error_free", seeds, func(s work.StepError) work.Bounded { return s.Free }),
		stepLine("block_error_given", seeds, func(s work.StepError) work.Bounded { return s.Given }),
		// The control is the same for all seeds, so it keeps its own interval.
		stepLine("block_error_real", seeds[:1], func(s work.StepError) work.Bounded { return s.Real }),
		stepLine("block_error_ratio", seeds, func(s work.StepError) work.Bounded {
			r := s.Free.Value / s.Given.Value
			return work.Bounded{Value: r, Lo: r, Hi: r} // images on both sides are the same: no interval of its own
		}),
	}, nil
}

// stepLine averages one quantity over seeds; with one seed it keeps the
// quantity's own interval.
func stepLine(name string, seeds []work.Steps, of func(work.StepError) work.Bounded) plots.StepLine {
	line := plots.StepLine{Name: name, Interval: "95 % over seeds"}
	if len(seeds) == 1 {
		line.Interval = "95 % jackknife"
	}
	for k, s := range seeds[0] {
		b := of(s)
		if len(seeds) > 1 {
			values := make([]float64, len(seeds))
			for i, steps := range seeds {
				values[i] = of(steps[k]).Value
			}
			b.Value, b.Lo, b.Hi = results.SeedInterval(values)
		}
		q := plots.Point{X: float64(s.Step), Y: b.Value}
		if b.Lo < b.Hi {
			q.YLo, q.YHi = &b.Lo, &b.Hi
		}
		line.Points = append(line.Points, q)
	}
	return line
}
