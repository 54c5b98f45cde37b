package terminal

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"prabench/harness/engine"
	"prabench/harness/progress"
	"prabench/internal/numeral"
	"prabench/results/table"
)

// Size writes bytes as 1.23 GiB.
func Size(bytes int64) string { return numeral.Bytes(bytes) }

// Took writes how long something took, as 3m07s.
func Took(d time.Duration) string { return progress.Short(d) }

// Garbage prints what gc found and how much of it each removed version of an
// experiment left, and gives the size of all.
func Garbage(w io.Writer, found []engine.Garbage) (size string, err error) {
	t := table.Table{Columns: []string{"artifact", "size", "why", "made for"}}
	by := table.Table{Columns: []string{"made for", "artifacts", "size"}}
	var order []string
	count, bytes, sum := map[string]int64{}, map[string]int64{}, int64(0)
	for _, g := range found {
		of := strings.Join(g.Of, " ")
		if count[of] == 0 {
			order = append(order, of)
		}
		count[of]++
		bytes[of] += g.Bytes
		sum += g.Bytes
		t.Rows = append(t.Rows, []any{g.Path, Size(g.Bytes), g.Why, of})
	}
	if err := table.WriteText(w, t); err != nil {
		return "", err
	}
	slices.Sort(order)
	for _, of := range order {
		by.Rows = append(by.Rows, []any{cmp.Or(of, "no experiment"), count[of], Size(bytes[of])})
	}
	if len(order) > 1 {
		fmt.Fprintln(w)
		err = table.WriteText(w, by)
	}
	return Size(sum), err
}

// Ended says how a run ended and what to do next: again and retry are command
// lines that go on and that try failures again, why the one that explains them.
func Ended(w io.Writer, s engine.Summary, again, retry, why string) {
	took := Took(s.Took)
	switch {
	case s.Stopped:
		fmt.Fprintf(w, "stopped after %s with %d of %d stages done; to go on: %s\n",
			took, s.Done+s.Kept, s.Done+s.Kept+s.Failed+s.Blocked+s.Count(engine.ToDo), again)
	case s.Failed > 0:
		fmt.Fprintf(w, "%d stages failed and %d more wait for them; why: %s; to try them again: %s\n", s.Failed, s.Blocked, why, retry)
	case s.Done == 0:
		fmt.Fprintf(w, "nothing to do: all %d stages were done before\n", s.Kept)
	default:
		fmt.Fprintf(w, "%d stages done in %s, %d were done before\n", s.Done, took, s.Kept)
	}
}
