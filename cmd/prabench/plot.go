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
			drawn, err := a.drawAll(c.Context(), ls, across, formats)
			if drawn.Failed > 0 {
				a.code = exitFailed
			}
			if err == nil && a.json {
				err = a.printJSON(drawn)
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
func (a *app) drawAll(ctx context.Context, ls []engine.Loaded, across, formats []string) (d draw.Drawn, err error) {
	d.Files = []string{}
	db, err := results.OpenReadOnly(a.db)
	if err != nil {
		return d, err
	}
	defer db.Close()
	say := draw.Say{Warning: a.warn, Wrote: func(file string) {
		if d.Files = append(d.Files, file); !a.json {
			fmt.Fprintln(a.stdout, file)
		}
	}}
	for _, l := range ls {
		if err := asPlanned(ctx, db, l); err != nil {
			return d, err
		}
		n, err := a.source(db, across).Figures(ctx, l, a.figures, formats, say)
		if d.Failed += n; err != nil {
			return d, err
		}
	}
	return d, nil
}

// source is where drawings come from.
func (a *app) source(db *results.DB, across []string) draw.Source {
	return draw.Source{DB: db, Store: a.places().Store(), Across: across}
}

// checkAcross refuses names of differences that cannot be accepted.
func checkAcross(across []string) error { return draw.CheckAcross(across) }
