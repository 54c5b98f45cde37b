package mar

import (
	"bytes"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"prabench/models"
	"prabench/models/cpu"
	"prabench/models/device"
	"prabench/models/device/reference"
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
	p.Model.Patch, p.Model.Width, p.Model.Depth, p.Model.HeadWidth = 2, 32, 2, 24
	p.Train.Steps, p.Train.Batch = 8, 6
	p.Sample.ARSteps, p.Sample.FlowSteps, p.Sample.Guidance = 5, 3, 0.7
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
	return golden.Draw(t, n, batch, p.Model.Classes, s.(*Sampler).tokens)
}

// Every way to sample draws the same images whatever is drawn beside them.
func TestTheSameSeedIsTheSameImage(t *testing.T) {
	for name, change := range map[string]func(*Params){
		"five steps":         func(*Params) {},
		"one step":           func(p *Params) { p.Sample.ARSteps = 1 },
		"one token per step": func(p *Params) { p.Sample.ARSteps, p.Sample.FlowSteps = 0, 1 },
		"stochastic":         func(p *Params) { p.Sample.Solver, p.Sample.GuidanceSchedule = "euler-maruyama", "linear" },
		"guided for a while": func(p *Params) {
			p.Sample.Solver, p.Sample.GuidanceSchedule, p.Sample.GuidanceTo = "heun", "interval", 0.4
		},
		"another trunk": func(p *Params) {
			c := &p.Model
			c.Norm, c.MLPKind, c.Positions, c.QKNorm = "rmsnorm", "swiglu", "rope2d", "rmsnorm"
		},
		"class tokens":        func(p *Params) { p.Model.ClassTokens, p.Model.Positions = 3, "rope2d" },
		"separable, no guide": func(p *Params) { p.Model.HeadModulation, p.Sample.Guidance = "separable", 0 },
	} {
		p := small()
		change(&p)
		images := func(threads, batch int, p Params) []float32 {
			tr := trainer(t, open(t, threads), p, 6)
			warm(tr.model)
			return draw(t, tr.model, p, 7, batch)
		}
		want := images(1, 7, p)
		for _, c := range []struct{ threads, batch int }{{1, 1}, {1, 4}, {2, 3}} {
			if d := golden.Furthest(images(c.threads, c.batch, p), want); !(d <= 2e-4) {
				t.Errorf("%s, %+v: values differ by %g", name, c, d)
			}
		}
		p.Sample.Seed++
		if golden.Furthest(images(1, 7, p), want) < 0.01 {
			t.Errorf("%s: another seed draws the same images", name)
		}
	}
}

// A training step of two threads is one of one thread.
func TestThreadsAgree(t *testing.T) {
	p := small()
	p.Model.Width, p.Train.Batch = 96, 32
	gradients := func(threads int) []float32 {
		tr := trainer(t, open(t, threads), p, 32)
		warm(tr.model)
		return tr.gradients(t)
	}
	one, two := gradients(1), gradients(2)
	if size := golden.Furthest(one, make([]float32, len(one))); !(golden.Furthest(one, two) <= 1e-5*size) || size == 0 {
		t.Errorf("gradients differ by %g of %g", golden.Furthest(one, two), size)
	}
}

func (t *Trainer) gradients(tb testing.TB) []float32 {
	if err := t.loadBatch(0); err != nil {
		tb.Fatal(err)
	}
	t.forwardBackward(0)
	out := make([]float32, t.model.net.Total)
	t.model.be.Download(out, t.adam.Grads)
	return out
}

