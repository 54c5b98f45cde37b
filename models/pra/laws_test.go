package pra

import (
	"fmt"
	"math"
	"path/filepath"
	"testing"

	"prabench/models"
	"prabench/models/cpu"
	"prabench/models/device"
	"prabench/models/layers"
)

// The laws of METHOD as tests, on the CPU backend; with the tag cuda on a CUDA
// device as well (cuda_test.go). Each states what would be broken if it failed.

// opener makes the backend of the laws.
var opener = func(threads int) (device.Backend, error) { return cpu.New(threads) }

func openDevice(t *testing.T, threads int) device.Backend {
	t.Helper()
	be, err := opener(threads)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { be.Close() })
	return be
}

// smallConfig has N = 16 tokens of 4 values and every part of the model.
func smallConfig() Config {
	c := DefaultConfig()
	c.Size, c.Patch, c.Classes = 8, 2, 3
	c.Width, c.Depth, c.Heads, c.MLP, c.HeadWidth, c.HeadDepth, c.CoderWidth, c.State = 16, 2, 2, 2, 16, 2, 16, 3
	return c
}

// smallImages are seeded noise with structure enough to train on.
func smallImages(c Config, n int) models.Images {
	d := models.Images{N: n, Size: c.Size, Channels: c.Channels}
	size := c.Size * c.Size * c.Channels
	for i := range n {
		d.Labels = append(d.Labels, int32(i%c.Classes))
		for j := range size {
			v := 127 + 100*math.Sin(float64(i+j*(1+i%c.Classes))/3) + 20*layers.Uniform(9, 0, uint32(i), uint32(j))
			d.Pixels = append(d.Pixels, uint8(v))
		}
	}
	return d
}

// warmModel is a model whose zero-initialised parts have been moved, so that
// every path matters.
func warmModel(t *testing.T, be device.Backend, c Config) *Model {
	t.Helper()
	m, err := NewModel(be, c, 3)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	flat := make([]float32, m.net.Total)
	be.Download(flat, m.raw)
	for i := range flat {
		flat[i] += float32(0.1 * layers.Normal(17, 99, 0, uint32(i), 0))
	}
	be.Upload(m.raw, flat)
	be.Upload(m.ema, flat)
	return m
}

type variant struct {
	name string
	cfg  Config
}

func variants() []variant {
	var out []variant
	for _, state := range []int{3, 0} {
		for _, block := range []int{1, 2, 4} {
			for _, order := range []string{"contiguous", "strided"} {
				c := smallConfig()
				c.State, c.Block, c.Order = state, block, order
				out = append(out, variant{fmt.Sprintf("state%d/block%d/%s", state, block, order), c})
				if state == 0 || block == 1 && order == "strided" {
					continue
				}
				c.Encoder, c.Decoder = "context", "context"
				out = append(out, variant{fmt.Sprintf("contexts/block%d/%s", block, order), c})
				c.Decoder, c.DecoderDepth = "causal", block
				out = append(out, variant{fmt.Sprintf("causal/block%d/%s", block, order), c})
			}
		}
	}
	c := smallConfig()
	c.ClassTokens = 3
	out = append(out, variant{"class tokens", c})
	c.ClassTokens, c.Positions, c.Block, c.Encoder, c.Decoder = 5, "rope2d", 2, "context", "causal"
	return append(out, variant{"class tokens/rotations/causal/block2", c})
}

func draw(t *testing.T, m *Model, sc SampleConfig, batch int, labels []int32, ids []uint32) []float32 {
	t.Helper()
	s, err := NewSampler(m, sc, batch)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var out []float32
	for lo := 0; lo < len(labels); lo += batch {
		hi := min(lo+batch, len(labels))
		x, err := s.Tokens(labels[lo:hi], ids[lo:hi])
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, x...)
	}
	return out
}

func furthest(a, b []float32) float64 {
	if len(a) != len(b) {
		return math.Inf(1)
	}
	var d float64
	for i := range a {
		diff := math.Abs(float64(a[i]) - float64(b[i]))
		if math.IsNaN(diff) {
			return math.NaN()
		}
		d = max(d, diff)
	}
	return d
}

