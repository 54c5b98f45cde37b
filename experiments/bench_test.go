package experiments

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// large is a sweep of 100,000 cells: 25,000 points × 4 seeds.
func large() []byte {
	rates := make([]string, 1250)
	for i := range rates {
		rates[i] = fmt.Sprintf("%de-6", i+1)
	}
	return []byte("repeats = 4\n[sweep]\n\"model.patch\" = [1, 2, 4, 7, 14]\n\"train.rollout_depth\" = [0, 1]\n\"model.state\" = [4, 12]\n" +
		"\"train.lr\" = [" + strings.Join(rates, ", ") + "]\n")
}

// BenchmarkLoad reads, checks and expands 100,000 cells; MiB is what stays of
// them.
func BenchmarkLoad(b *testing.B) {
	src := large()
	b.ReportAllocs()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var e *Experiment
	for b.Loop() {
		var err error
		if e, err = Parse("large.toml", src, Options{Describe: fakeData}); err != nil || len(e.Cells) != 100_000 {
			b.Fatal(err)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(1<<20), "MiB")
	runtime.KeepAlive(e)
}
