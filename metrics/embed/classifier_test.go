package embed

import (
	"errors"
	"math"
	"strings"
	"testing"

	"prabench/metrics"
	"prabench/metrics/stat"
)

// committedSets are the data sets whose weights travel with the program.
var committedSets = []struct {
	set    string
	least  float64 // test accuracy that the weights must reach
	hash   string  // first half of the SHA-256 of the weights file
	golden [4]float64
}{
	{"fashion-mnist", .90, "e929c6085a01c92c612943cddc31b2a5", [4]float64{1.506625, 0.5894054, 2.205022, 0.7142334}},
	{"mnist", .99, "4c59379db92ac6532e09b6c9d00f8d03", [4]float64{2.253494, 2.009476, 1.706984, 0.6718502}},
}

// The features of fixed images must not move by more than rounding: a change
// of the code that moves them would silently make another distance. golden is
// the mean of the features and three of them, for the images of scene.
func TestClassifierGolden(t *testing.T) {
	images := scene(40, 28, 1, 2)
	for _, g := range committedSets {
		c, err := Committed(g.set)
		if err != nil {
			t.Error(err)
			continue
		}
		x, err := c.Embed(images, 40, 28, 1, 2)
		if err != nil {
			t.Fatal(err)
		}
		var sum float64
		for _, v := range x {
			sum += float64(v) / float64(len(x))
		}
		got := [4]float64{sum, float64(x[0]), float64(x[17*64+5]), float64(x[39*64+63])}
		if c.Hash()[:32] != g.hash {
			t.Errorf("%s: weights %s, want %s", g.set, c.Hash()[:32], g.hash)
		}
		for i := range got {
			if math.Abs(got[i]-g.golden[i]) > 1e-4*(1+math.Abs(g.golden[i])) {
				t.Errorf("%s: features %.7g, want %.7g", g.set, got, g.golden)
				break
			}
		}
	}
}

// An image has the same features alone, in any batch and on any thread count.
func TestClassifierBatching(t *testing.T) {
	const n = 75
	images := scene(n, 28, 1, 3)
	for _, g := range committedSets {
		c, err := Committed(g.set)
		if err != nil {
			t.Fatal(err)
		}
		all, err := c.Embed(images, n, 28, 1, 1)
		if err != nil {
			t.Fatal(err)
		}
		three, _ := c.Embed(images, n, 28, 1, 3)
		for i, v := range all {
			if three[i] != v {
				t.Fatalf("%s: three threads gave %g, one gave %g", g.set, three[i], v)
			}
		}
		for _, i := range []int{0, 31, 32, n - 1} {
			one, _ := c.Embed(images[i*784:(i+1)*784], 1, 28, 1, 1)
			for j, v := range one {
				if math.Abs(float64(v-all[i*featureDim+j])) > 1e-5*(1+math.Abs(float64(v))) {
					t.Fatalf("%s: image %d alone has feature %d = %g, in the batch %g", g.set, i, j, v, all[i*featureDim+j])
				}
			}
		}
	}
}

func TestClassProbabilities(t *testing.T) {
	c, err := Committed("mnist")
	if err != nil {
		t.Fatal(err)
	}
	classes, p, err := c.Classify(scene(9, 28, 1, 4), 9, 28, 1, 2)
	if err != nil || len(classes) != 9 || len(p) != 90 {
		t.Fatal(len(classes), len(p), err)
	}
	for i, class := range classes {
		var sum float64
		for _, v := range p[i*10 : (i+1)*10] {
			sum += float64(v)
			if v > p[i*10+int(class)] {
				t.Errorf("image %d: class %d is not the most probable", i, class)
			}
		}
		if math.Abs(sum-1) > 1e-5 {
			t.Errorf("image %d: probabilities sum to %g", i, sum)
		}
	}
}

// The accuracy on the real test split is the one that the weights claim.
func TestCommittedAccuracy(t *testing.T) {
	if testing.Short() {
		t.Skip("embeds two test splits of 10,000 images; left out by -short")
	}
	for _, g := range committedSets {
		t.Run(g.set, func(t *testing.T) {
			images, labels := split(t, g.set, "test")
			c, err := Committed(g.set)
			if err != nil {
				t.Fatal(err)
			}
			accuracy, err := c.Accuracy(images, labels, 2)
			if err != nil {
				t.Fatal(err)
			}
			// An image at the border of two classes may fall either way.
			if accuracy < g.least || math.Abs(accuracy-c.About.Accuracy) > 5e-4 {
				t.Errorf("test accuracy %.4f; the file says %.4f, at least %.2f is required", accuracy, c.About.Accuracy, g.least)
			}
		})
	}
}

