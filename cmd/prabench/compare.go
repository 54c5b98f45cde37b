package main

import (
	"github.com/spf13/cobra"

	"prabench/harness/tools/draw"
	"prabench/results"
)

func (a *app) compareCommand() *cobra.Command {
	var o draw.Comparing
	var across []string
	c := &cobra.Command{
		Use:   "compare A B",
		Short: "Compare two points over pairs of seeds: difference, interval, verdict",
		Args:  cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			if err := checkAcross(across); err != nil {
				return err
			}
			o.Of, o.Over = args[0], args[1]
			db, err := results.OpenReadOnly(a.db)
			if err != nil {
				return err
			}
			defer db.Close()
			all, err := a.source(db, across).Compare(c.Context(), o)
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(draw.ComparedOf(all))
			}
			return draw.PrintComparisons(a.stdout, all)
		},
	}
	f := c.Flags()
	f.StringSliceVar(&o.Metrics, "metric", nil, "these metrics, such as fid_proxy,kid; without it those that tables show first")
	f.StringVar(&o.Experiment, "experiment", "", "the experiment, where the database has several")
	f.StringSliceVar(&across, "across", nil, "compare in spite of a difference in `NAME`: code, device, protocol")
	return c
}
