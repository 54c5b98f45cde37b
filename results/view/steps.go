package view

import "prabench/metrics/stat"

// StepLine is one quantity of every AR step: block_error_free, block_error_given,
// block_error_real or block_error_ratio.
type StepLine struct {
	Name   string
	Points []StepPoint
}

// StepPoint is a quantity of one AR step.
type StepPoint struct {
	Step int // from 1
	stat.Estimate
}

// Method is what the intervals of the line are over; none where it has none.
func (l StepLine) Method() stat.Method {
	for _, p := range l.Points {
		if p.HasInterval() {
			return p.Method
		}
	}
	return stat.None
}

// OverSeeds averages a quantity of every AR step over training seeds, each of
// which has the same steps. With one seed the quantity's own intervals stay.
func OverSeeds(name string, seeds [][]StepPoint) StepLine {
	line := StepLine{Name: name}
	for k, p := range seeds[0] {
		if len(seeds) > 1 {
			values := make([]float64, len(seeds))
			for i, steps := range seeds {
				values[i] = steps[k].Value
			}
			p.Estimate = stat.Student(values, stat.Seeds)
		}
		line.Points = append(line.Points, p)
	}
	return line
}
