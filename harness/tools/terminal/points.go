package terminal

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"prabench/internal/numeral"
	"prabench/metrics/quantity"
	"prabench/results/record"
	"prabench/results/table"
	"prabench/results/view"
)

// MostLines is more than anyone reads line by line: tables have the first, files
// all.
const MostLines = 500

// Points prints an experiment's name, a line for each point, seeds averaged, and
// notes: those of the summary, on other versions if there is one, and more.
func Points(w io.Writer, experiment string, s view.Summary, others string, more ...string) error {
	fmt.Fprintln(w, experiment)
	if err := table.WriteText(w, pointTable(s)); err != nil {
		return err
	}
	notes := s.Notes()
	if others != "" {
		notes = append(notes, others)
	}
	for _, n := range append(notes, more...) {
		fmt.Fprintln(w, n)
	}
	fmt.Fprintln(w)
	return nil
}

// pointTable has the mean over seeds of each metric and its interval.
func pointTable(s view.Summary) table.Table {
	t := table.Table{Columns: []string{"cell", "seeds"}}
	factors := map[string]float64{}
	for _, m := range s.Metrics {
		factor, unit := s.Shown(m)
		factors[m] = factor
		t.Columns = append(t.Columns, quantity.Head(m, unit))
	}
	failed := s.Has(func(outcome string) bool { return outcome != record.OK })
	if failed {
		t.Columns = append(t.Columns, "outcome")
	}
	for i := range s.Points {
		p := &s.Points[i]
		row := []any{p.Label, seeds(p, s.Metrics)}
		for _, m := range s.Metrics {
			text := ""
			if v, ok := p.Means[m]; ok {
				text = withInterval(v, factors[m])
			}
			row = append(row, text)
		}
		if failed {
			why := p.Outcome
			if p.Reason != "" {
				why += ": " + p.Reason
			}
			row = append(row, why)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// seeds is the number of planned seeds, as "2 of 3" where a shown mean has
// fewer.
func seeds(p *view.Point, metrics []string) string {
	if n := p.Fewest(metrics); n < p.Seeds {
		return fmt.Sprintf("%d of %d", n, p.Seeds)
	}
	return strconv.Itoa(p.Seeds)
}

// withInterval writes "12.3 ±0.4".
func withInterval(m view.Mean, factor float64) string {
	text, interval := numeral.WithInterval(m.Value, m.Lo, m.Hi, factor)
	return strings.TrimSpace(text + " " + interval)
}
