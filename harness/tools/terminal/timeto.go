package terminal

import (
	"fmt"
	"io"
	"math"
	"strconv"

	"prabench/experiments"
	"prabench/harness/engine"
	"prabench/internal/numeral"
	"prabench/metrics/quantity"
	"prabench/results/table"
	"prabench/results/view"
)

// costsOf are what a training costs, as the table of [TimeTo] has them.
var costsOf = []string{view.StepsTrained, quantity.TrainSeconds.Name, quantity.TrainFLOPs.Name}

// TimeTo writes what trainings cost until they reached a goal, such as "fid_proxy=5", in
// one of [table.Formats]: for people a line for each training, for programs one for each
// training and cost.
func TimeTo(w io.Writer, format string, rows []view.Row, goal string) error {
	metric, value, err := experiments.Goal(goal)
	if err != nil {
		return &engine.Mistake{Err: err}
	}
	arms, err := view.TimeTo(rows, metric, value, costsOf...)
	if err != nil {
		return &engine.Mistake{Err: err}
	}
	write := table.Exporters[format]
	if !table.ForPeople(format) {
		return write(w, wholeCosts(arms, metric, value))
	}
	t, early := briefCosts(arms)
	target := strconv.FormatFloat(value, 'g', -1, 64)
	if format != "table" { // no line stands above it
		t.Columns[2] += " " + metric + "=" + target
		return write(w, t)
	}
	fmt.Fprintf(w, "%s reaches %s\n", metric, target)
	if err := write(w, t); err != nil {
		return err
	}
	if early {
		fmt.Fprintln(w, "≤: a seed was there at its first stop already.")
	}
	return nil
}

// wholeCosts has every cost of a training in a line of its own, as it is stored.
func wholeCosts(arms []view.Arm, metric string, goal float64) table.Table {
	t := table.Table{Columns: []string{"training", "metric", "goal", "seeds", "reached", "cost", "unit", "value", "lo", "hi", "n", "beyond",
		"at_first"}}
	for _, a := range arms {
		for i, c := range a.Costs {
			unit := "1"
			if m := quantity.Find(costsOf[i]); m != nil {
				unit = m.Unit
			}
			var mean, beyond *float64
			if c.N > 0 {
				mean = &c.Value
			}
			if followed(c) {
				beyond = c.Beyond
			}
			lo, hi := c.Bounds()
			t.Rows = append(t.Rows, []any{a.Name, metric, goal, int64(a.Seeds), int64(a.Reached), costsOf[i], unit, orNone(mean), orNone(lo),
				orNone(hi), int64(c.N), orNone(beyond), c.AtFirst})
		}
	}
	return t
}

// orNone is a number as tables have it, or nil.
func orNone(x *float64) any {
	if x == nil {
		return nil
	}
	return *x
}

// briefCosts has a line for each training. early says that a cost is an upper bound.
func briefCosts(arms []view.Arm) (t table.Table, early bool) {
	t.Columns = []string{"training", "seeds", "reached"}
	factors := make([]float64, len(costsOf))
	for i, name := range costsOf {
		factor, unit := quantity.Shown(name, "", largest(arms, i))
		factors[i], t.Columns = factor, append(t.Columns, quantity.Head(name, unit))
	}
	for _, a := range arms {
		row := []any{a.Name, int64(a.Seeds), int64(a.Reached)}
		for i, c := range a.Costs {
			row = append(row, cost(c, factors[i]))
			early = early || c.AtFirst
		}
		t.Rows = append(t.Rows, row)
	}
	return t, early
}

// followed says whether seeds that did not reach the value have this cost at a stop: a
// database from before the metric has none.
func followed(c view.Reached) bool { return c.Beyond != nil && *c.Beyond > 0 }

// largest is the greatest cost of a kind that is printed.
func largest(arms []view.Arm, of int) (most float64) {
	for _, a := range arms {
		c := a.Costs[of]
		if c.N > 0 {
			most = max(most, math.Abs(c.Value))
		}
		if followed(c) {
			most = max(most, math.Abs(*c.Beyond))
		}
	}
	return most
}

// cost is the mean over the seeds that reached the value, and to what the others
// were followed.
func cost(c view.Reached, factor float64) string {
	text := ""
	if c.N > 0 {
		if text = numeral.Compact(c.Value*factor, 3); c.HasInterval() {
			text += " ±" + numeral.Compact((c.Hi-c.Lo)/2*factor, 2)
		}
		if c.AtFirst {
			text = "≤ " + text
		}
	}
	if followed(c) {
		if text != "" {
			text += ", others "
		}
		text += "> " + numeral.Compact(*c.Beyond*factor, 3)
	}
	return text
}
