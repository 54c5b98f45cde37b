package pra

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"prabench/models"
)

// drawnIn is what a sampling makes in calls of a batch, and the sweeps that each image took.
func drawnIn(t *testing.T, m *Model, sc SampleConfig, batch int, labels []int32, ids []uint32) (tokens []float32, sweeps []float64) {
	t.Helper()
	s, err := NewSampler(m, sc, batch)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for lo := 0; lo < len(labels); lo += batch {
		hi := min(lo+batch, len(labels))
		x, err := s.Tokens(labels[lo:hi], ids[lo:hi])
		if err != nil {
			t.Fatal(err)
		}
		tokens, sweeps = append(tokens, x...), append(sweeps, s.Sweeps()...)
	}
	return tokens, sweeps
}

// Images that settled are the sequential ones, with fewer sweeps than AR steps where
// there is anything to save, whatever they start from and however wide a window is.
func TestLawSettledIsSequential(t *testing.T) {
	saved := 0
	for i, v := range variants() {
		for _, window := range []int{0, 2} {
			for _, start := range []string{"zero", "decoder"} {
				for _, guidance := range []float64{0, 1.5} {
					t.Run(fmt.Sprintf("%s/window%d/%s/guidance%g", v.name, window, start, guidance), func(t *testing.T) {
						inShort(t, i, 3)
						m := warmModel(t, openDevice(t, 1), v.cfg)
						labels, ids := []int32{0, 1, 2}, []uint32{5, 6, 7}
						sc := DefaultSample()
						sc.FlowSteps, sc.Guidance, sc.GuidanceSchedule = 3, guidance, "linear"
						want := draw(t, m, sc, 3, labels, ids)
						sc.RolloutDepth, sc.Window, sc.Start, sc.Tolerance = models.Exact, window, start, 1e-5
						got, sweeps := drawnIn(t, m, sc, 3, labels, ids)
						within4(t, "settled and sequential", got, want)
						most := float64(v.cfg.ARSteps())
						if window > 0 {
							most = float64(window)
						}
						for i, n := range sweeps {
							if !(1 <= n && n <= most) {
								t.Errorf("image %d took %g sweeps of %g", i, n, most)
							}
							if n < most {
								saved++
							}
						}
					})
				}
			}
		}
	}
	if saved == 0 {
		t.Error("no image settled before its last sweep: nothing is tried")
	}
}

// What is asked for beyond a number of sweeps costs no bit where it asks for nothing: a
// tolerance that is never reached, and a window of the whole image.
func TestLawJacobiToTheBit(t *testing.T) {
	for i, v := range variants() {
		t.Run(v.name, func(t *testing.T) {
			inShort(t, i, 2)
			m := warmModel(t, openDevice(t, 1), v.cfg)
			labels, ids := []int32{0, 1, 2}, []uint32{5, 6, 7}
			sc := DefaultSample()
			sc.FlowSteps, sc.RolloutDepth, sc.Guidance, sc.Solver = 3, 3, 1.5, "euler-maruyama"
			want, sweeps := drawnIn(t, m, sc, 3, labels, ids)
			if !slices.Equal(sweeps, []float64{3, 3, 3}) {
				t.Errorf("three sweeps are counted as %v", sweeps)
			}
			never, whole := sc, sc
			never.Tolerance = 1e-30
			whole.Window = v.cfg.ARSteps()
			for what, s := range map[string]SampleConfig{"a tolerance out of reach": never, "a window of all": whole} {
				got, sweeps := drawnIn(t, m, s, 3, labels, ids)
				if !slices.Equal(got, want) || !slices.Equal(sweeps, []float64{3, 3, 3}) {
					t.Errorf("%s: images differ by %g, sweeps %v", what, furthest(got, want), sweeps)
				}
			}
		})
	}
}

