package measure

import (
	"math"

	"golang.org/x/perf/benchmath"

	"prabench/results/record"
)

// Confidence of every interval.
const Confidence = 0.95

// Median is the median of the readings with its 95 % interval; lo and hi are
// nil when there are too few readings for one (fewer than 6).
func Median(readings []float64) (value float64, lo, hi *float64) {
	s := benchmath.AssumeNothing.Summary(benchmath.NewSample(append([]float64{}, readings...), &benchmath.DefaultThresholds), Confidence)
	if !math.IsInf(s.Lo, 0) && !math.IsInf(s.Hi, 0) {
		lo, hi = &s.Lo, &s.Hi
	}
	return s.Center, lo, hi
}

// Rounds is one value of the medians of the rounds: their median, with the
// interval that assumes nothing from six rounds on, and for two to five rounds
// their mean with Student's interval, which assumes that rounds scatter
// normally. Readings inside a round share the state of the machine, so they
// count as one.
func Rounds(samples []record.Reading) (value float64, lo, hi *float64) {
	var order []int
	by := map[int][]float64{}
	for _, s := range samples {
		if by[s.Round] == nil {
			order = append(order, s.Round)
		}
		by[s.Round] = append(by[s.Round], s.Value)
	}
	var medians []float64
	for _, r := range order {
		m, _, _ := Median(by[r])
		medians = append(medians, m)
	}
	if value, lo, hi = Median(medians); lo != nil || len(medians) < 2 {
		return value, lo, hi
	}
	s := benchmath.AssumeNormal.Summary(benchmath.NewSample(medians, &benchmath.DefaultThresholds), Confidence)
	if math.IsNaN(s.Lo) || math.IsInf(s.Lo, 0) || math.IsNaN(s.Hi) || math.IsInf(s.Hi, 0) {
		return value, nil, nil
	}
	return s.Center, &s.Lo, &s.Hi
}

// Summarise makes one value of all samples of each metric, in the order in
// which the metrics first appear; N counts rounds. What is the same in every
// sample, such as a count of bytes or of parameters, has no interval.
func Summarise(samples []record.Reading) []record.Value {
	var names []string
	by := map[string][]record.Reading{}
	for _, s := range samples {
		if by[s.Metric] == nil {
			names = append(names, s.Metric)
		}
		by[s.Metric] = append(by[s.Metric], s)
	}
	var out []record.Value
	for _, name := range names {
		rounds := map[int]bool{}
		constant := true
		for _, s := range by[name] {
			rounds[s.Round] = true
			constant = constant && s.Value == by[name][0].Value
		}
		v := record.Value{Metric: name, Unit: by[name][0].Unit, N: len(rounds)}
		if v.Value, v.Lo, v.Hi = Rounds(by[name]); constant {
			v.Value, v.Lo, v.Hi = by[name][0].Value, nil, nil
		}
		out = append(out, v)
	}
	return out
}
