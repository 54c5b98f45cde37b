package main

import (
	"context"
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"

	"prabench/metrics/quantity"
	"prabench/results"
	"prabench/results/record"
)

// shownMetrics are the columns of the table that ends a run, as far as there
// are values.
var shownMetrics = quantity.Names(func(m *quantity.Metric) bool { return m.Front })

// report prints one table an experiment: a line for each point, seeds averaged.
func (a *app) report(ctx context.Context, ls []loaded) error {
	db, err := results.OpenReadOnly(a.db)
	if err != nil {
		return err
	}
	defer db.Close()
	for _, l := range ls {
		t, notes, err := pointTable(context.WithoutCancel(ctx), db, l.exp.Name, nil)
		if err != nil {
			return err
		}
		if len(t.Rows) == 0 {
			continue
		}
		fmt.Fprintf(a.stdout, "%s\n", l.exp.Name)
		if err := results.WriteText(a.stdout, t); err != nil {
			return err
		}
		for _, n := range notes {
			fmt.Fprintln(a.stdout, n)
		}
		fmt.Fprintln(a.stdout)
	}
	return nil
}

// pointTable is one line for each point of an experiment: the mean over seeds
// of each metric and the half width of its interval. across names differences
// that are accepted. Of more cells than anyone reads line by line it has the
// first. A mean that would hide another difference is left out and
// told in the notes.
func pointTable(ctx context.Context, db *results.DB, experiment string, across []string) (results.Table, []string, error) {
	all, err := cellCount(ctx, db, experiment)
	if err != nil {
		return results.Table{}, nil, err
	}
	f := results.Filter{Experiment: experiment}
	if all > manyCells {
		f.First = manyCells
	}
	points, notes, err := readPoints(ctx, db, f, across)
	if err != nil {
		return results.Table{}, nil, err
	}
	if f.First > 0 {
		points = points[:max(1, len(points)-1)] // of the last one some seeds may be beyond
		shown := 0
		for _, p := range points {
			shown += p.seeds
		}
		notes = append(notes, fmt.Sprintf("the first %d of %d cells; --only chooses others, --format csv has all", shown, all))
	}
	var metrics []string
	for _, m := range shownMetrics {
		for _, p := range points {
			if _, ok := p.means[m]; ok {
				metrics = append(metrics, m)
				break
			}
		}
	}
	t := results.Table{Columns: append([]string{"cell", "seeds"}, metrics...)}
	failed := false
	for _, p := range points {
		failed = failed || p.outcome != record.OK
	}
	if failed {
		t.Columns = append(t.Columns, "outcome")
	}
	for i, m := range metrics {
		if u := columnUnit(points, m); u != "" {
			t.Columns[2+i] = m + " (" + u + ")"
		}
	}
	for _, p := range points {
		row := []any{p.label, p.seedCount(metrics)}
		for _, m := range metrics {
			if v, ok := p.means[m]; ok {
				row = append(row, withInterval(v))
			} else {
				row = append(row, "")
			}
		}
		if failed {
			why := p.outcome
			if p.reason != "" {
				why += ": " + p.reason
			}
			row = append(row, why)
		}
		t.Rows = append(t.Rows, row)
	}
	loaded := 0
	for _, p := range points {
		if p.means[quantity.DisturbedRounds.Name].Value > 0 {
			loaded++
		}
	}
	if loaded > 0 {
		notes = append(notes, fmt.Sprintf("timings of %d of %d points had rounds during which something else loaded the machine (disturbed_rounds)", loaded, len(points)))
	}
	if len(metrics) > 0 {
		notes = append(notes, "± half of the 95 % interval: over seeds where there are several, else over images (jackknife) or rounds (Student)")
	}
	return t, notes, nil
}

// cellCount is the number of an experiment's cells.
func cellCount(ctx context.Context, db *results.DB, experiment string) (int, error) {
	es, err := db.Experiments(ctx)
	for _, e := range es {
		if e.Name == experiment {
			return e.Cells, err
		}
	}
	return 0, err
}

