package work

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"prabench/harness/artifact"
	"prabench/harness/stage"
	"prabench/harness/worker"
	"prabench/metrics"
	"prabench/metrics/embed"
	"prabench/metrics/quantity"
)

// Score compares the drawn images with the reference.
var Score = &stage.Kind{
	Name:     "score",
	Inputs:   []*stage.Kind{Reference, Sample},
	Optional: featured(),
	Chief:    Sample,
	Version:  scoreVersion,
	Effort:   func(*stage.Settings, *stage.Costs) stage.Effort { return stage.Effort{Other: 2 * time.Second} },
	Memory:   embedding,
	Lacks: func(s *stage.Settings, n stage.Images) error {
		reference, _ := n.Splits(s)
		reference = stage.AtMost(s.Samples, reference)
		if err := metrics.CheckScore(reference, s.Count); err != nil {
			return fmt.Errorf("sample.count = %d, and %d images of the reference (metrics.samples): %w", s.Count, reference, err)
		}
		return nil
	},
}

// score compares the drawn images with the reference.
func (t *task) score() error {
	real, info, err := t.readReference()
	if err != nil {
		return err
	}
	drawn, images, err := OpenDrawn(t.store, t.input(Sample).Key)
	if err != nil {
		return err
	}
	defer images.Close()
	embedder, err := t.embedder(drawn.Size, drawn.Channels)
	if err != nil {
		return err
	}
	if embedder.Hash() != info.Protocol.EmbedderHash {
		return worker.Invalid("the reference was made with another embedder (%s): build prabench and its workers from one revision",
			info.Protocol.Embedder)
	}
	x, err := t.embedEach(embedder, drawn.Count, drawn.Size, drawn.Channels, images.Read)
	if err != nil {
		return err
	}
	gen, err := metrics.FromFloat32(x, embedder.Dim(), drawn.Labels)
	if err != nil {
		return err
	}
	t.report(worker.Progress{What: "comparing"})
	s, err := metrics.Score(real, gen)
	if err != nil {
		return worker.Invalid("%v", err)
	}
	info.Protocol.Samples = drawn.Count
	t.attempt.Protocol = info.Protocol.Map()
	t.estimate(quantity.FIDProxy, s.Frechet)
	if named := quantity.Find(embed.MetricOf(embedder)); named != nil {
		t.estimate(named, s.Frechet)
	}
	t.estimate(quantity.KID, s.KID)
	t.estimate(quantity.Precision, s.Precision)
	t.estimate(quantity.Recall, s.Recall)
	// Images of another program may have no classes: then all are of one.
	if c, ok := embedder.(*embed.Classifier); ok && (drawn.Classes > 1 || !t.set.Foreign()) {
		seen, _ := c.ClassifyFeatures(x)
		accuracy, err := metrics.ClassAccuracy(seen, drawn.Labels)
		if err != nil {
			return fitting(err)
		}
		t.estimate(quantity.ClassAccuracy, accuracy)
	}
	return t.keep(func(d *artifact.Draft) error {
		if err := writeArray(d.Path(featuresFile), x, gen.N, gen.D); err != nil || !t.set.Foreign() {
			return err
		}
		return keepClasses(d, drawn, t.set.Params.Shape().Classes)
	})
}

// classesFile has the classes of images that another program made, for later
// scores; an empty list where they have none.
const classesFile = "classes.json"

func keepClasses(d *artifact.Draft, drawn Drawn, classes int) error {
	labels := drawn.Labels
	if drawn.Classes == 1 && classes > 1 {
		labels = []int32{}
	}
	raw, err := json.Marshal(labels)
	if err != nil {
		return err
	}
	return d.Write(classesFile, raw)
}

// classes are those of the scored images: of a program of somebody else as its
// score kept them, none where it has none; else as images are sampled.
func (t *task) classes(n int) ([]int32, error) {
	even := EvenLabels(n, t.set.Params.Shape().Classes)
	if !t.set.Foreign() {
		return even, nil
	}
	raw, err := t.store.Read(t.input(Score), classesFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // of an older program, which kept none
	}
	var labels []int32
	if err == nil {
		err = json.Unmarshal(raw, &labels)
	}
	if err != nil {
		return nil, fmt.Errorf("artifact %s: %s: %w", t.input(Score), classesFile, err)
	}
	if len(labels) != n {
		return nil, nil
	}
	return labels, nil
}

func (t *task) readReference() (metrics.Features, about, error) {
	return readReference(t.store, t.input(Reference))
}

func readReference(store artifact.Store, ref artifact.Ref) (metrics.Features, about, error) {
	var info about
	raw, err := store.Read(ref, aboutFile)
	if err != nil {
		return metrics.Features{}, info, err
	}
	if err := json.Unmarshal(raw, &info); err != nil {
		return metrics.Features{}, info, fmt.Errorf("artifact %s: %s: %w", ref, aboutFile, err)
	}
	f, err := readFeatures(store, ref, info.Labels)
	return f, info, err
}

// readFeatures reads the features that an artifact keeps.
func readFeatures(store artifact.Store, ref artifact.Ref, labels []int32) (metrics.Features, error) {
	path, err := store.Path(ref, featuresFile)
	if err != nil {
		return metrics.Features{}, err
	}
	x, shape, err := readArray[float32](path)
	if err != nil {
		return metrics.Features{}, err
	}
	if len(shape) != 2 || shape[1] < 1 {
		return metrics.Features{}, fmt.Errorf("artifact %s: %s has the shape %v", ref, featuresFile, shape)
	}
	return metrics.FromFloat32(x, shape[1], labels)
}
