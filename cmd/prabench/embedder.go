package main

import (
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
	var out string
	var flips bool
	train := &cobra.Command{
		Use:   "train --set SET",
		Short: "Train the classifier of a data set and write its weights",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, args []string) error {
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
	if err := train.MarkFlagRequired("set"); err != nil {
		panic(err)
	}
	f.StringVar(&out, "out", "classifier.safetensors", "file to write")
	f.StringVar(&o.Root, "root", "", "folder of the data; the data folder of this machine otherwise")
	f.Uint64Var(&o.Seed, "seed", 1, "seed of weights, order and shifts")
	f.IntVar(&o.Epochs, "epochs", 0, "passes over the training split; 0 is the recipe's")
	f.IntVar(&o.Threads, "threads", 0, "compute threads; 0 is all cores; the weights do not depend on it")
	f.BoolVar(&flips, "flips", false, "also show images mirrored left to right; on for fashion-mnist, where a mirrored image keeps its class")
	parent.AddCommand(train)
	return parent
}
