package engine

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"prabench/experiments"
	"prabench/models/dataset"
)

// large is a sweep of 100,000 cells on drawn shapes: 25,000 points × 4 seeds.
func large() []byte {
	rates := make([]string, 1250)
	for i := range rates {
		rates[i] = fmt.Sprintf("%de-6", i+1)
	}
	return []byte("repeats = 4\n[data]\nset = \"shapes\"\nlimit = 64\nsize = 28\n[sweep]\n\"model.patch\" = [1, 2, 4, 7, 14]\n" +
		"\"train.rollout_depth\" = [0, 1]\n\"model.state\" = [4, 12]\n\"train.lr\" = [" + strings.Join(rates, ", ") + "]\n")
}

// BenchmarkPlan plans 100,000 cells against an empty folder, from the text of
// the file to the state of every stage; MiB is what stays of them.
func BenchmarkPlan(b *testing.B) {
	src := large()
	dir := b.TempDir()
	places := Places{DB: filepath.Join(dir, "r.db"), Artifacts: filepath.Join(dir, "a")}
	b.ReportAllocs()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var p *Plan
	for b.Loop() {
		f, err := experiments.Parse("large.toml", src,
			experiments.Options{Describe: func(d experiments.Data) (dataset.Info, error) { return dataset.Describe(d.Spec()) }})
		if err != nil {
			b.Fatal(err)
		}
		e := FromFile(f, nil)
		f.Cells = nil
		if _, err := (&Identifier{Places: places}).Identify(context.Background(), e); err != nil {
			b.Fatal(err)
		}
		p = NewPlan(e)
		if err := p.Inspect(context.Background(), nil, places.Store(), false); err != nil {
			b.Fatal(err)
		}
		if len(e.Cells) != 100_000 {
			b.Fatal(len(e.Cells))
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(1<<20), "MiB")
	runtime.KeepAlive(p)
}