// On real images: the distance grows with added noise, from near the floor, for
// both kinds of embedder.
func TestDistanceGrowsWithNoise(t *testing.T) {
	if testing.Short() {
		t.Skip("embeds thousands of real images; left out by -short")
	}
	images, _ := split(t, "fashion-mnist", "test")
	const n, pixels = 1000, 784
	for _, want := range []string{Classified, AnyImages} {
		e, err := For("fashion-mnist", 28, 1, want)
		if err != nil {
			t.Fatal(err)
		}
		features := func(images []uint8) metrics.Features {
			x, err := e.Embed(images, n, 28, 1, 2)
			if err != nil {
				t.Fatal(err)
			}
			f, err := metrics.FromFloat32(x, e.Dim(), nil)
			if err != nil {
				t.Fatal(err)
			}
			return f
		}
		real := features(images[:n*pixels])
		var last stat.Estimate
		for step, noise := range []int{0, 24, 64, 160} {
			draw := splitmix(1)
			other := append([]uint8(nil), images[n*pixels:2*n*pixels]...)
			for i, v := range other {
				d := int(draw.below(uint64(2*noise+1))) - noise
				other[i] = uint8(min(max(int(v)+d, 0), 255))
			}
			got, err := metrics.FrechetEstimate(real, features(other))
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%s, noise ±%d: %.4f [%.4f, %.4f]", e.Name(), noise, got.Value, got.Lo, got.Hi)
			if got.Value <= last.Value || step > 1 && got.Lo <= last.Hi {
				t.Errorf("%s, noise ±%d: %+v after %+v", e.Name(), noise, got, last)
			}
			last = got
		}
	}
}

func TestFor(t *testing.T) {
	for _, c := range []struct {
		set            string
		size, channels int
		want           string
		name, problem  string
	}{
		{"mnist", 28, 1, "auto", "classifier/mnist", ""},
		{"mnist", 28, 1, "", "classifier/mnist", ""},
		{"fashion-mnist", 28, 1, "classifier", "classifier/fashion-mnist", ""},
		{"fashion-mnist", 32, 1, "auto", "ternary", ""},
		{"mnist", 28, 3, "auto", "ternary", ""},
		{"cifar10", 32, 3, "auto", "ternary", ""},
		{"mnist", 28, 1, "ternary", "ternary", ""},
		{"mnist", 32, 1, "classifier", "", "the classifier of mnist takes images of 28×28×1, these are 32×32×1"},
		{"cifar10", 32, 3, "classifier", "", `no committed classifier for the data set "cifar10", only for fashion-mnist, mnist`},
		{"mnist", 28, 1, "inception", "", `there is no embedder "inception"; use "auto", "classifier", "ternary" or "onnx:PATH"`},
		{"shapes", 4, 3, "auto", "", "8 to 16384 pixels a side, not 4"},
		{"shapes", 16, 0, "auto", "", "1 to 64 channels, not 0"},
	} {
		e, err := For(c.set, c.size, c.channels, c.want)
		if c.problem == "" {
			if err != nil || e.Name() != c.name {
				t.Errorf("%+v: %v %v", c, e, err)
			}
			continue
		}
		var typed *Error
		if !errors.As(err, &typed) || typed.Key != "metrics.embedder" || !strings.Contains(err.Error(), c.problem) {
			t.Errorf("%+v: error %v", c, err)
		}
	}
}

func TestEmbedRefusesOtherImages(t *testing.T) {
	for _, e := range []Embedder{mustFor(t, "mnist", 28, 1, Classified), mustFor(t, "", 28, 1, AnyImages)} {
		if _, err := e.Embed(make([]uint8, 783), 1, 28, 1, 1); err == nil || !strings.Contains(err.Error(), "want 784") {
			t.Errorf("%s took 783 pixels: %v", e.Name(), err)
		}
		if _, err := e.Embed(make([]uint8, 784*3), 1, 28, 3, 1); err == nil {
			t.Errorf("%s took three channels", e.Name())
		}
		if x, err := e.Embed(nil, 0, 28, 1, 4); err != nil || len(x) != 0 {
			t.Errorf("%s on no images: %v %v", e.Name(), x, err)
		}
	}
}

func mustFor(t *testing.T, set string, size, channels int, want string) Embedder {
	t.Helper()
	e, err := For(set, size, channels, want)
	if err != nil {
		t.Fatal(err)
	}
	return e
}
