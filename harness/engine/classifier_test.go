package engine_test

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"prabench/harness/engine"
	"prabench/harness/outside"
	"prabench/harness/stage"
	"prabench/harness/work"
	"prabench/models/dataset"
	"prabench/models/pra"
	"prabench/results"
)

// A labelled set without a committed classifier gets one, once for all cells, and
// what was done in other features stays as it was.
func TestAClassifierIsTrainedOnce(t *testing.T) {
	b := newBench(t)
	ctx := context.Background()
	unscored := func(s *stage.Settings) { s.Measure.Rounds = 0 }
	if sum := b.run(ctx, tiny(unscored), nil); sum.Done != 7 {
		t.Fatalf("%+v\n%s", sum, b.out.String())
	}
	own := func() *engine.Experiment {
		return tiny(func(s *stage.Settings) {
			unscored(s)
			s.Embedder, s.Also = "classifier", "density"
		})
	}
	// One classifier, one reference and one floor of density; two of score and density.
	if sum := b.run(ctx, own(), nil); sum.Done != 7 || sum.Kept != 4 {
		t.Fatalf("%+v\n%s", sum, b.out.String())
	}
	var classifier string
	value := map[string]results.Row{}
	for _, r := range b.rows() {
		value[r.Cell+" "+r.Metric] = r
		if r.Metric == "embedder_accuracy" {
			classifier = r.Attempt
		}
		saysWhatItsIntervalIsOver(t, r)
	}
	accuracy := value["cell0 embedder_accuracy"]
	if accuracy.Attempt != value["cell1 embedder_accuracy"].Attempt || accuracy.Value < 0.2 || accuracy.N != 4000 { // chance is 0.125
		t.Errorf("the classifier's accuracy is %+v and %+v", accuracy, value["cell1 embedder_accuracy"])
	}
	if _, ok := value["cell0 class_accuracy"]; !ok {
		t.Error("the trained classifier does not say what the images show")
	}
	if p := value["cell0 fid_proxy"].Protocol; !strings.Contains(p, "classifier/shapes") {
		t.Errorf("fid_proxy under %q", p)
	}
	e := own()
	if sum := b.run(ctx, e, nil); sum.Done != 0 {
		t.Errorf("%d stages of a finished run were done again", sum.Done)
	}

	// Another experiment of the same data in another database shares the artifact.
	other := engine.Places{DB: filepath.Join(t.TempDir(), "other.db"), Artifacts: b.places.Artifacts}
	sum := b.run(ctx, own(), func(r *engine.Run) { r.Places = other })
	if sum.Done != 0 {
		t.Errorf("%d stages were done for another database", sum.Done)
	}
	b.places = other
	for _, r := range b.rows() {
		if r.Metric == "embedder_accuracy" && r.Attempt != classifier {
			t.Errorf("its attempt is %s, the classifier's was %s", r.Attempt, classifier)
		}
	}
}

// Only the user's own RGB images get a classifier without being asked; what "auto"
// gave the others stays what it was, and so do the keys of their stages.
func TestWhatAutoGives(t *testing.T) {
	enough, few := filepath.Join(t.TempDir(), "enough"), filepath.Join(t.TempDir(), "few")
	shapes, _ := drawn(t, 16, 600, 1)
	save(t, enough, shapes)
	shapes.Pixels, shapes.Labels = shapes.Pixels[:300*16*16*3], shapes.Labels[:300]
	save(t, few, shapes)
	for name, c := range map[string]struct {
		data    dataset.Spec
		want    string
		trained bool
		problem string
	}{
		"folder":                  {dataset.Spec{Set: dataset.Folder, Root: enough, Size: 16}, "auto", true, ""},
		"folder, ternary":         {dataset.Spec{Set: dataset.Folder, Root: enough, Size: 16}, "ternary", false, ""},
		"grey folder":             {dataset.Spec{Set: dataset.Folder, Root: enough, Size: 16, Channels: 1}, "auto", false, ""},
		"grey folder, classifier": {dataset.Spec{Set: dataset.Folder, Root: enough, Size: 16, Channels: 1}, "classifier", true, ""},
		"no multiple of 4":        {dataset.Spec{Set: dataset.Folder, Root: enough, Size: 18}, "auto", false, ""},
		"no multiple, classifier": {dataset.Spec{Set: dataset.Folder, Root: enough, Size: 18}, "classifier", false, "a multiple of 4"},
		"limited":                 {dataset.Spec{Set: dataset.Folder, Root: enough, Size: 16, Limit: 400}, "auto", false, ""},
		"few":                     {dataset.Spec{Set: dataset.Folder, Root: few, Size: 16}, "auto", false, ""},
		"few, classifier":         {dataset.Spec{Set: dataset.Folder, Root: few, Size: 16}, "classifier", true, ""},
		"too few":                 {dataset.Spec{Set: dataset.Shapes, Size: 16, Limit: 100}, "classifier", false, "100 training images"},
		"shapes":                  {dataset.Spec{Set: dataset.Shapes, Size: 16}, "auto", false, ""},
		"shapes, classifier":      {dataset.Spec{Set: dataset.Shapes, Size: 16}, "classifier", true, ""},
	} {
		e := tiny(func(s *stage.Settings) {
			s.Data, s.Embedder = c.data, c.want
			info, err := dataset.Describe(c.data)
			if err != nil {
				t.Fatal(err)
			}
			edit(s, func(p *pra.Params) {
				p.Model.Size, p.Model.Channels, p.Model.Classes = info.Size, info.Channels, info.Classes
			})
		})
		id := &engine.Identifier{Places: engine.Places{Artifacts: t.TempDir()}, Read: true}
		_, err := id.Identify(context.Background(), e)
		if c.problem != "" {
			if err == nil || !strings.Contains(err.Error(), c.problem) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(name, err)
		}
		if trained := e.Cells[0].Chain.Key(work.Classifier) != ""; trained != c.trained {
			t.Errorf("%s: trained %v", name, trained)
		}
	}
}

