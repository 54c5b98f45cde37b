package pra

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"

	"prabench/models"
	"prabench/models/cpu"
	"prabench/models/device"
	"prabench/models/device/reference"
	"prabench/models/layers"
)

// The golden file is what testdata/oracle.py computes in float64 from the
// equations of README.md; the program's first line says how to make it again.

type oracleSeed struct {
	Seed uint64 `json:"seed"`
}

type oracleCase struct {
	Name    string               `json:"name"`
	Config  Config               `json:"config"`
	Train   json.RawMessage      `json:"train"` // the keys of TrainConfig that matter, and the seed
	Images  []uint8              `json:"-"`
	Bytes   []int                `json:"images"`
	Labels  []int32              `json:"labels"`
	Tokens  []float64            `json:"tokens"`
	Weights map[string][]float64 `json:"weights"`
	Grads   map[string][]float64 `json:"grads"`
	Step    struct {
		Labels             []int32   `json:"labels"` // after class dropout
		Z, Inputs, H, T, O []float64 // O and T: [m, batch, N, ·]
		Flow, Rec, Total   float64
	} `json:"step"`
	Sample struct {
		Seed   uint64      `json:"seed"`
		IDs    []uint32    `json:"ids"`
		Labels []int32     `json:"labels"`
		Runs   []oracleRun `json:"runs"`
	} `json:"sample"`
	Optimiser *struct {
		Factors []float64            `json:"factors"` // of the gradient, a step each
		Norms   []float64            `json:"norms"`
		LR      []float64            `json:"lr"`
		Weights map[string][]float64 `json:"weights"`
		EMA     map[string][]float64 `json:"ema"`
	} `json:"optimiser"`
}

// oracleRun is what came out of a sampling, beside the keys that the oracle set.
type oracleRun struct {
	SampleConfig
	Tokens []float64
	Images []int
	Sweeps []float64 // where they are counted
}

func (r *oracleRun) UnmarshalJSON(text []byte) error {
	r.SampleConfig = DefaultSample()
	var out struct {
		Tokens []float64 `json:"tokens"`
		Images []int     `json:"images"`
		Sweeps []float64 `json:"sweeps"`
	}
	err := models.First(json.Unmarshal(text, &r.SampleConfig), json.Unmarshal(text, &out))
	r.Tokens, r.Images, r.Sweeps = out.Tokens, out.Images, out.Sweeps
	return err
}

func readOracle(t *testing.T) []oracleCase {
	f, err := os.Open("testdata/oracle.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Cases []oracleCase `json:"cases"`
	}
	if err := json.NewDecoder(z).Decode(&golden); err != nil {
		t.Fatal(err)
	}
	if len(golden.Cases) == 0 {
		t.Fatal("the golden file has no cases")
	}
	for i := range golden.Cases {
		c := &golden.Cases[i]
		if len(c.Labels) == 0 || len(c.Step.Labels) != len(c.Labels) || len(c.Sample.Runs) == 0 {
			t.Fatalf("case %s lacks labels or samples", c.Name)
		}
		for _, v := range c.Bytes {
			c.Images = append(c.Images, uint8(v))
		}
	}
	return golden.Cases
}

func (c *oracleCase) train(t *testing.T) TrainConfig {
	tc := DefaultTrain()
	var s oracleSeed
	if err := models.First(json.Unmarshal(c.Train, &tc), json.Unmarshal(c.Train, &s)); err != nil {
		t.Fatal(err)
	}
	tc.Seed, tc.Batch = s.Seed, len(c.Labels)
	return tc
}

// oracleCheck compares with the golden numbers to a relative tolerance.
type oracleCheck struct {
	*testing.T
	be    device.Backend
	tol   float64
	worst float64
	where string
}

// same demands ‖got − want‖ ≤ tol·‖want‖.
func (o *oracleCheck) same(what string, got []float32, want []float64) {
	o.Helper()
	if len(got) != len(want) {
		o.Errorf("%s: %d values where the oracle has %d", what, len(got), len(want))
		return
	}
	var diff, size float64
	for i, w := range want {
		d := float64(got[i]) - w
		diff += d * d
		size += w * w
	}
	e := math.Sqrt(diff)
	if size > 0 {
		e /= math.Sqrt(size)
	}
	if !(e <= o.worst) {
		o.worst, o.where = e, what
	}
	if !(e <= o.tol) {
		o.Errorf("%s: off by %.2g of its norm, tolerance %.0e", what, e, o.tol)
	}
}

