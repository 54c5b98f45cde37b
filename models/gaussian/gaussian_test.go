package gaussian

import (
	"bytes"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"prabench/models"
	"prabench/models/cpu"
	"prabench/models/device"
	"prabench/models/device/reference"
)

// shape is small enough for thousands of images of known moments.
var shape = models.Shape{Size: 2, Channels: 1, Classes: 2}

func params(shrinkage float64) Params {
	p := family{}.Defaults().For(shape).(Params)
	p.Model.Shrinkage = shrinkage
	return p
}

// known draws images of two classes whose moments are known: in bytes the mean of
// class c is 100+40c, and neighbours share their noise.
func known(n int) models.Images {
	r := rand.New(rand.NewPCG(1, 2))
	out := models.Images{N: n, Size: 2, Channels: 1, Pixels: make([]uint8, 4*n), Labels: make([]int32, n)}
	for i := range n {
		c := i % 2
		out.Labels[i] = int32(c)
		shared := 10 * r.NormFloat64()
		for k := range 4 {
			v := 100 + 40*float64(c) + 5*r.NormFloat64()
			if k < 2 {
				v += shared
			}
			out.Pixels[4*i+k] = uint8(min(max(math.Round(v), 0), 255))
		}
	}
	return out
}

func backend(t *testing.T) device.Backend {
	t.Helper()
	be, err := cpu.New(1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { be.Close() })
	return be
}

func trained(t *testing.T, be device.Backend, p Params, images models.Images) models.Trainer {
	t.Helper()
	tr, err := p.NewTrainer(be, images)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	if err := tr.Step(); err != nil || tr.Done() != 1 {
		t.Fatal(tr.Done(), err)
	}
	return tr
}

