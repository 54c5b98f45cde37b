package noise

import (
	"prabench/metrics/stat"
)

// Line is a component of noise for programs.
type Line struct {
	Metric    string   `json:"metric"`
	Point     string   `json:"point,omitempty"`
	Component string   `json:"component"`
	Deviation float64  `json:"deviation"` // of timings a share of the value, else in the metric's unit
	Lo        *float64 `json:"lo,omitempty"`
	Hi        *float64 `json:"hi,omitempty"`
	Share     float64  `json:"share,omitempty"` // of the variance
	Mean      float64  `json:"mean,omitempty"`
	Levels    int      `json:"levels,omitempty"`
}

// Flat is the ledger as lines.
func (r Report) Flat() []Line {
	var out []Line
	add := func(l Line, variance stat.Estimate) {
		root := stat.Root(variance)
		l.Deviation = root.Value
		l.Lo, l.Hi = root.Bounds()
		out = append(out, l)
	}
	for _, q := range r.Quality {
		for _, l := range q.Ledgers {
			total := l.Total()
			for _, c := range l.Components {
				line := Line{Metric: q.Metric, Point: l.Point, Component: c.Name, Mean: l.Mean, Levels: c.Levels}
				if total > 0 {
					line.Share = c.Variance.Value / total
				}
				add(line, c.Variance)
			}
		}
	}
	for _, t := range r.Timings {
		add(Line{Metric: t.Metric, Component: "rounds", Levels: t.Rounds}, t.Noise.Rows)
		add(Line{Metric: t.Metric, Component: "processes", Levels: t.Rounds * t.Cells}, t.Noise.Cells)
		add(Line{Metric: t.Metric, Component: "readings"}, t.Noise.Within)
	}
	return out
}
