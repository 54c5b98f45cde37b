package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"prabench/harness/engine"
	"prabench/harness/machine"
	"prabench/harness/tools/terminal"
	"prabench/harness/worker"
	"prabench/results"
	"prabench/results/record"
)

func (a *app) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status [FILE…]",
		Short: "Say for each cell whether it is done, running, queued, failed and why",
		Long: `status compares experiment files with the database and says for each cell where
it stands. Without a file it tells of the experiments in the database.`,
		RunE: func(c *cobra.Command, files []string) error {
			if len(files) == 0 {
				return a.statusOfDatabase(c.Context())
			}
			return a.status(c.Context(), files)
		},
	}
}

func (a *app) status(ctx context.Context, files []string) error {
	view := a.fromCluster(ctx)
	_, p, notes, err := a.inspected(ctx, files)
	if err != nil {
		return err
	}
	cells, holder := p.Status(a.places())
	if view != nil {
		if note := a.recall(ctx, view, p, cells); note != "" {
			notes = append(notes, note)
		}
	}
	if a.json {
		return a.printJSON(struct {
			Holder string              `json:"holder,omitempty"`
			Cells  []engine.CellStatus `json:"cells"`
		}{holder, cells})
	}
	t := results.Table{Columns: []string{"experiment", "cell", "label", "seed", "state", "stage", "why"}}
	counts := map[string]int{}
	for _, c := range cells {
		counts[c.State]++
		t.Rows = append(t.Rows, []any{c.Experiment, c.Cell, c.Label, c.Seed, c.State, c.Stage, c.Reason})
	}
	if err := results.WriteText(a.stdout, t); err != nil {
		return err
	}
	fmt.Fprintln(a.stdout)
	for _, state := range []string{"done", "running", "queued", "stale", "to do", "failed", "blocked"} {
		if counts[state] > 0 {
			fmt.Fprintf(a.stdout, "%d %s  ", counts[state], state)
		}
	}
	fmt.Fprintln(a.stdout)
	told := map[string]bool{}
	for _, c := range cells {
		said := worker.LastLines(record.Attempt{Log: c.Log}, 5)
		if c.Log == "" || told[c.Log] || said == "" || len(told) == 5 {
			continue
		}
		told[c.Log] = true
		fmt.Fprintf(a.stdout, "\n%s of %s, seed %d, printed last (%s):\n    %s\n", c.Stage, c.Label, c.Seed, c.Log, strings.ReplaceAll(said, "\n", "\n    "))
	}
	if holder != "" {
		fmt.Fprintln(a.stdout, "held by "+holder)
	}
	for _, n := range notes {
		fmt.Fprintln(a.stdout, "note: "+n)
	}
	return nil
}

// statusOfDatabase tells of what was planned last, without the files.
func (a *app) statusOfDatabase(ctx context.Context) error {
	a.fromCluster(ctx)
	db, err := results.OpenReadOnly(a.db)
	if err != nil {
		return err
	}
	defer db.Close()
	es, err := db.Experiments(ctx)
	if err != nil {
		return err
	}
	all := 0
	for _, e := range es {
		all += e.Cells
	}
	if all > terminal.MostLines && !a.json {
		err = a.statusInShort(ctx, db, es)
	} else {
		err = a.statusOfCells(ctx, db)
	}
	if err != nil || a.json {
		return err
	}
	if by := machine.Holder(a.places().LockFile()); by != "" {
		fmt.Fprintln(a.stdout, "\nheld by "+by)
	}
	return nil
}

func (a *app) statusOfCells(ctx context.Context, db *results.DB) error {
	cells, err := db.Cells(ctx, "")
	if err != nil {
		return err
	}
	format := "table"
	if a.json {
		format = "json"
	}
	return results.ExportCells(a.stdout, format, cells)
}

// statusInShort counts the cells of each experiment and lists the first of the
// stages that failed.
func (a *app) statusInShort(ctx context.Context, db *results.DB, es []results.Experiment) error {
	counts, err := db.CountsByExperiment(ctx)
	if err != nil {
		return err
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
	all, failures := 0, false
	t := results.Table{Columns: append([]string{"experiment", "cells"}, outcomes...)}
	for _, e := range es {
		all += e.Cells
		row := []any{e.Name, int64(e.Cells)}
		for _, o := range outcomes {
			n := counts[e.Name][o]
			row = append(row, int64(n))
			failures = failures || n > 0 && o != record.OK && o != record.Pending
		}
		t.Rows = append(t.Rows, row)
	}
	if err := results.WriteText(a.stdout, t); err != nil {
		return err
	}
	if failures {
		failed, err := db.FailedStages(ctx, 20)
		if err != nil {
			return err
		}
		t := results.Table{Columns: []string{"experiment", "cell", "label", "seed", "cells", "stage", "outcome", "why"}}
		for _, f := range failed {
			t.Rows = append(t.Rows, []any{f.Experiment, f.Cell, f.Label, f.Seed, int64(f.Cells), f.Kind, f.Outcome, f.Reason})
		}
		fmt.Fprintln(a.stdout, "\nstages that failed (the first 20)")
		if err := results.WriteText(a.stdout, t); err != nil {
			return err
		}
	}
	fmt.Fprintf(a.stdout, "\nall %d cells: %s\n", all, a.again("--json"))
	return nil
}
