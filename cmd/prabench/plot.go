package main

import (
	"github.com/spf13/cobra"
)

func (a *app) plotCommand() *cobra.Command {
	var across []string
	c := &cobra.Command{
		Use:   "plot FILE…",
		Short: "Draw the figures of experiments again, from what is in the database",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, files []string) error {
			ls, err := a.load(files)
			if err != nil {
				return err
			}
			if _, _, err := a.identified(c.Context(), ls); err != nil { // the keys of images and curves
				return err
			}
			failed, err := a.drawAll(c.Context(), ls, across)
			if failed > 0 {
				a.code = exitFailed
			}
			return err
		},
	}
	c.Flags().StringSliceVar(&across, "across", nil, "average in spite of a difference in `NAME`: code, device, protocol")
	return c
}
