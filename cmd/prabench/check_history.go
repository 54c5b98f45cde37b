package main

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"prabench/harness/engine"
	"prabench/harness/tools/check"
	"prabench/metrics/stat"
	"prabench/plots"
	"prabench/results"
)

// pastSeries is one metric of one cell over revisions.
type pastSeries struct {
	Cell      string         `json:"cell"` // its label
	Metric    string         `json:"metric"`
	Unit      string         `json:"unit"`
	Revisions []string       `json:"revisions"` // of each value
	Values    []float64      `json:"values"`
	Attempts  []string       `json:"attempts"`
	Steps     []historyStep  `json:"steps"`
	past      []results.Past // behind the values
}

// historyStep is a step with the revisions it lies between.
type historyStep struct {
	Last   string  `json:"last"`  // revision before it
	First  string  `json:"first"` // and after it
	Before float64 `json:"before"`
	After  float64 `json:"after"`
	Change float64 `json:"change"` // after/before − 1
	Worse  bool    `json:"worse"`
	P      float64 `json:"p"`

	at int
}

// history prints the timings of all revisions in the database with their steps
// and draws a figure for each metric.
func (a *app) history(ctx context.Context, l loaded, o checkFlags) error {
	if o.format != "table" && o.format != "markdown" && o.format != "json" || len(o.outputs) > 0 {
		return usage("--history prints a table, markdown or json, and no --output")
	}
	db, err := results.OpenReadOnly(a.db)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := asPlanned(ctx, db, l); err != nil {
		return err
	}
	set := l.file.Base.Check
	limits := check.Thresholds{Throughput: set.Throughput, Latency: set.Latency, Memory: set.Memory}
	var metrics []check.Metric
	var names []string
	for _, name := range set.Metrics.List() {
		if m, ok := check.MetricOf(name, limits); ok && name != check.FidProxy {
			metrics, names = append(metrics, m), append(names, name)
		}
	}
	past, err := db.History(ctx, l.exp.Name, names)
	if err != nil {
		return err
	}
	series, notes := collectPast(past, metrics)
	if len(series) == 0 {
		return usage("%s: the database has no timing of %q with %s; `prabench run %s` makes one with each revision (--force CELL times again)", l.file.File, l.exp.Name, strings.Join(names, ", "), l.file.File)
	}
	for i := range series {
		m := metrics[slices.Index(names, series[i].Metric)]
		series[i].find(m, level(series))
	}
	for _, n := range notes {
		fmt.Fprintln(a.stderr, "note: "+n)
	}
	if o.format == "json" {
		err = a.printJSON(series)
	} else {
		write := results.WriteText
		if o.format == "markdown" {
			write = results.WriteMarkdown
		}
		err = write(a.stdout, historyTable(series))
	}
	if err != nil {
		return &engine.Failure{Err: err}
	}
	for _, m := range metrics {
		fig := historyFigure(l.exp.Name, m, series, notes)
		if len(fig.Cells) == 0 {
			continue
		}
		files, err := plots.DrawHistory(fig, filepath.Join(a.figures, l.exp.Name), nil)
		if err != nil {
			return &engine.Failure{Err: err}
		}
		if o.format == "table" {
			for _, f := range files {
				fmt.Fprintln(a.stdout, f)
			}
		}
	}
	return nil
}

// collectPast makes a series of each metric and cell, seeds side by side. What
// was measured on another kind of device or under another protocol than the
// newest value is left out and told: it would look like a step.
func collectPast(past []results.Past, metrics []check.Metric) (out []pastSeries, notes []string) {
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
		s := pastSeries{Cell: label, Metric: last.Metric, Unit: last.Unit}
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
func level(series []pastSeries) float64 { return 0.05 / float64(len(series)) }

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
func (s *pastSeries) find(m check.Metric, level float64) {
	for _, st := range stat.Steps(s.Values, level, m.Threshold) {
		change := st.After/st.Before - 1
		s.Steps = append(s.Steps, historyStep{Last: s.Revisions[st.At-1], First: s.Revisions[st.At], Before: st.Before, After: st.After,
			Change: change, Worse: change > 0 != m.Higher, P: st.P, at: st.At})
	}
}

func historyTable(series []pastSeries) results.Table {
	least := stat.LeastValues(level(series))
	t := results.Table{Columns: []string{"cell", "metric", "values", "revisions", "steps"}}
	for _, s := range series {
		revisions := map[string]bool{}
		for _, r := range s.Revisions {
			revisions[r] = true
		}
		var steps []string
		for _, st := range s.Steps {
			kind := "better"
			if st.Worse {
				kind = "worse"
			}
			steps = append(steps, fmt.Sprintf("%s → %s: %+.1f %% (%s, p=%.4f)", st.Last, st.First, 100*st.Change, kind, st.P))
		}
		text := strings.Join(steps, "; ")
		switch {
		case text == "" && len(s.Values) < least:
			text = fmt.Sprintf("none can be found among fewer than %d values", least)
		case text == "":
			text = "none"
		}
		t.Rows = append(t.Rows, []any{s.Cell, s.Metric, int64(len(s.Values)), int64(len(revisions)), text})
	}
	return t
}

func historyFigure(experiment string, m check.Metric, series []pastSeries, notes []string) plots.HistoryFigure {
	fig := plots.HistoryFigure{Name: "history-" + m.Name, Title: experiment + " over revisions", Metric: m.Name, Notes: notes}
	var device, protocol string
	var all []results.Past
	for _, s := range series {
		if s.Metric == m.Name {
			all = append(all, s.past...)
		}
	}
	slices.SortStableFunc(all, func(a, b results.Past) int { return a.Finished.Compare(b.Finished) })
	place := map[string]int{}
	for _, p := range all {
		code := shortCode(p.Code)
		if _, known := place[code]; !known {
			place[code] = len(fig.Revisions)
			fig.Revisions = append(fig.Revisions, code)
		}
		device, protocol = p.DeviceClass, p.Protocol
	}
	for _, s := range series {
		if s.Metric != m.Name {
			continue
		}
		c := plots.HistoryCell{Label: s.Cell}
		for i, p := range s.past {
			c.Points = append(c.Points, plots.HistoryPoint{Revision: place[s.Revisions[i]], Value: p.Value, Lo: p.Lo, Hi: p.Hi})
		}
		for _, st := range s.Steps {
			c.Steps = append(c.Steps, plots.HistoryStep{At: st.at, Worse: st.Worse, Text: strings.Replace(fmt.Sprintf("%+.1f %%", 100*round3(st.Change)), "-", "−", 1)})
		}
		fig.Cells = append(fig.Cells, c)
	}
	fig.Source = fmt.Sprintf("%s · %s · protocol %s · steps: Pettitt's test, p corrected for %d series, changes of at least %g %%", experiment, device, plots.ShortProtocol(protocol), len(series), 100*m.Threshold)
	return fig
}

func round3(x float64) float64 { return math.Round(x*1000) / 1000 }
