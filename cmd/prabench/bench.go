package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"prabench/harness/machine"
	"prabench/harness/measure"
	"prabench/harness/work"
	"prabench/models"
	"prabench/models/cpu"
	"prabench/models/device"
	"prabench/models/gemm"
)

// benchSizes are the models of bench, by name.
var benchSizes = map[string]models.Config{
	"nano":  sized(64, 3, 4, 64, 2),
	"micro": sized(128, 4, 4, 192, 3),
	"small": sized(384, 8, 6, 512, 4),
}

// sized is a model of grey 28×28 images in patches of 4; the coder is as wide
// as the head.
func sized(width, depth, heads, headWidth, headDepth int) models.Config {
	c := models.DefaultConfig()
	c.Patch, c.Width, c.Depth, c.Heads = 4, width, depth, heads
	c.HeadWidth, c.HeadDepth, c.CoderWidth = headWidth, headDepth, headWidth
	return c
}

// rate is what one kind of work reached.
type rate struct {
	ImagesPerS float64 `json:"images_per_s"` // median
	MFU        float64 `json:"mfu"`          // share of the peak
	Lo         float64 `json:"lo,omitempty"` // 95 % interval of images_per_s; absent with few readings
	Hi         float64 `json:"hi,omitempty"`
	N          int     `json:"n"` // readings
	Batch      int     `json:"batch"`
}

// benchmark is the result of bench.
type benchmark struct {
	Device      string  `json:"device"`
	Threads     int     `json:"threads"`
	Model       string  `json:"model"`
	Params      int64   `json:"params"`
	PeakGFLOPS  float64 `json:"peak_gflops"` // loop of fused multiply-adds, in this run
	GEMMGFLOPS  float64 `json:"gemm_gflops"` // 1024³ product
	GEMM        string  `json:"gemm"`
	CPU         string  `json:"cpu"`
	Backend     string  `json:"backend"`
	Train       rate    `json:"train"`
	Sample      rate    `json:"sample"`
	Latency     float64 `json:"latency_s"`             // one image
	FirstBlock  float64 `json:"first_block_latency_s"` // of one image
	MemoryPeak  int64   `json:"memory_peak_bytes"`     // of this process
	FLOPsImage  float64 `json:"flops_image"`
	FLOPsTrain  float64 `json:"flops_train_image"`
	GitRevision string  `json:"git_revision,omitempty"`

	Ops []opTable `json:"ops,omitempty"`
}

func (a *app) benchCommand() *cobra.Command {
	var size string
	var threads, batch, patch int
	var seconds float64
	var ops bool
	c := &cobra.Command{
		Use:   "bench",
		Short: "Measure the core on this machine: training and sampling of a named model",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, ok := benchSizes[size]
			if !ok {
				return usage("--model %s: choose one of %s", size, strings.Join(benchNames(), ", "))
			}
			if patch > 0 {
				cfg.Patch = patch
			}
			if err := cfg.Validate(); err != nil {
				return &usageError{err}
			}
			if batch < 1 || seconds <= 0 {
				return usage("--batch and --seconds must be positive")
			}
			ctx, stop := a.stoppable(c.Context())
			defer stop()
			b, err := a.bench(ctx, size, cfg, threads, batch, ops, time.Duration(seconds*float64(time.Second)))
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(b)
			}
			return b.print(a.stdout)
		},
	}
	f := c.Flags()
	f.StringVar(&size, "model", "micro", "one of "+strings.Join(benchNames(), ", "))
	f.IntVar(&threads, "threads", 0, "compute threads; 0 is all cores")
	f.IntVar(&patch, "patch", 0, "side of a patch in pixels; 0 is the model's, 4")
	f.IntVar(&batch, "batch", 64, "images a training step and a sampling call")
	f.BoolVar(&ops, "ops", false, "also time every operation of the core")
	f.Float64Var(&seconds, "seconds", 2, "time to spend on each measurement")
	return c
}

func benchNames() []string {
	var out []string
	for name := range benchSizes {
		out = append(out, name)
	}
	sort.Strings(out)
	return out
}

