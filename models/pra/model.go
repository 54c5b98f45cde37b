package pra

import (
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
}

// NewModel is an untrained model with the initial parameters of the seed.
func NewModel(be device.Backend, cfg Config, seed uint64) (*Model, error) {
	m, err := emptyModel(be, cfg)
	if err != nil {
		return nil, err
	}
	if be.Caps().Counts {
		return m, nil // nothing is computed, and a large model's parameters take long to draw
	}
	flat := m.net.Initial(seed, streamInit)
	be.Upload(m.raw, flat)
	be.Upload(m.ema, flat)
	return m, nil
}

func emptyModel(be device.Backend, cfg Config) (*Model, error) {
	net, err := newNetwork(be, cfg)
	if err != nil {
		return nil, err
	}
	m := &Model{Config: cfg, net: net, mem: layers.Memory{Be: be}}
	m.raw, m.ema = m.mem.Alloc(device.Model, net.Total), m.mem.Alloc(device.Model, net.Total)
	if m.mem.Err != nil {
		m.Close()
		return nil, m.mem.Err
	}
	return m, nil
}

// weights is the flat array that a sample configuration names.
func (m *Model) weights(name string) device.Buffer {
	if name == "raw" {
		return m.raw
	}
	return m.ema
}

// Close frees the weights; samplers of the model must be closed before.
func (m *Model) Close() {
	m.mem.Free()
	m.net.close()
}
