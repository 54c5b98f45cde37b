package measure

import (
	"slices"

	"prabench/metrics/quantity"
	"prabench/metrics/stat"
	"prabench/results/record"
)

// Rounds is one value of the medians of the rounds: their median, with the
// interval that assumes nothing from six rounds on, and for two to five rounds
// their geometric mean with Student's interval of their logarithms, which assumes
// that rounds scatter by factors, normally: a time, a rate or an amount is positive,
// and so are both ends. Readings inside a round share the state of the machine, so they
// count as one. N counts rounds.
func Rounds(samples []record.Reading) stat.Estimate {
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
		medians = append(medians, stat.Median(by[r], stat.Rounds).Value)
	}
	e := stat.Median(medians, stat.Rounds)
	if mean := stat.Geometric(medians, stat.Rounds); !e.HasInterval() && mean.HasInterval() {
		return mean
	}
	return e
}

// Narrow says that the intervals of all times among the readings reach no further from
// their values than a share of these. One round has none, and is not narrow.
func Narrow(samples []record.Reading, share float64) bool {
	for _, v := range Summarise(samples) {
		m := quantity.Find(v.Metric)
		if m == nil || !m.InRounds() {
			continue
		}
		if v.Lo == nil || max(v.Value-*v.Lo, *v.Hi-v.Value) > share*v.Value {
			return false
		}
	}
	return true
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
		e := Rounds(by[name])
		if first := by[name][0].Value; !slices.ContainsFunc(by[name], func(s record.Reading) bool { return s.Value != first }) {
			e = stat.Point(first, e.N)
		}
		out = append(out, record.Estimated(name, by[name][0].Unit, e))
	}
	return out
}