func (o *oracleCheck) buffer(what string, got device.Buffer, want []float64) {
	o.Helper()
	h := make([]float32, got.N)
	o.be.Download(h, got)
	o.same(what, h, want)
}

func (o *oracleCheck) tensors(what string, l *layout, flat device.Buffer, want map[string][]float64) {
	o.Helper()
	if len(want) != len(l.Tensors) {
		o.Errorf("%s: %d tensors where the oracle has %d", what, len(l.Tensors), len(want))
	}
	for _, x := range l.Tensors {
		o.buffer(what+" of "+x.Name, x.Of(flat), want[x.Name])
	}
}

// upload puts named tensors, times factor, into a flat array.
func (o *oracleCheck) upload(l *layout, flat device.Buffer, from map[string][]float64, factor float64) {
	o.Helper()
	for _, x := range l.Tensors {
		v := from[x.Name]
		if len(v) != x.N {
			o.Fatalf("%s has %d values, the oracle's %d", x.Name, x.N, len(v))
		}
		h := make([]float32, x.N)
		for i := range h {
			h[i] = float32(factor * v[i])
		}
		o.be.Upload(x.Of(flat), h)
	}
}

func (o *oracleCheck) step(c *oracleCase, tr *Trainer, data models.Images) {
	b, a, be := tr.batch, tr.acts, o.be
	// The images so that the shuffled order is that of the file.
	placed, per := data, data.Size*data.Size*data.Channels
	placed.Pixels, placed.Labels = make([]uint8, len(data.Pixels)), make([]int32, data.N)
	for i, to := range layers.Shuffled(1, streamOrder, 0, data.N) {
		copy(placed.Pixels[int(to)*per:int(to+1)*per], data.Pixels[i*per:(i+1)*per])
		placed.Labels[to] = data.Labels[i]
	}
	feed := layers.NewFeed(placed, 1, streamOrder, data.N)
	for i := range c.Labels {
		if err := b.pick(i, i, feed, tr.tc.Seed); err != nil {
			o.Fatal(err)
		}
	}
	be.Upload(a.x, b.tokens)
	be.UploadInts(b.labels, b.hostLabels)
	be.UploadInts(b.ids, b.hostIDs)
	tr.forwardBackward(0)

	for i, l := range c.Step.Labels {
		if b.hostLabels[i] != l {
			o.Errorf("image %d: label %d after dropout, the oracle has %d", i, b.hostLabels[i], l)
		}
	}
	o.buffer("tokens", a.x, c.Tokens)
	if c.Config.State > 0 {
		o.buffer("z", a.coder.Z, c.Step.Z)
	}
	o.buffer("AR inputs", a.in, c.Step.Inputs)
	o.buffer("h", a.trunk.H, c.Step.H)
	o.buffer("t", a.a, c.Step.T)
	o.buffer("o", a.head.Out, c.Step.O)
	l := tr.Losses()
	o.same("flow loss", []float32{float32(l.Flow)}, []float64{c.Step.Flow})
	o.same("reconstruction loss", []float32{float32(l.Rec)}, []float64{c.Step.Rec})
	o.same("loss", []float32{float32(l.Total)}, []float64{c.Step.Total})
	o.tensors("gradient", tr.net.layout, tr.adam.Grads, c.Grads)
}

