// Package bench measures the core on this machine: what training and sampling of
// a model of known size reach.
//
// Its principle is that images per second mean nothing without what the machine can do
// at that moment. The arithmetic peak and the copy bandwidth are measured in the
// same run, and speeds are given as shares of that peak: shares can be compared
// between machines and days.
package bench

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"prabench/harness/engine"
	"prabench/harness/machine"
	"prabench/harness/measure"
	"prabench/harness/stage"
	"prabench/harness/work"
	"prabench/metrics/stat"
	"prabench/models"
	"prabench/models/device"
	"prabench/models/gemm"
	"prabench/models/pra"
)

// Rate is what one kind of work reached.
type Rate struct {
	ImagesPerS float64 `json:"images_per_s"`  // median
	MFU        float64 `json:"mfu,omitempty"` // share of the peak; absent where that is not measured
	Lo         float64 `json:"lo,omitempty"`  // 95 % interval of images_per_s; absent with few readings
	Hi         float64 `json:"hi,omitempty"`
	N          int     `json:"n"` // readings
	Batch      int     `json:"batch"`
	AllocBytes float64 `json:"alloc_bytes"` // of the Go heap, per step or call after the warm-up
}

// Result is what one case reached.
type Result struct {
	Device      string  `json:"device"`
	Threads     int     `json:"threads"`
	Precision   string  `json:"precision"`
	Model       string  `json:"model"`
	Patch       int     `json:"patch"`
	Params      int64   `json:"params"`
	PeakGFLOPS  float64 `json:"peak_gflops,omitempty"`   // fp32 loop of fused multiply-adds, in this run; see [Result.yardsticks]
	GEMMGFLOPS  float64 `json:"gemm_gflops,omitempty"`   // 1024³ fp32 product
	CopyGBPerS  float64 `json:"copy_gb_per_s,omitempty"` // read and written
	GEMM        string  `json:"gemm,omitempty"`
	CPU         string  `json:"cpu"`
	Backend     string  `json:"backend"`
	Train       Rate    `json:"train"`
	Sample      Rate    `json:"sample"`
	Latency     float64 `json:"latency_s"`             // one image
	FirstBlock  float64 `json:"first_block_latency_s"` // of one image
	MemoryPeak  int64   `json:"memory_peak_bytes"`     // of this process, largest so far
	FLOPsImage  float64 `json:"flops_image"`
	FLOPsTrain  float64 `json:"flops_train_image"`
	GitRevision string  `json:"git_revision,omitempty"`

	Ops    []OpTable `json:"ops,omitempty"`
	Before *Past     `json:"before,omitempty"` // the last recorded result of the same kind
}

// Options say how cases are measured.
type Options struct {
	Device    string        // cpu without one
	Threads   int           // 0 is all cores
	Precision string        // of matrix products
	Spend     time.Duration // on each measurement
	Ops       bool          // also time every operation
}

func (o *Options) complete() {
	if o.Device == "" {
		o.Device = "cpu"
	}
	if o.Threads == 0 {
		o.Threads = machine.Processors()
	}
}

