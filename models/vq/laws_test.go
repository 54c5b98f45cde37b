package vq

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
	c := &p.Model
	c.Patch, c.Width, c.Depth, c.Codes, c.CodeDim, c.CoderWidth = 2, 32, 2, 12, 4, 16
	p.Train.Steps, p.Train.Batch = 8, 6
	p.Sample.Guidance = 0.7
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
	moved := func(l *layers.Parameters, stream uint32) []float32 {
		flat := l.Initial(3, stream)
		for i := range flat {
			flat[i] += float32(0.1 * layers.Normal(5, 99, 0, uint32(i), 0))
		}
		return flat
	}
	flat := moved(&m.net.Parameters, streamInit)
	m.be.Upload(m.raw, flat)
	m.be.Upload(m.averages.First, flat)
	m.be.Upload(m.coder, moved(&m.tok.Parameters, streamTokenizer))
}

// draw draws images of classes in turn as tokens, so many at a time.
func draw(t *testing.T, m *Model, p Params, n, batch int) []float32 {
	t.Helper()
	s, err := m.Sampler(p, batch)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	return golden.Draw(t, n, batch, p.Model.Classes, s.(*Sampler).tokens)
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
		if err := tr.loadBatch(); err != nil {
			t.Fatal(err)
		}
		tr.forwardBackward()
		net := make([]float32, tr.model.net.Total)
		tr.model.be.Download(net, tr.adam.Grads)
		tr.tokenizerStep()
		tok := make([]float32, tr.model.tok.Total)
		tr.model.be.Download(tok, tr.coder.Grads)
		return append(net, tok...)
	}
	one, two := gradients(1), gradients(2)
	if size := golden.Furthest(one, make([]float32, len(one))); !(golden.Furthest(one, two) <= 1e-5*size) || size == 0 {
		t.Errorf("gradients differ by %g of %g", golden.Furthest(one, two), size)
	}
}

// The logits that sampling sees with its cache are those of a whole pass over the codes
// that it drew, at every size of a block.
func TestCachedIsUncached(t *testing.T) {
	for i, block := range []int{1, 4, 16, 1, 2, 16} {
		p := small()
		if i >= 3 {
			trunks["all"](&p.Model)
		}
		p.Model.Block, p.Sample.Guidance = block, 0
		c, n := p.Model, p.Train.Batch
		tr := trainer(t, open(t, 1), p, n)
		m := tr.model
		warm(m)
		made, err := m.Sampler(p, n)
		if err != nil {
			t.Fatal(err)
		}
		s := made.(*Sampler)
		m.be.UploadInts(s.labels, []int32{0, 1, 2, 3, 0, 1})
		var cached []float32 // step by step
		for k := range c.ARSteps() {
			s.evaluate(n, k)
			s.choose([]uint32{1, 2, 3, 4, 5, 6}, k)
			cached = append(cached, s.host...)
		}
		m.be.UploadInts(tr.codes, s.drawn)
		m.be.UploadInts(tr.labels, []int32{0, 1, 2, 3, 0, 1})
		m.book.gather(m.be, tr.dec.zq, tr.codes, n*c.Tokens())
		pass := m.pass(m.averages.First, device.Buffer{})
		m.net.embedding.Forward(pass, tr.stack.Input(), tr.proj, tr.dec.zq, tr.labels, m.order, n)
		m.net.stack.Forward(pass, tr.stack, m.sequences(n, tr.labels))
		m.net.logits.Apply(pass, tr.logits, device.Buffer{}, tr.stack.H, n*c.Tokens(), device.None)
		whole := make([]float32, n*c.Tokens()*c.Codes)
		m.be.Download(whole, tr.logits)
		size := block * c.Codes
		for k := range c.ARSteps() {
			for i := range n {
				a, b := cached[(k*n+i)*size:][:size], whole[(i*c.ARSteps()+k)*size:][:size]
				if d := golden.Furthest(a, b); !(d <= 1e-3) { // on some devices the cache holds bf16
					t.Fatalf("block %d, step %d, image %d: logits differ by %g", block, k, i, d)
				}
			}
		}
		if golden.Furthest(whole, make([]float32, len(whole))) < 0.1 {
			t.Error("the logits are all about 0")
		}
		s.Close()
	}
}

