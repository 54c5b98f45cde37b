package main

import (
	"github.com/spf13/cobra"

	"prabench/harness/engine"
	"prabench/harness/tools/draw"
	"prabench/results"
)

func (a *app) noiseCommand() *cobra.Command {
	var metrics []string
	var difference float64
	c := &cobra.Command{
		Use:   "noise FILE",
		Short: "Split the variance of an experiment by its sources, and show which differences can be found",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, files []string) error {
			return a.analysed(c, files, func(l engine.Loaded, of draw.Source) (any, func() error, error) {
				r, err := of.Noise(c.Context(), l.Exp.Ref(), metrics)
				return r.Flat(), func() error { return r.Print(a.stdout, difference) }, err
			})
		},
	}
	c.Flags().StringSliceVar(&metrics, "metric", nil, "these metrics, such as fid_proxy,kid; else those that tables show first, and timings")
	c.Flags().Float64Var(&difference, "difference", 0, "say how many seeds a difference of this size needs")
	return c
}

// analysed reads the results of a file that was run, and prints what becomes of them.
func (a *app) analysed(c *cobra.Command, files []string, read func(engine.Loaded, draw.Source) (any, func() error, error)) error {
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
	lines, text, err := read(ls[0], a.source(db, nil))
	if err == nil && a.json {
		err = a.printJSON(lines)
	} else if err == nil {
		err = text()
	}
	return err
}

func (a *app) importanceCommand() *cobra.Command {
	var metrics []string
	c := &cobra.Command{
		Use:   "importance FILE",
		Short: "Show how much of a metric's variance each axis of a sweep explains",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, files []string) error {
			return a.analysed(c, files, func(l engine.Loaded, of draw.Source) (any, func() error, error) {
				r, err := of.Importance(c.Context(), l.Exp.Ref(), l.File.AxisKeys(), metrics)
				return r.Flat(), func() error { return r.Print(a.stdout) }, err
			})
		},
	}
	c.Flags().StringSliceVar(&metrics, "metric", nil, "these metrics, such as throughput,kid; without it those that tables show first")
	return c
}
