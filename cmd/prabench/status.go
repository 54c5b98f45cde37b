package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"prabench/harness/engine"
	"prabench/harness/tools/terminal"
	"prabench/results"
	"prabench/results/table"
)

func (a *app) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status [FILE…]",
		Short: "Show for each cell whether it is done, running, queued or failed, and why",
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
	ls, p, notes, err := a.inspected(ctx, files)
	if err != nil {
		return err
	}
	cells, holder := p.Status(a.places())
	cells = engine.Chosen(cells)
	if view != nil {
		if note := a.recall(ctx, view, p, cells); note != "" {
			notes = append(notes, note)
		}
	}
	searches, err := terminal.Searches(ctx, a.places(), ls)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(struct {
			Holder   string              `json:"holder,omitempty"`
			Searches []string            `json:"searches,omitempty"`
			Cells    []engine.CellStatus `json:"cells"`
		}{holder, searches, cells})
	}
	if err := terminal.Status(a.stdout, cells); err != nil {
		return err
	}
	if holder != "" {
		fmt.Fprintln(a.stdout, "held by "+holder)
	}
	for _, n := range append(searches, notes...) {
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
	if a.json {
		cells, err := terminal.StoredCells(ctx, db, "", a.only)
		if err != nil {
			return err
		}
		return table.ExportCells(a.stdout, "json", cells)
	}
	if err := terminal.Stored(ctx, a.stdout, db, a.only, a.again("--json")); err != nil {
		return err
	}
	if by := a.places().Holder(); by != "" {
		fmt.Fprintln(a.stdout, "\nheld by "+by)
	}
	return nil
}