func (o *oracleCheck) sample(c *oracleCase, m *Model) {
	for _, r := range c.Sample.Runs {
		sc := r.SampleConfig
		sc.Seed = c.Sample.Seed
		what := fmt.Sprintf("sample %+v", sc)
		s, err := NewSampler(m, sc, len(c.Sample.IDs))
		if err != nil {
			o.Fatal(err)
		}
		tokens, err := s.Tokens(c.Sample.Labels, c.Sample.IDs)
		if err != nil {
			o.Fatal(err)
		}
		o.same(what, tokens, r.Tokens)
		for i, n := range r.Sweeps {
			if got := s.Sweeps()[i]; math.Abs(got-n) > 1e-9 {
				o.Errorf("%s: image %d took %g sweeps, the oracle's %g", what, i, got, n)
			}
		}
		image := make([]uint8, len(r.Images))
		if err := s.Sample(c.Sample.Labels, c.Sample.IDs, image); err != nil {
			o.Fatal(err)
		}
		off := 0 // bytes that a last digit of float32 rounds the other way
		for i, v := range image {
			if d := int(v) - r.Images[i]; d < -1 || d > 1 {
				o.Fatalf("%s: byte %d is %d, the oracle has %d", what, i, v, r.Images[i])
			} else if d != 0 {
				off++
			}
		}
		if off > 1+len(image)/50 {
			o.Errorf("%s: %d of %d bytes differ by one", what, off, len(image))
		}
		s.Close()
	}
}

// optimiser feeds the oracle's gradients, times a factor a step, to the
// update; weights are compared by how far they moved.
func (o *oracleCheck) optimiser(c *oracleCase, tr *Trainer) {
	want := c.Optimiser
	for s, f := range want.Factors {
		o.upload(tr.net.layout, tr.adam.Grads, c.Grads, f)
		tr.adam.Update(tr.net.be, &tr.net.Parameters, tr.Model.raw, tr.Model.ema, tr.done)
		tr.done++
		o.same("gradient norm", []float32{float32(tr.adam.GradNorm)}, want.Norms[s:s+1])
		o.same("learning rate", []float32{float32(tr.adam.LR)}, want.LR[s:s+1])
	}
	moved := func(what string, flat device.Buffer, to map[string][]float64) {
		for _, x := range tr.net.Tensors {
			h, w := make([]float32, x.N), make([]float64, x.N)
			o.be.Download(h, x.Of(flat))
			for i, v := range c.Weights[x.Name] {
				h[i] -= float32(v)
				w[i] = to[x.Name][i] - v
			}
			o.same(what+" of "+x.Name, h, w)
		}
	}
	moved("movement", tr.Model.raw, want.Weights)
	moved("movement of the average", tr.Model.ema, want.EMA)
}

func (o *oracleCheck) run(c *oracleCase) {
	data := models.Images{N: len(c.Labels), Size: c.Config.Size, Channels: c.Config.Channels, Pixels: c.Images, Labels: c.Labels}
	tr, err := NewTrainer(o.be, c.Config, c.train(o.T), data)
	if err != nil {
		o.Fatal(err)
	}
	defer tr.Close()
	perceive(o.T, tr)
	o.upload(tr.net.layout, tr.Model.raw, c.Weights, 1)
	o.upload(tr.net.layout, tr.Model.ema, c.Weights, 1)
	o.step(c, tr, data)
	o.sample(c, tr.Model)
	if c.Optimiser != nil {
		o.optimiser(c, tr)
	}
	o.Logf("worst: %.1g, %s", o.worst, o.where)
}

func oracleOn(t *testing.T, open func() (device.Backend, error), tol float64) {
	for _, c := range readOracle(t) {
		t.Run(c.Name, func(t *testing.T) {
			be, err := open()
			if err != nil {
				t.Fatal(err)
			}
			defer be.Close()
			(&oracleCheck{T: t, be: be, tol: tol}).run(&c)
		})
	}
}

// Scalars that the host computes (times, strengths, loss weights) are float32
// on every backend, so the float64 backend agrees to float32's precision.
func TestOracleReference(t *testing.T) {
	oracleOn(t, func() (device.Backend, error) { return reference.New(), nil }, 1e-5)
}

func TestOracleCPU(t *testing.T) {
	paths := cpu.Paths()
	defer cpu.SelectPath(paths[0])
	for _, p := range paths {
		t.Run(p, func(t *testing.T) {
			if !cpu.SelectPath(p) {
				t.Fatalf("path %s is listed and cannot be selected", p)
			}
			oracleOn(t, func() (device.Backend, error) { return cpu.New(1) }, 2e-4)
		})
	}
}
