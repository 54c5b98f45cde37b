package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"prabench/harness/engine"
)

func (a *app) scoreCommand() *cobra.Command {
	var o engine.Outside
	var file string
	c := &cobra.Command{
		Use:   "score IMAGES --label TEXT --experiment FILE",
		Short: "Score images of another program beside the cells of an experiment",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
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
	return c
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
