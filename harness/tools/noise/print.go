package noise

import (
	"fmt"
	"io"
	"math"
	"strings"

	"prabench/internal/numeral"
	"prabench/metrics/quantity"
	"prabench/metrics/stat"
	"prabench/results/table"
	"prabench/results/view"
)

// advised are the numbers of seeds for which the smallest difference is printed.
var advised = []int{3, 5, 10, 30}

// Print writes the ledger for people; difference is one whose seeds are wanted, 0 for
// none.
func (r Report) Print(w io.Writer, difference float64) error {
	for i, q := range r.Quality {
		for _, l := range q.Ledgers {
			if i > 0 || l.Point != "" {
				fmt.Fprintln(w)
			}
			if err := printLedger(w, q, l, difference); err != nil {
				return err
			}
		}
		printPairs(w, q, difference)
	}
	if len(r.Timings) == 0 {
		return nil
	}
	t := table.Table{Columns: []string{"timing", "between rounds", "between processes", "within", "cells", "rounds"}}
	for _, x := range r.Timings {
		t.Rows = append(t.Rows, []any{x.Metric, percent(x.Noise.Rows, 1), percent(x.Noise.Cells, 1), percent(x.Noise.Within, 1), int64(x.Cells),
			int64(x.Rounds)})
	}
	fmt.Fprintln(w, "\nTimings: standard deviation as a share of the value, with 95 % interval")
	return table.WriteText(w, t)
}

// printLedger writes one point's.
func printLedger(w io.Writer, q Quality, l view.Ledger, difference float64) error {
	of := q.Metric
	if l.Point != "" {
		of += " of " + l.Point
	}
	in := shownAs(q, l.Mean)
	fmt.Fprintf(w, "%s: mean %s over %d trainings × %d sampling seeds", of, in.text(l.Mean), l.Trainings, l.Samplings)
	if l.Left > 0 {
		fmt.Fprintf(w, " (%d values left out: their trainings lack sampling seeds)", l.Left)
	}
	fmt.Fprintln(w)
	t := table.Table{Columns: []string{"noise of", quantity.Head("standard deviation", in.unit), "share of variance", "of the mean", "levels"}}
	total := l.Total()
	for _, c := range l.Components {
		t.Rows = append(t.Rows, []any{c.Name, in.deviation(c.Variance), share(c.Variance.Value, total), percent(c.Variance, l.Mean),
			int64(c.Levels)})
	}
	if q.Images > 0 {
		t.Rows = append(t.Rows, []any{"images of one sampling (jackknife)", in.number(q.Images), "", share(q.Images, math.Abs(l.Mean)), ""})
	}
	if err := table.WriteText(w, t); err != nil {
		return err
	}
	if ratio := l.Ratio(); ratio > 0 {
		fmt.Fprintf(w, "Training seeds move it %s times as much as sampling seeds.\n", number(ratio))
	}
	fmt.Fprintf(w, "Found in 80 of 100 cases at 5 %%, unpaired: with %s.\n", in.found(l.Spread, l.Mean))
	if difference != 0 {
		fmt.Fprintf(w, "A difference of %s needs %s a side.\n", in.text(difference), view.Needs(l.Spread, difference))
	}
	return nil
}

// found are the differences that so many seeds find.
func (in shown) found(s stat.Spread, mean float64) string {
	var out []string
	for _, n := range advised {
		d := s.Detectable(n, stat.Level)
		out = append(out, fmt.Sprintf("%d seeds %s (%s)", n, in.text(d), share(d, math.Abs(mean))))
	}
	return strings.Join(out, ", ")
}

// printPairs writes what pairs of seeds are worth between the points.
func printPairs(w io.Writer, q Quality, difference float64) {
	p := q.Pairs
	if p.Points == 0 || p.Spread.SD == 0 {
		return
	}
	in, over := shownAs(q, p.Mean), "two points"
	if p.Points > 1 {
		over = fmt.Sprintf("%d pairs of points", p.Points)
	}
	fmt.Fprintf(w, "\n%s in pairs of seeds, over %s: deviation of differences %s, correlation %.2f.\n", q.Metric, over,
		in.text(p.Spread.SD), p.Correlation)
	fmt.Fprintf(w, "Found in 80 of 100 cases at 5 %%, in pairs: with %s.\n", in.found(p.Spread, p.Mean))
	if difference != 0 {
		fmt.Fprintf(w, "A difference of %s needs %s in pairs.\n", in.text(difference), view.Needs(p.Spread, difference))
	}
}

// shown is how values of a metric are written: in one unit.
type shown struct {
	factor float64
	unit   string
}

func shownAs(q Quality, largest float64) shown {
	factor, unit := quantity.Shown(q.Metric, q.Unit, math.Abs(largest))
	return shown{factor, unit}
}

func (in shown) number(x float64) string { return number(x * in.factor) }

func (in shown) text(x float64) string { return quantity.With(in.number(x), in.unit) }

func number(x float64) string { return numeral.Compact(x, 3) }

func share(x, of float64) string {
	if of == 0 {
		return "–"
	}
	return numeral.Compact(100*x/of, 3) + " %"
}

// deviation is the root of a variance with its interval.
func (in shown) deviation(variance stat.Estimate) string {
	e := stat.Root(variance)
	if !e.HasInterval() {
		return in.number(e.Value)
	}
	return fmt.Sprintf("%s [%s, %s]", in.number(e.Value), in.number(e.Lo), in.number(e.Hi))
}

// percent is the root of a variance as a share of a mean.
func percent(variance stat.Estimate, mean float64) string {
	e := stat.Root(variance)
	if mean == 0 || e.Value == 0 && !e.HasInterval() {
		return "–"
	}
	f := 100 / math.Abs(mean)
	if !e.HasInterval() {
		return number(f*e.Value) + " %"
	}
	return fmt.Sprintf("%s [%s, %s] %%", number(f*e.Value), number(f*e.Lo), number(f*e.Hi))
}
