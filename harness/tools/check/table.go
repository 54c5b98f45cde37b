package check

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"prabench/results/table"
)

// table has a line for each comparison; figures without noise that are equal
// share one.
func (r *Report) table() table.Table {
	t := table.Table{Columns: []string{"cell", "metric", "old", "new", "change", "95 % interval", "verdict", "why"}}
	for _, c := range r.Cells {
		if c.Why != "" {
			t.Rows = append(t.Rows, []any{c.Label, "", "", "", "", "", string(c.Verdict), c.Why})
		}
		var equal []string
		for _, k := range c.Comparisons {
			if k.Exact && k.Verdict == Pass && k.Old == k.New {
				equal = append(equal, k.Metric)
				continue
			}
			t.Rows = append(t.Rows, []any{c.Label, k.Metric, k.quantity(k.Old), k.quantity(k.New), k.change(), k.interval(),
				string(k.Verdict), k.reason()})
		}
		if len(equal) > 0 {
			t.Rows = append(t.Rows, []any{c.Label, strings.Join(equal, ", "), "", "", "", "", string(Pass), "equal"})
		}
	}
	return t
}

// reason is why, with what disturbed.
func (k Comparison) reason() string {
	if k.Disturbed > 0 {
		return fmt.Sprintf("%s (%d of %d rounds disturbed)", k.Why, k.Disturbed, k.Rounds)
	}
	return k.Why
}

// change is the new value beside the old, "-2.1 %".
func (k Comparison) change() string {
	if k.Rounds == 0 || k.Ratio == math.MaxFloat64 {
		return ""
	}
	return signed(k.Ratio)
}

func (k Comparison) interval() string {
	switch {
	case k.Exact:
		return "exact"
	case k.Lo == nil || k.Hi == nil:
		return "too few rounds"
	}
	return signed(*k.Lo) + " to " + signed(*k.Hi)
}

func signed(ratio float64) string {
	text := fmt.Sprintf("%+.1f %%", 100*(ratio-1))
	if text == "-0.0 %" {
		return "+0.0 %"
	}
	return text
}

// quantity writes one of the comparison's values for people.
func (k Comparison) quantity(v float64) string {
	if k.Exact && k.Unit == "bytes" {
		return strconv.FormatFloat(v, 'f', 0, 64) + " bytes" // a few of them would not show in MiB
	}
	return shownAs(v, k.Unit)
}

// shownAs writes a value for people.
func shownAs(v float64, unit string) string {
	switch unit {
	case "bytes":
		return short(v/(1<<20)) + " MiB"
	case "s":
		return short(v*1e3) + " ms"
	case "1":
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return short(v) + " " + unit
}

// short writes four significant digits without an exponent.
func short(v float64) string {
	if v == 0 {
		return "0"
	}
	after := max(0, 3-int(math.Floor(math.Log10(math.Abs(v)))))
	return strconv.FormatFloat(v, 'f', min(after, 9), 64)
}

// heading says what was compared, in one line.
func (r *Report) heading() string {
	return fmt.Sprintf("%s: %s against %s", r.Experiment, r.New.title(), r.Old.title())
}

// title is the program's name with its revision, and whether it was built from changed
// source: a revision that is cut would hide that.
func (p Program) title() string {
	rev, dirty := strings.CutSuffix(p.Revision, "+dirty")
	var of []string
	if rev != "" && (p.Name == "" || !strings.HasPrefix(rev, p.Name)) {
		of = append(of, fmt.Sprintf("%.12s", rev))
	}
	if dirty {
		of = append(of, "with local changes")
	}
	if len(of) == 0 {
		return p.Name
	}
	return p.Name + " (" + strings.Join(of, " ") + ")"
}

// conclusion is the verdict with its counts.
func (r *Report) conclusion() string {
	var counts []string
	for _, v := range []Verdict{Regression, Improvement, Inconclusive, Pass} {
		if n := r.Count(v); n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, v))
		}
	}
	failed := 0
	for _, c := range r.Cells {
		if c.Why != "" {
			failed++
		}
	}
	if failed > 0 {
		counts = append(counts, plural(failed, "cell", "cells")+" not measured")
	}
	return fmt.Sprintf("%s (%s)", r.Verdict, strings.Join(counts, ", "))
}

// conditions is how it was measured, in one line.
func (r *Report) conditions() string {
	rounds, disturbed := 0, 0
	for _, c := range r.Cells {
		rounds, disturbed = rounds+c.Rounds+c.Fresh, disturbed+c.Disturbed
	}
	text := fmt.Sprintf("%s, %d threads, %s; %d rounds in %s", r.Device, r.Threads, r.Precision, rounds, r.Took.Round(100*time.Millisecond))
	if r.Shares {
		text += "; changes are those of shares of the peak and of the copy bandwidth of the same rounds"
	}
	if r.Old.SHA256 != "" && r.Old.SHA256 == r.New.SHA256 {
		text += "; both sides are one program, byte for byte"
	}
	switch {
	case r.Unseen:
		text += "; what else ran is not known here"
	case disturbed > 0:
		text += fmt.Sprintf("; during %d of them something else loaded the machine", disturbed)
	}
	return text
}

// WriteTable writes the report for a terminal.
func (r *Report) WriteTable(w io.Writer) error {
	fmt.Fprintln(w, r.heading())
	if err := table.WriteText(w, r.table()); err != nil {
		return err
	}
	for _, c := range r.Cells {
		if c.Same != nil {
			fmt.Fprintf(w, "%s stands also for %s: nothing that was measured tells them apart\n", c.Label, strings.Join(c.Same, "; "))
		}
	}
	fmt.Fprintln(w, r.conditions())
	fmt.Fprintln(w, "verdict: "+r.conclusion())
	for _, a := range r.Advice {
		fmt.Fprintln(w, "next: "+a)
	}
	return nil
}
