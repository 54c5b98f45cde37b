package roofline

import (
	"fmt"

	"prabench/models/cuda/kernels"
	"prabench/models/device"
	"prabench/models/pra"
)

// chainer puts launches together into chains, as a CUDA device does that uses them.
type chainer struct {
	to   *Tally
	keep func() bool // whether weights are kept now
	held []*kernels.Launch
}

func (c *chainer) Scratch(bytes int) kernels.Ptr { return c.to.Scratch(bytes) }
func (c *chainer) Counters() kernels.Ptr         { return c.to.Counters() }

func (c *chainer) Launch(l *kernels.Launch) {
	if !c.keep() || !kernels.Links(l) {
		c.end()
		c.to.Launch(l)
		return
	}
	step := *l
	c.held = append(c.held, &step)
	if len(c.held) == kernels.ChainSteps {
		c.end()
	}
}

// end launches what has been put together.
func (c *chainer) end() {
	held := c.held
	c.held = nil
	if len(held) == 1 {
		c.to.Launch(held[0])
		return
	}
	for _, l := range held {
		c.to.step(l)
	}
	if len(held) > 0 {
		c.to.Launch(kernels.ChainLaunch(0, 0, len(held), kernels.ChainBlocks))
		c.to.Barriers += len(held) - 1
	}
}

// marks is a device.Recorder that records nothing: what would be a graph begins and ends
// its chains.
type marks struct {
	c     *chainer
	nodes []int // of each graph
}

func (m *marks) Record(f func()) (device.Recording, bool) {
	m.c.end()
	before := m.c.to.Launches
	f()
	m.c.end()
	m.nodes = append(m.nodes, m.c.to.Launches-before)
	return played{}, true
}

type played struct{}

func (played) Play()  {}
func (played) Close() {}

// SampleChained is Sample where launches become chains: PerStep is the nodes of an AR
// step's graph, Whole the launches of a batch whose steps are graphs.
func SampleChained(c pra.Config, sc pra.SampleConfig, batch int, p kernels.Precision, d Device) (Sampling, error) {
	t := NewTally(d)
	ch := &chainer{to: t}
	be := NewBackend(ch, p)
	ch.keep = func() bool { return be.kept }
	be.CuBLAS = d.CuBLAS
	m := &marks{c: ch}
	be.recorder = m
	model, err := pra.NewModel(be, c, 0)
	if err != nil {
		return Sampling{}, err
	}
	s, err := pra.NewSampler(model, sc, batch)
	if err != nil {
		return Sampling{}, err
	}
	labels, ids := make([]int32, batch), make([]uint32, batch)
	for range 2 { // the first time nothing is a graph
		ch.end()
		*t = *NewTally(d)
		if _, err := s.Tokens(labels, ids); err != nil {
			return Sampling{}, err
		}
	}
	ch.end()
	if len(m.nodes) != c.ARSteps() {
		return Sampling{}, fmt.Errorf("roofline: %d graphs in %d AR steps", len(m.nodes), c.ARSteps())
	}
	last := m.nodes[len(m.nodes)-1]
	for k, n := range m.nodes[1:] {
		if n != last {
			return Sampling{}, fmt.Errorf("roofline: %d launches in AR step %d, %d in the last: the steps differ", n, k+1, last)
		}
	}
	return Sampling{Batch: batch, Products: p, PerStep: last, First: m.nodes[0], Whole: t, Seconds: t.Total().Seconds}, nil
}
