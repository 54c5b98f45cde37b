package certificate

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"prabench/metrics"
)

// extractor is features by a function of an image.
type extractor struct {
	name string
	dim  int
	of   func(image []uint8, size, channels int, into []float32)
}

func (e extractor) Name() string { return e.name }
func (e extractor) Hash() string { return e.name }
func (e extractor) Dim() int     { return e.dim }
func (e extractor) Embed(images []uint8, n, size, channels, _ int) ([]float32, error) {
	per := size * size * channels
	out := make([]float32, n*e.dim)
	for i := range n {
		e.of(images[i*per:(i+1)*per], size, channels, out[i*e.dim:(i+1)*e.dim])
	}
	return out, nil
}

const side = 16

// blobs are grey images of a class each: a bright spot at the class's place with some
// wobble, on a ground with some texture.
func blobs(n, classes int, seed uint64) Split {
	per := side * side
	pixels, labels := make([]uint8, n*per), make([]int32, n)
	for i := range n {
		r := rand.New(rand.NewPCG(seed, uint64(i)))
		labels[i] = int32(i % classes)
		angle := 2 * math.Pi * float64(labels[i]) / float64(classes)
		y0, x0 := 7.5+4*math.Sin(angle)+r.NormFloat64()*.6, 7.5+4*math.Cos(angle)+r.NormFloat64()*.6
		wide, bright := 5+2*r.Float64(), 60+20*r.Float64()
		for y := range side {
			for x := range side {
				d := (float64(y)-y0)*(float64(y)-y0) + (float64(x)-x0)*(float64(x)-x0)
				pixels[i*per+y*side+x] = byteOf(90 + bright*math.Exp(-d/wide) + 6*r.NormFloat64())
			}
		}
	}
	return Split{N: n, Labels: labels, Read: func(i int, into []uint8) error { copy(into, pixels[i*per:(i+1)*per]); return nil }}
}

// pixelwise sees everything that pixels show: each 4×4 mean, and the contrast there.
var pixelwise = extractor{"pixelwise", 32, func(image []uint8, size, _ int, into []float32) {
	var sum, squares [16]float64
	for y := range size {
		for x := range size {
			p, v := patchOf(y, x, size), float64(image[y*size+x])/64
			sum[p] += v / 16
			if x > 0 {
				d := v - float64(image[y*size+x-1])/64
				squares[p] += d * d / 16
			}
		}
	}
	for p := range sum {
		into[p], into[16+p] = float32(sum[p]), float32(math.Sqrt(squares[p]))
	}
}}

func subject(e extractor, n int) Subject {
	return Subject{Extractor: e, Data: "blobs", DataHash: "blobs", Size: side, Channels: 1, Train: blobs(n, 10, 1),
		HeldOut: blobs(n/2, 10, 2), Threads: 1}
}

func texts(all []Finding) string {
	var out []string
	for _, f := range all {
		out = append(out, f.Metric+": "+f.Text)
	}
	return strings.Join(out, "\n")
}

