package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"prabench/harness"
	"prabench/harness/machine"
	"prabench/harness/worker"
	"prabench/results"
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
	_, p, notes, err := a.inspected(ctx, files)
	if err != nil {
		return err
	}
	cells, holder := p.Status(a.places())
	if a.json {
		return a.printJSON(struct {
			Holder string               `json:"holder,omitempty"`
			Cells  []harness.CellStatus `json:"cells"`
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
		said := worker.LastLines(results.Attempt{Log: c.Log}, 5)
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
	db, err := results.OpenReadOnly(a.db)
	if err != nil {
		return err
	}
	defer db.Close()
	cells, err := db.Cells(ctx, "")
	if err != nil {
		return err
	}
	if a.json {
		return results.ExportCells(a.stdout, "json", cells)
	}
	if len(cells) > manyCells {
		err = a.statusInShort(cells)
	} else {
		err = results.ExportCells(a.stdout, "table", cells)
	}
	if err != nil {
		return err
	}
	if by := machine.Holder(a.places().LockFile()); by != "" {
		fmt.Fprintln(a.stdout, "\nheld by "+by)
	}
	return nil
}

// manyCells are more than anyone reads line by line.
const manyCells = 500

// statusInShort counts the cells of each experiment and lists the first of
// those that failed.
func (a *app) statusInShort(cells []results.Cell) error {
	counts := map[string]map[string]int{}
	var names, outcomes []string
	var failed []results.Cell
	for _, c := range cells {
		if counts[c.Experiment] == nil {
			counts[c.Experiment] = map[string]int{}
			names = append(names, c.Experiment)
		}
		counts[c.Experiment][c.Outcome]++
		if !slices.Contains(outcomes, c.Outcome) {
			outcomes = append(outcomes, c.Outcome)
		}
		if c.Outcome != results.OK && c.Outcome != results.Pending {
			failed = append(failed, c)
		}
	}
	slices.Sort(outcomes)
	t := results.Table{Columns: append([]string{"experiment", "cells"}, outcomes...)}
	for _, n := range names {
		sum, row := 0, []any{n, nil}
		for _, o := range outcomes {
			sum += counts[n][o]
			row = append(row, int64(counts[n][o]))
		}
		row[1] = int64(sum)
		t.Rows = append(t.Rows, row)
	}
	if err := results.WriteText(a.stdout, t); err != nil {
		return err
	}
	const shown = 20
	if len(failed) > 0 {
		fmt.Fprintln(a.stdout)
		if err := results.ExportCells(a.stdout, "table", failed[:min(shown, len(failed))]); err != nil {
			return err
		}
	}
	if more := len(failed) - shown; more > 0 {
		fmt.Fprintf(a.stdout, "… and %d more that failed\n", more)
	}
	fmt.Fprintf(a.stdout, "\nall %d cells: %s\n", len(cells), a.again("--json"))
	return nil
}