func TestWhatIsDrawn(t *testing.T) {
	logits := []float32{1, 3, 2, 3, -50}
	share := func(cfg SampleConfig, null []float32) (out [5]float64) {
		c := newChooser(cfg, len(logits))
		const n = 1 << 14
		for i := range n {
			out[c.draw(logits, null, float64(i)/n)] += 1.0 / n
		}
		return out
	}
	e := math.E
	all := 1/e/e + 1 + 1/e + 1
	for _, c := range []struct {
		what string
		cfg  SampleConfig
		null []float32
		want [5]float64
	}{
		{"all", SampleConfig{Temperature: 1, TopP: 1}, nil, [5]float64{1 / e / e / all, 1 / all, 1 / e / all, 1 / all}},
		{"the likeliest, the first of two", SampleConfig{TopP: 1}, nil, [5]float64{1: 1}},
		{"one of two", SampleConfig{Temperature: 1, TopK: 1, TopP: 1}, nil, [5]float64{1: 1}},
		{"top 3", SampleConfig{Temperature: 1, TopK: 3, TopP: 1}, nil, [5]float64{1: 1 / (2 + 1/e), 2: 1 / e / (2 + 1/e), 3: 1 / (2 + 1/e)}},
		{"half", SampleConfig{Temperature: 1, TopP: 0.5}, nil, [5]float64{1: 0.5, 3: 0.5}},
		{"top 3, then 0.7 of these", SampleConfig{Temperature: 1, TopK: 3, TopP: 0.7}, nil, [5]float64{1: 0.5, 3: 0.5}},
		{"guidance away from 1", SampleConfig{Temperature: 1, TopK: 2, TopP: 1, Guidance: 1}, []float32{1, 5, 2, 3, 0},
			[5]float64{2: 1 / (1 + e), 3: e / (1 + e)}},
	} {
		for k, got := range share(c.cfg, c.null) {
			if !(math.Abs(got-c.want[k]) < 1e-3) {
				t.Errorf("%s: code %d has %g, not %g", c.what, k, got, c.want[k])
			}
		}
	}
}

// Guidance takes two evaluations; larger blocks take fewer steps.
func TestCosts(t *testing.T) {
	p := small()
	none, whole := p, p
	none.Sample.Guidance = 0
	whole.Model.Block = 16
	if a, b, c := none.Costs(), p.Costs(), whole.Costs(); a.NFE != 1 || b.NFE != 2 || a.ARSteps != 16 || c.ARSteps != 1 ||
		!(b.FLOPsImage > 1.5*a.FLOPsImage && b.FLOPsImage < 2*a.FLOPsImage) || a.FLOPsTrainImage <= 0 {
		t.Errorf("%+v, with guidance %+v, at once %+v", a, b, c)
	}
	long := p
	long.Train.TokenizerShare = 0.75
	if a, b := p.Costs().FLOPsTrainImage, long.Costs().FLOPsTrainImage; a == b {
		t.Error("what a step takes does not depend on the share of the tokenizer")
	}
}

