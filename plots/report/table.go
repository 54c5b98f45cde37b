package report

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"

	"prabench/metrics/quantity"
	"prabench/plots"
	"prabench/results/record"
	"prabench/results/view"
)

// table is the points or the cells of an experiment.
type table struct {
	ID, Caption string
	Seeds       string // heading of the column of seeds: "seeds" or "seed"
	Keys        []keyColumn
	Columns     []*column
	Outcomes    bool // not everything ended well
	Rows        []row
	Notes       []string
}

// keyColumn is a parameter that was varied.
type keyColumn struct{ Key, Name string }

// row is one point or one cell.
type row struct {
	ID, Name, Seeds string
	Find            string // what the filter looks at
	Keys            []string
	Entries         []entry
	Outcome, Reason string
	Class           string // of the outcome's colour
	from            []source
}

// entry is one value.
type entry struct {
	Sort           string // the number, or "" where there is none
	Text, Interval string
	Protocol       string // letter, where a column has several
	Disturbed      bool
	Mark           string // best or close: of a column's points
	Gone           string // why there is no value, of a row that failed
}

// timed says that other load during a round falsifies the metric.
func timed(metric string) bool {
	m := quantity.Find(metric)
	return m != nil && m.InRounds()
}

// tables are the points over their seeds, where there are several, and the cells.
func (e *experiment) tables() []*table {
	columns := columnsOf(e.Rows)
	keys := e.keys()
	cells := e.cellTable(columns, keys)
	e.cellRows = map[string]*row{}
	for i, c := range e.Cells {
		e.cellRows[c.Cell] = &cells.Rows[i]
	}
	points := e.pointTable(columns, keys)
	e.points = points
	if !e.severalSeeds() {
		cells.Caption = "Cells, one seed each"
		for i := range points.Rows { // the rows that charts point at are those that are shown
			if len(e.Of[i]) == 1 {
				points.Rows[i].ID = e.cellRows[e.Of[i][0]].ID
			}
		}
		return []*table{cells}
	}
	return []*table{points, cells}
}

func (e *experiment) severalSeeds() bool {
	return slices.ContainsFunc(e.Data.Cells, func(c plots.CellData) bool { return c.Seeds > 1 })
}

// keys are the parameters that cells differ in.
func (e *experiment) keys() []keyColumn {
	values := map[string]map[string]bool{}
	for i := range e.Cells {
		for k, v := range e.Cells[i].Params {
			if values[k] == nil {
				values[k] = map[string]bool{}
			}
			values[k][plots.Show(v)] = true
		}
	}
	var out []keyColumn
	for _, k := range slices.Sorted(maps.Keys(values)) {
		if len(values[k]) > 1 {
			out = append(out, keyColumn{k, plots.Describe(k).Short})
		}
	}
	return out
}

func keyTexts(keys []keyColumn, params map[string]any) []string {
	out := make([]string, len(keys))
	for i, k := range keys {
		if v, ok := params[k.Key]; ok {
			out[i] = plots.Show(v)
		}
	}
	return out
}

// findText is what the filter looks at: names and dotted keys.
func findText(params map[string]any, words ...string) string {
	for _, k := range slices.Sorted(maps.Keys(params)) {
		words = append(words, k+"="+plots.Show(params[k]))
	}
	return strings.ToLower(strings.Join(slices.DeleteFunc(words, func(w string) bool { return w == "" }), " "))
}

func (e *experiment) cellTable(columns []*column, keys []keyColumn) *table {
	t := &table{ID: e.ID + "-cells", Caption: "Cells, one line a seed", Seeds: "seed", Keys: keys, Columns: columns}
	of := map[string][]*view.Row{}
	for i := range e.Rows {
		of[e.Rows[i].Cell] = append(of[e.Rows[i].Cell], &e.Rows[i])
	}
	for i := range e.Cells {
		c := &e.Cells[i]
		r := row{ID: fmt.Sprintf("%s-c%d", e.ID, i), Name: nameOf(c.Label, e.Name), Seeds: fmt.Sprint(c.Seed), Keys: keyTexts(keys, c.Params)}
		r.finish(t, c.Outcome, c.Reason)
		r.Find = findText(c.Params, r.Name, "seed="+r.Seeds, c.Cell, r.Outcome, r.Reason)
		values := map[*column]source{}
		for _, v := range of[c.Cell] {
			for _, col := range columns {
				if col.Metric == v.Metric && col.stored == v.Unit {
					values[col] = sourceOfRow(v)
				}
			}
		}
		r.fill(columns, values)
		t.Rows = append(t.Rows, r)
	}
	t.remark()
	return t
}