// As many sweeps of a window as it has AR steps are the sequential result; fewer end
// with its first blocks final, given windows before as they are.
func TestLawWindows(t *testing.T) {
	for i, v := range variants() {
		t.Run(v.name, func(t *testing.T) {
			inShort(t, i, 2)
			m := warmModel(t, openDevice(t, 2), v.cfg)
			labels, ids := []int32{0, 1, 2, 0, 1}, []uint32{5, 6, 7, 8, 9}
			sc := DefaultSample()
			sc.FlowSteps, sc.Guidance = 3, 0.5
			want := draw(t, m, sc, 5, labels, ids)
			for _, window := range []int{1, 2, v.cfg.ARSteps() / 2} {
				sc := sc
				sc.Window, sc.RolloutDepth = window, models.Exact
				got, sweeps := drawnIn(t, m, sc, 5, labels, ids)
				within4(t, fmt.Sprintf("windows of %d and sequential", window), got, want)
				if i := slices.IndexFunc(sweeps, func(n float64) bool { return math.Abs(n-float64(window)) > 1e-9 }); i >= 0 {
					t.Errorf("windows of %d took %v sweeps", window, sweeps)
				}
			}
			sc.Window, sc.RolloutDepth = 2, 1
			got := draw(t, m, sc, 5, labels, ids)
			image, block := v.cfg.Tokens()*v.cfg.TokenDim(), v.cfg.Block*v.cfg.TokenDim()
			for i := range labels {
				within4(t, "the first block after one sweep", got[i*image:i*image+block], want[i*image:i*image+block])
			}
			if furthest(got, want) < 1e-3 {
				t.Error("one sweep of windows of two blocks is the sequential result")
			}
		})
	}
}

// When an image has settled is its own affair: neither its neighbours nor the threads
// change it or the sweeps that it takes.
func TestLawSettlingAlone(t *testing.T) {
	for i, window := range []int{8, 0} {
		for _, guidance := range []float64{0, 1.5} {
			for _, decoder := range []string{"token", "context", "causal"} {
				t.Run(fmt.Sprintf("window%d/guidance%g/%s", window, guidance, decoder), func(t *testing.T) {
					inShort(t, i, 2)
					c := smallConfig()
					c.Decoder = decoder
					sc := DefaultSample()
					sc.FlowSteps, sc.RolloutDepth, sc.Guidance, sc.Window, sc.Tolerance = 3, models.Exact, guidance, window, 0.02
					labels, ids := []int32{0, 1, 2, 0, 1, 2, 0}, []uint32{0, 1, 2, 3, 4, 5, 6}
					want, sweeps := drawnIn(t, warmModel(t, openDevice(t, 1), c), sc, 7, labels, ids)
					if slices.Min(sweeps) == slices.Max(sweeps) {
						t.Errorf("all images take %v sweeps: nothing is tried", sweeps)
					}
					m := warmModel(t, openDevice(t, 2), c)
					for _, batch := range []int{1, 2, 3, 7} {
						got, n := drawnIn(t, m, sc, batch, labels, ids)
						within4(t, fmt.Sprintf("batches of %d on 2 threads", batch), got, want)
						if !slices.Equal(n, sweeps) {
							t.Errorf("batches of %d: %v sweeps, all at once %v", batch, n, sweeps)
						}
					}
				})
			}
		}
	}
}

// The decoder's guess is another start than 0, without a state as well.
func TestStartIsRead(t *testing.T) {
	for _, state := range []int{0, 3} {
		for _, decoder := range []string{"token", "context", "causal"} {
			c := smallConfig()
			c.State, c.Decoder = state, decoder
			m := warmModel(t, openDevice(t, 1), c)
			sc := DefaultSample()
			sc.FlowSteps, sc.RolloutDepth = 3, 1
			zero := draw(t, m, sc, 2, []int32{0, 1}, []uint32{1, 2})
			sc.Start = "decoder"
			if furthest(zero, draw(t, m, sc, 2, []int32{0, 1}, []uint32{1, 2})) < 1e-3 {
				t.Errorf("state %d, decoder %s: one sweep from either start makes the same images", state, decoder)
			}
		}
	}
}

// Costs of windows against a formula, and of settling: those of all sweeps.
func TestJacobiCosts(t *testing.T) {
	c, s := smallConfig(), DefaultSample()
	s.FlowSteps, s.RolloutDepth, s.Window = 5, 2, 4
	W, H, J, N, P, d, C, w := 16.0, 16.0, 2.0, 16.0, 4.0, 3.0, 16.0, 4.0
	trunk := 2 * (P*W + 2*(3*W*W+W*W+4*W*W)) // a token
	attention := 2 * 4 * W * (N * (N + 1) / 2)
	head := 2 * (d*H + H*(3*J+2)*H + J*2*H*H + H*d)
	once := 2 * 5 * 64 * H
	once += 2 * 5 * H * H
	// Two sweeps and, for all windows but the last, keys and values of what they made.
	last := 2 * 4 * W * (N*(N+1)/2 - (N-w)*(N-w+1)/2) // attention of the last window
	want := 2*N*(trunk+2*W*H+5*head+2*(d*C+C*C+C*P)) + 2*attention + once + (N-w)*trunk + attention - last
	got := c.Costs(DefaultTrain(), s)
	if math.Abs(got.FLOPsImage-want) > 1e-9*want {
		t.Errorf("FLOPs per image %g, by hand %g", got.FLOPsImage, want)
	}
	if got.ARSteps != 8 || got.NFE != 10 {
		t.Errorf("windows of 4 swept twice: %+v", got)
	}
	s.Window, s.RolloutDepth = 0, 6
	plain := c.Costs(DefaultTrain(), s)
	s.Tolerance = 0.1
	if got := c.Costs(DefaultTrain(), s); got != plain {
		t.Errorf("sweeps that may settle are counted as %+v, all of them as %+v", got, plain)
	}
}

