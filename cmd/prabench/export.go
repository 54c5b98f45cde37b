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
	"prabench/harness/tools/sampler"
	"prabench/harness/tools/terminal"
	"prabench/results"
)

// formatOf names the format of files that end so.
var formatOf = map[string]string{".csv": "csv", ".json": "json", ".jsonl": "json", ".ndjson": "json", ".md": "md", ".txt": "table",
	".tex": "latex", ".parquet": "parquet",
	".db": "sqlite", ".sqlite": "sqlite"}

func (a *app) exportCommand() *cobra.Command {
	var q terminal.Query
	var out, snapshot, samples, events string
	c := &cobra.Command{
		Use:   "export [FILE]",
		Short: "Export results, a copy of the database, or images and curves for other programs",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
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
			if samples != "" || events != "" {
				if out != "" || snapshot != "" || given || len(args) == 0 {
					return usage("--samples and --tensorboard write folders for one experiment FILE, without --out, --format and --snapshot")
				}
				return a.forPrograms(c.Context(), args[0], samples, events)
			}
			if len(args) > 0 {
				return usage("export %s: a file goes with --samples or --tensorboard; results of one experiment: --experiment NAME", args[0])
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
	c.Flags().StringVar(&samples, "samples", "", "write the images of FILE's cells into a new `FOLDER`, as .npz for other programs")
	c.Flags().StringVar(&events, "tensorboard", "", "write the curves and results of FILE's cells into a `FOLDER`, as event files")
	return c
}

// forPrograms writes what a file's cells have for other programs.
func (a *app) forPrograms(ctx context.Context, file, samples, events string) error {
	ls, err := a.load([]string{file})
	if err != nil {
		return err
	}
	if _, _, err := a.identified(ctx, ls); err != nil {
		return err
	}
	if samples != "" {
		if err := sampler.WriteKept(ctx, a.stdout, a.places().Store(), ls[0].Exp, samples); err != nil || events == "" {
			return err
		}
	}
	db, err := results.OpenReadOnly(a.db)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := asPlanned(ctx, db, ls[0]); err != nil {
		return err
	}
	n, err := a.source(db, nil).Events(ctx, ls[0].Exp, events)
	if err == nil {
		fmt.Fprintf(a.stdout, "%s: %d event files; tensorboard --logdir %[1]s\n", events, n)
	}
	return err
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
