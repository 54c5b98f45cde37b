package work

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"prabench/harness/artifact"
	"prabench/harness/stage"
	"prabench/harness/worker"
	"prabench/internal/atomicfile"
	"prabench/metrics/embed"
	"prabench/metrics/quantity"
	"prabench/metrics/stat"
	"prabench/models/dataset"
)

// Classifier trains the classifier of a data set that comes with none, once for all
// cells whose images are scored in its features. It reads the data alone, so that
// every experiment on the same data shares it.
var Classifier = &stage.Kind{
	Name:    "classifier",
	Wanted:  func(s *stage.Settings) bool { return s.EmbedderHash == embed.Trained },
	Version: "1/recipe " + embed.Recipe,
	Part:    func(s *stage.Settings) any { return classifierPart{s.DataHash, classifierSeed} },
	Effort: func(s *stage.Settings, _ *stage.Costs) stage.Effort {
		shape, n := s.Params.Shape(), trainImages(s)
		shown := embed.RecipeSteps(n)*embed.StepImages + n/3 // its features of all images, forward alone
		return stage.Effort{FLOPs: embed.TrainingFLOPs(shape.Size, shape.Channels, shown), Threads: max(1, s.Training().Threads),
			Other: time.Second}
	},
	Memory: func(h stage.Host) int64 {
		shape := h.Params.Shape()
		return h.Data() + embedding(h) + embed.TrainingBytes(shape.Size, shape.Channels)
	},
	Label:      func(s *stage.Settings) string { return s.Data.Set },
	Unfinished: "classifier-unfinished",
}

type classifierPart struct {
	Data string `json:"data"` // hash
	Seed uint64 `json:"seed"`
}

const classifierSeed = 1

// WeightsFile is the classifier in its artifact, as [embed.Open] reads it.
const WeightsFile = "classifier.safetensors"

// trainImages is the number of training images, as far as it is known.
func trainImages(s *stage.Settings) int { return max(0, dataset.TrainImages(s.Data)) }

// classifier trains the data set's classifier, from where an earlier attempt stopped.
func (t *task) classifier() error {
	data, err := t.data()
	if err != nil {
		return err
	}
	if err := embed.Trainable(data.Size, data.Channels, data.Info.Classes, data.Train.N); err != nil {
		return worker.Invalid("metrics.embedder: no classifier can be trained on %s: %v; set metrics.embedder = %q", t.set.Data.Set, err,
			embed.AnyImages)
	}
	if data.Test.N == 0 {
		return worker.Invalid("metrics.embedder: %s has no held-out images to test a classifier on; hold some out, or set metrics.embedder = %q",
			t.set.Data.Set, embed.AnyImages)
	}
	unfinished := filepath.Join(t.job.Artifacts, Classifier.Unfinished, t.job.Stage+".gob")
	weights, err := t.learn(data, unfinished)
	if err != nil {
		return err
	}
	c, err := embed.Open(weights)
	if err != nil {
		return err
	}
	hits := int(c.About.Accuracy*float64(data.Test.N) + .5)
	t.about("embedder", c.Name(), "embedder_hash", c.Hash(), "classes", c.About.Classes, "train", data.Train.N)
	t.estimate(quantity.EmbedderAccuracy, stat.Proportion(hits, data.Test.N))
	if err := t.keep(func(d *artifact.Draft) error { return d.Write(WeightsFile, weights) }); err != nil {
		return err
	}
	if err := os.Remove(unfinished); err != nil && !errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintf(os.Stderr, "what the training had kept is left behind: %v\n", err)
	}
	return nil
}

func (t *task) learn(data *dataset.Data, unfinished string) (weights []byte, err error) {
	saved := time.Now()
	o := embed.TrainOptions{
		Name: t.set.Data.Set, Images: data.Train.Pixels, Labels: data.Train.Labels, TestImages: data.Test.Pixels, TestLabels: data.Test.Labels,
		Size: data.Size, Channels: data.Channels, Seed: classifierSeed, Steps: embed.RecipeSteps(data.Train.N), Threads: t.job.Threads,
		Command: "prabench embedder train --experiment FILE", TrainingHash: data.Hash,
		Due: func() bool { return t.set.SaveEvery > 0 && time.Since(saved) >= t.set.SaveEvery },
		Keep: func(state []byte) error {
			defer func() { saved = time.Now() }()
			if err := os.MkdirAll(filepath.Dir(unfinished), 0o755); err != nil {
				return err
			}
			return atomicfile.WriteBytes(unfinished, 0o644, state)
		},
		Progress: func(epoch, epochs int, loss, accuracy float64) {
			t.report(worker.Progress{Done: int64(epoch), Total: int64(epochs), What: "training a classifier",
				Note: "accuracy " + strconv.FormatFloat(accuracy, 'f', 3, 64)})
		},
	}
	if data.Train.Reader != nil {
		o.Read = data.Train.Read
	}
	if data.Test.Reader != nil {
		o.ReadTest = data.Test.Read
	}
	if o.Kept, err = os.ReadFile(unfinished); err != nil {
		o.Kept = nil // from the beginning
	}
	weights, _, err = embed.Train(t.ctx, o)
	if err != nil && o.Kept != nil && t.ctx.Err() == nil {
		// What was kept only saves time: without it the same weights come out.
		fmt.Fprintf(os.Stderr, "what was kept of the training cannot be used, it begins again: %v\n", err)
		o.Kept = nil
		weights, _, err = embed.Train(t.ctx, o)
	}
	if err != nil && t.ctx.Err() != nil {
		return nil, fmt.Errorf("%w: %v", context.Cause(t.ctx), err)
	}
	return weights, err
}

// OpenClassifier opens the classifier that a stage of that key has trained.
func OpenClassifier(s artifact.Store, key string) (*embed.Classifier, error) {
	ref := Classifier.Ref(key)
	weights, err := s.Read(ref, WeightsFile)
	if err != nil {
		return nil, err
	}
	c, err := embed.Open(weights)
	if err != nil {
		return nil, fmt.Errorf("artifact %s: %s: %w", ref, WeightsFile, err)
	}
	return c, nil
}

// featured lists the inputs of a kind that embeds images beside its others.
func featured(more ...*stage.Kind) []*stage.Kind { return slices.Insert(more, 0, Classifier) }