func draw(t *testing.T, m models.Model, batch int, labels []int32) []uint8 {
	t.Helper()
	s, err := m.Sampler(m.Params(), batch)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	per := m.Params().Shape().Bytes()
	out := make([]uint8, len(labels)*per)
	for at := 0; at < len(labels); at += batch {
		n := min(batch, len(labels)-at)
		ids := make([]uint32, n)
		for i := range ids {
			ids[i] = uint32(at + i)
		}
		if err := s.Sample(labels[at:at+n], ids, out[at*per:(at+n)*per]); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// moments are the mean and the covariance of the images of a class, in bytes.
func moments(pixels []uint8, labels []int32, class int32) (mean [4]float64, cov [4][4]float64) {
	var n float64
	each := func(f func(x []uint8)) {
		for i, l := range labels {
			if l == class {
				f(pixels[4*i : 4*i+4])
			}
		}
	}
	each(func(x []uint8) {
		n++
		for k, v := range x {
			mean[k] += float64(v)
		}
	})
	for k := range mean {
		mean[k] /= n
	}
	each(func(x []uint8) {
		for j := range x {
			for k := range x {
				cov[j][k] += (float64(x[j]) - mean[j]) * (float64(x[k]) - mean[k]) / n
			}
		}
	})
	return mean, cov
}

func TestSamplesHaveTheMomentsOfTheData(t *testing.T) {
	images := known(4000)
	m := trained(t, backend(t), params(1e-6), images).(*trainer).model
	labels := images.Labels
	drawn := draw(t, m, 500, labels)
	for class := range int32(2) {
		mean, cov := moments(images.Pixels, labels, class)
		gotMean, gotCov := moments(drawn, labels, class)
		for j := range 4 {
			if math.Abs(gotMean[j]-mean[j]) > 1 {
				t.Errorf("class %d: the mean of pixel %d is %.2f, of the data %.2f", class, j, gotMean[j], mean[j])
			}
			for k := range 4 {
				if math.Abs(gotCov[j][k]-cov[j][k]) > 8 {
					t.Errorf("class %d: the covariance of pixels %d and %d is %.1f, of the data %.1f", class, j, k, gotCov[j][k], cov[j][k])
				}
			}
		}
	}
}

// With all shrinkage pixels are independent and of one variance.
func TestShrinkage(t *testing.T) {
	images := known(4000)
	m := trained(t, backend(t), params(1), images).(*trainer).model
	_, cov := moments(images.Pixels, images.Labels, 0)
	_, got := moments(draw(t, m, 500, images.Labels), images.Labels, 0)
	variance := (cov[0][0] + cov[1][1] + cov[2][2] + cov[3][3]) / 4
	for j := range 4 {
		for k := range 4 {
			want := 0.0
			if j == k {
				want = variance
			}
			if math.Abs(got[j][k]-want) > 6 {
				t.Errorf("the covariance of pixels %d and %d is %.1f, want %.1f", j, k, got[j][k], want)
			}
		}
	}
}

// The loss is the density that the images have, summed here without any matrix
// but the covariance's inverse by elimination.
func TestTheLossIsTheDensityOfTheImages(t *testing.T) {
	images := known(400)
	for _, s := range []float64{0.1, 1} {
		tr := trained(t, backend(t), params(s), images).(*trainer)
		var want float64
		for class := range int32(2) {
			mean, cov := moments(images.Pixels, images.Labels, class)
			var v float64
			for k := range 4 {
				v += cov[k][k] / 4
			}
			var a [4][8]float64 // the shrunk covariance in [−1, 1], and its inverse beside it
			for j := range 4 {
				for k := range 4 {
					a[j][k] = (1 - s) * cov[j][k]
				}
				a[j][j] += s * v
				for k := range 4 {
					a[j][k] /= 127.5 * 127.5
				}
				a[j][4+j] = 1
			}
			det := 1.0
			for j := range 4 {
				det *= a[j][j]
				for k := 7; k >= j; k-- {
					a[j][k] /= a[j][j]
				}
				for i := range 4 {
					for k := 7; i != j && k >= j; k-- {
						a[i][k] -= a[i][j] * a[j][k]
					}
				}
			}
			for i, l := range images.Labels {
				if l != class {
					continue
				}
				q := 0.0
				for j := range 4 {
					for k := range 4 {
						q += (float64(images.Pixels[4*i+j]) - mean[j]) * a[j][4+k] * (float64(images.Pixels[4*i+k]) - mean[k]) / (127.5 * 127.5)
					}
				}
				want += 0.5 * (4*math.Log(2*math.Pi) + math.Log(det) + q) / 4 / float64(images.N)
			}
		}
		if got := tr.Losses().Total(); math.Abs(got-want) > 1e-6 {
			t.Errorf("shrinkage %g: the loss is %.8f, want %.8f", s, got, want)
		}
	}
}

// An image is its class and its id's, whatever is drawn with it, and on any
// backend but for rounding.
func TestTheSameSeedIsTheSameImageInAnyBatch(t *testing.T) {
	be := backend(t)
	p := family{}.Defaults().For(models.Shape{Size: 7, Channels: 3, Classes: 3}).(Params)
	images := models.Images{N: 90, Size: 7, Channels: 3, Pixels: make([]uint8, 90*147), Labels: make([]int32, 90)}
	r := rand.New(rand.NewPCG(3, 4))
	for i := range images.Pixels {
		images.Pixels[i] = uint8(64 + r.IntN(128))
	}
	for i := range images.Labels {
		images.Labels[i] = int32(i % 3)
	}
	m := trained(t, be, p, images).(*trainer).model
	labels := []int32{2, 0, 0, 1, 2, 1, 0, 2, 2, 1, 1}
	all := draw(t, m, len(labels), labels)
	for _, batch := range []int{1, 2, 4, 7} {
		if got := draw(t, m, batch, labels); !bytes.Equal(got, all) {
			t.Errorf("%d at a time are other images", batch)
		}
	}
	s, err := m.Sampler(Params{m.params.Model, m.params.Train, SampleConfig{Seed: 2}}, 11)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	other := make([]uint8, len(all))
	if err := s.Sample(labels, []uint32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, other); err != nil || bytes.Equal(other, all) {
		t.Errorf("another seed draws the same images, %v", err)
	}
	path := filepath.Join(t.TempDir(), "model")
	if err := m.SaveModel(path); err != nil {
		t.Fatal(err)
	}
	ref := reference.New()
	far, err := models.Load(ref, path)
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	for i, v := range draw(t, far, 11, labels) {
		if d := int(v) - int(all[i]); d < -1 || d > 1 {
			t.Fatalf("byte %d is %d, by the reference backend %d", i, all[i], v)
		}
	}
}

func TestFiles(t *testing.T) {
	be, dir := backend(t), t.TempDir()
	tr := trained(t, be, params(0.1), known(100))
	model, point := filepath.Join(dir, "model"), filepath.Join(dir, "point")
	if err := models.First(tr.SaveModel(model), tr.Save(point, "a note")); err != nil {
		t.Fatal(err)
	}
	m, err := models.Load(be, model)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	labels := []int32{0, 1, 1}
	if m.Params() != models.Params(params(0.1)) || !bytes.Equal(draw(t, m, 3, labels), draw(t, tr.(*trainer).model, 3, labels)) {
		t.Errorf("another model comes back: %+v", m.Params())
	}
	again, err := params(0.1).Seeded(9).NewTrainer(be, known(100))
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if note, err := again.Resume(point); err != nil || note != "a note" || again.Done() != 1 {
		t.Errorf("%q, %d steps, %v", note, again.Done(), err)
	}
	if got := draw(t, again.(*trainer).model, 3, labels); !bytes.Equal(got, draw(t, m, 3, labels)) {
		t.Error("a resumed training has another model")
	}
	other, err := params(0.2).NewTrainer(be, known(100))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := other.Resume(point); err == nil || !strings.Contains(err.Error(), point) {
		t.Errorf("a training with other shrinkage is resumed: %v", err)
	}
	if _, err := other.Resume(model); err == nil {
		t.Error("a model is resumed")
	}
	if _, err := models.Load(be, point); err == nil {
		t.Error("a checkpoint is loaded as a model")
	}
}

func TestWhatIsNotAllowed(t *testing.T) {
	for key, p := range map[string]models.Params{
		"model.shrinkage": params(0), "data.size": params(0.1).For(models.Shape{Size: 65, Channels: 1, Classes: 1}),
		"data.set": params(0.1).For(models.Shape{Size: 8, Channels: 1}),
	} {
		if err := p.Validate(); err == nil || !strings.HasPrefix(err.Error(), key+": ") {
			t.Errorf("%s: %v", key, err)
		}
	}
	be := backend(t)
	if _, err := params(0.1).NewTrainer(be, models.Images{N: 1, Size: 3, Channels: 1}); err == nil {
		t.Error("images of another size are fitted")
	}
	m, err := params(0.1).NewModel(be)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	s, err := m.Sampler(params(0.1), 2)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, labels := range [][]int32{{}, {2}, {-1}, {0, 0, 0}} {
		if s.Sample(labels, make([]uint32, len(labels)), make([]uint8, 4*len(labels))) == nil {
			t.Errorf("labels %v are drawn", labels)
		}
	}
}

// A class without images, and one whose images are all the same, are no reason to
// fail.
func TestClassesWithoutSpread(t *testing.T) {
	images := models.Images{N: 4, Size: 2, Channels: 1, Pixels: bytes.Repeat([]byte{200}, 16), Labels: make([]int32, 4)}
	tr := trained(t, backend(t), params(0.1), images)
	out := draw(t, tr.(*trainer).model, 4, []int32{0, 0, 1, 1})
	if !bytes.Equal(out[:8], images.Pixels[:8]) || tr.Losses().Total() != 0 {
		t.Errorf("%v, loss %g", out, tr.Losses().Total())
	}
}

// What is foreseen is what is used.
func TestCostsAndMemory(t *testing.T) {
	p := family{}.Defaults().(Params)
	d := 784.0
	if c := p.Costs(); c.FLOPsImage != 2*d*d || c.FLOPsTrainImage != d*(d+1) || p.Size() != 10*(784+784*785/2) {
		t.Errorf("%+v, %d parameters", c, p.Size())
	}
	if m := p.SampleMemory(16); m.Model < 4*10*784*785 || m.Activations < 2*4*16*784 {
		t.Errorf("%+v", m)
	}
}
