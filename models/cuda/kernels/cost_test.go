package kernels_test

import (
	"testing"

	"prabench/models/cuda/kernels"
	"prabench/models/device"
	"prabench/models/device/counter"
	"prabench/models/device/devicetest"
)

// tally adds up the costs of an operation's launches.
type tally struct{ cost kernels.Cost }

func (t *tally) Scratch(int) kernels.Ptr { return 1 << 40 }
func (t *tally) Counters() kernels.Ptr   { return 1 << 41 }
func (t *tally) Launch(l *kernels.Launch) {
	t.cost.FLOPs += l.Cost.FLOPs
	t.cost.Least += l.Cost.Least
}

// costs compares every operation's cost with that of its launches.
type costs struct {
	*counter.Backend
	t    *testing.T
	to   tally
	does *kernels.Ops
}

func (c *costs) Does(k device.Kind) bool { return kernels.Does(k) }

func (c *costs) Do(op device.Op) {
	c.to.cost = kernels.Cost{}
	c.does.Do(op)
	flops, bytes := op.FLOPs(), device.Bytes(op)
	switch op := op.(type) {
	case *device.AttentionBackward: // two launches: seven products a pair where five would do
		flops, bytes = 1.4*flops, 1.5*bytes
	case *device.NormLinear: // here two: what is normalised is written and read
		bytes += 8 * float64(op.Rows*op.In)
	}
	if got := c.to.cost.FLOPs; got != flops {
		c.t.Errorf("%s: the launches count %g FLOPs, the operation %g", device.Text(op), got, flops)
	}
	if got := c.to.cost.Least; got < 0.9*bytes || got > 1.1*bytes {
		c.t.Errorf("%s: the launches cannot avoid %g bytes, the operation %g", device.Text(op), got, bytes)
	}
}

// What a launch says of its cost is what the operation says: the roofline of the
// kernels and the profile of a run can be compared.
func TestCosts(t *testing.T) {
	for _, k := range device.Kinds() {
		for _, p := range []kernels.Precision{kernels.FP32, kernels.BF16} {
			c := &costs{Backend: counter.New(), t: t}
			c.does = kernels.New(&c.to, p)
			if err := devicetest.Largest(c, k); err != nil {
				t.Fatal(err)
			}
		}
	}
}
