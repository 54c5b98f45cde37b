package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"prabench/harness/engine"
	"prabench/harness/tools/terminal"
	"prabench/results"
)

// formatOf names the format of files that end so.
var formatOf = map[string]string{".csv": "csv", ".json": "json", ".jsonl": "json", ".ndjson": "json", ".md": "md", ".txt": "table",
	".tex": "latex", ".parquet": "parquet",
	".db": "sqlite", ".sqlite": "sqlite"}

func (a *app) exportCommand() *cobra.Command {
	var q terminal.Query
	var out, snapshot string
	c := &cobra.Command{
		Use:   "export",
		Short: "Write all results to a file, or a copy of the database",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			given := c.Flags().Changed("format")
			if format := formatOf[strings.ToLower(filepath.Ext(out))]; !given && format != "" {
				q.Format = format
			} else if !given && a.json {
				q.Format = "json"
			}
			if q.Format == "sqlite" && snapshot == "" {
				snapshot, out = out, ""
				if snapshot == "" {
					return usage("--format sqlite needs --out FILE")
				}
			}
			if len(a.dbs) > 0 {
				a.db = a.dbs[0]
			}
			if snapshot != "" {
				if out != "" || given && q.Format != "sqlite" {
					return usage("--snapshot copies the whole database: it goes with neither --out nor --format")
				}
				return a.snapshot(c.Context(), snapshot)
			}
			if out == "" {
				return terminal.Results(c.Context(), a.stdout, a.asked(&q))
			}
			return engine.WriteOut(out, func(w io.Writer) error { return terminal.Results(c.Context(), w, a.asked(&q)) })
		},
	}
	a.queryFlags(c, &q, "csv")
	c.Flags().StringVar(&out, "out", "", "file to write; the standard output otherwise")
	c.Flags().StringVar(&snapshot, "snapshot", "", "copy the database to `FILE`, which must not exist")
	return c
}

func (a *app) snapshot(ctx context.Context, to string) error {
	db, err := results.OpenReadOnly(a.db)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.Snapshot(ctx, to); err != nil {
		return err
	}
	info, err := os.Stat(to)
	if err == nil {
		fmt.Fprintf(a.stderr, "%s: %s\n", to, terminal.Size(info.Size()))
	}
	return err
}
