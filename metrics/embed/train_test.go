package embed

import (
	"bytes"
	"context"
	"errors"
	"math"
	"strings"
	"testing"
)

// stripes draws images of three classes that differ in texture and brightness.
func stripes(n, size int, seed uint64) (images []uint8, labels []int32) {
	draw := splitmix(seed)
	for range n {
		class := int32(draw.below(3))
		labels = append(labels, class)
		phase := int(draw.below(4))
		for y := range size {
			for x := range size {
				on := [3]int{(x + phase) / 2, (y + phase) / 2, (x + y + phase) / 2}[class] % 2
				images = append(images, uint8(on*150+int(draw.below(100))))
			}
		}
	}
	return images, labels
}

// Along random directions and along the gradient itself, in every parameter,
// the loss must change as the gradient says.
func TestGradients(t *testing.T) {
	net, err := newNetwork(8, 2, 3)
	if err != nil {
		t.Fatal(err)
	}
	l := newLearner(net, 3, 2)
	draw := splitmix(9)
	for i := range l.images {
		l.images[i] = uint8(draw.below(256))
	}
	for i := range l.labels {
		l.labels[i] = int32(draw.below(3))
	}
	for i := range l.gain { // away from the symmetric start
		for j := range l.gain[i] {
			l.gain[i][j], l.bias[i][j] = float32(.5+draw.unit()), float32(draw.unit()-.3)
		}
	}
	l.gradients()
	var grads [][]float32
	for _, g := range l.shards[0].grads {
		grads = append(grads, append([]float32(nil), g...))
	}
	for k, p := range l.parameters() {
		for _, along := range []string{"gradient", "random"} {
			dir := make([]float64, len(p))
			var norm, want float64
			for j, g := range grads[k] {
				dir[j] = float64(g)
				if along == "random" {
					dir[j] = math.Abs(float64(g)) + math.Abs(float64(g))*(draw.unit()-.5)
					if g < 0 && draw.below(3) > 0 {
						dir[j] = -dir[j]
					}
				}
				norm += dir[j] * dir[j]
			}
			norm = math.Sqrt(norm)
			for j, g := range grads[k] {
				dir[j] /= norm
				want += dir[j] * float64(g)
			}
			var size float64
			for _, v := range p {
				size += float64(v) * float64(v)
			}
			h := 2e-3 * (math.Sqrt(size) + .1)
			keep := append([]float32(nil), p...)
			at := func(s float64) float64 {
				for j := range p {
					p[j] = keep[j] + float32(s*h*dir[j])
				}
				loss, _ := l.gradients()
				copy(p, keep)
				return loss
			}
			// Four points: the error falls with h⁴.
			got := (8*(at(1)-at(-1)) - (at(2) - at(-2))) / (12 * h)
			if math.Abs(got-want) > .03*math.Abs(want)+1e-3 {
				t.Errorf("parameter %d along %s: difference %.6g, gradient %.6g", k, along, got, want)
			}
		}
	}
}

func trainOnStripes(t *testing.T, threads int, seed uint64) ([]byte, float64) {
	t.Helper()
	images, labels := stripes(512, 12, 1)
	test, testLabels := stripes(150, 12, 2)
	weights, accuracy, err := Train(context.Background(), TrainOptions{
		Name: "stripes", Images: images, Labels: labels, TestImages: test, TestLabels: testLabels,
		Size: 12, Channels: 1, Seed: seed, Epochs: 5, Threads: threads, Command: "test",
	})
	if err != nil {
		t.Fatal(err)
	}
	return weights, accuracy
}

