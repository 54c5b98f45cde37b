package pra

import (
	"math"
	"testing"

	"prabench/models/device"
)

// distance is |a − b| / |b|.
func distance(a, b []float32) float64 {
	var d, n float64
	for i := range a {
		d += math.Pow(float64(a[i])-float64(b[i]), 2)
		n += float64(b[i]) * float64(b[i])
	}
	return math.Sqrt(d / n)
}

// microTraining is a step's gradient, the losses of a few steps, and the memory that
// the device really gave beside what was foreseen.
func microTraining(t *testing.T, c Config, tc TrainConfig) (grads []float32, l Losses, weights []float32, memory, foreseen int64) {
	t.Helper()
	be := openDevice(t, 2)
	tr, err := NewTrainer(be, c, tc, smallImages(c, 80))
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	grads, weights = make([]float32, tr.net.Total), make([]float32, tr.net.Total)
	for i := range 3 {
		if err := tr.Step(); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			be.Download(grads, tr.adam.Grads)
		}
	}
	be.Download(weights, tr.Model.raw)
	peak := be.Peak(device.Model) + be.Peak(device.Cache) + be.Peak(device.Activations)
	return grads, tr.Losses(), weights, peak, c.TrainMemory(tc).Total()
}

// A step in parts is the step of the whole batch up to rounding, with the memory
// that was foreseen; parts of the whole batch are it to the bit.
func TestMicroBatches(t *testing.T) {
	for name, change := range map[string]func(*Config, *TrainConfig){
		"PRA":            func(*Config, *TrainConfig) {},
		"sweeps":         func(_ *Config, tc *TrainConfig) { tc.RolloutDepth, tc.Mix, tc.InputNoise = 2, 0.4, 0.1 },
		"identity":       func(c *Config, tc *TrainConfig) { c.State, tc.RolloutDepth = 0, 0 },
		"kept, velocity": func(c *Config, tc *TrainConfig) { c.Target, tc.StateNoiseKind = "v", "interpolate" },
	} {
		t.Run(name, func(t *testing.T) {
			c, tc := smallConfig(), DefaultTrain()
			tc.Batch, tc.Steps, tc.FlowSamples, tc.Threads = 64, 10, 2, 2
			change(&c, &tc)
			want, losses, weights, most, _ := microTraining(t, c, tc)
			for _, micro := range []int{1, 4, 16, 64} {
				tc.MicroBatch = micro
				grads, l, w, memory, foreseen := microTraining(t, c, tc)
				if d := distance(grads, want); d > 1e-5 || micro == 64 && d != 0 {
					t.Errorf("micro batch %d: the gradient is off by %.2g", micro, d)
				}
				if d := math.Abs(l.Total-losses.Total) / losses.Total; d > 1e-4 {
					t.Errorf("micro batch %d: loss %g after 3 steps, %g in one part", micro, l.Total, losses.Total)
				}
				if d := distance(w, weights); d > 1e-2 || micro == 64 && d != 0 {
					t.Errorf("micro batch %d: the weights are off by %.2g", micro, d)
				}
				if d := math.Abs(float64(memory-foreseen)) / float64(memory); d > 0.1 {
					t.Errorf("micro batch %d: %d bytes were foreseen, %d taken", micro, foreseen, memory)
				}
				if micro < 64 && memory >= most {
					t.Errorf("micro batch %d takes %d bytes, the whole batch %d", micro, memory, most)
				}
			}
			for _, micro := range []int{-1, 3, 128} {
				if tc.MicroBatch = micro; tc.Validate() == nil {
					t.Errorf("micro batch %d of 64 is allowed", micro)
				}
			}
		})
	}
}

// Computing activations again gives the same bits with less memory, as foreseen, for
// about a third more products of the trunk.
func TestRecompute(t *testing.T) {
	c, tc := smallConfig(), DefaultTrain()
	c.Depth = 5
	tc.Batch, tc.Steps, tc.MicroBatch, tc.Threads = 8, 10, 4, 2
	_, losses, weights, most, _ := microTraining(t, c, tc)
	plain := c.Costs(tc, DefaultSample()).FLOPsTrainImage
	tc.Recompute = "layers"
	_, l, w, memory, foreseen := microTraining(t, c, tc)
	if l != losses || distance(w, weights) != 0 {
		t.Errorf("losses %+v, %+v without; weights off by %g", l, losses, distance(w, weights))
	}
	if memory >= most || math.Abs(float64(memory-foreseen)) > 0.1*float64(memory) {
		t.Errorf("%d bytes with, %d without, %d foreseen", memory, most, foreseen)
	}
	if again := c.Costs(tc, DefaultSample()).FLOPsTrainImage; again <= plain || again > 1.34*plain {
		t.Errorf("%g FLOPs an image, %g without", again, plain)
	}
	a, b := tc, tc
	b.Recompute = "none"
	if _, ta := Canonical(c, a); func() bool { _, tb := Canonical(c, b); return ta != tb }() {
		t.Error("the same training has another key")
	}
}
