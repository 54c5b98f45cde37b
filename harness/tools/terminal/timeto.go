package terminal

import (
	"fmt"
	"io"
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
	t := table.Table{Columns: []string{"training", "seeds", "reached", "steps", "train_seconds (s)", "train_flops"}}
	early := false
	for _, a := range arms {
		row := []any{a.Name, int64(a.Seeds), int64(a.Reached)}
		for _, c := range a.Costs {
			row = append(row, cost(c, a.Reached))
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

// cost is the mean over the seeds that reached the value, and to what the others
// were followed.
func cost(c view.Reached, reached int) string {
	text := ""
	if reached > 0 {
		if text = numeral.Compact(c.Value, 3); c.HasInterval() {
			text += " ±" + numeral.Compact((c.Hi-c.Lo)/2, 2)
		}
		if c.AtFirst {
			text = "≤ " + text
		}
	}
	if c.Beyond != nil {
		if text != "" {
			text += ", others "
		}
		text += "> " + numeral.Compact(*c.Beyond, 3)
	}
	return text
}
