package pra

import (
	"math"
	"testing"

	"prabench/models"
	"prabench/models/cpu"
	"prabench/models/device"
	"prabench/models/layers"
)

// The counted FLOPs against a formula written down for one configuration.
func TestCosts(t *testing.T) {
	c, s := smallConfig(), DefaultSample()
	s.FlowSteps = 5
	W, H, J, N, P, d, C := 16.0, 16.0, 2.0, 16.0, 4.0, 3.0, 16.0
	trunk := 2 * (P*W*(N-1)/N + 2*(3*W*W+W*W+4*W*W)) // a token; the first block has no input
	attention := 2 * 4 * W * (N * (N + 1) / 2)
	head := 2 * (d*H + H*(3*J+2)*H + J*2*H*H + H*d)
	once := 2 * 5 * (layers.TimeFeatures*H + H*H) // the time embedding of the flow steps
	want := N*(trunk+2*W*H+5*head+2*(d*C+C*C+C*P)) + attention + once
	got := c.Costs(DefaultTrain(), s)
	if math.Abs(got.FLOPsImage-want) > 1e-9*want {
		t.Errorf("FLOPs per image %g, by hand %g", got.FLOPsImage, want)
	}
	if got.ARSteps != 16 || got.NFE != 5 || got.TrunkEvals != 1 {
		t.Errorf("%+v", got)
	}
	s.RolloutDepth, s.Guidance, s.Solver = 3, 1, "heun"
	if got := c.Costs(DefaultTrain(), s); got.ARSteps != 3 || got.NFE != 3*9*2 || got.TrunkEvals != 6 {
		t.Errorf("three guided Heun sweeps: %+v", got)
	}
}

// What the counting backend says is held is what the CPU backend holds, up to
// the rounding of each allocation to 64 bytes.
func TestMemoryEstimate(t *testing.T) {
	for _, depth := range []models.Depth{1, 2, models.Exact} {
		c, tc := smallConfig(), DefaultTrain()
		tc.Batch, tc.RolloutDepth, tc.InputNoise = 8, depth, 0.1
		be, err := cpu.New(1)
		if err != nil {
			t.Fatal(err)
		}
		tr, err := NewTrainer(be, c, tc, smallImages(c, 8))
		if err != nil {
			t.Fatal(err)
		}
		if err := tr.Step(); err != nil {
			t.Fatal(err)
		}
		held := models.MemoryEstimate{Model: be.Peak(device.Model), Cache: be.Peak(device.Cache), Activations: be.Peak(device.Activations)}
		got, want := held, c.TrainMemory(tc)
		for _, x := range [][2]int64{{got.Model, want.Model}, {got.Cache, want.Cache}, {got.Activations, want.Activations}} {
			if x[0] < x[1] || x[0] > x[1]+64*200 {
				t.Errorf("depth %d: held %+v, estimated %+v", depth, got, want)
				break
			}
		}
		tr.Close()
		be.Close()
	}
}
