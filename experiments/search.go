package experiments

import (
	"fmt"
	"slices"
	"strings"

	"prabench/models"
)

// Search is the [search] table: how a run spares trainings that fall behind. It is
// part of no cell: what was trained is the same with it and without.
type Search struct {
	Metric string  `toml:"metric" json:"metric"` // "none" or one of TuneMetrics
	Keep   float64 `toml:"keep" json:"keep"`     // share of the points that goes on at each stop
	Least  int     `toml:"least" json:"least"`   // points that go on at least
}

// NoSearch is the metric of files whose cells are all trained to their end.
const NoSearch = "none"

// On says that points are dropped.
func (s Search) On() bool { return s.Metric != NoSearch }

// valid says what is wrong with the table, or nil.
func (s Search) valid(t Train) error {
	bad := func(key, format string, args ...any) error {
		return &models.KeyError{Key: "search." + key, Problem: fmt.Sprintf(format, args...)}
	}
	switch {
	case s.On() && !slices.Contains(TuneMetrics, s.Metric):
		return bad("metric", "%q is no score that every sample has; allowed: %s, %s", s.Metric, NoSearch, strings.Join(TuneMetrics, ", "))
	case s.Keep <= 0 || s.Keep >= 1:
		return bad("keep", "%g is no share of the points that goes on; allowed: above 0, below 1", s.Keep)
	case s.Least < 1:
		return bad("least", "must be 1 or more, not %d", s.Least)
	case s.On() && t.Evaluate == "" && t.Until == 0:
		return bad("metric", "there are no stops at which points could be dropped; give train.evaluate, such as [100, 300]")
	}
	return nil
}