func within4(t *testing.T, what string, a, b []float32) {
	t.Helper()
	if d := furthest(a, b); !(d <= 1e-4) {
		t.Errorf("%s: differ by %g", what, d)
	}
}

// Law 1: keys and values from the cache give what recomputing them gives.
func TestLawCachedEqualsUncached(t *testing.T) {
	for _, v := range variants() {
		t.Run(v.name, func(t *testing.T) {
			be := openDevice(t, 1)
			m := warmModel(t, be, v.cfg)
			n, c, batch := m.net, v.cfg, 2
			mem := layers.Memory{Be: be}
			defer mem.Free()
			rows := batch * c.Tokens()
			x := mem.Act(rows * c.TokenDim())
			host := make([]float32, x.N)
			for i := range host {
				host[i] = float32(math.Sin(float64(i)))
			}
			be.Upload(x, host)
			labels := mem.Ints(batch)
			be.UploadInts(labels, []int32{0, 2})
			whole := n.trunkActs(&mem, batch, false)
			n.trunk(m.raw, whole, x, labels, batch)
			want := make([]float32, rows*c.Width)
			be.Download(want, whole.H)

			B := c.Block
			step := n.stepActs(&mem, batch, B)
			prev := mem.Act(batch * B * c.TokenDim())
			var caches []device.Buffer
			for range c.Depth {
				caches = append(caches, mem.Act(2*batch*c.cached()*c.Width))
			}
			got := make([]float32, rows*c.Width)
			part := make([]float32, batch*B*c.Width)
			for k := range c.ARSteps() {
				if k > 0 {
					off := (k - 1) * B * c.TokenDim()
					device.Do(be, device.Copy2D{
						Dst: prev, LDDst: B * c.TokenDim(), Src: x.Slice(off, x.N-off), LDSrc: c.Tokens() * c.TokenDim(),
						Rows: batch, N: B * c.TokenDim(),
					})
				}
				n.trunkStep(m.raw, step, caches, prev, labels, batch, k)
				be.Download(part, step.H.Slice(0, len(part)))
				for b := range batch {
					copy(got[(b*c.Tokens()+k*B)*c.Width:], part[b*B*c.Width:(b+1)*B*c.Width])
				}
			}
			within4(t, "h of the cached and the whole trunk", got, want)
		})
	}
}

// Law 2: K sweeps are the sequential result, and after r sweeps the first r
// blocks are final, from any start.
func TestLawSweepsReachSequential(t *testing.T) {
	for _, v := range variants() {
		t.Run(v.name, func(t *testing.T) {
			be := openDevice(t, 1)
			m := warmModel(t, be, v.cfg)
			c := v.cfg
			labels, ids := []int32{0, 1, 2}, []uint32{5, 6, 7}
			sc := DefaultSample()
			sc.FlowSteps = 3
			want := draw(t, m, sc, 3, labels, ids)
			sc.RolloutDepth = models.Exact
			within4(t, "K sweeps and sequential", draw(t, m, sc, 3, labels, ids), want)

			s, err := NewSampler(m, sc, 3)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			host := make([]float32, len(want))
			for i := range host {
				host[i] = float32(3 * math.Cos(float64(i))) // far from any image
			}
			be.Upload(s.x, host)
			g := s.shares.gens[0]
			g.begin(m.ema, labels, []int32{5, 6, 7})
			g.noise(sc.Seed, 3, 0)
			per, image := c.Block*c.TokenDim(), c.Tokens()*c.TokenDim()
			for r := 1; r <= c.ARSteps(); r++ {
				g.sweep(m.ema, 3, device.Buffer{}, s.x)
				be.Download(host, s.x)
				for b := range 3 {
					within4(t, fmt.Sprintf("first %d blocks after %d sweeps", r, r), host[b*image:b*image+r*per], want[b*image:b*image+r*per])
				}
			}
		})
	}
}

