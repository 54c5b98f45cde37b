package session

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"prabench/harness/engine"
	"prabench/harness/tools/check"
	"prabench/metrics/stat"
	"prabench/results"
)

// Series is one metric of one cell over revisions.
type Series struct {
	Cell      string         `json:"cell"` // its label
	Metric    string         `json:"metric"`
	Unit      string         `json:"unit"`
	Revisions []string       `json:"revisions"` // of each value
	Values    []float64      `json:"values"`
	Attempts  []string       `json:"attempts"`
	Steps     []Step         `json:"steps"`
	past      []results.Past // behind the values
}

// Step is a step with the revisions it lies between.
type Step struct {
	Last   string  `json:"last"`  // revision before it
	First  string  `json:"first"` // and after it
	Before float64 `json:"before"`
	After  float64 `json:"after"`
	Change float64 `json:"change"` // after/before − 1
	Worse  bool    `json:"worse"`
	P      float64 `json:"p"`

	at int
}

// History is the timings of an experiment over revisions.
type History struct {
	Experiment string
	Metrics    []check.Metric
	Series     []Series
	Notes      []string // what was left out
}

// History reads the timings of all revisions in the database, and finds their
// steps.
func (s *Session) History(ctx context.Context) (*History, error) {
	db, err := results.OpenReadOnly(s.DB)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	if err := s.File.Exp.CheckPlanned(ctx, db); err != nil {
		return nil, err
	}
	h := &History{Experiment: s.File.Exp.Name}
	all, err := s.metrics()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, m := range all {
		if m.Name != check.FidProxy { // the database has it of the newest revision alone
			h.Metrics, names = append(h.Metrics, m), append(names, m.Name)
		}
	}
	past, err := db.History(ctx, s.File.Exp.Ref(), names)
	if err != nil {
		return nil, err
	}
	h.Series, h.Notes = collectPast(past, h.Metrics)
	if len(h.Series) == 0 {
		return nil, engine.Mistakef("%s: the database has no timing of %q with %s; `prabench run %[1]s` makes one with each revision (--force "+
			"CELL times again)", s.File.File.File, h.Experiment, strings.Join(names, ", "))
	}
	for i := range h.Series {
		h.Series[i].find(h.Metrics[slices.Index(names, h.Series[i].Metric)], h.level())
	}
	return h, nil
}

// collectPast makes a series of each metric and cell, seeds side by side. What
// was measured on another kind of device or under another protocol than the
// newest value is left out and told: it would look like a step.
func collectPast(past []results.Past, metrics []check.Metric) (out []Series, notes []string) {
	by := map[string][]results.Past{}
	var order []string
	for _, m := range metrics {
		for _, p := range past {
			if p.Metric != m.Name {
				continue
			}
			key := p.Label + "\x00" + p.Metric
			if by[key] == nil {
				order = append(order, key)
			}
			by[key] = append(by[key], p)
		}
	}
	other := map[string]int{}
	for _, key := range order {
		ps := by[key]
		slices.SortStableFunc(ps, func(a, b results.Past) int { return a.Finished.Compare(b.Finished) })
		last := ps[len(ps)-1]
		label := last.Label
		if label == "" {
			label = last.Cell
		}
		s := Series{Cell: label, Metric: last.Metric, Unit: last.Unit}
		for _, p := range ps {
			switch {
			case p.DeviceClass != last.DeviceClass:
				other["on "+p.DeviceClass+" (the newest on "+last.DeviceClass+")"]++
				continue
			case p.Protocol != last.Protocol:
				other["under another protocol: "+p.Protocol]++
				continue
			case p.Value <= 0:
				continue
			}
			s.past = append(s.past, p)
			s.Values, s.Revisions, s.Attempts = append(s.Values, p.Value), append(s.Revisions, shortCode(p.Code)), append(s.Attempts, p.Attempt)
		}
		if len(s.Values) > 0 {
			out = append(out, s)
		}
	}
	for what, n := range other {
		notes = append(notes, fmt.Sprintf("left out: %d values measured %s", n, what))
	}
	slices.Sort(notes)
	return out, notes
}

// level is the largest p-value of a step, corrected for the number of series.
func (h *History) level() float64 { return 0.05 / float64(len(h.Series)) }

// shortCode is a revision as people write it, with the beginning of the
// program's own hash where its source was changed.
func shortCode(code string) string {
	rev, rest, changed := strings.Cut(strings.TrimSuffix(code, "+dirty"), ".")
	if len(rev) > 7 {
		rev = rev[:7]
	}
	if changed {
		rev += "+" + rest[:min(4, len(rest))]
	}
	return rev
}

// find fills in the steps.
func (s *Series) find(m check.Metric, level float64) {
	for _, st := range stat.Steps(s.Values, level, m.Threshold) {
		change := st.After/st.Before - 1
		s.Steps = append(s.Steps, Step{Last: s.Revisions[st.At-1], First: s.Revisions[st.At], Before: st.Before, After: st.After,
			Change: change, Worse: change > 0 != m.Higher, P: st.P, at: st.At})
	}
}
