package main

import (
	"github.com/spf13/cobra"

	"prabench/results"
)

func (a *app) importanceCommand() *cobra.Command {
	var metrics []string
	c := &cobra.Command{
		Use:   "importance FILE",
		Short: "Say which axes of a sweep decide its metrics, and which do no more than luck",
		Long: `importance splits the variance of a metric by the axes of an experiment and by pairs of
axes (analysis of variance of the crossing; type II where it has gaps), with what
training seeds differ by as the error: shares with 95 % intervals, F tests corrected by
Holm, and the mean at each value. A figure of kind "importance" draws it.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, files []string) error {
			ls, err := a.load(files)
			if err != nil {
				return err
			}
			db, err := results.OpenReadOnly(a.db)
			if err != nil {
				return err
			}
			defer db.Close()
			if err := asPlanned(c.Context(), db, ls[0]); err != nil {
				return err
			}
			report, err := a.source(db, nil).Importance(c.Context(), ls[0].Exp.Ref(), ls[0].File.AxisKeys(), metrics)
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(report.Flat())
			}
			return report.Print(a.stdout)
		},
	}
	c.Flags().StringSliceVar(&metrics, "metric", nil, "these metrics, such as throughput,kid; without it those that tables show first")
	return c
}