// Law 3: a later token changes no earlier h.
func TestLawCausality(t *testing.T) {
	for _, v := range variants() {
		t.Run(v.name, func(t *testing.T) {
			be := openDevice(t, 1)
			m := warmModel(t, be, v.cfg)
			n, c := m.net, v.cfg
			mem := layers.Memory{Be: be}
			defer mem.Free()
			N, P := c.Tokens(), c.TokenDim()
			x, labels, a := mem.Act(N*P), mem.Ints(1), n.trunkActs(&mem, 1, false)
			be.UploadInts(labels, []int32{1})
			run := func(host []float32) []float32 {
				be.Upload(x, host)
				n.trunk(m.raw, a, x, labels, 1)
				h := make([]float32, N*c.Width)
				be.Download(h, a.H)
				return h
			}
			base := make([]float32, N*P)
			for i := range base {
				base[i] = float32(math.Sin(float64(i)))
			}
			before := run(base)
			for j := range N {
				changed := append([]float32(nil), base...)
				for i := range P {
					changed[j*P+i] += 1
				}
				after := run(changed)
				// Token j is an input of block ⌊j/B⌋+1 and later.
				firstBlock := (j/c.Block + 1) * c.Block
				if d := furthest(before[:firstBlock*c.Width], after[:firstBlock*c.Width]); d != 0 {
					t.Fatalf("token %d changes an earlier h by %g", j, d)
				}
				if firstBlock < N && furthest(before[firstBlock*c.Width:], after[firstBlock*c.Width:]) < 1e-3 {
					t.Fatalf("token %d changes nothing that follows: the inputs are not read", j)
				}
			}
		})
	}
}

// Law 4: an image depends on its seed, label and id, not on the batch it is
// drawn in, its neighbours or the number of threads.
func TestLawSameSeedSameImage(t *testing.T) {
	for _, depth := range []models.Depth{0, 2} {
		for _, guidance := range []float64{0, 1.5} {
			t.Run(fmt.Sprintf("depth%d/guidance%g", depth, guidance), func(t *testing.T) {
				c := smallConfig()
				sc := DefaultSample()
				sc.FlowSteps, sc.RolloutDepth, sc.Guidance, sc.Solver = 3, depth, guidance, "heun"
				labels, ids := []int32{0, 1, 2, 0, 1, 2, 0}, []uint32{0, 1, 2, 3, 4, 5, 6}
				per := c.Tokens() * c.TokenDim()
				want := draw(t, warmModel(t, openDevice(t, 1), c), sc, 7, labels, ids)
				m := warmModel(t, openDevice(t, 2), c)
				for _, batch := range []int{1, 2, 3, 7} {
					within4(t, fmt.Sprintf("batches of %d on 2 threads", batch), draw(t, m, sc, batch, labels, ids), want)
				}
				back := draw(t, m, sc, 4, []int32{0, 2, 1, 0, 2, 1, 0}, []uint32{6, 5, 4, 3, 2, 1, 0})
				for i := range labels {
					within4(t, fmt.Sprintf("image %d drawn in reverse order", i), back[(6-i)*per:(7-i)*per], want[i*per:(i+1)*per])
				}
				if furthest(want[:per], want[3*per:4*per]) < 1e-2 {
					t.Error("two ids with one label give one image: the id does not reach the noise")
				}
				sc.Seed++
				if furthest(draw(t, m, sc, 7, labels, ids), want) < 1e-2 {
					t.Error("another seed gives the same images")
				}
			})
		}
	}
}