// The AR steps of an image draw each of its tokens once, at least one in a step, ever
// more from step to step but for rounding, and one per step where there are as many steps.
func TestEveryTokenIsDrawnOnce(t *testing.T) {
	for n := 1; n <= 64; n++ {
		for k := 1; k <= n; k++ {
			got, sum := counts(n, k), 0
			for _, m := range got {
				sum += m
			}
			if len(got) != k || sum != n || slices.Min(got) < 1 {
				t.Fatalf("%d tokens in %d steps: %v", n, k, got)
			}
			if k == n && slices.Max(got) != 1 {
				t.Errorf("%d tokens in as many steps: %v", n, got)
			}
			for i := 2; i < k-1; i++ { // the last takes the rest
				if got[i] < got[i-1]-1 {
					t.Errorf("%d tokens in %d steps: %v", n, k, got)
				}
			}
		}
	}
	if got := counts(256, 8); !slices.Equal(got, []int{5, 15, 24, 31, 39, 45, 48, 49}) { // of the published schedule
		t.Errorf("%v", got)
	}
	p := small()
	s, err := trainer(t, open(t, 1), p, 6).model.Sampler(p, 3)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	own := s.(*Sampler)
	own.plan([]int32{0, 1}, []uint32{4, 9})
	N, seen := p.Model.Tokens(), make([]bool, 4*p.Model.Tokens())
	for k, m := range own.counts {
		held := own.model.be.Indices(own.at[k])
		if held == nil {
			t.Skip("the device keeps indices to itself")
		}
		for i, row := range held[:4*m] {
			if int(row)/N != i/m || seen[row] {
				t.Fatalf("step %d draws row %d as number %d of %d", k, row, i, 4*m)
			}
			seen[row] = true
		}
	}
	if slices.Contains(seen, false) || slices.Equal(own.rows[:N], own.rows[2*N:3*N]) {
		t.Error("a token is not drawn, or two halves are one")
	}
}

// The share of hidden tokens has the distribution of the paper: a normal around 1 of
// deviation 0.25 between 0.7 and 1, whose mean and quartiles follow from Φ.
func TestShareOfHiddenTokens(t *testing.T) {
	tc := defaults().Train
	const n, draws = 100000, 20000
	var shares []float64
	var mean float64
	for id := range uint32(draws) {
		r := float64(tc.hidden(id, n)) / n
		shares = append(shares, r)
		mean += r / draws
	}
	slices.Sort(shares)
	if shares[0] < 0.7 || shares[draws-1] > 1 {
		t.Errorf("shares lie in [%g, %g]", shares[0], shares[draws-1])
	}
	// Mean 1 − σ(φ(0) − φ(1.2))/(½ − Φ(−1.2)), quartiles 1 + σ·Φ⁻¹(Φ(−1.2) + q(½ − Φ(−1.2))).
	for what, c := range map[string][2]float64{"mean": {mean, 0.867017}, "quartile": {shares[draws/4], 0.799522},
		"median": {shares[draws/2], 0.874287}, "upper quartile": {shares[3*draws/4], 0.939098}} {
		if math.Abs(c[0]-c[1]) > 0.0025 {
			t.Errorf("%s %g, expected %g", what, c[0], c[1])
		}
	}
	tc.MaskRatioStd = 0
	if tc.hidden(3, 7) != 7 {
		t.Error("without a deviation a token is shown")
	}
	tc.MaskRatioStd, tc.MaskRatioMin = 10, 0
	for id := range uint32(1000) {
		if h := tc.hidden(id, 3); h < 1 || h > 3 {
			t.Fatalf("%d of 3 tokens are hidden", h)
		}
	}
}

// What a hidden token holds changes nothing, in the transformer's output for any token;
// what a shown one holds does.
func TestHiddenTokensAreNotSeen(t *testing.T) {
	p := small()
	tr := trainer(t, open(t, 1), p, 6)
	warm(tr.model)
	if err := tr.loadBatch(0); err != nil {
		t.Fatal(err)
	}
	be, P := tr.model.be, p.Model.TokenDim()
	trunk := func() []float32 {
		be.Upload(tr.x, tr.tokens)
		tr.model.trunk(tr.model.pass(tr.model.raw, device.Buffer{}), tr.acts, tr.x, p.Train.Batch)
		out := make([]float32, tr.acts.H.N)
		be.Download(out, tr.acts.H)
		return out
	}
	want, shown := trunk(), -1
	for r, hidden := range tr.masked {
		if hidden == 0 {
			shown = r
			continue
		}
		for i := range P {
			tr.tokens[r*P+i] = float32(17 + i)
		}
	}
	if shown < 0 {
		t.Fatal("no token is shown")
	}
	if !slices.Equal(trunk(), want) {
		t.Error("a hidden token's pixels matter")
	}
	tr.tokens[shown*P] += 0.5
	got, N, W := trunk(), p.Model.Tokens(), p.Model.Width
	for r := range tr.masked {
		same := slices.Equal(got[r*W:(r+1)*W], want[r*W:(r+1)*W])
		if own := r/N == shown/N; same == own {
			t.Errorf("token %d, of the image of the token that changed: %v; its output is the same: %v", r, own, same)
		}
	}
}

