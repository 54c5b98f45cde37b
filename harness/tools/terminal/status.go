package terminal

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"prabench/harness/engine"
	"prabench/harness/worker"
	"prabench/results"
	"prabench/results/record"
	"prabench/results/table"
)

// The last lines of so many logs are shown, and so many stages that failed.
const (
	mostLogs   = 5
	mostFailed = 20
)

// Status prints where each cell stands, how many there are of each state, and
// what those that failed printed last.
func Status(w io.Writer, cells []engine.CellStatus) error {
	t := table.Table{Columns: []string{"experiment", "cell", "label", "seed", "state", "stage", "why"}}
	counts := map[string]int{}
	for _, c := range cells {
		counts[c.State]++
		t.Rows = append(t.Rows, []any{c.Experiment, c.Cell, c.Label, c.Seed, c.State, c.Stage, join("; ", c.Reason, c.Warning)})
	}
	if err := table.WriteText(w, t); err != nil {
		return err
	}
	fmt.Fprintln(w)
	for _, state := range []string{"done", "running", "queued", "stale", "to do", "dropped", "failed", "blocked"} {
		if counts[state] > 0 {
			fmt.Fprintf(w, "%d %s  ", counts[state], state)
		}
	}
	fmt.Fprintln(w)
	told := map[string]bool{}
	for _, c := range cells {
		said := worker.LastLines(record.Attempt{Log: c.Log}, 5)
		if c.State != "failed" || c.Log == "" || told[c.Log] || said == "" || len(told) == mostLogs {
			continue
		}
		told[c.Log] = true
		fmt.Fprintf(w, "\n%s of %s, seed %d, printed last (%s):\n    %s\n",
			c.Stage, c.Label, c.Seed, c.Log, strings.ReplaceAll(said, "\n", "\n    "))
	}
	trainingLogs(w, cells)
	return nil
}

// Searches says of each file with a [search] what it has decided and at which stop it
// is, a line each. Nothing is written; the cells that it skips on the way are skipped in ls.
func Searches(ctx context.Context, places engine.Places, ls []engine.Loaded) (lines []string, err error) {
	for _, l := range ls {
		if !l.Searches() {
			continue
		}
		var said strings.Builder
		run := engine.Run{Places: places, Out: &said}
		at, err := run.NextStop(ctx, l, false)
		if err != nil {
			return nil, err
		}
		lines = append(lines, slices.Collect(strings.Lines(said.String()))...)
		if at != "" {
			lines = append(lines, l.Exp.Name+": "+at)
		}
	}
	for i := range lines {
		lines[i] = strings.TrimSuffix(lines[i], "\n")
	}
	return lines, nil
}

// trainingLogs names the logs of trainings that went well: each of a few, the folder of
// many.
func trainingLogs(w io.Writer, cells []engine.CellStatus) {
	var lines []string
	seen := map[string]bool{}
	for _, c := range cells {
		if c.State != "failed" && c.Log != "" && !seen[c.Log] {
			seen[c.Log] = true
			lines = append(lines, fmt.Sprintf("log of the training of %s, seed %d: %s", c.Label, c.Seed, c.Log))
		}
	}
	if len(lines) > mostLogs {
		for log := range seen {
			fmt.Fprintf(w, "\nlogs of %d trainings are in %s; --json names that of each cell\n", len(lines), filepath.Dir(log))
			return
		}
	}
	if len(lines) > 0 {
		fmt.Fprintln(w, "\n"+strings.Join(lines, "\n"))
	}
}

// join joins what is not empty.
func join(sep string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), sep)
}

// Stored prints the cells of a database with their outcomes, or, of more than
// anyone reads, how many each experiment has and what failed. whole is the command
// that has them all. With only the cells are those that it chooses.
func Stored(ctx context.Context, w io.Writer, db *results.DB, only, whole string) (err error) {
	es, err := db.Experiments(ctx)
	if err != nil {
		return err
	}
	all := 0
	for _, e := range es {
		all += e.Cells
	}
	defer func() {
		for _, e := range es {
			if e.Kept > 1 && err == nil {
				fmt.Fprintf(w, "\n%s: this is version %d of %d (%s); prabench experiments lists them\n", e.Name, e.Number, e.Kept, e.Kind())
			}
		}
	}()
	if all <= MostLines || only != "" {
		cells, err := StoredCells(ctx, db, "", only)
		if err != nil {
			return err
		}
		return table.ExportCells(w, "table", cells)
	}
	failures, err := counts(ctx, w, db, es)
	if err != nil {
		return err
	}
	if failures {
		if err := failed(ctx, w, db); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(w, "\nall %d cells: %s\n", all, whole)
	return err
}

// counts prints how many cells of each experiment have each outcome, and tells
// whether any of them failed.
func counts(ctx context.Context, w io.Writer, db *results.DB, es []results.Experiment) (failures bool, err error) {
	counts, err := db.CountsByExperiment(ctx)
	if err != nil {
		return false, err
	}
	var outcomes []string
	for _, by := range counts {
		for o := range by {
			if !slices.Contains(outcomes, o) {
				outcomes = append(outcomes, o)
			}
		}
	}
	slices.Sort(outcomes)
	t := table.Table{Columns: append([]string{"experiment", "cells"}, outcomes...)}
	for _, e := range es {
		row := []any{e.Name, int64(e.Cells)}
		for _, o := range outcomes {
			n := counts[e.Name][o]
			row = append(row, int64(n))
			failures = failures || n > 0 && o != record.OK && o != record.Pending
		}
		t.Rows = append(t.Rows, row)
	}
	return failures, table.WriteText(w, t)
}

// failed prints the first of the stages that failed.
func failed(ctx context.Context, w io.Writer, db *results.DB) error {
	stages, err := db.FailedStages(ctx, mostFailed)
	if err != nil {
		return err
	}
	t := table.Table{Columns: []string{"experiment", "cell", "label", "seed", "cells", "stage", "outcome", "why"}}
	for _, f := range stages {
		t.Rows = append(t.Rows, []any{f.Experiment, f.Cell, f.Label, f.Seed, int64(f.Cells), f.Kind, f.Outcome, f.Reason})
	}
	fmt.Fprintf(w, "\nstages that failed (the first %d)\n", mostFailed)
	return table.WriteText(w, t)
}
