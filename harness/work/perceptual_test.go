package work

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"prabench/harness/artifact"
	"prabench/harness/stage"
	"prabench/harness/worker"
	"prabench/metrics/embed"
	"prabench/metrics/quantity"
	"prabench/models"
	"prabench/models/cpu"
	"prabench/models/dataset"
	"prabench/models/layers"
	"prabench/models/pra"
)

func perceptive(s stage.Settings) stage.Settings {
	edit(&s, func(p *pra.Params) { p.Train.RecLoss = "features" })
	return s
}

// The activations that trainings compare images in are those whose means over the
// positions the classifier's features are: committed weights, images as bytes there and
// as tokens here.
func TestTheLossSeesTheFeaturesOfScores(t *testing.T) {
	for _, set := range []string{"mnist", "fashion-mnist"} {
		c, err := embed.Committed(set)
		if err != nil {
			t.Fatal(err)
		}
		const n, pixels = 3, 28 * 28
		images := make([]uint8, n*pixels)
		for i := range images {
			images[i] = uint8(127 + 120*math.Sin(float64(i)/3)*math.Cos(float64(i/28)/5))
		}
		features, err := c.Embed(images, n, 28, 1, 1)
		if err != nil {
			t.Fatal(err)
		}
		be, err := cpu.New(1)
		if err != nil {
			t.Fatal(err)
		}
		defer be.Close()
		patches, order := layers.RasterPatches(28, 1, 7)
		slices.Reverse(order) // another order of generation
		mem, of := layers.Memory{Be: be}, classifierOf(c)
		defer mem.Free()
		f := layers.NewFeatures(&mem, of, patches, order, n, n)
		if err := models.First(mem.Err, f.Give(be, of)); err != nil {
			t.Fatal(err)
		}
		tokens := make([]float32, n*pixels)
		for i := range n {
			patches.Cut(tokens[i*pixels:(i+1)*pixels], images[i*pixels:(i+1)*pixels], order)
		}
		x := mem.Act(len(tokens))
		be.Upload(x, tokens)
		acts := f.Activations(&layers.Pass{Be: be}, x, n)
		host := make([]float32, acts.N)
		be.Download(host, acts)
		positions := f.Values() / f.Channels()
		for i := range n {
			for j := range c.Dim() {
				var mean float64
				for p := range positions {
					mean += float64(host[(i*positions+p)*c.Dim()+j]) / float64(positions)
				}
				if want := float64(features[i*c.Dim()+j]); math.Abs(mean-want) > 1e-4*(1+math.Abs(want)) {
					t.Fatalf("%s, image %d: feature %d is %g, of scores %g", set, i, j, mean, want)
				}
			}
		}
	}
}

// The classifier is an input of trainings that compare images in it, and of no others:
// these keep their keys, whatever embedder the scores have.
func TestTheClassifierIsAnInputOfItsTrainings(t *testing.T) {
	plain := tinyCell(t)
	of := func(s stage.Settings) stage.Chain {
		t.Helper()
		c, err := stage.Of(s)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	scored := plain
	scored.EmbedderHash = embed.Trained
	without, with, other := of(plain), of(perceptive(plain)), of(perceptive(scored))
	if without.Key(Perceptual) != "" || with.Key(Perceptual) == "" || with.Key(Train) == without.Key(Train) {
		t.Errorf("without %q, with %q", without, with)
	}
	if of(scored).Key(Train) != without.Key(Train) || other.Key(Train) != with.Key(Train) {
		t.Error("the embedder of the scores is another training")
	}
	if with.Key(Reference) != without.Key(Reference) {
		t.Error("the reference is another one")
	}
	for _, st := range with.Stages() {
		if st.Kind == Train && st.Input(Perceptual) != with.Key(Perceptual) {
			t.Errorf("inputs %q", st.Inputs)
		}
	}
	changed := perceptive(plain)
	changed.DataHash = "other"
	if of(changed).Key(Perceptual) == with.Key(Perceptual) {
		t.Error("other data have the same classifier")
	}
	// The committed one is the same for all data of the set.
	mnist := perceptive(settings())
	mnist.Data = dataset.Spec{Set: "mnist"}
	limited := mnist
	limited.DataHash = "limited"
	if of(mnist).Key(Perceptual) == "" || of(mnist).Key(Perceptual) != of(limited).Key(Perceptual) {
		t.Error("the committed classifier depends on the data")
	}
}

// A training has the classifier of its stage, which is that of the scores where this is
// there; without it, it is refused.
func TestTrainingsReadTheirClassifier(t *testing.T) {
	s := perceptive(tinyCell(t))
	s.EmbedderHash = embed.Trained
	root := t.TempDir()
	store := artifact.Store{Root: root}
	chain, err := stage.Of(s)
	if err != nil {
		t.Fatal(err)
	}
	var train stage.Stage
	for _, st := range chain.Stages() {
		if st.Kind == Train {
			train = st
		}
	}
	if _, err := doOne(root, s, train); !errors.Is(err, artifact.ErrMissing) {
		t.Fatalf("without its classifier: %v", err)
	}
	do(t, root, s, Classifier)
	trained := 0
	if _, err := doWatched(context.Background(), root, s, chain.Stages()[slices.IndexFunc(chain.Stages(), func(st stage.Stage) bool {
		return st.Kind == Perceptual
	})], func(p worker.Progress) {
		if strings.HasPrefix(p.What, "training") {
			trained++
		}
	}); err != nil || trained > 0 {
		t.Fatalf("the classifier of the scores is there, and another was trained: %v, %d", err, trained)
	}
	a, err := store.Read(Classifier.Ref(chain.Key(Classifier)), WeightsFile)
	b, err2 := store.Read(Perceptual.Ref(chain.Key(Perceptual)), WeightsFile)
	if err != nil || err2 != nil || string(a) != string(b) {
		t.Fatalf("another classifier than that of the scores: %v, %v", err, err2)
	}
	loss := func(root string, s stage.Settings, kinds ...*stage.Kind) float64 {
		for _, v := range do(t, root, s, kinds...)[Train].Values {
			if v.Metric == quantity.TrainLoss.Name {
				return v.Value
			}
		}
		t.Fatal("no loss")
		return 0
	}
	own := s
	own.EmbedderHash = tinyCell(t).EmbedderHash // trained for the loss alone
	if x, y := loss(root, s, Train), loss(t.TempDir(), own, Perceptual, Train); x != y {
		t.Errorf("the losses are %g and, with a classifier of its own, %g", x, y)
	}
	if x, y := loss(root, s, Train), loss(t.TempDir(), tinyCell(t), Train); x <= y {
		t.Errorf("with features the loss is %g, without %g", x, y)
	}
}

// What cannot have a classifier is refused before anything is done.
func TestWhereNoClassifierCanBeTrained(t *testing.T) {
	s := perceptive(tinyCell(t))
	for want, n := range map[string]stage.Images{"100 training images": {Train: 100, Test: 50}, "no held-out images": {Train: 400, Test: 0}} {
		err := Perceptual.Lacks(&s, n)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "train.rec_loss") {
			t.Errorf("%+v: %v", n, err)
		}
	}
	if err := Perceptual.Lacks(&s, stage.Images{Train: -1, Test: -1}); err != nil {
		t.Errorf("what is not known is refused: %v", err)
	}
}