// Measure measures a case.
func Measure(ctx context.Context, k Case, o Options) (*Result, error) {
	o.complete()
	env := machine.Environment(o.Threads)
	tc, sc := pra.DefaultTrain(), pra.DefaultSample()
	tc.Batch, tc.Threads = k.Batch, o.Threads
	p := pra.Params{Model: k.Model, Train: tc, Sample: sc}
	costs := p.Costs()
	b := &Result{
		Device: o.Device, Threads: o.Threads, Precision: o.Precision, Model: k.Name, Patch: k.Model.Patch, Params: k.Model.Params(),
		CPU: env.CPU, GitRevision: env.GitRevision, FLOPsImage: costs.FLOPsImage, FLOPsTrain: costs.FLOPsTrainImage,
	}
	be, err := work.Open(work.Device{Name: o.Device, Threads: o.Threads, Precision: o.Precision})
	if err != nil {
		return nil, &engine.Mistake{Err: err}
	}
	defer be.Close()
	b.Backend = be.Details()
	driver, _ := device.DriverOf(o.Device)
	b.yardsticks(driver)

	plan := measure.Plan{Warmup: 1, Repeats: 3, Enough: o.Spend, Most: 1000}
	dir, err := os.MkdirTemp("", "prabench-bench-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, work.ModelFile)
	train, allocs, err := training(ctx, be, p, plan, path)
	if err != nil {
		return nil, err
	}
	b.Train = newRate(train, k.Batch, costs.FLOPsTrainImage, b.PeakGFLOPS, allocs)
	if err := b.sampling(ctx, be, path, p, k.Batch, plan); err != nil {
		return nil, err
	}
	if o.Ops {
		b.Ops, err = profileOps(be, p, work.Noise(p.Shape(), tc.Batch), o.Spend)
	}
	return b, err
}

// yardsticks measures what the device could reach, as far as there is a measurement of
// it: the processor's peak says nothing about another device.
func (b *Result) yardsticks(d device.Driver) {
	if d.PeakFLOPS != nil {
		b.PeakGFLOPS = d.PeakFLOPS(b.Threads) / 1e9
	}
	if d.Host {
		b.GEMM, b.GEMMGFLOPS = gemm.Loaded().Name, gemmRate(b.Threads)/1e9
	}
	if d.CopyBandwidth != nil {
		b.CopyGBPerS = d.CopyBandwidth(b.Threads) / 1e9
	}
}

// sampling times calls of the sampler: of a whole batch, of one image and of the
// first block of one.
func (b *Result) sampling(ctx context.Context, be device.Backend, path string, p models.Params, batch int, plan measure.Plan) error {
	m, err := models.Load(be, path)
	if err != nil {
		return err
	}
	defer m.Close()
	var draw []float64
	allocs, err := allocated(func() (n int, err error) {
		draw, err = work.TimeSampling(ctx, m, p, batch, plan, false)
		return len(draw) + plan.Warmup, err
	})
	if err != nil {
		return err
	}
	flops, err := stage.SamplingFLOPs(p, batch)
	if err != nil {
		return err
	}
	b.Sample = newRate(draw, batch, flops/float64(batch), b.PeakGFLOPS, allocs)
	one, err := work.TimeSampling(ctx, m, p, 1, plan, false)
	if err != nil {
		return err
	}
	first, err := work.TimeSampling(ctx, m, p, 1, plan, true)
	if err != nil {
		return err
	}
	b.Latency = stat.Median(one, stat.Rounds).Value
	b.FirstBlock = stat.Median(first, stat.Rounds).Value
	b.MemoryPeak = machine.PeakResident()
	return nil
}

// training times steps and leaves the model at path; alloc is the Go heap
// that a step takes once all is warm.
func training(ctx context.Context, be device.Backend, p models.Params, plan measure.Plan,
	path string) (seconds []float64, alloc float64, err error) {
	tr, err := p.NewTrainer(be, work.Noise(p.Shape(), p.Training().Batch))
	if err != nil {
		return nil, 0, &engine.Mistake{Err: err}
	}
	defer tr.Close()
	if err := models.ForTiming(p, tr); err != nil {
		return nil, 0, err
	}
	step := func() error {
		if err := tr.Step(); err != nil {
			return err
		}
		return be.Sync()
	}
	if seconds, err = measure.Seconds(ctx, plan, step); err != nil {
		return nil, 0, err
	}
	alloc, err = allocated(func() (int, error) { return 1, step() })
	if err != nil {
		return nil, 0, err
	}
	return seconds, alloc, tr.SaveModel(path)
}

// allocated is the bytes of the Go heap that each of the n times of some work takes.
func allocated(work func() (n int, err error)) (float64, error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	n, err := work()
	runtime.ReadMemStats(&after)
	return float64(after.TotalAlloc-before.TotalAlloc) / float64(max(1, n)), err
}

func newRate(seconds []float64, batch int, flops, peak, alloc float64) Rate {
	rates := make([]float64, len(seconds))
	for i, s := range seconds {
		rates[i] = float64(batch) / s
	}
	e := stat.Median(rates, stat.Rounds)
	r := Rate{ImagesPerS: e.Value, Lo: e.Lo, Hi: e.Hi, N: e.N, Batch: batch, AllocBytes: alloc}
	if peak > 0 {
		r.MFU = r.ImagesPerS * flops / (peak * 1e9)
	}
	return r
}

// gemmRate is the best FLOP/s of a 1024³ single-precision product.
func gemmRate(threads int) float64 {
	const n = 1024
	x, y, z := make([]float32, n*n), make([]float32, n*n), make([]float32, n*n)
	for i := range x {
		x[i], y[i] = float32(i%7)-3, float32(i%5)-2
	}
	best := 0.0
	begin := time.Now()
	for i := 0; i < 3 || i < 20 && time.Since(begin) < 300*time.Millisecond; i++ {
		start := time.Now()
		gemm.Sgemm(threads, false, false, n, n, n, 1, x, n, y, n, 0, z, n)
		best = max(best, 2*n*n*n/time.Since(start).Seconds())
	}
	return best
}
