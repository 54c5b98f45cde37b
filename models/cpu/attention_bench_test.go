package cpu

import (
	"math/rand/v2"
	"testing"
	"time"

	"prabench/models/device"
)

// BenchmarkAttention is that of a training step of micro at patch 4, causal and whole. Best
// is the fastest call, which other processes hardly change.
func BenchmarkAttention(b *testing.B) {
	const batch, tokens, heads, width = 64, 49, 4, 128
	be, err := New(2)
	if err != nil {
		b.Fatal(err)
	}
	defer be.Close()
	rng := rand.New(rand.NewPCG(1, 1))
	buffer := func(n int) device.Buffer {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(rng.NormFloat64())
		}
		to, err := be.Alloc(device.Activations, n)
		if err != nil {
			b.Fatal(err)
		}
		be.Upload(to, x)
		return to
	}
	const rows = batch * tokens
	qkv, out, lse, dout, dqkv := buffer(3*rows*width), buffer(rows*width), buffer(rows*heads), buffer(rows*width), buffer(3*rows*width)
	for _, c := range []struct {
		name  string
		block int
	}{{"causal", 1}, {"whole", tokens}} {
		run := func(name string, f func()) {
			b.Run(name+"/"+c.name, func(b *testing.B) {
				best := time.Hour
				for b.Loop() {
					start := time.Now()
					f()
					best = min(best, time.Since(start))
				}
				b.ReportMetric(float64(best.Microseconds()), "best-µs")
			})
		}
		run("forward", func() {
			device.Do(be, device.Attention{Out: out, QKV: qkv, LSE: lse, Batch: batch, Tokens: tokens, Heads: heads, Width: width, Block: c.block})
		})
		run("backward", func() {
			device.Do(be, device.AttentionBackward{DQKV: dqkv, DOut: dout, Out: out, QKV: qkv, LSE: lse,
				Batch: batch, Tokens: tokens, Heads: heads, Width: width, Block: c.block})
		})
	}
}
