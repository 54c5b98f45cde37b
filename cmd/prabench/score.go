package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"prabench/harness/engine"
	"prabench/harness/tools/terminal"
)

func (a *app) scoreCommand() *cobra.Command {
	var o engine.Outside
	var file string
	var x terminal.Features
	c := &cobra.Command{
		Use:   "score [IMAGES] --label TEXT --experiment FILE",
		Short: "Score images of another program under an experiment's protocol",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if x.Any() {
				return a.scoreFeatures(args, file, o, x)
			}
			if len(args) == 0 {
				return usage("score needs the images of another program, or their --features")
			}
			o.Path = args[0]
			if o.Label == "" || file == "" {
				return usage("score needs --label TEXT, what tables and figures call the images, and --experiment FILE, whose protocol scores them")
			}
			if o.Range != "" && !slices.Contains(engine.FloatRanges(), o.Range) {
				return usage("--range %s: choose one of %q", o.Range, engine.FloatRanges())
			}
			return a.score(c, file, o)
		},
	}
	f := c.Flags()
	f.StringVar(&o.Label, "label", "", "what tables and figures call the images")
	f.StringVar(&file, "experiment", "", "experiment `FILE` whose protocol scores them")
	f.Uint64Var(&o.Seed, "seed", 1, "which of several samplings or trainings of one label this is")
	f.StringVar(&o.Range, "range", "", "black and white of `floats`: 0..1, -1..1 or 0..255")
	f.StringVar(&x.Path, "features", "", "features of generated images, .npy [N, D] `F`, instead of images")
	f.StringVar(&x.Reference, "reference-features", "", "features of real images, .npy `R`")
	f.StringVar(&x.HeldOut, "held-out-features", "", "features of other real images, .npy `H`, for floors")
	f.StringVar(&x.Stats, "stats", "", "mean and covariance of real images, .npz `S` of pytorch-fid, ADM or EDM")
	f.StringVar(&x.Write, "write-stats", "", "write mean and covariance of the scored images to .npz `S`")
	return c
}

// scoreFeatures compares features, or images in the features of an experiment's
// extractor, and leaves no row.
func (a *app) scoreFeatures(args []string, file string, o engine.Outside, x terminal.Features) error {
	if (len(args) == 1) == (x.Path != "") {
		return usage("give IMAGES or --features F.npy, with --reference-features R.npy, --stats S.npz or --write-stats S.npz")
	}
	if x.Path != "" {
		return x.Score(a.stdout, a.json, nil, "")
	}
	if file == "" {
		return usage("images are embedded by the extractor of an experiment: give --experiment FILE")
	}
	ls, err := a.load([]string{file})
	if err != nil {
		return err
	}
	o.Path = args[0]
	return x.Embed(a.stdout, a.json, ls[0].Exp, o)
}

func (a *app) score(c *cobra.Command, file string, o engine.Outside) error {
	ls, err := a.load([]string{file})
	if err != nil {
		return err
	}
	ctx, stop := a.stoppable(c.Context())
	defer stop()
	r := engine.Run{Places: a.places(), Command: workerCommand, Name: "prabench score " + o.Path}
	r.Out, r.Terminal = a.stderr, isTerminal(a.stderr)
	sum, err := r.Score(ctx, ls[0].Exp, o)
	if err != nil {
		return err
	}
	if a.json {
		err = a.runJSON(sum)
	} else {
		err = a.points(ctx, ls)
	}
	if err != nil {
		return err
	}
	if sum.Failed > 0 || sum.Stopped {
		a.code = exitFailed
		fmt.Fprintln(a.stderr, "the images were not scored; the same command tries again")
	}
	return nil
}