// What sees the data is certified, and its numbers are those of the metrics.
func TestAnExtractorThatSees(t *testing.T) {
	s := subject(pixelwise, 5000)
	c, err := Measure(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("failed:\n%s\nuntested:\n%s\n%+v", texts(c.Failed), texts(c.Untested), c.Real)
	for _, r := range c.Responses {
		for i, curve := range r.Curves {
			for _, score := range curve.Scores {
				if i == 0 && *score.Lo < 0 {
					t.Errorf("%s of %s: %g [%g, %g]", Metrics[i].Name, r.Kind, score.Value, *score.Lo, *score.Hi)
				}
			}
			if curve.First == 0 || curve.Tau < .8 {
				t.Errorf("%s of %s: %+v", Metrics[i].Name, r.Kind, curve)
			}
		}
	}
	if len(c.Responses) != 9 || len(c.Controls) != 3 || c.Images != 1250 || c.Real.Pairs != 50 {
		t.Errorf("%d responses, %d controls, %d images, %d pairs", len(c.Responses), len(c.Controls), c.Images, c.Real.Pairs)
	}
	if failed, untested := c.Against("fid_proxy"); failed > 0 || untested > 0 {
		t.Errorf("the Fréchet distance is not certified:\n%s\n%s", texts(c.Failed), texts(c.Untested))
	}
	m := &measuring{Subject: &s, n: c.Images}
	train, err1 := m.chosen(s.Train, c.Images)
	held, err2 := m.chosen(s.HeldOut, c.Images)
	real, err3 := m.embed(train)
	gen, err4 := m.embed(held)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	want, err := metrics.FrechetEstimate(real, gen)
	if err != nil || c.Baseline[0].Value != want.Value || *c.Baseline[0].Lo != want.Lo || *c.Baseline[0].Hi != want.Hi {
		t.Errorf("the baseline is %+v, the metric says %+v, %v", c.Baseline[0], want, err)
	}
}

// Extractors that miss something fail on just that.
func TestExtractorsThatMissSomething(t *testing.T) {
	for _, c := range []struct {
		e     extractor
		miss  []string // of the Fréchet distance
		sound []string
	}{
		{ // how pixels scatter within patches, of two together: no step between patches changes that
			extractor{"seamless", 8, func(image []uint8, size, _ int, into []float32) {
				var sum, squares [16]float64
				for y := range size {
					for x := range size {
						p, v := patchOf(y, x, size), float64(image[y*size+x])/64
						sum[p] += v / 16
						squares[p] += v * v / 16
					}
				}
				for p := range 8 {
					a, b := squares[p]-sum[p]*sum[p], squares[p+8]-sum[p+8]*sum[p+8]
					into[p] = float32(math.Sqrt(max(a+b, 0)))
				}
			}},
			[]string{"does not see seam offset"}, []string{"noise,", "patch shuffle"},
		},
		{ // how many pixels have which brightness: no place of anything
			extractor{"histogram", 8, func(image []uint8, _, _ int, into []float32) {
				for _, v := range image {
					into[v/32] += 8. / float32(len(image))
				}
			}},
			[]string{"does not see patch shuffle", "does not see dropped classes"}, []string{"noise,", "grey image"},
		},
		{ // random numbers that the image decides, and nothing else of it
			extractor{"random", 8, func(image []uint8, _, _ int, into []float32) {
				h := uint64(14695981039346656037)
				for _, v := range image {
					h = (h ^ uint64(v)) * 1099511628211
				}
				r := rand.New(rand.NewPCG(h, 1))
				for i := range into {
					into[i] = float32(r.NormFloat64())
				}
			}},
			[]string{"does not see noise", "does not see blur", "does not see seam offset", "coloured noise"}, []string{"p-values", "centres on"},
		},
	} {
		got, err := Measure(subject(c.e, 4000))
		if err != nil {
			t.Fatal(c.e.name, err)
		}
		all := texts(got.Failed)
		t.Logf("%s:\n%s\n%s", c.e.name, all, texts(got.Untested))
		for _, m := range c.miss {
			if !strings.Contains(all, "fid_proxy: "+m) && !strings.Contains(all, "fid_proxy: does not tell "+m) {
				t.Errorf("%s is not said to fail: %s", c.e.name, m)
			}
		}
		for _, m := range c.sound {
			if strings.Contains(all, m) {
				t.Errorf("%s is said to fail: %s", c.e.name, m)
			}
		}
		if got.Certified() {
			t.Errorf("%s is certified", c.e.name)
		}
	}
}

// What cannot be certified is refused with what to do.
func TestWhatCannotBeCertified(t *testing.T) {
	constant := extractor{"constant", 4, func(_ []uint8, _, _ int, into []float32) {
		for i := range into {
			into[i] = 3
		}
	}}
	nan := extractor{"nan", 4, func(image []uint8, _, _ int, into []float32) { into[0] = float32(math.NaN()) }}
	few := subject(pixelwise, 40)
	unread := subject(pixelwise, 400)
	unread.HeldOut.Read = func(int, []uint8) error { return errors.New("the disk is gone") }
	for want, s := range map[string]Subject{
		"the same features":               subject(constant, 400),
		"image 0 has the value NaN":       subject(nan, 400),
		"20 held-out images, the extract": few,
		"the disk is gone":                unread,
	} {
		if c, err := Measure(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %+v", want, err, c)
		}
	}
	// One feature that never changes beside others that do is no harm.
	half := extractor{"half", 40, func(image []uint8, size, channels int, into []float32) {
		pixelwise.of(image, size, channels, into[:32])
	}}
	c, err := Measure(subject(half, 1000))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range c.Responses {
		for _, curve := range r.Curves {
			for _, s := range curve.Scores {
				if math.IsNaN(s.Value) {
					t.Errorf("%s: %+v", r.Kind, s)
				}
			}
		}
	}
	// 1000 images: 250 on each side; 20 pairs of 50 fit not, fd_inf neither.
	if _, untested := c.Against("kid"); untested == 0 {
		t.Errorf("nothing is said to be untested: %s", texts(c.Untested))
	}
}

// A measurement that is stopped goes on with what it had, and comes to the same.
func TestStoppedAndGoneOn(t *testing.T) {
	s := subject(pixelwise, 600)
	whole, err := Measure(s)
	if err != nil {
		t.Fatal(err)
	}
	var kept map[string]Pair
	s.Keep = func(known map[string]Pair) error {
		kept = map[string]Pair{}
		for k, v := range known {
			kept[k] = v
		}
		return nil
	}
	stop := errors.New("stopped")
	embedded := 0
	s.Progress = func(done, _ int, what string) error {
		if done > 20 {
			return stop
		}
		return nil
	}
	if _, err := Measure(s); !errors.Is(err, stop) || len(kept) < 15 {
		t.Fatalf("%v, %d sets were kept", err, len(kept))
	}
	counting := pixelwise
	counting.of = func(image []uint8, size, channels int, into []float32) {
		embedded++
		pixelwise.of(image, size, channels, into)
	}
	s.Progress, s.Known, s.Extractor = nil, kept, counting
	again, err := Measure(s)
	if err != nil {
		t.Fatal(err)
	}
	if all := 56 * whole.Images; embedded > all*2/3+600 {
		t.Errorf("%d images were embedded again, of about %d", embedded, all)
	}
	for i, r := range whole.Responses {
		for k := range r.Curves {
			for j, score := range r.Curves[k].Scores {
				if score.Value != again.Responses[i].Curves[k].Scores[j].Value {
					t.Errorf("%s at %g: %g, after a stop %g", r.Kind, r.Severities[j], score.Value, again.Responses[i].Curves[k].Scores[j].Value)
				}
			}
		}
	}
}
