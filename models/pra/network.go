package pra

import "prabench/models/device"

// network is an architecture on a backend: the parameter layout and the order
// of tokens, without weights. Every function of the core takes the flat weight
// array it should read, so raw, averaged and perturbed weights share the code.
type network struct {
	cfg Config
	be  device.Backend
	*layout
	half  bool        // caches hold bf16
	order device.Ints // raster position of generation index i
}

func newNetwork(be device.Backend, cfg Config) (*network, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	n := &network{cfg: cfg, be: be, layout: newLayout(cfg), half: be.Caps().HalfCache}
	order, err := be.AllocInts(cfg.Tokens())
	if err != nil {
		return nil, err
	}
	be.UploadInts(order, cfg.order())
	n.order = order
	return n, nil
}

// order maps generation index to raster position. Contiguous is the identity;
// strided gives the B tokens of step k the positions k, k+K, k+2K, …, far apart.
func (c Config) order() []int32 {
	out := make([]int32, c.Tokens())
	k := c.ARSteps()
	for i := range out {
		out[i] = int32(i)
		if c.Order == "strided" {
			out[i] = int32(i/c.Block + i%c.Block*k)
		}
	}
	return out
}

// linear is y ← x·W + b, with what else the epilogue says.
func (n *network) linear(l linear, flat, y, x device.Buffer, rows int, e device.Epilogue) {
	e.Bias = l.b.of(flat)
	device.Do(n.be, device.Linear{Y: y, X: x, W: l.w.of(flat), Rows: rows, In: l.in, Out: l.out, Epilogue: e})
}

// apply is y ← act(x·W + b); pre keeps what the activation saw and may be
// absent where no backward pass follows.
func (n *network) apply(l linear, flat, y, pre, x device.Buffer, rows int, act device.Act) {
	n.linear(l, flat, y, x, rows, device.Epilogue{Pre: pre, Act: act})
}

// applyBackward turns dy into dpre (may be the same buffer) and gives the
// gradients of W, b and, where dx is present, of x (β = 1 adds to it).
func (n *network) applyBackward(l linear, flat, grads, dx device.Buffer, beta float32, dpre, dy, pre, x device.Buffer, rows int,
	act device.Act) {
	device.Do(n.be, device.BiasActBackward{DPre: dpre, DBias: l.b.of(grads), DY: dy, Pre: pre, Rows: rows, N: l.out, Act: act})
	device.Do(n.be, device.Gemm{
		TransA: true, M: l.in, N: l.out, K: rows, Alpha: 1, A: x, LDA: l.in, B: dpre, LDB: l.out, Beta: 1,
		C: l.w.of(grads), LDC: l.out,
	})
	if !dx.Absent() {
		device.Do(n.be, device.Gemm{
			TransB: true, M: rows, N: l.in, K: l.out, Alpha: 1, A: dpre, LDA: l.out, B: l.w.of(flat), LDB: l.out,
			Beta: beta, C: dx, LDC: l.in,
		})
	}
}

// memory allocates buffers and frees them together; the first failure sticks.
type memory struct {
	be   device.Backend
	bufs []device.Buffer
	ints []device.Ints
	err  error
}

func (m *memory) alloc(c device.Class, n int) device.Buffer {
	if m.err != nil {
		return device.Buffer{}
	}
	b, err := m.be.Alloc(c, n)
	if err != nil {
		m.err = err
		return device.Buffer{}
	}
	m.bufs = append(m.bufs, b)
	return b
}

func (m *memory) act(n int) device.Buffer { return m.alloc(device.Activations, n) }

func (m *memory) allocInts(n int) device.Ints {
	if m.err != nil {
		return device.Ints{}
	}
	b, err := m.be.AllocInts(n)
	if err != nil {
		m.err = err
		return device.Ints{}
	}
	m.ints = append(m.ints, b)
	return b
}

func (m *memory) free() {
	for _, b := range m.bufs {
		m.be.Free(b)
	}
	for _, b := range m.ints {
		m.be.FreeInts(b)
	}
	m.bufs, m.ints = nil, nil
}

func (n *network) close() {
	if n.order.N > 0 {
		n.be.FreeInts(n.order)
		n.order = device.Ints{}
	}
}
