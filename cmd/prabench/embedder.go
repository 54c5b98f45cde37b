package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"prabench/metrics/embed"
	"prabench/models/dataset"
)

func (a *app) embedderCommand() *cobra.Command {
	parent := &cobra.Command{Use: "embedder", Short: "Train the classifiers whose features scores use", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	var o embed.TrainOptions
	var set, out, root string
	train := &cobra.Command{
		Use:   "train --set SET",
		Short: "Train the classifier of a data set and write its weights",
		Long: `train trains a small classifier on the training split alone and writes its
weights; committed as metrics/embed/weights/SET.safetensors they become the default
embedder of that set. The same seed gives the same bytes.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if !c.Flags().Changed("flips") {
				o.Flips = flipsByDefault(set)
			}
			ctx, stop := a.stoppable(c.Context())
			defer stop()
			data, err := dataset.Load(ctx, dataset.Spec{Set: set, Root: root}, nil)
			if err != nil {
				return err
			}
			o.Name, o.Size, o.Channels = set, data.Size, data.Channels
			o.Images, o.Labels, o.TestImages, o.TestLabels = data.Train.Pixels, data.Train.Labels, data.Test.Pixels, data.Test.Labels
			o.Command = embedderCommandLine(set, o)
			o.Progress = func(epoch, epochs int, loss, accuracy float64) {
				fmt.Fprintf(a.stderr, "epoch %d/%d: loss %.4f, accuracy on shifted training images %.4f\n", epoch, epochs, loss, accuracy)
			}
			weights, accuracy, err := embed.Train(ctx, o)
			if err != nil {
				return err
			}
			e, err := embed.Open(weights)
			if err != nil {
				return err
			}
			if err := writeOut(out, func(w io.Writer) error { _, err := w.Write(weights); return err }); err != nil {
				return err
			}
			fmt.Fprintf(a.stdout, "%s: %d bytes, test accuracy %.4f, hash %s\n", out, len(weights), accuracy, e.Hash())
			return nil
		},
	}
	f := train.Flags()
	f.StringVar(&set, "set", "", "data set to train on")
	if err := train.MarkFlagRequired("set"); err != nil {
		panic(err)
	}
	f.StringVar(&out, "out", "classifier.safetensors", "file to write")
	f.StringVar(&root, "root", "", "folder of the data; the data folder of this machine otherwise")
	f.Uint64Var(&o.Seed, "seed", 1, "seed of weights, order and shifts")
	f.IntVar(&o.Epochs, "epochs", 0, "passes over the training split; 0 is the recipe's")
	f.IntVar(&o.Threads, "threads", 0, "compute threads; 0 is all cores; the weights do not depend on it")
	f.BoolVar(&o.Flips, "flips", false, "also show images mirrored left to right; on for fashion-mnist, where a mirrored image keeps its class")
	parent.AddCommand(train)
	return parent
}

// flipsByDefault tells the sets whose classes survive a mirror.
func flipsByDefault(set string) bool { return set == dataset.FashionMNIST }

// embedderCommandLine is the command that makes the same weights; it is kept in
// the file.
func embedderCommandLine(set string, o embed.TrainOptions) string {
	parts := []string{"prabench embedder train --set", set, fmt.Sprintf("--seed %d", o.Seed)}
	if o.Epochs > 0 {
		parts = append(parts, fmt.Sprintf("--epochs %d", o.Epochs))
	}
	if o.Flips != flipsByDefault(set) {
		parts = append(parts, fmt.Sprintf("--flips=%v", o.Flips))
	}
	return strings.Join(parts, " ")
}