// Law 5: saved and resumed equals never stopped, to the bit.
func TestLawResume(t *testing.T) {
	for _, depth := range []models.Depth{0, 1, 3, models.Exact} {
		t.Run(fmt.Sprint("depth", depth), func(t *testing.T) {
			c := smallConfig()
			tc := DefaultTrain()
			tc.Steps, tc.Batch, tc.RolloutDepth, tc.Mix, tc.InputNoise, tc.FlowSamples, tc.Threads = 8, 5, depth, 0.3, 0.1, 2, 2
			data := smallImages(c, 12) // an epoch ends in the middle of a batch
			weights := func(tr *Trainer) []float32 {
				out := make([]float32, 2*tr.net.Total)
				tr.net.be.Download(out[:tr.net.Total], tr.Model.raw)
				tr.net.be.Download(out[tr.net.Total:], tr.Model.ema)
				return out
			}
			train := func(tr *Trainer, to int) {
				for tr.Done() < to {
					if err := tr.Step(); err != nil {
						t.Fatal(err)
					}
				}
			}
			open := func() *Trainer {
				tr, err := NewTrainer(openDevice(t, tc.Threads), c, tc, data)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(tr.Close)
				return tr
			}
			whole := open()
			train(whole, 8)
			path := filepath.Join(t.TempDir(), "checkpoint.safetensors")
			half := open()
			train(half, 3)
			if err := half.Save(path); err != nil {
				t.Fatal(err)
			}
			rest := open()
			if err := rest.Resume(path); err != nil {
				t.Fatal(err)
			}
			train(rest, 8)
			if d := furthest(weights(whole), weights(rest)); d != 0 {
				t.Errorf("resumed weights differ by %g", d)
			}
			if whole.Losses() != rest.Losses() {
				t.Errorf("losses %+v, resumed %+v", whole.Losses(), rest.Losses())
			}
		})
	}
}

// Law 8: B = 1, d = 0, R = 0 is plain teacher forcing. Four tokens of one
// pixel; weights chosen so that the head's output is a known function of the
// sign of the clean pixel before, and the loss can be written down.
func TestLawPlainTeacherForcing(t *testing.T) {
	be := openDevice(t, 1)
	c := Config{Size: 2, Channels: 1, Classes: 1, Patch: 1, Block: 1, Order: "contiguous", State: 0, StateNorm: "layernorm",
		Width: 2, Depth: 1, Heads: 1, MLP: 1, HeadWidth: 2, HeadDepth: 1, CoderWidth: 1, Target: "x", HeadModulation: "block",
		Encoder: "token", Decoder: "token", DecoderDepth: 1, Norm: "layernorm", MLPKind: "gelu",
		Positions: "learned", QKNorm: "none"}
	tc := DefaultTrain()
	tc.Batch, tc.RolloutDepth, tc.ClassDropout, tc.RecWeight, tc.Seed = 1, 0, 0, 0, 42
	pixels := []uint8{255, 51, 204, 0}
	tr, err := NewTrainer(be, c, tc, models.Images{N: 1, Size: 2, Channels: 1, Pixels: pixels, Labels: []int32{0}})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	flat := make([]float32, tr.net.Total)
	set := func(name string, v ...float32) {
		for _, x := range tr.net.Tensors {
			if x.Name == name {
				copy(flat[x.Offset:x.Offset+x.N], v)
				return
			}
		}
		t.Fatalf("no tensor %s", name)
	}
	// u_0 = (1, −1), u_i = x_{i−1}·(1, −1): after the last norm ±(1, −1).
	set("in.start", 1, -1)
	set("in.weight", 1, -1)
	set("trunk.norm.gain", 1, 1)
	// c = silu(h); o = Σ of the output's shift = c_0.
	set("head.cond.weight", 1, 0, 0, 1)
	mod := make([]float32, 2*10) // [2, (3+2)·2]; the output's shift starts at column 6
	mod[6] = 1
	set("head.mod.weight", mod...)
	set("head.out.weight", 1, 0)
	be.Upload(tr.Model.raw, flat)
	tr.loadBatch(0)
	tr.forwardBackward(0)

	x := []float64{1, 51/127.5 - 1, 204/127.5 - 1, -1}
	before := []float64{1, x[0], x[1], x[2]} // the start token acts as +1
	var want float64
	for i := range x {
		v := math.Abs(before[i]) // both values of u_i are ±v: variance v²
		h := before[i] / math.Sqrt(v*v+1e-5)
		o := h / (1 + math.Exp(-h))
		time := 1 / (1 + math.Exp(-layers.Normal(42, streamTime, 0, uint32(i), 0)))
		e := (o - x[i]) / math.Max(1-time, 0.05)
		want += e * e / 4
	}
	if got := tr.Losses().Flow; math.Abs(got-want) > 1e-5*want {
		t.Errorf("loss %.9g, by hand %.9g", got, want)
	}
}
