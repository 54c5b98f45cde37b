package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"prabench/harness/engine"
	"prabench/harness/tools/provision"
)

func (a *app) embedderCommand() *cobra.Command {
	parent := &cobra.Command{Use: "embedder", Short: "Train the classifiers whose features scores use", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	var o provision.Training
	var flips bool
	var out, file string
	train := &cobra.Command{
		Use:   "train --set SET | --experiment FILE",
		Short: "Train a classifier: of a set, into a file, or of an experiment's data, into the artifacts",
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
			o.Progress = func(epoch, epochs int, loss, accuracy float64) {
				fmt.Fprintf(a.stderr, "epoch %d/%d: loss %.4f, accuracy on shifted training images %.4f\n", epoch, epochs, loss, accuracy)
			}
			t, err := o.Train(ctx)
			if err != nil {
				return err
			}
			if err := engine.WriteOut(out, func(w io.Writer) error { _, err := w.Write(t.Weights); return err }); err != nil {
				return err
			}
			fmt.Fprintf(a.stdout, "%s: %d bytes, test accuracy %.4f, hash %s\n", out, len(t.Weights), t.Accuracy, t.Hash)
			return nil
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
	parent.AddCommand(train)
	return parent
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
	all, err := provision.TrainFor(ctx, engine.Detached{Places: a.places(), Command: workerCommand, Out: a.stderr}, ls[0].Exp)
	for _, c := range all {
		fmt.Fprintf(a.stdout, "%s: %d classes of %s, accuracy %.4f on %d held-out images, hash %s\n", c.File, c.About.Classes, c.About.Set,
			c.About.Accuracy, c.Test, c.Hash)
	}
	return err
}
