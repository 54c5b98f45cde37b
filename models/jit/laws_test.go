package jit

import (
	"bytes"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"prabench/models"
	"prabench/models/cpu"
	"prabench/models/device"
	"prabench/models/golden"
	"prabench/models/layers"
)

// opener opens the device that the tests ask; with the tag cuda a CUDA device.
var opener = func(threads int) (device.Backend, error) { return cpu.New(threads) }

func open(t *testing.T, threads int) device.Backend {
	t.Helper()
	be, err := opener(threads)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { be.Close() })
	return be
}

func small() Params {
	p := defaults().For(models.Shape{Size: 8, Channels: 1, Classes: 3}).(Params)
	p.Model.Patch, p.Model.Width, p.Model.Depth, p.Model.Bottleneck = 4, 32, 2, 6
	p.Train.Steps, p.Train.Batch = 8, 6
	p.Sample.FlowSteps, p.Sample.Guidance = 4, 0.7
	return p
}

func trainer(t *testing.T, be device.Backend, p Params, n int) *Trainer {
	t.Helper()
	tr, err := newTrainer(be, p, golden.Pictures(p.Shape(), n))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	return tr
}

// warm moves every weight away from its zero.
func warm(m *Model) {
	flat := m.net.Initial(3, streamInit)
	for i := range flat {
		flat[i] += float32(0.1 * layers.Normal(5, 99, 0, uint32(i), 0))
	}
	m.be.Upload(m.raw, flat)
	m.be.Upload(m.ema, flat)
}

// draw draws images of classes in turn as tokens, so many at a time.
func draw(t *testing.T, m *Model, p Params, n, batch int) []float32 {
	t.Helper()
	s, err := m.Sampler(p, batch)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	return golden.Draw(t, n, batch, p.Model.Classes, s.(*Sampler).Tokens)
}

func TestTheSameSeedIsTheSameImage(t *testing.T) {
	p := small()
	images := func(threads, batch int, p Params) []float32 {
		tr := trainer(t, open(t, threads), p, 6)
		warm(tr.model)
		return draw(t, tr.model, p, 11, batch)
	}
	want := images(1, 11, p)
	for _, c := range []struct{ threads, batch int }{{1, 1}, {1, 4}, {2, 11}, {2, 3}} {
		if d := golden.Furthest(images(c.threads, c.batch, p), want); !(d <= 1e-4) {
			t.Errorf("%+v: values differ by %g", c, d)
		}
	}
	p.Sample.Seed++
	if golden.Furthest(images(1, 11, p), want) < 0.01 {
		t.Error("another seed draws the same images")
	}
}

// A training step of two threads is one of one thread.
func TestThreadsAgree(t *testing.T) {
	p := small()
	p.Model.Width, p.Train.Batch = 96, 32
	gradients := func(threads int) []float32 {
		tr := trainer(t, open(t, threads), p, 32)
		warm(tr.model)
		tr.loadBatch(0)
		tr.forwardBackward(0)
		out := make([]float32, tr.net().Total)
		tr.model.be.Download(out, tr.adam.Grads)
		return out
	}
	one, two := gradients(1), gradients(2)
	if size := golden.Furthest(one, make([]float32, len(one))); !(golden.Furthest(one, two) <= 1e-5*size) || size == 0 {
		t.Errorf("gradients differ by %g of %g", golden.Furthest(one, two), size)
	}
}

func (t *Trainer) net() *layers.Parameters { return &t.model.net.Parameters }

// Guidance that is on at no time is none, and its interval is counted.
func TestGuidanceInAnInterval(t *testing.T) {
	p := small()
	p.Sample.GuidanceFrom, p.Sample.GuidanceTo = 0.3, 0.6
	none := p
	none.Sample.Guidance = 0
	off := p
	off.Sample.GuidanceFrom, off.Sample.GuidanceTo = 0.6, 0.7
	tr := trainer(t, open(t, 1), p, 6)
	warm(tr.model)
	plain := draw(t, tr.model, none, 5, 5)
	if golden.Furthest(draw(t, tr.model, off, 5, 5), plain) != 0 {
		t.Error("guidance that is never on changes images")
	}
	if golden.Furthest(draw(t, tr.model, p, 5, 5), plain) == 0 {
		t.Error("guidance changes nothing")
	}
	// Four steps of Heun: at 0, .25, .25, .5, .5, .75, .75; of these .5 twice under guidance.
	if a, b := none.Costs().NFE, p.Costs().NFE; a != 7 || b != 9 {
		t.Errorf("%d evaluations, %d with guidance", a, b)
	}
	if a, b := none.Costs().FLOPsImage, p.Costs().FLOPsImage; !(b > 1.2*a && b < 1.4*a) {
		t.Errorf("%g operations, %g with guidance", a, b)
	}
}

