package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"prabench/harness/engine"
	"prabench/harness/tools/draw"
	"prabench/results"
)

// reportOptions is what a report shows, and where it goes.
type reportOptions struct {
	out     string
	samples int
	across  []string
}

func (a *app) reportCommand() *cobra.Command {
	var o reportOptions
	c := &cobra.Command{
		Use:   "report [FILE…]",
		Short: "Write one HTML file with numbers, figures, samples and the provenance of each number",
		RunE:  func(c *cobra.Command, files []string) error { return a.reportHTML(c.Context(), files, o) },
	}
	f := c.Flags()
	f.StringVarP(&o.out, "out", "o", "report.html", "file to write; - is the standard output")
	f.IntVar(&o.samples, "samples", 24, "sheets of images shown of each experiment")
	f.StringSliceVar(&o.across, "across", nil, "average in spite of a difference in `NAME`: code, device, protocol")
	return c
}

func (a *app) reportHTML(ctx context.Context, files []string, o reportOptions) error {
	if o.samples < 0 {
		return usage("--samples %d: a number of sheets, 0 for none", o.samples)
	}
	if a.only != "" {
		return usage("--only: a report has all cells of its experiments; the filter on the page chooses among them")
	}
	var ls []engine.Loaded
	if len(files) > 0 {
		var err error
		if ls, err = a.load(files); err != nil {
			return err
		}
	}
	db, err := results.OpenReadOnly(a.db)
	if err != nil {
		return err
	}
	defer db.Close()
	for _, l := range ls {
		if err := asPlanned(ctx, db, l); err != nil {
			return err
		}
	}
	content, err := a.source(db, o.across).Report(ctx, filepath.Base(a.db), ls, o.samples)
	if large := (*draw.TooManyCells)(nil); errors.As(err, &large) {
		return &usageError{err}
	}
	if err != nil {
		return err
	}
	if o.out == "-" {
		return draw.WriteReport(a.stdout, content)
	}
	if err := engine.WriteOut(o.out, func(w io.Writer) error { return draw.WriteReport(w, content) }); err != nil {
		return err
	}
	if a.json {
		return a.printJSON(struct {
			File string `json:"file"`
		}{o.out})
	}
	fmt.Fprintln(a.stdout, o.out)
	return nil
}