func TestTrainLearnsAndRepeats(t *testing.T) {
	weights, accuracy := trainOnStripes(t, 1, 5)
	if accuracy < .9 {
		t.Errorf("accuracy on stripes %.3f", accuracy)
	}
	if again, _ := trainOnStripes(t, 3, 5); !bytes.Equal(weights, again) {
		t.Error("three threads trained other weights than one")
	}
	if other, _ := trainOnStripes(t, 2, 6); bytes.Equal(weights, other) {
		t.Error("another seed trained the same weights")
	}

	c, err := Open(weights)
	if err != nil {
		t.Fatal(err)
	}
	if c.About.Accuracy != accuracy || c.About.Seed != 5 || c.About.Classes != 3 || c.About.Command != "test" {
		t.Errorf("the file says %+v", c.About)
	}
	test, testLabels := stripes(150, 12, 2)
	if read, err := c.Accuracy(test, testLabels, 2); err != nil || read != accuracy {
		t.Errorf("accuracy after reading back %g (%v), want %g", read, err, accuracy)
	}
	images, _ := stripes(512, 12, 1)
	features, err := c.Embed(images, 512, 12, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	var total float64
	for j := range featureDim {
		var sum, squares float64
		for i := range 512 {
			v := float64(features[i*featureDim+j])
			sum += v / 512
			squares += v * v / 512
		}
		total += squares - sum*sum
	}
	if math.Abs(total-featureDim) > .01*featureDim {
		t.Errorf("the variances over the training split sum to %g, want %d", total, featureDim)
	}

	for at := range []int{0, 1, 2, 3} {
		bad := append([]byte(nil), weights...)
		bad[at*7] ^= 0x40
		if _, err := Open(bad); err == nil {
			t.Errorf("a file with byte %d flipped was read", at*7)
		}
	}
	if _, err := Open(weights[:len(weights)-1]); err == nil {
		t.Error("a truncated file was read")
	}
}

func TestTrainRefusesBadInput(t *testing.T) {
	images, labels := stripes(256, 12, 1)
	good := TrainOptions{Name: "s", Images: images, Labels: labels, TestImages: images, TestLabels: labels, Size: 12, Channels: 1, Epochs: 1}
	for want, change := range map[string]func(o *TrainOptions){
		"training split: embed:": func(o *TrainOptions) { o.Images = images[1:] },
		"test split: embed:":     func(o *TrainOptions) { o.TestLabels = labels[1:] },
		"at least one batch":     func(o *TrainOptions) { o.Labels = labels[:5] },
		"multiple of 4":          func(o *TrainOptions) { o.Size, o.Channels = 6, 4 },
		"labels count from 0": func(o *TrainOptions) {
			o.Labels = append([]int32{-1}, labels[1:]...)
		},
	} {
		o := good
		change(&o)
		if _, _, err := Train(context.Background(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := Train(ctx, good); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled training returned %v", err)
	}
}

// Adam with corrected moments moves every parameter by the rate in its first
// step, however small the gradient; decay comes on top, for weights only.
func TestFirstStepMovesByTheRate(t *testing.T) {
	net, _ := newNetwork(8, 1, 3)
	l := newLearner(net, 3, 1)
	draw := splitmix(4)
	for i := range l.images {
		l.images[i] = uint8(draw.below(256))
	}
	var before [][]float32
	for _, p := range l.parameters() {
		before = append(before, append([]float32(nil), p...))
	}
	const rate = 1e-3
	l.step(rate)
	for k, p := range l.parameters() {
		for j, v := range p {
			g := float64(l.shards[0].grads[k][j])
			if math.Abs(g) < 1e-3 {
				continue
			}
			want := -math.Copysign(rate, g)
			if k%3 == 0 {
				want -= rate * decay * float64(before[k][j])
			}
			if got := float64(v - before[k][j]); math.Abs(got-want) > .02*rate {
				t.Fatalf("parameter %d[%d] moved by %g, want %g", k, j, got, want)
			}
		}
	}
}

func TestUnitVarianceKeepsPredictions(t *testing.T) {
	images, labels := stripes(256, 12, 1)
	net, _ := newNetwork(12, 1, 3)
	l := newLearner(net, 1, 2)
	for i := range l.vari {
		for j := range l.vari[i] {
			l.vari[i][j] = .1
		}
	}
	l.fold()
	c := newClassifier(net, About{Set: "stripes", Size: 12, Channels: 1, Classes: 3}, nil)
	_, before, err := c.Classify(images, 256, 12, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.unitVariance(TrainOptions{Images: images, Labels: labels, Size: 12, Channels: 1, Threads: 1}); err != nil {
		t.Fatal(err)
	}
	_, after, _ := c.Classify(images, 256, 12, 1, 1)
	for i, p := range before {
		if math.Abs(float64(after[i]-p)) > 1e-5 {
			t.Fatalf("probability %d went from %g to %g", i, p, after[i])
		}
	}
}

// A training that was stopped, in the middle of an epoch or at its end, goes on from
// what it kept and ends with the bytes of one that was not; so does one whose images
// are read one at a time.
func TestTrainGoesOn(t *testing.T) {
	images, labels := stripes(300, 12, 1)
	test, testLabels := stripes(150, 12, 2)
	o := TrainOptions{Name: "stripes", Images: images, Labels: labels, TestImages: test, TestLabels: testLabels, Size: 12, Channels: 1,
		Seed: 5, Steps: 7, Threads: 2}
	want, _, err := Train(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	read := o
	of := func(images []uint8) func(int, []uint8) error {
		return func(i int, into []uint8) error {
			copy(into, images[i*144:(i+1)*144])
			return nil
		}
	}
	read.Images, read.TestImages, read.Read, read.ReadTest = nil, nil, of(images), of(test)
	read.TrainingHash = o.trainingHash()
	if got, _, err := Train(context.Background(), read); err != nil || !bytes.Equal(got, want) {
		t.Errorf("images that are read one at a time train other weights: %v", err)
	}
	for stop := 1; stop < 7; stop++ { // two steps an epoch
		var kept []byte
		ctx, cancel := context.WithCancel(context.Background())
		first, step := o, 0
		first.Keep = func(state []byte) error { kept = state; return nil }
		first.Due = func() bool {
			if step++; step == stop {
				cancel() // stops before the next step, which keeps the state again
			}
			return step == stop
		}
		if _, _, err := Train(ctx, first); !errors.Is(err, context.Canceled) || kept == nil {
			t.Fatalf("stopped after %d steps: %v", stop, err)
		}
		second, epochs := o, 0
		second.Kept = kept
		second.Progress = func(int, int, float64, float64) { epochs++ }
		got, _, err := Train(context.Background(), second)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("going on after step %d gave other weights: %v", stop, err)
		}
		if whole := 4 - stop/2; epochs > whole {
			t.Errorf("after step %d it did %d epochs more, at most %d were left", stop, epochs, whole)
		}
		other := second
		other.Seed++
		if _, _, err := Train(context.Background(), other); err == nil || !strings.Contains(err.Error(), "of another training") {
			t.Errorf("a training of another seed went on from it: %v", err)
		}
		other.Kept = kept[:len(kept)/2]
		if _, _, err := Train(context.Background(), other); err == nil || !strings.Contains(err.Error(), "cannot be read") {
			t.Errorf("a training went on from half a file: %v", err)
		}
	}
}

func TestRecipeSteps(t *testing.T) {
	for n, want := range map[int]int{128: 60, 540: 240, 1280: 600, 10_000: 780, 60_000: 4680, 1_281_167: 4680} {
		if got := RecipeSteps(n); got != want {
			t.Errorf("%d images: %d steps, want %d", n, got, want)
		}
	}
}

func TestChoose(t *testing.T) {
	committed := mustFor(t, "mnist", 28, 1, Classified).Hash()
	ternary := mustFor(t, "", 32, 3, AnyImages).Hash()
	for _, c := range []struct {
		set  string
		form Form
		want string
		hash string // or the problem
	}{
		{"mnist", Form{28, 1, 10, 60000, false}, Auto, committed},
		{"mnist", Form{28, 1, 10, 60000, false}, Classified, committed},
		{"mnist", Form{32, 1, 10, 60000, false}, Classified, Trained},
		{"cifar10", Form{32, 3, 10, 50000, false}, Auto, ternary},
		{"cifar10", Form{32, 3, 10, 50000, false}, Classified, Trained},
		{"images", Form{32, 3, 10, 540, true}, Auto, Trained},
		{"images", Form{32, 3, 10, 540, true}, "", Trained},
		{"images", Form{32, 3, 10, 540, true}, AnyImages, ternary},
		{"images", Form{32, 3, 10, 511, true}, Auto, ternary},
		{"images", Form{32, 3, 10, -1, true}, Auto, ternary},
		{"images", Form{32, 3, 1, 540, true}, Auto, ternary},
		{"images", Form{32, 3, 1, 540, true}, Classified, `no classifier can be trained for images: the classifier takes`},
		{"images", Form{32, 3, 10, 50, true}, Classified, `50 training images`},
	} {
		hash, err := Choose(c.set, c.form, c.want)
		if err != nil {
			if !strings.Contains(err.Error(), c.hash) {
				t.Errorf("%+v: %v", c, err)
			}
		} else if hash != c.hash {
			t.Errorf("%+v: %s", c, hash)
		}
	}
}
