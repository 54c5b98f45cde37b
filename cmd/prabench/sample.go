package main

import (
	"context"
	"fmt"
	"image/png"
	"io"
	"path/filepath"
	"strings"

	"prabench/harness/engine"
	"prabench/harness/tools/sampler"

	"github.com/spf13/cobra"
)

func (a *app) sampleCommand() *cobra.Command {
	o := &sampleOptions{}
	c := &cobra.Command{
		Use:   "sample (MODEL.safetensors | FILE)",
		Short: "Sample images from a trained model, as a sheet or as files for other programs",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.sample(c.Context(), args[0], o)
		},
	}
	f := c.Flags()
	f.StringVar(&o.out, "out", "samples.png", "PNG `file` to write, or .npz, .npy or a folder")
	f.IntVar(&o.Columns, "columns", 10, "images of each class")
	f.IntVar(&o.Count, "count", 0, "images of all classes, in place of --columns; not for a PNG")
	for _, s := range o.Settings() {
		f.Var(s, s.Name, s.Doc)
	}
	f.IntVar(&o.Threads, "threads", 0, "compute threads; 0 is all cores")
	return c
}

type sampleOptions struct {
	sampler.Request
	out string
}

func (a *app) sample(ctx context.Context, from string, o *sampleOptions) error {
	if o.Columns < 1 {
		return usage("--columns %d: at least one image of each class", o.Columns)
	}
	if o.Count < 0 {
		return usage("--count %d: at least one image", o.Count)
	}
	o.Model, o.Device = from, a.device
	o.Note = func(text string) { fmt.Fprintln(a.stderr, "note: "+text) }
	if strings.EqualFold(filepath.Ext(from), ".toml") {
		if err := a.modelOfCell(ctx, from, o); err != nil {
			return err
		}
	}
	if sampler.ForPrograms(o.out) {
		n, err := o.Write(ctx, o.out)
		if err != nil {
			return err
		}
		return a.sampled(sampler.Written{File: o.out, Images: n})
	}
	if o.Count != 0 {
		return usage("--count %d: a sheet has --columns; with --out x.npz, x.npy or a folder any number can be written", o.Count)
	}
	s, err := o.Sheet(ctx)
	if err != nil {
		return err
	}
	if err := engine.WriteOut(o.out, func(w io.Writer) error { return png.Encode(w, s.Picture) }); err != nil {
		return err
	}
	return a.sampled(sampler.Written{File: o.out, Images: s.Images, Classes: s.Classes})
}

// sampled says what was written.
func (a *app) sampled(w sampler.Written) error {
	if a.json {
		return a.printJSON(w)
	}
	fmt.Fprintln(a.stdout, w)
	return nil
}

// modelOfCell takes the trained model of the first cell that is chosen; sampling
// settings, device and precision that no flag changes become the cell's.
func (a *app) modelOfCell(ctx context.Context, file string, o *sampleOptions) error {
	ls, err := a.load([]string{file})
	if err != nil {
		return err
	}
	if _, _, err := a.identified(ctx, ls); err != nil {
		return err
	}
	c, path, err := sampler.Trained(a.places().Store(), ls[0].Exp)
	if err != nil {
		return err
	}
	if c == nil {
		return usage("%s: there is no model of a chosen cell in %s: prabench run %[1]s trains one, and with --force CELL "+
			"one that was trained before and is gone", file, a.artifacts)
	}
	o.Of(c, path)
	fmt.Fprintf(a.stderr, "sampling from cell %s (%s, seed %d)\n", c.ID, c.Label, c.Seed)
	return nil
}
