package pra

import (
	"strings"
	"testing"

	"prabench/models"
)

// A training under rec_loss = "features" in parts, on two threads, is the one in one go:
// the same losses up to the order of sums, and another one than without.
func TestFeatureLoss(t *testing.T) {
	c, tc := smallConfig(), DefaultTrain()
	tc.Steps, tc.Batch, tc.RecLoss, tc.RecFeatureWeight = 4, 8, "features", 0.5
	losses := func(threads int, tc TrainConfig) Losses {
		tr, err := NewTrainer(openDevice(t, threads), c, tc, smallImages(c, 9))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(tr.Close)
		perceive(t, tr)
		for range 2 {
			if err := tr.Step(); err != nil {
				t.Fatal(err)
			}
		}
		return tr.Losses()
	}
	near := func(a, b float64) bool { return a > 0 && a-b <= 1e-4*a && b-a <= 1e-4*a }
	whole := losses(1, tc)
	parts := tc
	parts.MicroBatch = 2
	if l := losses(2, parts); !near(whole.Rec, l.Rec) || !near(whole.Flow, l.Flow) || !near(whole.Total, l.Total) {
		t.Errorf("in parts %+v, in one go %+v", l, whole)
	}
	plain := tc
	plain.RecLoss = "l2"
	if l := losses(1, plain); near(whole.Rec, l.Rec) {
		t.Errorf("with features %+v, without %+v", whole, l)
	}
	if !near(whole.Total, whole.Flow+tc.RecWeight*whole.Rec) {
		t.Errorf("the total is not the sum of its parts: %+v", whole)
	}
}

// A training is not done without the classifier that it needs, and takes none where it
// needs none.
func TestAClassifierIsNeeded(t *testing.T) {
	c, tc := smallConfig(), DefaultTrain()
	tc.Batch, tc.RecLoss = 4, "features"
	tr, err := NewTrainer(openDevice(t, 1), c, tc, smallImages(c, 9))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	if err := tr.Step(); err == nil || !strings.Contains(err.Error(), "needs a classifier") {
		t.Errorf("a step without one: %v", err)
	}
	other, _ := models.ClassifierOf(12, 1)
	if err := tr.Perceive(other.Untrained()); err == nil || !strings.Contains(err.Error(), "want 8×8×1") {
		t.Errorf("one for other images: %v", err)
	}
	p := Params{c, tc, DefaultSample()}
	if err := models.ForTiming(p, trainer{tr}); err != nil {
		t.Fatal(err)
	}
	if err := tr.Step(); err != nil {
		t.Error(err)
	}
	tc.RecLoss = "l1"
	if tr, err = NewTrainer(openDevice(t, 1), c, tc, smallImages(c, 9)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	if err := tr.Perceive(other.Untrained()); err == nil || !strings.Contains(err.Error(), `train.rec_loss = "l1"`) {
		t.Errorf("one that is not read: %v", err)
	}
}

// Where nothing reads it, it is no part of a training; where no classifier fits the
// images, the keys say so.
func TestFeatureLossKeys(t *testing.T) {
	set := func(f func(p *Params)) Params {
		p := Params{smallConfig(), DefaultTrain(), DefaultSample()}
		p.Train.RecLoss = "features"
		f(&p)
		return p
	}
	plain := Params{smallConfig(), DefaultTrain(), DefaultSample()}
	if p := set(func(p *Params) { p.Train.RecFeatureWeight = 0 }); p.Perceives() || p.Canonical() != plain.Canonical() {
		t.Error("features of no weight are another training")
	}
	if p := set(func(p *Params) { p.Model.State = 0 }); p.Perceives() {
		t.Error("without a state there is no reconstruction")
	}
	plain.Train.RecFeatureWeight = 3
	if p := (Params{smallConfig(), DefaultTrain(), DefaultSample()}); plain.Canonical() != p.Canonical() {
		t.Error("a weight that nothing reads is another training")
	}
	for want, f := range map[string]func(p *Params){
		`train.rec_loss: must be one of ["l2" "l1" "features"], not "lpips"`: func(p *Params) { p.Train.RecLoss = "lpips" },
		`train.rec_loss: "features": a classifier takes images of 8 to 256 pixels a side, a multiple of 4, with 1 to 16 channels; these are ` +
			`6×6×1; take "l2" or "l1"`: func(p *Params) { p.Model.Size = 6 },
		`train.rec_loss: "features" are those of a classifier, and this data set has no two classes; take "l2" or "l1"`: func(p *Params) {
			p.Model.Classes = 1
		},
		`train.rec_feature_weight: must lie in [0, 1e+06], not -1`: func(p *Params) { p.Train.RecFeatureWeight = -1 },
	} {
		if err := set(f).Validate(); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// What the counting backend foresees has the classifier in it.
func TestFeatureLossCosts(t *testing.T) {
	c, tc := smallConfig(), DefaultTrain()
	c.Size, c.Patch = 28, 7
	plain := c.Costs(tc, DefaultSample())
	before := c.TrainMemory(tc)
	tc.RecLoss = "features"
	got, after := c.Costs(tc, DefaultSample()), c.TrainMemory(tc)
	// Of an image: forward twice, and back to the pixels, 9·in·out multiply-adds at each place.
	one := 2.0 * 9 * (28*28*1*24 + 14*14*24*48 + 7*7*48*64 + 7*7*64*64)
	if d := got.FLOPsTrainImage - plain.FLOPsTrainImage; d != 3*one {
		t.Errorf("the classifier costs %g FLOPs an image, by hand %g", d, 3*one)
	}
	if got.FLOPsImage != plain.FLOPsImage {
		t.Error("sampling costs more")
	}
	if after.Model <= before.Model || after.Activations <= before.Activations {
		t.Errorf("it holds nothing: %+v, %+v", before, after)
	}
}
