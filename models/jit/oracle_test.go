package jit

import (
	"encoding/json"
	"testing"

	"prabench/models"
	"prabench/models/device"
	"prabench/models/device/reference"
	"prabench/models/golden"
	"prabench/models/layers"
)

// The golden file is what testdata/oracle.py computes in float64 from the equations
// of README.md; the program's first line says how to make it again.
type oracleCase struct {
	Name    string               `json:"name"`
	Config  Config               `json:"config"`
	Train   json.RawMessage      `json:"train"` // the keys of TrainConfig that matter, and the seed
	Images  []int                `json:"images"`
	Labels  []int32              `json:"labels"`
	Weights map[string][]float64 `json:"weights"`
	Grads   map[string][]float64 `json:"grads"`
	Step    struct {
		Labels   []int32 `json:"labels"` // after class dropout
		T, ZT, O []float64
		Loss     float64
	} `json:"step"`
	Sample struct {
		Seed   uint64   `json:"seed"`
		IDs    []uint32 `json:"ids"`
		Labels []int32  `json:"labels"`
		Runs   []struct {
			SampleConfig
			Tokens []float64 `json:"tokens"`
			Images []int     `json:"images"`
		} `json:"runs"`
	} `json:"sample"`
}

func (c *oracleCase) params(t *testing.T) Params {
	p := defaults()
	p.Model = c.Config
	if err := json.Unmarshal(c.Train, &p.Train); err != nil {
		t.Fatal(err)
	}
	p.Train.Batch = len(c.Labels)
	return p
}

func (c *oracleCase) run(t *testing.T, be device.Backend, tol float64) {
	p, o := c.params(t), golden.Check{TB: t, Be: be, Tol: tol}
	// The images so that the shuffled order is that of the file.
	from, per := golden.Bytes(c.Images), c.Config.Size*c.Config.Size*c.Config.Channels
	pixels, labels := make([]uint8, len(from)), make([]int32, len(c.Labels))
	for i, to := range layers.Shuffled(models.SeedOf(p.Train.SeedOrder, p.Train.Seed), streamOrder, 0, len(c.Labels)) {
		copy(pixels[int(to)*per:int(to+1)*per], from[i*per:(i+1)*per])
		labels[to] = c.Labels[i]
	}
	tr, err := newTrainer(be, p, models.Images{N: len(c.Labels), Size: c.Config.Size, Channels: c.Config.Channels, Pixels: pixels,
		Labels: labels})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	net := &tr.model.net.Parameters
	o.Put(net, tr.model.raw, c.Weights)
	o.Put(net, tr.model.ema, c.Weights)
	if err := tr.loadBatch(0); err != nil {
		t.Fatal(err)
	}
	for i, l := range c.Step.Labels {
		if tr.hostLabels[i] != l {
			t.Errorf("image %d has the label %d, in the file %d", i, tr.hostLabels[i], l)
		}
	}
	tr.forwardBackward(0)
	o.Same("t", tr.t, c.Step.T)
	o.Buffer("z_t", tr.zt, c.Step.ZT)
	o.Buffer("output", tr.acts.Out, c.Step.O)
	o.Number("loss", tr.Losses().Total(), c.Step.Loss)
	o.Tensors("gradient of", net, tr.adam.Grads, c.Grads)
	for _, r := range c.Sample.Runs {
		p.Sample = r.SampleConfig
		p.Sample.Seed, p.Sample.Weights = c.Sample.Seed, "ema"
		smp, err := tr.model.Sampler(p, len(c.Sample.IDs))
		if err != nil {
			t.Fatal(err)
		}
		tokens, err := smp.(*Sampler).Tokens(c.Sample.Labels, c.Sample.IDs)
		if err != nil {
			t.Fatal(err)
		}
		o.Same(r.Solver+" tokens", tokens, r.Tokens)
		out := make([]uint8, len(r.Images))
		if err := smp.Sample(c.Sample.Labels, c.Sample.IDs, out); err != nil {
			t.Fatal(err)
		}
		o.Image(r.Solver, out, r.Images)
		smp.Close()
	}
}

func oracleOn(t *testing.T, open func() (device.Backend, error), tol float64) {
	golden.Cases(t, open, func(c *oracleCase) string { return c.Name },
		func(t *testing.T, be device.Backend, c *oracleCase) { c.run(t, be, tol) })
}

// Scalars that the host computes (times, loss weights) are float32 on every backend,
// so the float64 backend agrees to float32's precision.
func TestOracleReference(t *testing.T) {
	oracleOn(t, func() (device.Backend, error) { return reference.New(), nil }, 1e-5)
}

func TestOracleCPU(t *testing.T) {
	golden.CPU(t, func(t *testing.T, open func() (device.Backend, error)) { oracleOn(t, open, 2e-4) })
}
