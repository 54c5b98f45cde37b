package vq

import (
	"encoding/json"
	"fmt"
	"slices"
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
	Name      string               `json:"name"`
	Config    Config               `json:"config"`
	Train     json.RawMessage      `json:"train"` // the keys of TrainConfig that matter, and the seed
	Images    []int                `json:"images"`
	Labels    []int32              `json:"labels"`
	Weights   map[string][]float64 `json:"weights"`
	Vectors   []float64            `json:"vectors"`
	Use       []float64            `json:"use"`
	Tokenizer struct {
		Z, Y            []float64
		Codes           []int32
		Rec, Held, Loss float64
		Grads           map[string][]float64
	} `json:"tokenizer"`
	Moved struct {
		Step         int
		Vectors, Use []float64
		Reset        float64
	} `json:"moved"`
	Entropy float64              `json:"entropy"`
	Grads   map[string][]float64 `json:"grads"`
	Sample  struct {
		Seed   uint64   `json:"seed"`
		IDs    []uint32 `json:"ids"`
		Labels []int32  `json:"labels"`
		Runs   []struct {
			SampleConfig
			Codes  []int32   `json:"codes"`
			Tokens []float64 `json:"tokens"`
			Images []int     `json:"images"`
		} `json:"runs"`
	} `json:"sample"`
}

func floats(v []float64) []float32 {
	out := make([]float32, len(v))
	for i, x := range v {
		out[i] = float32(x)
	}
	return out
}

// load puts weights and codes of the file into a trainer's model.
func (c *oracleCase) load(o golden.Check, tr *Trainer) {
	m := tr.model
	net, tok := map[string][]float64{}, map[string][]float64{}
	for _, t := range m.net.Tensors {
		net[t.Name] = c.Weights[t.Name]
	}
	for _, t := range m.tok.Tensors {
		tok[t.Name] = c.Weights[t.Name]
	}
	if len(net)+len(tok) != len(c.Weights) {
		o.Errorf("%d tensors where the file has %d", len(net)+len(tok), len(c.Weights))
	}
	o.Put(&m.net.Parameters, m.raw, net)
	o.Put(&m.net.Parameters, m.averages.First, net)
	o.Put(&m.tok.Parameters, m.coder, tok)
	copy(m.book.vectors, floats(c.Vectors))
	copy(m.book.use, floats(c.Use))
	m.book.upload(m.be)
}

func (c *oracleCase) run(t *testing.T, be device.Backend, tol float64) {
	p, o := defaults(), golden.Check{TB: t, Be: be, Tol: tol}
	p.Model = c.Config
	if err := json.Unmarshal(c.Train, &p.Train); err != nil {
		t.Fatal(err)
	}
	p.Train.Batch, p.Train.ClassDropout = len(c.Labels), 0
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
	c.load(o, tr)
	if err := tr.loadBatch(); err != nil {
		t.Fatal(err)
	}
	tr.forwardBackward()
	if !slices.Equal(tr.hostCodes, c.Tokenizer.Codes) {
		t.Errorf("codes %v, in the file %v", tr.hostCodes, c.Tokenizer.Codes)
	}
	o.Number("cross entropy", tr.last.entropy, c.Entropy)
	o.Tensors("gradient of", &tr.model.net.Parameters, tr.adam.Grads, c.Grads)
	c.samples(o, tr.model, p)
	tr.model.steps = c.Moved.Step
	tr.tokenizerStep()
	o.Buffer("states", tr.enc.z, c.Tokenizer.Z)
	o.Buffer("decoded", tr.dec.y, c.Tokenizer.Y)
	o.Number("reconstruction", tr.last.rec, c.Tokenizer.Rec)
	o.Number("commitment", tr.last.commit, c.Tokenizer.Held)
	tr.model.steps++
	o.Number("loss", tr.Losses().Total(), c.Tokenizer.Loss)
	o.Tensors("gradient of", &tr.model.tok.Parameters, tr.coder.Grads, c.Tokenizer.Grads)
	o.Buffer("codes", tr.model.book.on, c.Moved.Vectors)
	o.Same("use", tr.model.book.use, c.Moved.Use)
	if tr.last.reset != c.Moved.Reset {
		t.Errorf("%g codes are reset, in the file %g", tr.last.reset, c.Moved.Reset)
	}
}

func (c *oracleCase) samples(o golden.Check, m *Model, p Params) {
	for _, r := range c.Sample.Runs {
		p.Sample = r.SampleConfig
		p.Sample.Seed, p.Sample.Weights = c.Sample.Seed, "ema"
		made, err := m.Sampler(p, len(c.Sample.IDs))
		if err != nil {
			o.Fatal(err)
		}
		s := made.(*Sampler)
		tokens, err := s.tokens(c.Sample.Labels, c.Sample.IDs)
		if err != nil {
			o.Fatal(err)
		}
		if what := fmt.Sprintf("%+v", r.SampleConfig); !slices.Equal(s.drawn, r.Codes) {
			o.Errorf("%s: codes %v, in the file %v", what, s.drawn, r.Codes)
		} else {
			o.Same(what, tokens, r.Tokens)
		}
		out := make([]uint8, len(r.Images))
		if err := s.Sample(c.Sample.Labels, c.Sample.IDs, out); err != nil {
			o.Fatal(err)
		}
		o.Image(fmt.Sprintf("%+v", r.SampleConfig), out, r.Images)
		s.Close()
	}
}

func oracleOn(t *testing.T, open func() (device.Backend, error), tol float64) {
	golden.Cases(t, open, func(c *oracleCase) string { return c.Name },
		func(t *testing.T, be device.Backend, c *oracleCase) { c.run(t, be, tol) })
}

// What the host computes (the gradient of logits, codes) is float32 on every backend,
// so the float64 backend agrees to float32's precision.
func TestOracleReference(t *testing.T) {
	oracleOn(t, func() (device.Backend, error) { return reference.New(), nil }, 1e-5)
}

func TestOracleCPU(t *testing.T) {
	golden.CPU(t, func(t *testing.T, open func() (device.Backend, error)) { oracleOn(t, open, 2e-4) })
}
