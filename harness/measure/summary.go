package measure

import (
	"math"

	"golang.org/x/perf/benchmath"

	"prabench/results"
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

// Summarise makes one value of all samples of each metric, in the order in
// which the metrics first appear. What is the same in every sample, such as a
// count of bytes or of parameters, has no interval.
func Summarise(samples []results.Sample) []results.Value {
	var names []string
	by := map[string][]results.Sample{}
	for _, s := range samples {
		if by[s.Metric] == nil {
			names = append(names, s.Metric)
		}
		by[s.Metric] = append(by[s.Metric], s)
	}
	var out []results.Value
	for _, name := range names {
		var readings []float64
		constant := true
		for _, s := range by[name] {
			readings = append(readings, s.Value)
			constant = constant && s.Value == by[name][0].Value
		}
		v := results.Value{Metric: name, Unit: by[name][0].Unit, N: len(readings)}
		v.Value, v.Lo, v.Hi = Median(readings)
		if constant {
			v.Lo, v.Hi = nil, nil
		}
		out = append(out, v)
	}
	return out
}
