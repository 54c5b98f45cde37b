package pra

import "prabench/models/device"

// Model is a trained model on a backend: raw and averaged weights.
type Model struct {
	Config Config
	Train  TrainConfig
	Steps  int // training steps behind the weights

	net      *network
	mem      memory
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
	flat := m.net.initial(seed)
	be.Upload(m.raw, flat)
	be.Upload(m.ema, flat)
	return m, nil
}

func emptyModel(be device.Backend, cfg Config) (*Model, error) {
	net, err := newNetwork(be, cfg)
	if err != nil {
		return nil, err
	}
	m := &Model{Config: cfg, net: net, mem: memory{be: be}}
	m.raw, m.ema = m.mem.alloc(device.Model, net.total), m.mem.alloc(device.Model, net.total)
	if m.mem.err != nil {
		m.Close()
		return nil, m.mem.err
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
	m.mem.free()
	m.net.close()
}
