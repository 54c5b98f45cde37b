package main

import (
	"context"
	"fmt"
	"image/png"
	"io"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"prabench/harness/sheet"
	"prabench/harness/work"
	"prabench/models"
)

func (a *app) sampleCommand() *cobra.Command {
	o := sampleOptions{config: models.DefaultSample()}
	c := &cobra.Command{
		Use:   "sample (MODEL.safetensors | FILE)",
		Short: "Draw a sheet of images, one row a class, from a trained model",
		Long: `sample loads a model file, or the training of a cell of an experiment file
(choose it with --only; the first one otherwise), draws images of every class
and writes them as one PNG. The sampling settings are those of the cell, or the
defaults for a model file; flags change them.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.changed = c.Flags().Changed
			return a.sample(c.Context(), args[0], o)
		},
	}
	f := c.Flags()
	f.StringVar(&o.out, "out", "samples.png", "PNG file to write")
	f.IntVar(&o.columns, "columns", 10, "images of each class")
	f.IntVar(&o.config.FlowSteps, "flow-steps", o.config.FlowSteps, "solver steps a token")
	f.StringVar(&o.config.Solver, "solver", o.config.Solver, "euler or heun")
	f.Float64Var(&o.config.Guidance, "guidance", o.config.Guidance, "guidance weight")
	f.IntVar((*int)(&o.config.RolloutDepth), "rollout-depth", int(o.config.RolloutDepth), "0: sequential; r: r Jacobi sweeps; -1: exact")
	f.StringVar(&o.config.Weights, "weights", o.config.Weights, "ema or raw")
	f.Uint64Var(&o.config.Seed, "seed", o.config.Seed, "seed of the noise")
	f.IntVar(&o.threads, "threads", 0, "compute threads; 0 is all cores")
	return c
}

type sampleOptions struct {
	out     string
	columns int
	threads int
	config  models.SampleConfig
	changed func(flag string) bool
}

func (a *app) sample(ctx context.Context, from string, o sampleOptions) error {
	if o.columns < 1 {
		return usage("--columns %d: at least one image of each class", o.columns)
	}
	path := from
	if strings.EqualFold(filepath.Ext(from), ".toml") {
		var err error
		if path, err = a.modelOfCell(ctx, from, &o); err != nil {
			return err
		}
	}
	threads := o.threads
	if threads <= 0 {
		threads = runtime.NumCPU()
	}
	device := a.device
	if device == "" {
		device = "cpu"
	}
	be, err := work.Open(work.Device{Name: device, Threads: threads, Precision: "fp32"})
	if err != nil {
		return &usageError{err}
	}
	defer be.Close()
	m, err := models.LoadModel(be, path)
	if err != nil {
		return &usageError{err}
	}
	defer m.Close()
	n := m.Config.Classes * o.columns
	labels := work.EvenLabels(n, m.Config.Classes)
	pixels, err := work.Draw(m, o.config, min(n, 250), labels, func(int) error { return ctx.Err() })
	if err != nil {
		return err
	}
	picture := sheet.ByClass(pixels, labels, m.Config.Size, m.Config.Channels, m.Config.Classes, o.columns).Picture()
	if err := writeOut(o.out, func(w io.Writer) error { return png.Encode(w, picture) }); err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "%s: %d images of %d classes, one row a class\n", o.out, n, m.Config.Classes)
	return nil
}

// modelOfCell is the trained model of the first cell that is chosen; sampling
// settings that no flag changes become the cell's.
func (a *app) modelOfCell(ctx context.Context, file string, o *sampleOptions) (string, error) {
	ls, err := a.load([]string{file})
	if err != nil {
		return "", err
	}
	if _, _, err := a.identified(ctx, ls); err != nil {
		return "", err
	}
	store := a.places().Store()
	for _, c := range ls[0].exp.Cells {
		if c.Skip {
			continue
		}
		ref := work.Train.Ref(c.Chain.Key(work.Train))
		if _, err := store.Stat(ref); err != nil {
			continue
		}
		s := c.Settings.Sample
		for flag, keep := range map[string]func(){
			"flow-steps": func() { s.FlowSteps = o.config.FlowSteps }, "solver": func() { s.Solver = o.config.Solver },
			"guidance": func() { s.Guidance = o.config.Guidance }, "rollout-depth": func() { s.RolloutDepth = o.config.RolloutDepth },
			"weights": func() { s.Weights = o.config.Weights }, "seed": func() { s.Seed = o.config.Seed },
		} {
			if o.changed(flag) {
				keep()
			}
		}
		o.config = s
		fmt.Fprintf(a.stderr, "sampling from cell %s (%s, seed %d)\n", c.ID, c.Label, c.Seed)
		path, err := store.Path(ref, work.ModelFile)
		if err != nil {
			return "", fmt.Errorf("%w; prabench run makes it again", err)
		}
		return path, nil
	}
	return "", usage("%s: no chosen cell is trained yet; prabench run %[1]s", file)
}