// Codes that nothing uses come back, and none do where they are not to.
func TestDeadCodesComeBack(t *testing.T) {
	used := func(reset float64) int {
		p := small()
		p.Train.Steps, p.Train.TokenizerShare, p.Train.CodeReset, p.Train.CodeDecay = 60, 0.9, reset, 0.7
		tr := trainer(t, open(t, 1), p, 30)
		for tr.Done() < 1 {
			if err := tr.Step(); err != nil {
				t.Fatal(err)
			}
		}
		for i := range tr.model.book.vectors[4:] { // all codes but one are far from everything
			tr.model.book.vectors[4+i] = 100
		}
		tr.model.book.upload(tr.model.be)
		seen := map[int32]bool{}
		for tr.Done() < 50 {
			if err := tr.Step(); err != nil {
				t.Fatal(err)
			}
			if tr.Done() > 40 {
				for _, k := range tr.hostCodes {
					seen[k] = true
				}
			}
		}
		return len(seen)
	}
	if none, some := used(0), used(0.1); none != 1 || some < 6 {
		t.Errorf("%d codes are used without reset, %d of 12 with it", none, some)
	}
}

func TestTheLossesFallAndATrainingGoesOn(t *testing.T) {
	p, be, dir := small(), open(t, 1), t.TempDir()
	p.Train.Steps, p.Train.LR, p.Train.TokenizerShare = 120, 3e-3, 0.5
	whole := trainer(t, be, p, 30)
	points := map[int]string{20: filepath.Join(dir, "tokenizer"), 60: filepath.Join(dir, "between"), 90: filepath.Join(dir, "codes")}
	var parts [4]float64 // 30 steps each, of which the first two are the tokenizer's
	for whole.Done() < p.Train.Steps {
		if path := points[whole.Done()]; path != "" {
			if err := whole.Save(path, "a note"); err != nil {
				t.Fatal(err)
			}
		}
		if err := whole.Step(); err != nil {
			t.Fatal(err)
		}
		parts[(whole.Done()-1)/30] += whole.Losses().Total() / 30
	}
	if !(parts[1] < 0.5*parts[0]) || !(parts[3] < 0.7*parts[2]) {
		t.Errorf("the losses go through %v", parts)
	}
	want := draw(t, whole.model, p, 6, 6)
	file := filepath.Join(dir, "model")
	for at, point := range points {
		again := trainer(t, be, p, 30)
		if note, err := again.Resume(point); err != nil || note != "a note" || again.Done() != at {
			t.Fatalf("%q at step %d, %v", note, again.Done(), err)
		}
		for again.Done() < p.Train.Steps {
			if err := again.Step(); err != nil {
				t.Fatal(err)
			}
		}
		if err := again.SaveModel(file); err != nil {
			t.Fatal(err)
		}
		if golden.Furthest(draw(t, load(t, be, file), p, 6, 6), want) != 0 || golden.Furthest(draw(t, again.model, p, 6, 6), want) != 0 {
			t.Errorf("a training that was resumed at step %d has another model, or its file does", at)
		}
	}
	other := p
	other.Train.Commitment++
	if _, err := trainer(t, be, other, 30).Resume(points[60]); err == nil || !strings.Contains(err.Error(), points[60]) {
		t.Errorf("another training goes on from it: %v", err)
	}
	if _, err := models.Load(be, points[60]); err == nil {
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
		"model.patch":           func(p *Params) { p.Model.Patch = 3 },
		"model.block":           func(p *Params) { p.Model.Block = 3 },
		"model.class_tokens":    func(p *Params) { p.Model.ClassTokens = 5000 },
		"model.heads":           func(p *Params) { p.Model.Heads = 5 },
		"model.coder_width":     func(p *Params) { p.Model.CoderWidth = 18 },
		"model.codes":           func(p *Params) { p.Model.Codes = 1 },
		"train.commitment":      func(p *Params) { p.Train.Commitment = math.NaN() },
		"train.tokenizer_share": func(p *Params) { p.Train.TokenizerShare = 1 },
		"sample.temperature":    func(p *Params) { p.Sample.Temperature = -1 },
		"sample.top_k":          func(p *Params) { p.Sample.TopK = 13 },
		"sample.top_p":          func(p *Params) { p.Sample.TopP = 0 },
		"data.set":              func(p *Params) { p.Model.Classes = 0 },
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