func (e *experiment) pointTable(columns []*column, keys []keyColumn) *table {
	t := &table{ID: e.ID + "-points", Caption: "Points, means over training seeds", Seeds: "seeds", Keys: keys, Columns: columns}
	for i, p := range e.Data.Cells {
		r := row{ID: fmt.Sprintf("%s-p%d", e.ID, i), Name: nameOf(p.Label, e.Name), Keys: keyTexts(keys, p.Params)}
		r.finish(t, p.Outcome, p.Reason)
		r.Find = findText(p.Params, append([]string{r.Name, r.Outcome, r.Reason}, e.Of[i]...)...)
		least := p.Seeds
		values := map[*column]source{}
		for _, m := range e.Means[i] {
			for _, col := range columns {
				if col.Metric == m.Metric && col.stored == m.Unit {
					values[col] = sourceOfMean(m)
					if col.Main() {
						least = min(least, max(len(m.Seeds), m.Same))
					}
				}
			}
		}
		r.Seeds = fmt.Sprint(p.Seeds)
		if least < p.Seeds {
			r.Seeds = fmt.Sprintf("%d of %d", least, p.Seeds)
		}
		r.fill(columns, values)
		t.Rows = append(t.Rows, r)
	}
	t.mark(e.Data)
	t.remark()
	return t
}

// mark says which value of a column is best, and which are not separated from it;
// values of several protocols are not compared.
func (t *table) mark(data plots.Data) {
	marked := map[string]bool{}
	for j, c := range t.Columns {
		if len(c.protocols) > 1 {
			continue
		}
		for i, s := range data.Standings(c.Metric, data.Cells) {
			if e := &t.Rows[i].Entries[j]; e.Sort != "" {
				e.Mark = map[plots.Standing]string{plots.Best: "best", plots.Close: "close"}[s]
				marked[e.Mark] = true
			}
		}
	}
	if marked["best"] {
		t.Notes = append(t.Notes, "Bold: best of its column. Underlined: not separated from it, the difference inside its 95 % interval (over "+
			"pairs of seeds where both have them), corrected for the number of points (Holm).")
	}
}

func nameOf(label, experiment string) string {
	if label == "" {
		return experiment
	}
	return label
}

func (r *row) finish(t *table, outcome, reason string) {
	if outcome == "" {
		outcome = record.OK
	}
	r.Outcome, r.Reason, r.Class = outcome, reason, class(outcome)
	t.Outcomes = t.Outcomes || outcome != record.OK
}

// class is the state whose colour an outcome has.
func class(outcome string) string {
	switch outcome {
	case record.OK:
		return "s-done"
	case record.Pending, record.Interrupted:
		return "s-to-do"
	case record.Blocked:
		return "s-blocked"
	}
	return "s-failed"
}

func (r *row) fill(columns []*column, values map[*column]source) {
	disturbed := false
	for c, s := range values {
		disturbed = disturbed || c.Metric == quantity.DisturbedRounds.Name && s.value > 0
	}
	for _, c := range columns {
		s, ok := values[c]
		if !ok {
			e := entry{}
			if r.Outcome != record.OK {
				e.Gone = r.Outcome
			}
			r.Entries = append(r.Entries, e)
			continue
		}
		s.column = c
		e := entry{Sort: raw(s.value), Protocol: c.mark(s.protocol), Disturbed: disturbed && timed(c.Metric)}
		e.Text, e.Interval = shownWith(s.value, s.lo, s.hi, c.factor, c.decimals)
		r.Entries = append(r.Entries, e)
		r.from = append(r.from, s)
	}
}

// remark explains the marks of a table.
func (t *table) remark() {
	n, of := 0, 0
	for _, r := range t.Rows {
		some := false
		for _, e := range r.Entries {
			some = some || e.Disturbed
		}
		if some {
			n++
		}
		if len(r.from) > 0 {
			of++
		}
	}
	if n > 0 {
		t.Notes = append(t.Notes,
			fmt.Sprintf("~ something else loaded the machine in a round of this timing (%d of %d lines; disturbed_rounds says in how many rounds)",
				n, of))
	}
	for _, c := range t.Columns {
		if len(c.protocols) > 1 {
			var list []string
			for i, p := range c.protocols {
				list = append(list, letter(i)+": "+p)
			}
			sort.Strings(list)
			t.Notes = append(t.Notes, fmt.Sprintf("%s was measured under several protocols, which are not to be compared: %s", c.Name,
				strings.Join(list, " | ")))
		}
	}
}
