package experiments

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"prabench/internal/subset"
	"prabench/models"
)

// Steps are steps of a training: in a file an array of integers, or one integer for
// every so many. As text "100, 300" and "every 100".
type Steps string

const every = "every "

// untilKey is the key of how many steps of a training are done.
const untilKey = "train.until"

// take reads a TOML value; the error is a sentence without the key.
func (s *Steps) take(raw any) error {
	wrong := fmt.Errorf("%s is no list of training steps; allowed: an array such as [100, 300], or an integer ≥ 1, every so many", show(raw))
	switch v := raw.(type) {
	case int64:
		if v < 1 {
			return wrong
		}
		*s = Steps(every + strconv.FormatInt(v, 10))
	case string: // as text, from a database or a --set
		if v == "" {
			*s = ""
			return nil
		}
		rest, periodic := strings.CutPrefix(v, every)
		var list []any
		for part := range strings.SplitSeq(rest, ",") {
			n, err := strconv.ParseInt(strings.TrimSpace(part), 10, 64)
			if err != nil {
				return wrong
			}
			list = append(list, n)
		}
		if periodic && len(list) == 1 {
			return s.take(list[0])
		} else if periodic {
			return wrong
		}
		return s.take(list)
	case []any:
		var texts []string
		last := int64(0)
		for _, x := range v {
			n, ok := x.(int64)
			if !ok || n <= last {
				return fmt.Errorf("%s in a list of training steps; allowed: integers ≥ 1, each larger than the one before", show(x))
			}
			last = n
			texts = append(texts, strconv.FormatInt(n, 10))
		}
		if len(texts) == 0 {
			return wrong
		}
		*s = Steps(strings.Join(texts, ", "))
	default:
		return wrong
	}
	return nil
}

// of are the steps of a training of so many, its end included. Those beyond its end
// are an error.
func (s Steps) of(steps int) ([]int, error) {
	var out []int
	if text, periodic := strings.CutPrefix(string(s), every); periodic {
		n, _ := strconv.Atoi(text)
		for at := n; at < steps; at += n {
			out = append(out, at)
		}
		return append(out, steps), nil
	}
	for part := range strings.SplitSeq(string(s), ", ") {
		n, _ := strconv.Atoi(part)
		if n > steps {
			return nil, fmt.Errorf("%d is more than train.steps = %d; allowed: steps of the training", n, steps)
		}
		out = append(out, n)
	}
	if !slices.Contains(out, steps) {
		out = append(out, steps)
	}
	return out, nil
}

// Kept are the steps before the end of a training of so many whose state stays.
func (t Train) Kept(steps int) ([]int, error) {
	if t.Keep == "" {
		return nil, nil
	}
	list, err := t.Keep.of(steps)
	return slices.DeleteFunc(list, func(n int) bool { return n >= steps }), err
}

// evaluated makes an axis of train.until of the steps in train.evaluate.
func (r *reading) evaluated() {
	const key = "train.evaluate"
	list := r.base.Train.Evaluate
	at := r.sources[key]
	if list == "" || r.faulty[key] || r.faulty["train.steps"] {
		return
	}
	for _, swept := range []string{untilKey, "train.steps"} {
		if a, _ := find(r.axes, swept); a != nil {
			r.fault(at, key, fmt.Sprintf("%s is swept at %s, which leaves open when to evaluate", swept, a.head.String()),
				"sweep train.until, with an exclude where it is more than train.steps")
			return
		}
	}
	steps, ok := r.base.get(byName["train.steps"]).(int)
	if !ok {
		return
	}
	stops, err := list.of(steps)
	if err != nil {
		r.fault(at, key, err.Error(), "")
		return
	}
	f := byName[untilKey]
	a := &axis{fields: []*field{f}, at: []place{at}, head: at, values: [][]value{nil}}
	for _, n := range stops {
		v, err := f.convert(int64(n))
		if err != nil {
			r.fault(at, key, err.Error(), "")
			return
		}
		a.values[0] = append(a.values[0], v)
	}
	r.axes = append(r.axes, a)
}

// Goal reads "fid_proxy=5": a metric and the value that it is to reach.
func Goal(text string) (metric string, value float64, err error) {
	metric, number, ok := strings.Cut(text, "=")
	metric = strings.TrimSpace(metric)
	if !ok {
		return "", 0, fmt.Errorf("%q is no goal; write METRIC=VALUE, such as fid_proxy=5", text)
	}
	if !slices.Contains(metricNames, metric) {
		return "", 0, fmt.Errorf("%q is no metric%s", metric, hinted(didYouMean(metric, metricNames)))
	}
	if value, err = strconv.ParseFloat(strings.TrimSpace(number), 64); err != nil || math.IsNaN(value) || math.IsInf(value, 0) {
		return "", 0, fmt.Errorf("%q is no number that %s can reach", number, metric)
	}
	return metric, value, nil
}

// Search is the [search] table: how a run spares trainings that fall behind. It is
// part of no cell: what was trained is the same with it and without.
type Search struct {
	Metric string  `toml:"metric" json:"metric"` // "none" or one of TuneMetrics
	Keep   float64 `toml:"keep" json:"keep"`     // share of the points that goes on at each stop
	Least  int     `toml:"least" json:"least"`   // points that go on at least

	// Which points of the sweep there are: "all" of them, or the first Count of a random
	// or a Sobol sequence.
	Points string `toml:"points" json:"points,omitempty"`
	Count  int    `toml:"count" json:"count,omitempty"`
	Seed   uint64 `toml:"seed" json:"seed,omitempty"`
}

// AllPoints is a search among all points of the sweep.
const AllPoints = "all"

// Part says that only some points of the sweep are taken.
func (s Search) Part() bool { return slices.Contains(subset.Kinds, s.Points) && s.Count > 0 }

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
	case s.Points != AllPoints && !slices.Contains(subset.Kinds, s.Points):
		return bad("points", "%q is no way to take points; allowed: %s, %s", s.Points, AllPoints, strings.Join(subset.Kinds, ", "))
	case s.Points != AllPoints && s.Count < 1:
		return bad("count", "must be 1 or more where search.points = %q, not %d", s.Points, s.Count)
	case s.Points == AllPoints && s.Count != 0:
		return bad("count", `is for search.points = "random" or "sobol"; without it all points are taken`)
	case s.Least < 1:
		return bad("least", "must be 1 or more, not %d", s.Least)
	case s.On() && t.Evaluate == "" && t.Until == 0:
		return bad("metric", "there are no stops at which points could be dropped; give train.evaluate, such as [100, 300]")
	}
	return nil
}
