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
	"prabench/models"
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
	removeUnfinished(unfinished)
	return nil
}

// removeUnfinished removes what a training that has ended had kept to go on from.
func removeUnfinished(path string) {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintf(os.Stderr, "what the training had kept is left behind: %v\n", err)
	}
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
	return openClassifier(s, Classifier.Ref(key))
}

func openClassifier(s artifact.Store, ref artifact.Ref) (*embed.Classifier, error) {
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

// Perceptual is the classifier that trainings compare images in: the committed one of the
// data set, or where none fits one that is trained on the data as that of the scores is.
// Trainings without such a loss have no such stage, and keep their keys.
var Perceptual = &stage.Kind{
	Name:    "perceptual",
	Asks:    []stage.Capability{stage.Perceives},
	Version: Classifier.Version,
	Part: func(s *stage.Settings) any {
		if c := committed(s); c != nil {
			return perceptualPart{Committed: c.Hash()}
		}
		return perceptualPart{Data: s.DataHash, Seed: classifierSeed}
	},
	Effort: func(s *stage.Settings, c *stage.Costs) stage.Effort {
		if committed(s) != nil {
			return stage.Effort{Other: time.Second}
		}
		return Classifier.Effort(s, c)
	},
	Memory: func(h stage.Host) int64 {
		if c := committed(h.Settings); c != nil {
			return int64(len(c.File()))
		}
		return Classifier.Memory(h)
	},
	Lacks: func(s *stage.Settings, n stage.Images) error {
		if committed(s) != nil {
			return nil
		}
		shape := s.Params.Shape()
		if err := embed.Trainable(shape.Size, shape.Channels, shape.Classes, n.Train); err != nil {
			return fmt.Errorf("train.rec_loss = \"features\" needs a classifier, and none can be trained on %s: %w", s.Data.Set, err)
		}
		if n.Test == 0 {
			return fmt.Errorf("train.rec_loss = \"features\" needs a classifier, and %s has no held-out images to test one on", s.Data.Set)
		}
		return nil
	},
	Label:      Classifier.Label,
	Unfinished: "perceptual-unfinished",
}

type perceptualPart struct {
	Committed string `json:"committed,omitempty"` // hash; absent: it is trained
	Data      string `json:"data,omitempty"`      // hash
	Seed      uint64 `json:"seed,omitempty"`
}

// committed is the classifier of the data set that travels with the program, nil where
// none fits its images.
func committed(s *stage.Settings) *embed.Classifier {
	shape := s.Params.Shape()
	e, err := embed.For(s.Data.Set, shape.Size, shape.Channels, embed.Classified)
	if err != nil {
		return nil
	}
	c, _ := e.(*embed.Classifier)
	return c
}

// perceptual keeps a copy of the committed classifier, or of the one of the scores where it
// was trained already, or trains one.
func (t *task) perceptual() error {
	weights, err := t.perceptualWeights()
	if err != nil {
		return err
	}
	c, err := embed.Open(weights)
	if err != nil {
		return err
	}
	t.about("classifier", c.Name(), "classifier_hash", c.Hash())
	if err := t.keep(func(d *artifact.Draft) error { return d.Write(WeightsFile, weights) }); err != nil {
		return err
	}
	removeUnfinished(t.unfinishedPerceptual())
	return nil
}

func (t *task) unfinishedPerceptual() string {
	return filepath.Join(t.job.Artifacts, Perceptual.Unfinished, t.job.Stage+".gob")
}

func (t *task) perceptualWeights() ([]byte, error) {
	if c := committed(&t.set); c != nil {
		return c.File(), nil
	}
	same, _, err := stage.Key(Classifier.Name, Classifier.Version, Classifier.Part(&t.set))
	if err != nil {
		return nil, err
	}
	weights, err := t.store.Read(Classifier.Ref(same), WeightsFile)
	if !errors.Is(err, artifact.ErrMissing) {
		return weights, err
	}
	data, err := t.data()
	if err != nil {
		return nil, err
	}
	if err := embed.Trainable(data.Size, data.Channels, data.Info.Classes, data.Train.N); err != nil {
		return nil, worker.Invalid("train.rec_loss: no classifier can be trained on %s: %v; take \"l2\" or \"l1\"", t.set.Data.Set, err)
	}
	if data.Test.N == 0 {
		return nil, worker.Invalid("train.rec_loss: %s has no held-out images to test a classifier on; hold some out, or take \"l2\" or \"l1\"",
			t.set.Data.Set)
	}
	return t.learn(data, t.unfinishedPerceptual())
}

// perceive gives a training that compares images in a classifier the one of its stage.
func (t *task) perceive(tr models.Trainer) error {
	if !t.set.Can(stage.Perceives) {
		return nil
	}
	c, err := openClassifier(t.store, t.input(Perceptual))
	if err != nil {
		return err
	}
	return tr.(models.Perceiver).Perceive(classifierOf(c))
}

// classifierOf is a classifier as trainings read it.
func classifierOf(c *embed.Classifier) *models.Classifier {
	out := &models.Classifier{Size: c.About.Size, Channels: c.About.Channels}
	for _, v := range c.Convolutions() {
		out.Convolutions = append(out.Convolutions, models.Convolution(v))
	}
	return out
}
