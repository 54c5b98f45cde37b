package pra

import (
	"fmt"
	"math"
	"testing"

	"prabench/models"
	"prabench/models/cpu"
)

// One and two threads compute the same: a training step's losses and gradients
// and the pixels of samples agree to 1e-5, on every vector path, at a size at
// which the second thread has work to do.
func TestThreadsAgree(t *testing.T) {
	paths := cpu.Paths()
	defer cpu.SelectPath(paths[0])
	for _, path := range paths {
		for _, depth := range []models.Depth{1, 2, models.Exact} {
			t.Run(fmt.Sprintf("%s/depth%d", path, depth), func(t *testing.T) {
				if !cpu.SelectPath(path) {
					t.Fatalf("path %s is listed and cannot be selected", path)
				}
				c := smallConfig()
				c.Size, c.Width, c.Heads, c.HeadWidth, c.CoderWidth, c.State = 14, 96, 4, 96, 96, 12
				tc := DefaultTrain()
				tc.Batch, tc.RolloutDepth = 16, depth
				data := smallImages(c, 16)
				sc := DefaultSample()
				sc.FlowSteps = 3
				type made struct {
					losses Losses
					grad   []float32
					pixels []float32
				}
				on := func(threads int) made {
					tr, err := NewTrainer(openDevice(t, threads), c, tc, data)
					if err != nil {
						t.Fatal(err)
					}
					defer tr.Close()
					if err := tr.Step(); err != nil {
						t.Fatal(err)
					}
					m := made{losses: tr.Losses(), grad: make([]float32, tr.net.Total)}
					tr.net.be.Download(m.grad, tr.adam.Grads)
					labels, ids := make([]int32, 32), make([]uint32, 32) // two shares
					for i := range ids {
						labels[i], ids[i] = int32(i%3), uint32(i)
					}
					m.pixels = draw(t, warmModel(t, openDevice(t, threads), c), sc, len(ids), labels, ids)
					return m
				}
				one, two := on(1), on(2)
				largest := furthest(one.grad, make([]float32, len(one.grad)))
				if d := furthest(one.grad, two.grad); !(d <= 1e-5*largest) || largest == 0 {
					t.Errorf("gradients differ by %g of the largest, %g", d/largest, largest)
				}
				if d := furthest(one.pixels, two.pixels); !(d <= 1e-5) {
					t.Errorf("pixels differ by %g", d)
				}
				a, b := one.losses.Total, two.losses.Total
				if !(math.Abs(a-b) <= 1e-5*math.Abs(a)) {
					t.Errorf("losses %+v and %+v", one.losses, two.losses)
				}
			})
		}
	}
}
