package pra

import (
	"fmt"
	"slices"
	"testing"

	"prabench/models"
	"prabench/models/cpu"
	"prabench/models/device"
)

// Images are the same to the bit whichever share of a divided backend draws them, on every
// vector path: one after another and by sweeps, with guidance, in calls of
// fewer images than the batch, beginning with real tokens, and teacher-forced.
func TestSharesAgree(t *testing.T) {
	paths := cpu.Paths()
	defer cpu.SelectPath(paths[0])
	for _, path := range paths {
		cpu.SelectPath(path)
		one, five := openDevice(t, 1), openDevice(t, 5)
		if five.Caps().Divider == nil {
			t.Skip("skipped: the backend cannot be divided")
		}
		for _, v := range variants() {
			t.Run(path+"/"+v.name, func(t *testing.T) {
				whole, divided := warmModel(t, one, v.cfg), warmModel(t, five, v.cfg)
				const n = 41
				real := smallImages(v.cfg, n)
				ids := make([]uint32, n)
				for i := range ids {
					ids[i] = uint32(100 - i)
				}
				sc := DefaultSample()
				sc.FlowSteps = 2
				for _, guidance := range []float64{0, 1.5} {
					for _, depth := range []models.Depth{0, 2} {
						sc.Guidance, sc.RolloutDepth = guidance, depth
						want := draw(t, whole, sc, n, real.Labels, ids)
						for _, batch := range []int{n, 37, 17} {
							got := draw(t, divided, sc, batch, real.Labels, ids)
							if !slices.Equal(got, want) {
								t.Errorf("guidance %g, depth %v, batch %d: differ by %g", guidance, depth, batch, furthest(got, want))
							}
						}
					}
					sc.RolloutDepth = 0
					for _, given := range []int{v.cfg.Block, -1} {
						near(t, fmt.Sprintf("guidance %g, %d given", guidance, given), continued(t, divided, sc, real, given),
							continued(t, whole, sc, real, given))
					}
				}
			})
		}
	}
}

// A batch is divided only as far as each share has enough rows to compute with,
// and the memory of the shares is the backend's.
func TestSharesCount(t *testing.T) {
	be := openDevice(t, 4)
	if be.Caps().Divider == nil {
		t.Skip("skipped: the backend cannot be divided")
	}
	m := warmModel(t, be, smallConfig())
	for _, x := range []struct {
		batch    int
		depth    models.Depth
		guidance float64
		want     int
	}{{1, 0, 0, 1}, {15, 0, 0, 1}, {16, 0, 0, 2}, {8, 0, 1.5, 2}, {31, 0, 0, 3}, {64, 0, 0, 4}, {1, 2, 0, 1}, {2, 2, 0, 2}, {64, 2, 0, 4}} {
		sc := DefaultSample()
		sc.RolloutDepth, sc.Guidance = x.depth, x.guidance
		s, err := NewSampler(m, sc, x.batch)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(s.shares.gens); got != x.want {
			t.Errorf("batch %d, depth %v, guidance %g: %d shares, want %d", x.batch, x.depth, x.guidance, got, x.want)
		}
		s.Close()
	}
	sc := DefaultSample()
	s, err := NewSampler(m, sc, 64)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if be.Caps().Keeper != nil && s.shares.kept == nil {
		t.Error("no weights are kept for a batch of 64")
	}
	cache := int64(64 * 2 * m.Config.Tokens() * m.Config.Width * m.Config.Depth * 4)
	if got := be.Peak(device.Cache); got != cache {
		t.Errorf("the shares' caches are %d bytes in the backend's books, want %d", got, cache)
	}
}

// In bf16 a share has at least the 32 rows from which products are done in it.
func TestSharesInBF16(t *testing.T) {
	be, err := cpu.NewPrecision(4, "bf16")
	if err != nil {
		t.Skip("skipped: ", err)
	}
	t.Cleanup(func() { be.Close() })
	m := warmModel(t, be, smallConfig())
	for _, x := range [][2]int{{63, 1}, {64, 2}, {128, 4}} {
		s, err := NewSampler(m, DefaultSample(), x[0])
		if err != nil {
			t.Fatal(err)
		}
		if got := len(s.shares.gens); got != x[1] {
			t.Errorf("batch %d: %d shares, want %d", x[0], got, x[1])
		}
		s.Close()
	}
}

// Copies of weights that are kept for products follow the weights, and change no
// bit of an image: batches of four are made without them.
func TestKeptWeights(t *testing.T) {
	be := openDevice(t, 1)
	if be.Caps().Keeper == nil {
		t.Skip("skipped: the backend keeps no copies")
	}
	m := warmModel(t, be, smallConfig())
	const n = 16
	labels, ids := make([]int32, n), make([]uint32, n)
	for i := range ids {
		labels[i], ids[i] = int32(i%3), uint32(i)
	}
	sc := DefaultSample()
	sc.FlowSteps = 2
	s, err := NewSampler(m, sc, n)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for range 2 {
		want := draw(t, m, sc, 4, labels, ids)
		got, err := s.Tokens(labels, ids)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Fatal("images with kept weights differ")
		}
		flat := make([]float32, m.net.Total)
		be.Download(flat, m.ema)
		for i := range flat {
			flat[i] *= 1.1
		}
		be.Upload(m.ema, flat)
	}
}
