package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"prabench/harness/engine"
	"prabench/results"
)

func (a *app) ingestCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "ingest DIR…",
		Short: "Ingest results and artifacts of another machine",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, dirs []string) error {
			if err := engine.CheckMerge(dirs...); err != nil {
				return err
			}
			for _, dir := range dirs {
				if err := a.ingest(c.Context(), dir); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func (a *app) ingest(ctx context.Context, dir string) error {
	db, err := results.Open(a.db)
	if err != nil {
		return err
	}
	defer db.Close()
	m, err := engine.Merge(ctx, db, a.places(), dir)
	if err != nil {
		return err
	}
	for _, err := range m.Refused {
		fmt.Fprintln(a.stderr, "prabench: "+err.Error())
	}
	for _, q := range m.Attempts.Quarantined {
		text := "put into quarantine: "
		if q.To == "" {
			text = "refused: " // another machine's file stays
		}
		fmt.Fprintf(a.stderr, "prabench: %s: %s%s\n", q.File, text, q.Why)
	}
	refused := len(m.Refused) + len(m.Attempts.Quarantined)
	if refused > 0 {
		a.code = exitFailed
	}
	if a.json {
		return a.printJSON(struct {
			Folder   string `json:"folder"`
			Inserted int    `json:"attempts_new"`
			Known    int    `json:"attempts_known"`
			Copied   int    `json:"artifacts_copied"`
			Same     int    `json:"artifacts_same"`
			Refused  int    `json:"refused"`
		}{dir, m.Attempts.Inserted, m.Attempts.Known, m.Copied, m.Same, refused})
	}
	fmt.Fprintf(a.stdout, "%s: %d new attempts, %d known; %d artifacts copied, %d here already", dir, m.Attempts.Inserted, m.Attempts.Known,
		m.Copied, m.Same)
	if refused > 0 {
		fmt.Fprintf(a.stdout, "; %d refused", refused)
	}
	fmt.Fprintln(a.stdout)
	return nil
}
