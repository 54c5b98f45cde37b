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
		Long: `compare tells by how much A differs from B, with the 95 % interval over the seeds
that both have (in pairs, else Welch's) or, of one seed and the same weights, over
pairs of images. p-values are corrected for the number of comparisons (Holm). A and
B are a label, the id of a cell, or key=value,…; of several points each is compared
with those of B that differ from it in the fewest keys.

  prabench compare PRA 'teacher forcing, v' --experiment methods
  prabench compare sample.guidance=0 sample.guidance=0.6 --metric fid_proxy,kid`,
		Args: cobra.ExactArgs(2),
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