func TestTheLossFallsAndATrainingGoesOn(t *testing.T) {
	p, be, dir := small(), open(t, 1), t.TempDir()
	p.Train.Steps, p.Train.LR = 120, 3e-3
	whole := trainer(t, be, p, 30)
	var first, last float64
	point := filepath.Join(dir, "point")
	for whole.Done() < p.Train.Steps {
		if whole.Done() == 70 {
			if err := whole.Save(point, "a note"); err != nil {
				t.Fatal(err)
			}
		}
		if err := whole.Step(); err != nil {
			t.Fatal(err)
		}
		if l := whole.Losses().Total(); whole.Done() <= 20 {
			first += l
		} else if whole.Done() > p.Train.Steps-20 {
			last += l
		}
	}
	if !(last < 0.5*first) {
		t.Errorf("the loss goes from %g to %g", first/20, last/20)
	}
	again := trainer(t, be, p, 30)
	if note, err := again.Resume(point); err != nil || note != "a note" || again.Done() != 70 {
		t.Fatalf("%q at step %d, %v", note, again.Done(), err)
	}
	for again.Done() < p.Train.Steps {
		if err := again.Step(); err != nil {
			t.Fatal(err)
		}
	}
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	if err := models.First(whole.SaveModel(a), again.SaveModel(b)); err != nil {
		t.Fatal(err)
	}
	one, two := load(t, be, a), load(t, be, b)
	want := draw(t, one, p, 6, 6)
	if golden.Furthest(draw(t, two, p, 6, 6), want) != 0 || golden.Furthest(draw(t, whole.model, p, 6, 6), want) != 0 {
		t.Error("a training that was resumed has another model, or a file does")
	}
	other := p
	other.Train.TimeMean++
	if _, err := trainer(t, be, other, 30).Resume(point); err == nil || !strings.Contains(err.Error(), point) {
		t.Errorf("another training goes on from it: %v", err)
	}
	if _, err := models.Load(be, point); err == nil {
		t.Error("a checkpoint is loaded as a model")
	}
}

func load(t *testing.T, be device.Backend, path string) *Model {
	t.Helper()
	m, err := models.Load(be, path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m.(*Model)
}

func TestWhatIsNotAllowed(t *testing.T) {
	for key, change := range map[string]func(*Params){
		"model.patch":          func(p *Params) { p.Model.Patch = 3 },
		"model.heads":          func(p *Params) { p.Model.Heads = 5 },
		"model.bottleneck":     func(p *Params) { p.Model.Bottleneck = -1 },
		"model.target":         func(p *Params) { p.Model.Target = "eps" },
		"train.time_std":       func(p *Params) { p.Train.TimeStd = math.NaN() },
		"sample.solver":        func(p *Params) { p.Sample.Solver = "rk4" },
		"sample.guidance_from": func(p *Params) { p.Sample.GuidanceFrom, p.Sample.GuidanceTo = 0.5, 0.4 },
		"data.set":             func(p *Params) { p.Model.Classes = 0 },
	} {
		p := small()
		change(&p)
		if err := p.Validate(); err == nil || !strings.HasPrefix(err.Error(), key+": ") {
			t.Errorf("%s: %v", key, err)
		}
	}
	p := small()
	if _, err := newTrainer(open(t, 1), p, models.Images{N: 1, Size: 9, Channels: 1}); err == nil {
		t.Error("images of another size are trained on")
	}
	s, err := trainer(t, open(t, 1), p, 6).model.Sampler(p, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, labels := range [][]int32{{}, {4}, {-1}, {0, 0, 0}} {
		if s.Sample(labels, make([]uint32, len(labels)), bytes.Repeat([]byte{1}, 64*len(labels))) == nil {
			t.Errorf("labels %v are drawn", labels)
		}
	}
}

// A step in parts is the step of the whole batch up to rounding.
func TestMicroBatches(t *testing.T) {
	grads := func(micro int) (out []float32, loss float64) {
		p := small()
		p.Train.Batch, p.Train.MicroBatch = 16, micro
		tr, err := newTrainer(open(t, 2), p, golden.Pictures(p.Shape(), 20))
		if err != nil {
			t.Fatal(err)
		}
		defer tr.Close()
		if err := tr.Step(); err != nil {
			t.Fatal(err)
		}
		out = make([]float32, tr.adam.Grads.N)
		tr.model.be.Download(out, tr.adam.Grads)
		return out, tr.Losses().Total()
	}
	want, loss := grads(0)
	for _, micro := range []int{1, 4, 16} {
		got, l := grads(micro)
		var d, n float64
		for i := range got {
			d += math.Pow(float64(got[i]-want[i]), 2)
			n += math.Pow(float64(want[i]), 2)
		}
		if off := math.Sqrt(d / n); off > 1e-5 || micro == 16 && off != 0 || math.Abs(l-loss) > 1e-5*loss {
			t.Errorf("micro batch %d: the gradient is off by %.2g, the loss is %g and %g", micro, off, l, loss)
		}
	}
}
