package view

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"prabench/metrics/quantity"
)

// headline are the metrics that a short table shows, as far as there are values; behind
// them stands the sampling that points chose.
var headline = append(quantity.Names(func(m *quantity.Metric) bool { return m.Front }), chosen()...)

func chosen() (names []string) {
	for _, row := range quantity.Tuned {
		names = append(names, row.Metric.Name)
	}
	return names
}

// Summary is the points of an experiment with the metrics that people look at
// first: what a run prints at its end, and what the live page shows.
type Summary struct {
	Points  []Point
	Metrics []string // those that some point has
	Left    LeftOut
	All     int // cells of the experiment; more than the points' where only the first were read
}

// Summarize chooses the metrics of a summary. all is how many cells the
// experiment has.
func Summarize(points []Point, left LeftOut, all int) Summary {
	s := Summary{Points: points, Left: left, All: all}
	for _, m := range headline {
		for i := range points {
			if _, ok := points[i].Means[m]; ok {
				s.Metrics = append(s.Metrics, m)
				break
			}
		}
	}
	return s
}

// Shown is how a metric's values are shown: in one unit, and times what.
func (s Summary) Shown(metric string) (factor float64, unit string) {
	stored, largest := "", 0.0
	for i := range s.Points {
		if m, ok := s.Points[i].Means[metric]; ok {
			stored = m.Unit
			if x := math.Abs(m.Value); !math.IsInf(x, 0) {
				largest = max(largest, x)
			}
		}
	}
	return quantity.Shown(metric, stored, largest)
}

// Has says whether some point has one of the outcomes.
func (s Summary) Has(outcome func(string) bool) bool {
	for i := range s.Points {
		if outcome(s.Points[i].Outcome) {
			return true
		}
	}
	return false
}

// Notes are what has to be said under the table.
func (s Summary) Notes() []string {
	notes := s.Left.Notes()
	shown, disturbed := 0, 0
	var diverged []string
	for i := range s.Points {
		p := &s.Points[i]
		shown += p.Seeds
		if p.Means[quantity.DisturbedRounds.Name].Value > 0 {
			disturbed++
		}
		if m, ok := p.Means[quantity.LossRise.Name]; ok && (quantity.Diverged(m.Value) || slices.ContainsFunc(m.Values, quantity.Diverged)) {
			diverged = append(diverged, p.Label)
		}
	}
	if shown < s.All {
		notes = append(notes, fmt.Sprintf("the first %d of %d cells; --only chooses others, --format csv has all", shown, s.All))
	}
	if disturbed > 0 {
		notes = append(notes, fmt.Sprintf("timings of %d of %d points had rounds during which something else loaded the machine (%s)",
			disturbed, len(s.Points), quantity.DisturbedRounds.Name))
	}
	if n := len(diverged); n > 0 {
		if n > 6 {
			diverged = append(diverged[:6:6], fmt.Sprintf("%d more", n-6))
		}
		notes = append(notes, fmt.Sprintf("trainings of %d of %d points diverged (%s above 2): %s", n, len(s.Points), quantity.LossRise.Name,
			strings.Join(diverged, ", ")))
	}
	if len(s.Metrics) > 0 {
		notes = append(notes, "± half of the 95 % interval, [its ends] where uneven: over seeds where there are several, "+
			"else over images (jackknife) or rounds (Student)")
	}
	return notes
}
