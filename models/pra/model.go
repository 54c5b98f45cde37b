package pra

import (
	"prabench/models"
	"prabench/models/device"
	"prabench/models/layers"
)

// Model is a trained model on a backend: raw and averaged weights.
type Model struct {
	Config Config
	Train  TrainConfig
	Steps  int // training steps behind the weights

	net      *network
	mem      layers.Memory
	raw, ema device.Buffer
	averages layers.Averages // ema and others
}

// NewModel is an untrained model with the initial parameters of the seed.
func NewModel(be device.Backend, cfg Config, seed uint64) (*Model, error) {
	return newModel(be, cfg, "0.999", seed)
}

func newModel(be device.Backend, cfg Config, averages models.Averages, seed uint64) (*Model, error) {
	m, err := emptyModel(be, cfg, averages)
	if err != nil {
		return nil, err
	}
	if be.Caps().Counts {
		return m, nil // nothing is computed, and a large model's parameters take long to draw
	}
	flat := m.net.Initial(seed, streamInit)
	be.Upload(m.raw, flat)
	m.averages.Upload(be, flat)
	return m, nil
}

func emptyModel(be device.Backend, cfg Config, averages models.Averages) (*Model, error) {
	net, err := newNetwork(be, cfg)
	if err != nil {
		return nil, err
	}
	m := &Model{Config: cfg, net: net, mem: layers.Memory{Be: be}}
	m.raw, m.averages = m.mem.Alloc(device.Model, net.Total), layers.NewAverages(&m.mem, &net.Parameters, averages)
	m.ema = m.averages.First
	if m.mem.Err != nil {
		m.Close()
		return nil, m.mem.Err
	}
	return m, nil
}

// weights is the flat array that a sample configuration names.
func (m *Model) weights(name string) device.Buffer { return m.averages.Of(name, m.raw) }

// Close frees the weights; samplers of the model must be closed before.
func (m *Model) Close() {
	m.mem.Free()
	m.net.close()
}
