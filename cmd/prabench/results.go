package main

import (
	"context"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"prabench/experiments"
	"prabench/harness/engine"
	"prabench/harness/tools/terminal"
	"prabench/results"
	"prabench/results/table"
)

// resultsQuery is which results are wanted, and how.
type resultsQuery struct {
	format     string
	metrics    []string
	experiment string
	mean       bool
	cells      bool
	across     []string
	timeTo     string
}

func (q *resultsQuery) flags(c *cobra.Command, format string) {
	f := c.Flags()
	f.StringVar(&q.format, "format", format, "one of "+strings.Join(table.Formats(), ", "))
	f.StringSliceVar(&q.metrics, "metric", nil, "only these metrics, such as fid_proxy,throughput")
	f.StringVar(&q.experiment, "experiment", "", "only this experiment")
	f.BoolVar(&q.mean, "mean", false, "average over training seeds")
	f.BoolVar(&q.cells, "cells", false, "the cells and their outcomes in place of values")
	f.StringVar(&q.timeTo, "time-to", "", "what trainings cost until `METRIC=VALUE`, of a file with train.evaluate")
	f.StringSliceVar(&q.across, "across", nil, "with --mean: average in spite of a difference in `NAME`: code, device, protocol")
}

func (a *app) resultsCommand() *cobra.Command {
	var q resultsQuery
	c := &cobra.Command{
		Use:   "results [FILE]",
		Short: "Print results: a table of points, or all values as csv, json, latex or md",
		Long: `results prints a table with a row for each point, averaged over its seeds. With
--format it prints every value instead, or with --mean their averages. A file
stands for the experiment of its name.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			a.fromCluster(c.Context())
			if len(args) == 1 {
				ls, err := a.load(args)
				if err != nil {
					return err
				}
				if name := ls[0].Exp.Name; q.experiment != "" && q.experiment != name {
					return usage("%s is experiment %q, --experiment says %q", args[0], name, q.experiment)
				}
				q.experiment = ls[0].Exp.Name
				db, err := results.OpenReadOnly(a.db)
				if err != nil {
					return err
				}
				defer db.Close()
				if err := asPlanned(c.Context(), db, ls[0]); err != nil {
					return err
				}
			}
			if a.json && !c.Flags().Changed("format") {
				q.format = "json"
			}
			return a.results(c.Context(), a.stdout, q)
		},
	}
	q.flags(c, "")
	return c
}

func (a *app) results(ctx context.Context, w io.Writer, q resultsQuery) error {
	if q.format != "" && !slices.Contains(table.Formats(), q.format) {
		return usage("--format %s: choose one of %s", q.format, strings.Join(table.Formats(), ", "))
	}
	db, err := results.OpenReadOnly(a.db)
	if err != nil {
		return err
	}
	defer db.Close()
	if q.format == "" && len(q.metrics) == 0 && !q.mean && !q.cells && a.only == "" && q.timeTo == "" {
		return a.pointTables(ctx, w, db, q)
	}
	if q.format == "" {
		q.format = "table"
	}
	if q.cells {
		cells, err := db.Cells(ctx, q.experiment)
		if err != nil {
			return err
		}
		return table.ExportCells(w, q.format, cells)
	}
	params, err := experiments.Choices(a.only)
	if err != nil {
		return err
	}
	rows, err := db.Results(ctx, results.Filter{Experiment: q.experiment, Metrics: q.metrics, Params: params})
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		why, err := db.WhyNone(ctx, q.experiment, params)
		if err != nil {
			return err
		}
		return usage("%s", why)
	}
	if q.timeTo != "" {
		if err := terminal.TimeTo(w, rows, q.timeTo); err != nil {
			return &usageError{err}
		}
		return nil
	}
	if !q.mean {
		return table.Export(w, q.format, rows)
	}
	means, err := results.Means(rows, q.across)
	if err != nil {
		return &usageError{err}
	}
	return table.ExportMeans(w, q.format, means)
}

// pointTables prints the points of one experiment, or of all.
func (a *app) pointTables(ctx context.Context, w io.Writer, db *results.DB, q resultsQuery) error {
	es, err := db.Experiments(ctx)
	if err != nil {
		return err
	}
	var names []string
	for _, e := range es {
		names = append(names, e.Name)
	}
	if q.experiment != "" && !slices.Contains(names, q.experiment) {
		return usage("--experiment %s: the database has no such experiment, only: %s", q.experiment, strings.Join(names, ", "))
	}
	for _, name := range names {
		if q.experiment != "" && name != q.experiment {
			continue
		}
		s, err := db.Summary(ctx, name, terminal.MostLines, q.across)
		if err != nil {
			return err
		}
		if err := terminal.Points(w, name, s); err != nil {
			return err
		}
	}
	return nil
}

// points prints the tables that end a run, of experiments that have any.
func (a *app) points(ctx context.Context, ls []engine.Loaded) error {
	db, err := results.OpenReadOnly(a.db)
	if err != nil {
		return err
	}
	defer db.Close()
	for _, l := range ls {
		s, err := db.Summary(context.WithoutCancel(ctx), l.Exp.Name, terminal.MostLines, nil)
		if err != nil {
			return err
		}
		if len(s.Points) == 0 {
			continue
		}
		if err := terminal.Points(a.stdout, l.Exp.Name, s); err != nil {
			return err
		}
	}
	return nil
}
