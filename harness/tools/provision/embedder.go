package provision

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"prabench/harness/engine"
	"prabench/harness/schedule"
	"prabench/harness/work"
	"prabench/metrics/embed"
	"prabench/models/dataset"
)

// Training is how a classifier is trained whose features scores use.
type Training struct {
	Set     string
	Root    string // folder of the data; that of this machine without one
	Seed    uint64
	Epochs  int   // 0 is the recipe's
	Threads int   // 0 is all; the weights do not depend on it
	Flips   *bool // also mirrored images; nil is what suits the set
	// Progress is called after each epoch.
	Progress func(epoch, epochs int, loss, accuracy float64)
}

// Trained is a classifier as a file.
type Trained struct {
	Weights  []byte
	Accuracy float64 // on the test split
	Hash     string
}

// Train trains on the training split alone. The same seed gives the same bytes.
func (t Training) Train(ctx context.Context) (Trained, error) {
	data, err := dataset.Load(ctx, dataset.Spec{Set: t.Set, Root: t.Root}, nil)
	if err != nil {
		return Trained{}, err
	}
	weights, accuracy, err := embed.Train(ctx, embed.TrainOptions{
		Name: t.Set, Size: data.Size, Channels: data.Channels, Seed: t.Seed, Epochs: t.Epochs, Threads: t.Threads, Flips: t.flips(),
		Images: data.Train.Pixels, Labels: data.Train.Labels, TestImages: data.Test.Pixels, TestLabels: data.Test.Labels,
		Command: t.commandLine(), Progress: t.Progress,
	})
	if err != nil {
		return Trained{}, err
	}
	e, err := embed.Open(weights)
	if err != nil {
		return Trained{}, err
	}
	return Trained{weights, accuracy, e.Hash()}, nil
}

// Write trains into a file and says on stdout what it is, on stderr how far it came.
func (t Training) Write(ctx context.Context, file string, stdout, stderr io.Writer) error {
	t.Progress = func(epoch, epochs int, loss, accuracy float64) {
		fmt.Fprintf(stderr, "epoch %d/%d: loss %.4f, accuracy on shifted training images %.4f\n", epoch, epochs, loss, accuracy)
	}
	trained, err := t.Train(ctx)
	if err != nil {
		return err
	}
	if err := engine.WriteOut(file, func(w io.Writer) error { _, err := w.Write(trained.Weights); return err }); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%s: %d bytes, test accuracy %.4f, hash %s\n", file, len(trained.Weights), trained.Accuracy, trained.Hash)
	return nil
}

// Own is the classifier of an experiment's own data, as its stage keeps it.
type Own struct {
	About embed.About
	Hash  string
	File  string
	Test  int // images that its accuracy is of
}

// TrainFor trains the classifiers that the cells of an experiment are scored with,
// in the stage that a run would do, and leaves them in the artifacts: a later run
// finds them done. An interrupted one goes on where it stopped. The error is the
// user's where the data set needs none.
func TrainFor(ctx context.Context, d engine.Detached, e *engine.Experiment) ([]Own, error) {
	if _, err := (&engine.Identifier{Places: d.Places, Read: true}).Identify(ctx, e); err != nil {
		return nil, err
	}
	var items []*engine.Item
	for _, it := range engine.NewPlan(e).Items {
		if it.Kind == work.Classifier && !it.Skip {
			it.Settings.SaveEvery = time.Minute
			items = append(items, it)
		}
	}
	if len(items) == 0 {
		return nil, fmt.Errorf("%s: its data set has a classifier that comes with prabench; there is nothing to train", e.File)
	}
	report, err := d.Do(ctx, items...)
	if err != nil {
		return nil, err
	}
	var all []Own
	for _, it := range items {
		if o := report.Outcomes[it.Key]; o.State != schedule.OK {
			return nil, fmt.Errorf("the classifier of %s was not trained: %s; the same command goes on from there", it.Label, o.Reason)
		}
		c, err := work.OpenClassifier(d.Places.Store(), it.Key)
		if err != nil {
			return nil, err
		}
		own := Own{About: c.About, Hash: c.Hash(), File: filepath.Join(d.Places.Store().Dir(it.Ref()), work.WeightsFile)}
		if data, err := dataset.Load(ctx, it.Settings.Data, nil); err == nil {
			own.Test = data.Test.N
		}
		all = append(all, own)
	}
	return all, nil
}

// TrainAndSay is [TrainFor] with a line for each classifier.
func TrainAndSay(ctx context.Context, d engine.Detached, e *engine.Experiment, w io.Writer) error {
	all, err := TrainFor(ctx, d, e)
	for _, c := range all {
		fmt.Fprintf(w, "%s: %d classes of %s, accuracy %.4f on %d held-out images, hash %s\n", c.File, c.About.Classes, c.About.Set,
			c.About.Accuracy, c.Test, c.Hash)
	}
	return err
}

func (t Training) flips() bool {
	if t.Flips != nil {
		return *t.Flips
	}
	return flipsByDefault(t.Set)
}

// flipsByDefault tells the sets whose classes survive a mirror.
func flipsByDefault(set string) bool { return set == dataset.FashionMNIST }

// commandLine is the command that makes the same weights; it is kept in the
// file.
func (t Training) commandLine() string {
	parts := []string{"prabench embedder train --set", t.Set, fmt.Sprintf("--seed %d", t.Seed)}
	if t.Epochs > 0 {
		parts = append(parts, fmt.Sprintf("--epochs %d", t.Epochs))
	}
	if t.flips() != flipsByDefault(t.Set) {
		parts = append(parts, fmt.Sprintf("--flips=%v", t.flips()))
	}
	return strings.Join(parts, " ")
}