func (a *app) bench(ctx context.Context, name string, cfg models.Config, threads, batch int, ops bool, spend time.Duration) (benchmark, error) {
	dev := a.device
	if dev == "" {
		dev = "cpu"
	}
	if threads < 0 {
		return benchmark{}, usage("--threads %d: a number of threads, or 0 for all cores", threads)
	}
	if threads == 0 {
		threads = runtime.NumCPU()
	}
	env := machine.Environment(threads)
	tc, sc := models.DefaultTrain(), models.DefaultSample()
	tc.Batch, tc.Threads = batch, threads
	costs := cfg.Costs(tc, sc)
	b := benchmark{
		Device: dev, Threads: threads, Model: name, Params: cfg.Params(), GEMM: gemm.Loaded().Name, CPU: env.CPU, GitRevision: env.GitRevision,
		FLOPsImage: costs.FLOPsImage, FLOPsTrain: costs.FLOPsTrainImage,
	}
	be, err := work.Open(work.Device{Name: dev, Threads: threads, Precision: "fp32"})
	if err != nil {
		return b, &usageError{err}
	}
	defer be.Close()
	b.Backend = be.Details()
	b.PeakGFLOPS = cpu.PeakFlops(threads) / 1e9
	b.GEMMGFLOPS = gemmRate(threads) / 1e9

	plan := measure.Plan{Warmup: 1, Repeats: 3, Enough: spend, Most: 1000}
	dir, err := os.MkdirTemp("", "prabench-bench-*")
	if err != nil {
		return b, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, work.ModelFile)
	train, err := benchTraining(ctx, be, cfg, tc, plan, path)
	if err != nil {
		return b, err
	}
	b.Train = newRate(train, batch, costs.FLOPsTrainImage, b.PeakGFLOPS)

	m, err := models.LoadModel(be, path)
	if err != nil {
		return b, err
	}
	defer m.Close()
	draw, err := work.TimeSampling(ctx, m, sc, batch, plan, false)
	if err != nil {
		return b, err
	}
	b.Sample = newRate(draw, batch, costs.FLOPsImage, b.PeakGFLOPS)
	one, err := work.TimeSampling(ctx, m, sc, 1, plan, false)
	if err != nil {
		return b, err
	}
	first, err := work.TimeSampling(ctx, m, sc, 1, plan, true)
	if err != nil {
		return b, err
	}
	b.Latency, _, _ = measure.Median(one)
	b.FirstBlock, _, _ = measure.Median(first)
	b.MemoryPeak = machine.PeakResident()
	if ops {
		b.Ops, err = profileOps(be, cfg, tc, sc, work.Noise(cfg, tc.Batch), spend)
	}
	return b, err
}

// benchTraining times steps and leaves the model at path.
func benchTraining(ctx context.Context, be device.Backend, cfg models.Config, tc models.TrainConfig, plan measure.Plan, path string) ([]float64, error) {
	tr, err := models.NewTrainer(be, cfg, tc, work.Noise(cfg, tc.Batch))
	if err != nil {
		return nil, &usageError{err}
	}
	defer tr.Close()
	seconds, err := measure.Seconds(ctx, plan, func() error {
		if err := tr.Step(); err != nil {
			return err
		}
		return be.Sync()
	})
	if err != nil {
		return nil, err
	}
	return seconds, tr.SaveModel(path)
}

func newRate(seconds []float64, batch int, flops, peak float64) rate {
	rates := make([]float64, len(seconds))
	for i, s := range seconds {
		rates[i] = float64(batch) / s
	}
	r := rate{N: len(rates), Batch: batch}
	var lo, hi *float64
	if r.ImagesPerS, lo, hi = measure.Median(rates); lo != nil {
		r.Lo, r.Hi = *lo, *hi
	}
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

func (b benchmark) print(w io.Writer) error {
	if _, err := fmt.Fprintf(w, `%s, %d threads, %s
peak            %s GFLOP/s
matrix product  %s GFLOP/s (%s)
model %s, %s parameters
training        %s images/s, %s %% of the peak (batch %d)
sampling        %s images/s, %s %% of the peak (batch %d)
one image       %s ms, first block after %s ms
peak memory     %s
`, b.CPU, b.Threads, b.Backend, digits(b.PeakGFLOPS, 3), digits(b.GEMMGFLOPS, 3), b.GEMM, b.Model, count(b.Params),
		digits(b.Train.ImagesPerS, 3), digits(100*b.Train.MFU, 2), b.Train.Batch, digits(b.Sample.ImagesPerS, 3), digits(100*b.Sample.MFU, 2), b.Sample.Batch,
		digits(1e3*b.Latency, 3), digits(1e3*b.FirstBlock, 3), bytesText(b.MemoryPeak)); err != nil {
		return err
	}
	for _, t := range b.Ops {
		if err := t.print(w, b.PeakGFLOPS*1e9); err != nil {
			return err
		}
	}
	return nil
}
