package pra

import (
	"slices"
	"testing"
	"time"

	"prabench/models/cpu"
	"prabench/models/device"
	"prabench/models/device/counter"
	"prabench/models/device/profile"
)

// Every operation that the core calls must reach the profile, with the FLOPs
// that the counter counts.
func TestProfileSeesEveryOperation(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Width, cfg.Depth, cfg.HeadWidth, cfg.CoderWidth = 16, 2, 24, 16
	tc, sc := DefaultTrain(), DefaultSample()
	tc.Batch, tc.RolloutDepth, tc.InputNoise, tc.Mix = 2, 2, 0.1, 0.5
	sc.Guidance, sc.Solver = 1, "heun"
	counts := counter.New()
	timed := profile.Wrap(counts)
	tr, err := NewTrainer(timed, cfg, tc, cfg.blank())
	if err != nil {
		t.Fatal(err)
	}
	if err := tr.Step(); err != nil {
		t.Fatal(err)
	}
	s, err := NewSampler(tr.Model, sc, 2)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Tokens([]int32{0, 1}, []uint32{0, 1}); err != nil {
		t.Fatal(err)
	}
	calls, flops := 0, 0.0
	for _, o := range timed.Ops() {
		if o.Bytes <= 0 {
			t.Errorf("%s moves %g bytes", o.Name, o.Bytes)
		}
		if o.Name == "Upload" || o.Name == "Download" {
			continue // transfers, not operations
		}
		calls += o.Calls
		flops += o.FLOPs
	}
	if calls != counts.Calls || calls == 0 {
		t.Errorf("the profile has %d calls, the counter %d", calls, counts.Calls)
	}
	if d := flops - counts.FLOPs; d > 1e-6*flops || d < -1e-6*flops {
		t.Errorf("the profile has %g FLOPs, the counter %g", flops, counts.FLOPs)
	}
}

// What is profiled is the program that runs: in shares of the threads, on kept
// weights, with equal results.
func TestProfiledSamplingIsTheOneThatRuns(t *testing.T) {
	be, err := cpu.New(2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { be.Close() })
	cfg := DefaultConfig()
	cfg.Width, cfg.Depth, cfg.HeadWidth, cfg.CoderWidth = 32, 2, 24, 16
	timed := profile.Wrap(be)
	const batch = 16
	draw := func(be device.Backend) ([]float32, *Sampler) {
		m, err := NewModel(be, cfg, 1)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(m.Close)
		s, err := NewSampler(m, DefaultSample(), batch)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		tokens, err := s.Tokens(make([]int32, batch), make([]uint32, batch))
		if err != nil {
			t.Fatal(err)
		}
		return slices.Clone(tokens), s
	}
	plain, _ := draw(be)
	began := time.Now()
	profiled, s := draw(timed)
	seconds := time.Since(began).Seconds()
	if !slices.Equal(plain, profiled) {
		t.Error("profiled images differ")
	}
	if s.shares.division == nil || s.shares.kept == nil {
		t.Error("profiled sampling does without shares of the threads or without kept weights")
	}
	sum, linear := 0.0, 0
	for _, o := range timed.Ops() {
		sum += o.Seconds
		if o.Name == "Linear" {
			linear = o.Calls
		}
	}
	if linear == 0 || sum > seconds {
		t.Errorf("%d products; the operations take %g of %g s", linear, sum, seconds)
	}
}
