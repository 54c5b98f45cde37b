package main

import (
	"github.com/spf13/cobra"

	"prabench/results"
)

func (a *app) noiseCommand() *cobra.Command {
	var metrics []string
	var difference float64
	c := &cobra.Command{
		Use:   "noise FILE",
		Short: "Say how much of an experiment's numbers is noise, and how many seeds a difference needs",
		Long: `noise splits the variance of every point into that of initial weights, order of the
images and training noise (seed.init, seed.order, seed.noise, where these are swept;
else of training seeds), of sampling seeds (sample.seed) and of both together, with
95 % intervals; says which differences 3, 5, 10 and 30 seeds find; and splits timings
into rounds, processes and readings. experiments/noise.toml is made for it.`,
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
			report, err := a.source(db, nil).Noise(c.Context(), ls[0].Exp.Ref(), metrics)
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(report.Flat())
			}
			return report.Print(a.stdout, difference)
		},
	}
	c.Flags().StringSliceVar(&metrics, "metric", nil,
		"these metrics, such as fid_proxy,kid; without it those that tables show first, and timings")
	c.Flags().Float64Var(&difference, "difference", 0, "say how many seeds a difference of this size needs")
	return c
}
