package terminal

import (
	"fmt"
	"io"
	"math"
	"strconv"

	"prabench/experiments"
	"prabench/internal/numeral"
	"prabench/metrics/quantity"
	"prabench/results/table"
	"prabench/results/view"
)

// costsOf are what a training costs, as the table of [TimeTo] has them.
var costsOf = []string{view.StepsTrained, quantity.TrainSeconds.Name, quantity.TrainFLOPs.Name}

// TimeTo prints what trainings cost until they reached a goal, such as "fid_proxy=5".
func TimeTo(w io.Writer, rows []view.Row, goal string) error {
	metric, value, err := experiments.Goal(goal)
	if err != nil {
		return err
	}
	arms, err := view.TimeTo(rows, metric, value, costsOf...)
	if err != nil {
		return err
	}
	t := table.Table{Columns: []string{"training", "seeds", "reached"}}
	factors := make([]float64, len(costsOf))
	for i, name := range costsOf {
		factor, unit := quantity.Shown(name, "", largest(arms, i))
		if name == view.StepsTrained {
			name = "steps"
		}
		factors[i], t.Columns = factor, append(t.Columns, quantity.Head(name, unit))
	}
	early := false
	for _, a := range arms {
		row := []any{a.Name, int64(a.Seeds), int64(a.Reached)}
		for i, c := range a.Costs {
			row = append(row, cost(c, a.Reached, factors[i]))
			early = early || c.AtFirst
		}
		t.Rows = append(t.Rows, row)
	}
	fmt.Fprintf(w, "%s reaches %s\n", metric, strconv.FormatFloat(value, 'g', -1, 64))
	if err := table.WriteText(w, t); err != nil {
		return err
	}
	if early {
		fmt.Fprintln(w, "≤: a seed was there at its first stop already.")
	}
	return nil
}

// largest is the greatest cost of a kind that is printed.
func largest(arms []view.Arm, of int) (most float64) {
	for _, a := range arms {
		c := a.Costs[of]
		if a.Reached > 0 {
			most = max(most, math.Abs(c.Value))
		}
		if c.Beyond != nil {
			most = max(most, math.Abs(*c.Beyond))
		}
	}
	return most
}

// cost is the mean over the seeds that reached the value, and to what the others
// were followed.
func cost(c view.Reached, reached int, factor float64) string {
	text := ""
	if reached > 0 {
		if text = numeral.Compact(c.Value*factor, 3); c.HasInterval() {
			text += " ±" + numeral.Compact((c.Hi-c.Lo)/2*factor, 2)
		}
		if c.AtFirst {
			text = "≤ " + text
		}
	}
	if c.Beyond != nil {
		if text != "" {
			text += ", others "
		}
		text += "> " + numeral.Compact(*c.Beyond*factor, 3)
	}
	return text
}
