package layers

import "prabench/models/device"

// Memory allocates buffers and frees them together; the first failure sticks.
type Memory struct {
	Be  device.Backend
	Err error

	bufs []device.Buffer
	ints []device.Ints
}

// Alloc is n elements of a class, absent after a failure.
func (m *Memory) Alloc(c device.Class, n int) device.Buffer {
	if m.Err != nil {
		return device.Buffer{}
	}
	b, err := m.Be.Alloc(c, n)
	if err != nil {
		m.Err = err
		return device.Buffer{}
	}
	m.bufs = append(m.bufs, b)
	return b
}

// Act is n elements of activations.
func (m *Memory) Act(n int) device.Buffer { return m.Alloc(device.Activations, n) }

// Ints is n indices, absent after a failure.
func (m *Memory) Ints(n int) device.Ints {
	if m.Err != nil {
		return device.Ints{}
	}
	b, err := m.Be.AllocInts(n)
	if err != nil {
		m.Err = err
		return device.Ints{}
	}
	m.ints = append(m.ints, b)
	return b
}

// Free frees all that was allocated.
func (m *Memory) Free() {
	for _, b := range m.bufs {
		m.Be.Free(b)
	}
	for _, b := range m.ints {
		m.Be.FreeInts(b)
	}
	m.bufs, m.ints = nil, nil
}
