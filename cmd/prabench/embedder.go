package main

import (
	"context"
	"runtime"

	"github.com/spf13/cobra"

	"prabench/harness/engine"
	"prabench/harness/tools/provision"
)

func (a *app) embedderCommand() *cobra.Command {
	parent := &cobra.Command{Use: "embedder", Short: "Train classifiers as feature extractors; certify extractors", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	var o provision.Training
	var flips bool
	var out, file string
	train := &cobra.Command{
		Use:   "train --set SET | --experiment FILE",
		Short: "Train a classifier on a data set or on an experiment's data",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if file != "" {
				return a.trainFor(c.Context(), file)
			}
			if c.Flags().Changed("flips") {
				o.Flips = &flips
			}
			ctx, stop := a.stoppable(c.Context())
			defer stop()
			return o.Write(ctx, out, a.stdout, a.stderr)
		},
	}
	f := train.Flags()
	f.StringVar(&o.Set, "set", "", "data set to train on")
	f.StringVar(&file, "experiment", "", "experiment `FILE` whose data are trained on; metrics.embedder = \"classifier\" uses its features")
	f.StringVar(&out, "out", "classifier.safetensors", "file to write")
	f.StringVar(&o.Root, "root", "", "folder of the data; the data folder of this machine otherwise")
	f.Uint64Var(&o.Seed, "seed", 1, "seed of weights, order and shifts")
	f.IntVar(&o.Epochs, "epochs", 0, "passes over the training split; 0 is the recipe's")
	f.IntVar(&o.Threads, "threads", 0, "compute threads; 0 is all cores; the weights do not depend on it")
	f.BoolVar(&flips, "flips", false, "also show images mirrored left to right; on for fashion-mnist, where a mirrored image keeps its class")
	train.MarkFlagsOneRequired("set", "experiment")
	for _, other := range []string{"set", "out", "root", "seed", "epochs", "threads", "flips"} { // the stage knows these
		train.MarkFlagsMutuallyExclusive("experiment", other)
	}
	parent.AddCommand(train, a.certifyCommand())
	return parent
}

func (a *app) certifyCommand() *cobra.Command {
	var k provision.Certification
	c := &cobra.Command{
		Use:   "certify EXTRACTOR",
		Short: "Measure what distances in an extractor's features detect on a data set",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			ctx, stop := a.stoppable(c.Context())
			defer stop()
			k.Extractor, k.JSON, k.Load.Set, k.Load.Only = args[0], a.json, a.set, a.only
			k.Engine = engine.Detached{Places: a.places(), Command: workerCommand, Cores: runtime.NumCPU(), Out: a.stderr}
			holds, err := k.Print(ctx, a.stdout)
			if !holds {
				a.code = exitFailed
			}
			return err
		},
	}
	k.Flags(c)
	return c
}

// trainFor trains the classifier of an experiment's data.
func (a *app) trainFor(ctx context.Context, file string) error {
	a.set = append(a.set, "metrics.embedder=classifier")
	ls, err := a.load([]string{file})
	if err != nil {
		return err
	}
	ctx, stop := a.stoppable(ctx)
	defer stop()
	return provision.TrainAndSay(ctx, engine.Detached{Places: a.places(), Command: workerCommand, Out: a.stderr}, ls[0].Exp, a.stdout)
}
