package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"prabench/harness/engine"
	"prabench/harness/tools/terminal"
	"prabench/results"
	"prabench/results/table"
)

// queryFlags are those of results and export.
func (a *app) queryFlags(c *cobra.Command, q *terminal.Query, format string) {
	f := c.Flags()
	f.StringVar(&q.Format, "format", format, "one of "+strings.Join(table.Formats(), ", "))
	f.StringSliceVar(&q.Metrics, "metric", nil, "only these metrics, such as fid_proxy,throughput")
	f.StringSliceVar(&q.Experiments, "experiment", nil, "only these experiments, `NAME` or NAME@VERSION")
	f.BoolVar(&q.Mean, "mean", false, "average over training seeds")
	f.BoolVar(&q.Cells, "cells", false, "the cells and their outcomes in place of values")
	f.StringVar(&q.TimeTo, "time-to", "", "what trainings cost until `METRIC=VALUE`, of a file with train.evaluate")
	f.StringSliceVar(&q.Across, "across", nil, "with --mean: average in spite of a difference in `NAME`: code, device, protocol")
	f.StringArrayVar(&a.dbs, "db", nil, "database of results (results.db); several are read one after the other")
}

// asked completes a query by what all commands share.
func (a *app) asked(q *terminal.Query) terminal.Query {
	if len(a.dbs) == 0 {
		a.dbs = []string{a.db}
	}
	q.DBs, q.Only, q.Notes, q.Artifacts = a.dbs, a.only, a.stderr, a.artifacts
	return *q
}

func (a *app) resultsCommand() *cobra.Command {
	var q terminal.Query
	c := &cobra.Command{
		Use:   "results [FILE | NAME[@VERSION]…]",
		Short: "Print results: a table of points, or all values as csv, json, latex or md",
		RunE: func(c *cobra.Command, args []string) error {
			if len(a.dbs) > 0 {
				a.db = a.dbs[0]
			}
			a.fromCluster(c.Context())
			named := q.Experiments
			for _, arg := range args {
				ref, err := a.refOf(c.Context(), arg)
				if err != nil {
					return err
				}
				if len(named) > 0 {
					return usage("%s is experiment %q, --experiment names %q as well: give one of them", arg, ref, named)
				}
				q.Experiments = append(q.Experiments, ref)
			}
			if a.json && !c.Flags().Changed("format") {
				q.Format = "json"
			}
			return terminal.Results(c.Context(), a.stdout, a.asked(&q))
		},
	}
	a.queryFlags(c, &q, "")
	return c
}

// refOf is the version that an argument stands for: a file's or one by name.
func (a *app) refOf(ctx context.Context, arg string) (string, error) {
	if !engine.LooksLikeFile(arg) {
		return arg, nil
	}
	ls, err := a.load([]string{arg})
	if err != nil {
		return "", err
	}
	db, err := results.OpenReadOnly(a.db)
	if err != nil {
		return "", err
	}
	defer db.Close()
	err = asPlanned(ctx, db, ls[0])
	return ls[0].Exp.Ref(), err
}

// points prints the tables that end a run, of experiments that have any.
func (a *app) points(ctx context.Context, ls []engine.Loaded) error {
	db, err := results.OpenReadOnly(a.db)
	if err != nil {
		return err
	}
	defer db.Close()
	for _, l := range ls {
		if err := terminal.Experiment(context.WithoutCancel(ctx), a.stdout, db, l.Exp.Ref(), a.artifacts); err != nil {
			return err
		}
	}
	return nil
}
