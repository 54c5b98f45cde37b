package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"prabench/harness/engine"
	"prabench/harness/tools/draw"
	"prabench/results"
)

func (a *app) plotCommand() *cobra.Command {
	var across, formats []string
	c := &cobra.Command{
		Use:   "plot FILE…",
		Short: "Draw the figures of experiments again, from what is in the database",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, files []string) error {
			if err := draw.CheckFormats(formats); err != nil {
				return &usageError{err}
			}
			if err := checkAcross(across); err != nil {
				return err
			}
			ls, err := a.load(files)
			if err != nil {
				return err
			}
			if _, _, err := a.identified(c.Context(), ls); err != nil { // the keys of images and curves
				return err
			}
			failed, err := a.drawAll(c.Context(), ls, across, formats)
			if failed > 0 {
				a.code = exitFailed
			}
			return err
		},
	}
	c.Flags().StringSliceVar(&across, "across", nil, "average, and share an axis, in spite of a difference in `NAME`: code, device, protocol")
	c.Flags().StringSliceVar(&formats, "format", nil, "only these `FORMATS`: png, svg, pdf of figures, md, tex of tables; all without it")
	return c
}

// drawAll draws the figures of experiments from what is in the database and the
// store.
func (a *app) drawAll(ctx context.Context, ls []engine.Loaded, across, formats []string) (failed int, err error) {
	db, err := results.OpenReadOnly(a.db)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	say := draw.Say{Warning: func(text string) { fmt.Fprintln(a.stderr, "warning: "+text) }, Wrote: func(file string) {
		if !a.json {
			fmt.Fprintln(a.stdout, file)
		}
	}}
	for _, l := range ls {
		if err := asPlanned(ctx, db, l); err != nil {
			return failed, err
		}
		n, err := a.source(db, across).Figures(ctx, l, a.figures, formats, say)
		if failed += n; err != nil {
			return failed, err
		}
	}
	return failed, nil
}

// source is where drawings come from.
func (a *app) source(db *results.DB, across []string) draw.Source {
	return draw.Source{DB: db, Store: a.places().Store(), Across: across}
}

// checkAcross refuses names of differences that cannot be accepted.
func checkAcross(across []string) error { return draw.CheckAcross(across) }