// point is one point of an experiment over its seeds.
type point struct {
	label           string
	params          map[string]any
	cells           []results.Cell
	seeds           int
	outcome, reason string // ok when all cells are, else the worst one's
	means           map[string]results.Mean
}

// seedCount is the number of planned seeds, as "2 of 3" where a shown mean has
// fewer.
func (p *point) seedCount(metrics []string) string {
	least := p.seeds
	for _, m := range metrics {
		if v, ok := p.means[m]; ok {
			least = min(least, v.N)
		}
	}
	if least < p.seeds {
		return fmt.Sprintf("%d of %d", least, p.seeds)
	}
	return strconv.Itoa(p.seeds)
}

// readPoints averages the results of an experiment, or of its first cells, over
// seeds, point by point in
// the order of the plan.
func readPoints(ctx context.Context, db *results.DB, f results.Filter, across []string) (points []*point, notes []string, err error) {
	cells, err := db.CellsOf(ctx, f)
	if err != nil {
		return nil, nil, err
	}
	by := map[string]*point{}
	of := map[string]*point{} // by cell
	for _, c := range cells {
		name := pointName(c)
		p := by[name]
		if p == nil {
			p = &point{label: c.Label, params: c.Params, outcome: record.OK, means: map[string]results.Mean{}}
			if p.label == "" {
				p.label = c.Experiment
			}
			by[name] = p
			points = append(points, p)
		}
		p.cells = append(p.cells, c)
		of[c.Cell] = p
		p.seeds++
		if c.Outcome != record.OK && (p.outcome == record.OK || p.outcome == record.Pending) {
			p.outcome, p.reason = c.Outcome, c.Reason
		}
	}
	rows, err := db.Results(ctx, f)
	if err != nil {
		return nil, nil, err
	}
	groups := map[*point]map[string][]results.Row{}
	for _, r := range rows {
		p := of[r.Cell]
		if groups[p] == nil {
			groups[p] = map[string][]results.Row{}
		}
		groups[p][r.Metric] = append(groups[p][r.Metric], r)
	}
	told := map[string]bool{}
	for _, p := range points {
		for metric, rows := range groups[p] {
			means, err := results.Averaging{Across: across}.Mean(rows)
			if err != nil {
				if text := "left out: " + err.Error(); !told[text] {
					told[text] = true
					notes = append(notes, text)
				}
				continue
			}
			if len(means) == 1 {
				p.means[metric] = means[0]
			}
		}
	}
	sort.Strings(notes)
	if len(notes) > 3 {
		notes = append(notes[:3], fmt.Sprintf("… and %d more means left out for the like", len(notes)-3))
	}
	return points, notes, nil
}

// pointName is the same for cells that differ in their seed alone.
func pointName(c results.Cell) string {
	keys := make([]string, 0, len(c.Params))
	for k := range c.Params {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	var b strings.Builder
	fmt.Fprintf(&b, "%d %d %d %d", c.Patch, c.Block, c.RolloutDepth, c.State)
	for _, k := range keys {
		fmt.Fprintf(&b, " %q=%v", k, c.Params[k])
	}
	return b.String()
}

func columnUnit(points []*point, metric string) string {
	for _, p := range points {
		if m, ok := p.means[metric]; ok {
			switch m.Unit {
			case "1":
				return ""
			case "bytes":
				return "MiB"
			case "s":
				return "ms"
			}
			return m.Unit
		}
	}
	return ""
}

// withInterval writes "12.3 ±0.4".
func withInterval(m results.Mean) string {
	scale := 1.0
	switch m.Unit {
	case "bytes":
		scale = 1 << 20
	case "s":
		scale = 1e-3
	}
	text := digits(m.Value/scale, 4)
	if m.Lo != nil && m.Hi != nil {
		text += " ±" + digits((*m.Hi-*m.Lo)/2/scale, 2)
	}
	return text
}

// digits writes a number with n significant digits and no exponent.
func digits(x float64, n int) string {
	if x == 0 {
		return "0"
	}
	after := max(0, n-1-int(math.Floor(math.Log10(math.Abs(x)))))
	return strconv.FormatFloat(x, 'f', min(after, 9), 64)
}