// The first block takes one sweep of the first window, and is the sequential one.
func TestFirstBlockOfWindows(t *testing.T) {
	c := smallConfig()
	m := warmModel(t, openDevice(t, 1), c)
	sc := DefaultSample()
	sc.FlowSteps = 3
	want := draw(t, m, sc, 1, []int32{1}, []uint32{4})
	for _, window := range []int{0, 4} {
		sc.RolloutDepth, sc.Window, sc.Start = 4, window, "decoder"
		s, err := NewSampler(m, sc, 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.FirstBlock([]int32{1}, []uint32{4}); err != nil {
			t.Fatal(err)
		}
		x := make([]float32, c.TokenDim())
		m.net.be.Download(x, s.x.Slice(0, len(x)))
		within4(t, "the first block", x, want[:len(x)])
		part := 1.0
		if window > 0 {
			part = 0.25
		}
		if got := s.Sweeps()[0]; got != part {
			t.Errorf("window %d: %g sweeps for the first block, want %g", window, got, part)
		}
		s.Close()
	}
}

// Keys of Jacobi sampling that nothing reads have no part in an identity, and what
// cannot work is refused by name.
func TestJacobiKeys(t *testing.T) {
	base := Params{smallConfig(), DefaultTrain(), DefaultSample()}
	with := func(depth models.Depth, window int, tolerance float64, start string) Params {
		p := base
		p.Sample.RolloutDepth, p.Sample.Window, p.Sample.Tolerance, p.Sample.Start = depth, window, tolerance, start
		return p
	}
	for _, k := range []struct {
		a, b Params
		same bool
	}{
		{with(0, 0, 0, "zero"), with(0, 4, 0.1, "decoder"), true},
		{with(3, 0, 0, "zero"), with(3, 16, 0, "zero"), true},
		{with(3, 0, 0, "zero"), with(3, 4, 0, "zero"), false},
		{with(3, 0, 0, "zero"), with(3, 0, 0.1, "zero"), false},
		{with(3, 0, 0, "zero"), with(3, 0, 0, "decoder"), false},
		{with(1, 0, 0, "zero"), with(1, 0, 0.1, "zero"), true},
		{with(models.Exact, 2, 0, "zero"), with(2, 2, 0, "zero"), true},
		{with(5, 2, 0.1, "zero"), with(2, 2, 0.1, "zero"), true},
	} {
		if same := k.a.Canonical() == k.b.Canonical(); same != k.same {
			t.Errorf("%+v and %+v: one identity is %v", k.a.Sample, k.b.Sample, same)
		}
	}
	for want, p := range map[string]Params{
		"sample.window: 3 does not divide": with(2, 3, 0, "zero"), "sample.window: must": with(2, -1, 0, "zero"),
		"sample.tolerance: must": with(2, 0, -1, "zero"), "sample.start": with(2, 0, 0, "noise"),
	} {
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", p.Sample, err, want)
		}
	}
	if with(0, 0, 0.1, "zero").Settles() || !with(4, 0, 0.1, "zero").Settles() || with(4, 0, 0, "zero").Settles() {
		t.Error("only sweeps with a tolerance settle")
	}
	m := warmModel(t, openDevice(t, 1), smallConfig())
	s, err := NewSampler(m, with(1, 4, 0, "zero").Sample, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	size := 64
	err = s.Mosaic(make([]uint8, size), []int32{0}, []uint32{0}, make([]uint8, size))
	if err == nil || !strings.Contains(err.Error(), "sample.window") {
		t.Errorf("teacher-forced samples in windows: %v", err)
	}
}