// Noise with the mean and the covariance of the pixels of real images, and none of
// their shapes, must be told apart from held-out real images under the features that
// a labelled folder gets by default: the random filters gave the noise a distance
// whose interval that of real images held.
func TestColouredNoiseIsToldApart(t *testing.T) {
	b := newBench(t)
	ctx := context.Background()
	const size, count = 16, 400
	real, noise := drawn(t, size, 600, count)
	folder, file := filepath.Join(t.TempDir(), "real"), filepath.Join(t.TempDir(), "noise.npz")
	save(t, folder, real)
	save(t, file, noise)
	for _, embedder := range []string{"auto", "ternary"} {
		e := tiny(func(s *stage.Settings) {
			s.Measure.Rounds, s.Embedder, s.Count, s.Samples = 0, embedder, count, 0
			s.Data = dataset.Spec{Set: dataset.Folder, Root: folder, Size: size}
			edit(s, func(p *pra.Params) { p.Model.Size, p.Train.Steps = size, 2 })
		})
		e.Name = embedder
		r := &engine.Run{Places: b.places, Jobs: 2, Command: selfCommand, Name: "test", Out: &b.out}
		if sum, err := r.Score(ctx, e, engine.Outside{Path: file, Label: "noise"}); err != nil || sum.Failed > 0 {
			t.Fatalf("%+v, %v\n%s", sum, err, b.out.String())
		}
		var of, floor, accuracy results.Row
		for _, row := range b.rows() {
			if row.Experiment != embedder {
				continue
			}
			switch row.Metric {
			case "fid_proxy":
				of = row
			case "fid_proxy_floor":
				floor = row
			case "embedder_accuracy":
				accuracy = row
			}
		}
		if of.Lo == nil || floor.Hi == nil {
			t.Fatalf("%s: %+v, %+v", embedder, of, floor)
		}
		t.Logf("%s: noise %.3f [%.3f, %.3f] of %d, real %.3f [%.3f, %.3f] of %d; classifier %.3f", embedder,
			of.Value, *of.Lo, *of.Hi, of.N, floor.Value, *floor.Lo, *floor.Hi, floor.N, accuracy.Value)
		if embedder == "auto" && !(*of.Lo > *floor.Hi) {
			t.Error("the intervals of noise and of real images meet")
		}
	}
}

// drawn is shapes of eight classes with some noise of the sensor, and images that are
// random sums of their differences from their mean: of the same mean and covariance.
func drawn(t *testing.T, size, n, noise int) (real, coloured outside.Images) {
	t.Helper()
	data, err := dataset.Load(context.Background(), dataset.Spec{Set: dataset.Shapes, Size: size, Limit: n, Seed: 5}, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	byte8 := func(v float64) uint8 { return uint8(min(max(v+.5, 0), 255)) }
	per := size * size * 3
	real = outside.Images{Classes: 8, Size: size, Channels: 3, Pixels: make([]uint8, n*per), Labels: data.Train.Labels}
	mean := make([]float64, per)
	for i, v := range data.Train.Pixels {
		real.Pixels[i] = byte8(float64(v) + 6*r.NormFloat64())
		mean[i%per] += float64(real.Pixels[i]) / float64(n)
	}
	coloured = outside.Images{Classes: 8, Size: size, Channels: 3, Pixels: make([]uint8, noise*per), Labels: make([]int32, noise)}
	sum := make([]float64, per)
	for k := range noise {
		copy(sum, mean)
		for i := range n {
			z := r.NormFloat64() / 24.5 // √600
			for j, v := range real.Pixels[i*per : (i+1)*per] {
				sum[j] += z * (float64(v) - mean[j])
			}
		}
		for j, v := range sum {
			coloured.Pixels[k*per+j] = byte8(v)
		}
		coloured.Labels[k] = int32(k % 8)
	}
	return real, coloured
}

func save(t *testing.T, path string, m outside.Images) {
	t.Helper()
	if err := outside.Write(path, m); err != nil {
		t.Fatal(err)
	}
}