// Tokens that are drawn later depend on those that were drawn before: the first step of
// sampling is final, and one step draws other images than several.
func TestStepsSeeEarlierSteps(t *testing.T) {
	p := small()
	tr := trainer(t, open(t, 1), p, 6)
	warm(tr.model)
	s, err := tr.model.Sampler(p, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	own, labels, ids := s.(*Sampler), []int32{0, 1}, []uint32{0, 1}
	size := 2 * p.Model.Tokens() * p.Model.TokenDim()
	first, all := make([]float32, size), make([]float32, size)
	for range 3 { // plainly, recorded, played
		if err := own.FirstBlock(labels, ids); err != nil {
			t.Fatal(err)
		}
		tr.model.be.Download(first, own.x.Slice(0, size))
		tokens, err := own.tokens(labels, ids)
		if err != nil {
			t.Fatal(err)
		}
		copy(all, tokens)
		drawn := 0
		for i, v := range first {
			if v == 0 {
				continue
			}
			drawn++
			if all[i] != v {
				t.Fatalf("value %d was %g after the first step and is %g", i, v, all[i])
			}
		}
		if drawn != 2*own.counts[0]*p.Model.TokenDim() {
			t.Errorf("%d values after the first step", drawn)
		}
	}
	at := p
	at.Sample.ARSteps = 1
	if golden.Furthest(draw(t, tr.model, at, 2, 2), all) < 1e-3 {
		t.Error("one step draws the images of several")
	}
}

// Costs are those of the work: the transformer's grow with the steps, the head's do not.
func TestCosts(t *testing.T) {
	p := small()
	p.Sample.Guidance = 0
	cost := func(steps int) models.Costs {
		p.Sample.ARSteps = steps
		return p.Costs()
	}
	one, two, four, all := cost(1), cost(2), cost(4), cost(0)
	trunk := two.FLOPsImage - one.FLOPsImage
	if trunk <= 0 || math.Abs((four.FLOPsImage-one.FLOPsImage)/trunk-3) > 0.05 || all.ARSteps != 16 || four.ARSteps != 4 ||
		four.NFE != 3 || all.TrunkEvals != 16 {
		t.Errorf("%+v %+v %+v %+v", one, two, four, all)
	}
	p.Sample.Guidance, p.Sample.Solver = 1, "heun"
	if c := cost(4); c.NFE != 10 || c.TrunkEvals != 8 || !(c.FLOPsImage > 1.9*four.FLOPsImage) {
		t.Errorf("%+v", c)
	}
	if m := p.SampleMemory(4); m.Cache != 0 || !(m.Activations > 2*p.SampleMemory(1).Activations) {
		t.Errorf("%+v", m)
	}
	p.Sample.GuidanceSchedule, p.Sample.GuidanceFrom, p.Sample.GuidanceTo = "interval", 0.3, 0.4 // of times 0, ⅓, ⅔ one, twice
	if c := cost(4); c.NFE != 7 {
		t.Errorf("%+v", c)
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
	other.Train.MaskRatioMin = 0.5
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
		"model.patch":              func(p *Params) { p.Model.Patch = 3 },
		"model.heads":              func(p *Params) { p.Model.Heads = 5 },
		"model.head_modulation":    func(p *Params) { p.Model.HeadModulation = "none" },
		"model.target":             func(p *Params) { p.Model.Target = "eps" },
		"train.mask_ratio_min":     func(p *Params) { p.Train.MaskRatioMin = 1.5 },
		"train.mask_ratio_std":     func(p *Params) { p.Train.MaskRatioStd = math.NaN() },
		"train.flow_samples":       func(p *Params) { p.Train.FlowSamples = 0 },
		"model.class_tokens":       func(p *Params) { p.Model.ClassTokens = -1 },
		"model.norm":               func(p *Params) { p.Model.Norm = "batch" },
		"model.positions":          func(p *Params) { p.Model.Positions, p.Model.Width, p.Model.Heads = "rope2d", 12, 2 },
		"sample.solver":            func(p *Params) { p.Sample.Solver = "rk4" },
		"sample.guidance_schedule": func(p *Params) { p.Sample.GuidanceSchedule = "cosine" },
		"sample.guidance_from":     func(p *Params) { p.Sample.GuidanceFrom, p.Sample.GuidanceTo = 0.5, 0.4 },
		"sample.ar_steps":          func(p *Params) { p.Sample.ARSteps = 17 },
		"data.set":                 func(p *Params) { p.Model.Classes = 0 },
	} {
		p := small()
		change(&p)
		if err := p.Validate(); err == nil || !strings.HasPrefix(err.Error(), key+": ") {
			t.Errorf("%s: %v", key, err)
		}
	}
	p := small()
	p.Sample.ARSteps = 17
	if err := p.Validate(); err == nil || !strings.Contains(err.Error(), "allowed: 1 to 16, or 0") {
		t.Errorf("more steps than tokens: %v", err)
	}
	p = small()
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

// A step in parts is the step of the whole batch up to rounding, though its parts hide
// different numbers of tokens.
func TestMicroBatches(t *testing.T) {
	grads := func(micro int) (out []float32, loss float64) {
		p := small()
		p.Train.Batch, p.Train.MicroBatch, p.Train.FlowSamples = 16, micro, 2
		tr := trainer(t, open(t, 2), p, 20)
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

// The gradient of every tensor is that of central differences, in float64.
func TestGradients(t *testing.T) {
	for name, change := range map[string]func(*Params){
		"x": func(*Params) {}, "v": func(p *Params) { p.Model.Target, p.Train.FlowSamples, p.Model.HeadModulation = "v", 2, "separable" },
	} {
		p := small()
		p.Model.Size, p.Model.Width, p.Model.Heads, p.Model.HeadWidth, p.Model.MLP = 6, 8, 2, 5, 2
		p.Train.Batch, p.Train.ClassDropout, p.Train.MaskRatioMin, p.Train.MaskRatioStd = 4, 0.3, 0.2, 1
		change(&p)
		be := reference.New()
		tr := trainer(t, be, p, 5)
		flat := be.Host(tr.model.raw)
		for i := range flat {
			flat[i] += 0.2 * layers.Normal(5, 99, 0, uint32(i), 0)
		}
		tr.gradients(t)
		got := append([]float64(nil), be.Host(tr.adam.Grads)...)
		loss := func() (s float64) {
			tr.forwardBackward(0)
			for _, v := range be.Host(tr.loss) {
				s += v
			}
			return s / float64(tr.hidden*p.Train.FlowSamples*p.Model.TokenDim())
		}
		for _, tensor := range tr.model.net.Tensors {
			var diff, size float64
			for k := range min(tensor.N, 12) {
				i := tensor.Offset + (k*7919)%tensor.N
				const h = 1e-5
				old := flat[i]
				flat[i] = old + h
				up := loss()
				flat[i] = old - h
				down := loss()
				flat[i] = old
				num := (up - down) / (2 * h)
				diff += (num - got[i]) * (num - got[i])
				size += num*num + got[i]*got[i]
			}
			if math.Sqrt(diff) > 1e-5*math.Sqrt(size)+1e-9 {
				t.Errorf("%s, %s: gradient differs from central differences by %g of %g", name, tensor.Name, math.Sqrt(diff), math.Sqrt(size))
			}
			if size == 0 && tensor.Name != "in.class" {
				t.Errorf("%s, %s: the gradient is zero", name, tensor.Name)
			}
		}
	}
}

// A training step allocates nothing on the device, and on the host nothing that grows
// with what it does.
func TestAStepAllocatesNothing(t *testing.T) {
	p := small()
	tr := trainer(t, open(t, 1), p, 30)
	step := func() {
		if err := tr.Step(); err != nil {
			t.Fatal(err)
		}
	}
	step()
	if n := testing.AllocsPerRun(5, step); n > 4 {
		t.Errorf("%g allocations per step", n)
	}
}
