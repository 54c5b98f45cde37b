//go:build cuda

// Package selftest is what a person with a GPU runs: `make cuda-selftest`. It
// checks the device against the CPU, measures what the device reaches and
// writes a report in Markdown that can be posted as it is. On the stand-in
// driver it runs too, cut down, and the report says that its times mean nothing.
package selftest

import (
	"flag"
	"fmt"
	"math"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"prabench/harness/machine"
	"prabench/models"
	"prabench/models/cpu"
	"prabench/models/cuda"
	"prabench/models/cuda/kernels"
	"prabench/models/cuda/kernels/roofline"
	"prabench/models/device"
	"prabench/models/device/devicetest"
)

var (
	reportPath = flag.String("report", "", "where the report goes; without it only the log has it")
	ordinal    = flag.Int("device", 0, "number of the CUDA device")
)

// report is the text so far, and what failed.
type report struct {
	strings.Builder
	t        *testing.T
	standin  bool
	failures []string
}

func (r *report) line(format string, args ...any) { fmt.Fprintf(r, format+"\n", args...) }

// verdict writes whether something held.
func (r *report) verdict(what string, ok bool, detail string) {
	word := "pass"
	if !ok {
		word = "**FAIL**"
		r.failures = append(r.failures, what)
		r.t.Errorf("%s: %s", what, detail)
	}
	r.line("| %s | %s | %s |", what, word, detail)
}

func TestSelftest(t *testing.T) {
	r := &report{t: t}
	be := open(t, cuda.Options{})
	r.standin = strings.Contains(be.Details(), "CPU stand-in")
	r.head(be)
	be.Close()

	r.line("\n## Right or wrong\n\n| what | | |\n|---|---|---|")
	r.conformance()
	r.training()
	r.grid()
	measured := r.speed()
	r.models(measured)
	r.line("\n%d checks failed.", len(r.failures))
	for _, f := range r.failures {
		r.line("* %s", f)
	}
	t.Log("\n" + r.String())
	if *reportPath != "" {
		if err := os.WriteFile(*reportPath, []byte(r.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		fmt.Println("the report is in", *reportPath)
	}
}

func open(t *testing.T, o cuda.Options) *cuda.Backend {
	t.Helper()
	be, err := cuda.New(*ordinal, o)
	if err != nil {
		t.Fatal(err)
	}
	return be
}

func (r *report) head(be *cuda.Backend) {
	env := machine.Environment(0)
	r.line("# prabench CUDA self-test")
	if r.standin {
		r.line("\n**Stand-in: no GPU was here.** A driver on host memory ran the kernels on the CPU;\nwhat is right or wrong below holds for the kernels' source, the times mean nothing.")
	}
	r.line("\n| | |\n|---|---|\n| date | %s |\n| device | %s: %s |\n| processor | %s, %d cores |\n| system | %s, kernel %s, %s |\n| program | revision %s |",
		time.Now().UTC().Format(time.RFC3339), be.Name(), be.Details(), env.CPU, env.Cores, env.OS, env.Kernel, runtime.Version(), env.Code())
	if h, err := be.Health(); err != nil {
		r.line("| NVML | %v |", err)
	} else {
		r.line("| NVML | clock %.0f MHz of %.0f by default, %.0f °C, %.0f W, held down by: %s; %d other processes |", h.Clock/1e6, h.DefaultClock/1e6, h.Temperature, h.Power, h.Throttled, h.Others)
	}
}

func (r *report) conformance() {
	for name, o := range map[string]cuda.Options{"cuBLAS": {}, "own products": {NoBLAS: true}} {
		run := devicetest.Run
		if o.NoBLAS {
			run = devicetest.Products
		}
		ok := r.t.Run("conformance "+name, func(t *testing.T) {
			run(t, func(t *testing.T, _ int) device.Backend { return open(t, o) }, devicetest.Float32())
		})
		r.verdict("conformance of every operation, "+name, ok, "float64 reference, tolerances of `devicetest.Float32`")
	}
}

// small is a model that trains in moments, and data for it.
func small() (models.Config, models.TrainConfig, models.Images) {
	c := models.DefaultConfig()
	c.Size, c.Channels, c.Patch = 28, 1, 7
	c.Width, c.Depth, c.Heads, c.HeadWidth, c.HeadDepth, c.CoderWidth, c.State = 64, 3, 4, 64, 2, 64, 12
	tc := models.DefaultTrain()
	tc.Steps, tc.Batch = 200, 8
	return c, tc, images(c, 64)
}

func images(c models.Config, n int) models.Images {
	d := models.Images{N: n, Size: c.Size, Channels: c.Channels}
	for i := range n {
		d.Labels = append(d.Labels, int32(i%c.Classes))
		for j := range c.Size * c.Size * c.Channels {
			d.Pixels = append(d.Pixels, uint8(127+100*math.Sin(float64(i+j*(1+i%c.Classes))/3)))
		}
	}
	return d
}

// train does steps and gives the losses and the model's file.
func (r *report) train(be device.Backend, c models.Config, tc models.TrainConfig, data models.Images, steps int, save string) []float64 {
	tr, err := models.NewTrainer(be, c, tc, data)
	if err != nil {
		r.t.Fatal(err)
	}
	defer tr.Close()
	var out []float64
	for range steps {
		if err := tr.Step(); err != nil {
			r.t.Fatal(err)
		}
		out = append(out, tr.Losses().Total)
	}
	if save != "" {
		if err := tr.SaveModel(save); err != nil {
			r.t.Fatal(err)
		}
	}
	return out
}

func (r *report) training() {
	c, tc, data := small()
	if r.standin {
		tc.Steps = 30
	}
	host, err := cpu.New(0)
	if err != nil {
		r.t.Fatal(err)
	}
	defer host.Close()
	be := open(r.t, cuda.Options{})
	defer be.Close()
	want, got := r.train(host, c, tc, data, tc.Steps, ""), r.train(be, c, tc, data, tc.Steps, "")
	var worst float64
	for i := range want {
		worst = max(worst, math.Abs(got[i]-want[i])/want[i])
	}
	r.verdict(fmt.Sprintf("loss curve of %d steps", tc.Steps), worst <= 1e-4 && want[len(want)-1] < want[0],
		fmt.Sprintf("%.4g → %.4g; largest relative difference from the CPU %.1e, allowed 1e-4", want[0], want[len(want)-1], worst))
}

func (r *report) grid() {
	c, tc, data := small()
	path := r.t.TempDir() + "/model.safetensors"
	host, err := cpu.New(0)
	if err != nil {
		r.t.Fatal(err)
	}
	defer host.Close()
	r.train(host, c, tc, data, 60, path)
	var labels []int32
	var ids []uint32
	for i := range 16 {
		labels, ids = append(labels, int32(i%c.Classes)), append(ids, uint32(i))
	}
	sc := models.DefaultSample()
	if r.standin {
		sc.FlowSteps = 4
	}
	draw := func(be device.Backend) []float32 {
		m, err := models.LoadModel(be, path)
		if err != nil {
			r.t.Fatal(err)
		}
		defer m.Close()
		s, err := models.NewSampler(m, sc, 4)
		if err != nil {
			r.t.Fatal(err)
		}
		defer s.Close()
		var out []float32
		for i := 0; i < len(labels); i += 4 {
			x, err := s.Tokens(labels[i:i+4], ids[i:i+4])
			if err != nil {
				r.t.Fatal(err)
			}
			out = append(out, x...)
		}
		return out
	}
	differ := func(a, b []float32) (d float64) {
		for i := range a {
			if v := math.Abs(float64(a[i] - b[i])); !(v <= d) {
				d = v
			}
		}
		return d
	}
	want := draw(host)
	with := open(r.t, cuda.Options{})
	defer with.Close()
	a := draw(with)
	d := differ(a, want)
	r.verdict("a grid of 16 images", d <= 1e-4, fmt.Sprintf("largest difference of a pixel from the CPU %.1e, allowed 1e-4", d))
	without := open(r.t, cuda.Options{NoGraphs: true})
	defer without.Close()
	recorded, replayed, _ := with.Graphs()
	d = differ(a, draw(without))
	r.verdict("the same grid with and without recorded graphs", d == 0 && replayed > 0, fmt.Sprintf("%d graphs recorded, %d replayed; largest difference %.1e, allowed 0", recorded, replayed, d))
}

// best is the shortest of some timings, on the device's clock.
func (r *report) best(be *cuda.Backend, times int, f func()) float64 {
	least := math.Inf(1)
	for range times + 1 { // the first one warms up
		s, err := be.Time(func() error { f(); return nil })
		if err != nil {
			r.t.Fatal(err)
		}
		if s > 0 {
			least = min(least, s)
		}
	}
	return least
}

func (r *report) buffer(be device.Backend, n int) device.Buffer {
	b, err := be.Alloc(device.Activations, n)
	if err != nil {
		r.t.Fatal(err)
	}
	be.Fill(b, 0.5)
	return b
}

// speed measures what the device reaches, for a roofline of its own.
func (r *report) speed() roofline.Device {
	values, side, launches := 64<<20, 4096, 2000
	if r.standin {
		values, side, launches = 1<<20, 128, 200
	}
	d := roofline.Device{Name: "as measured"}
	r.line("\n## Speed\n\nThe shortest of five, by events of the device where nothing else is said.\n\n| what | |\n|---|--:|")
	be := open(r.t, cuda.Options{})
	x, y := r.buffer(be, values), r.buffer(be, values)
	d.Bandwidth = 8 * float64(values) / r.best(be, 5, func() { be.Copy(y, x) })
	r.line("| copy on the device, %d MiB (read + written) | %.0f GB/s |", 4*values>>20, d.Bandwidth/1e9)
	host := make([]float32, values)
	clock := func(f func()) float64 {
		least := math.Inf(1)
		for range 3 {
			begin := time.Now()
			f()
			if err := be.Sync(); err != nil {
				r.t.Fatal(err)
			}
			least = min(least, time.Since(begin).Seconds())
		}
		return least
	}
	r.line("| upload through pinned memory (host's clock) | %.2f GB/s |", 4*float64(values)/clock(func() { be.Upload(x, host) })/1e9)
	r.line("| download through pinned memory (host's clock) | %.2f GB/s |", 4*float64(values)/clock(func() { be.Download(host, x) })/1e9)
	tiny := x.Slice(0, 1)
	many := func() {
		for range launches {
			be.Fill(tiny, 1)
		}
	}
	r.line("| a launch in a full queue | %.2f µs |", 1e6*r.best(be, 5, many)/float64(launches))
	r.line("| one operation and a wait for it (host's clock) | %.1f µs |", 1e6*clock(func() { be.Fill(tiny, 1) }))
	if g, ok := be.Record(many); ok {
		r.line("| a launch in a replayed graph of %d | %.2f µs |", launches, 1e6*r.best(be, 5, g.Play)/float64(launches))
		g.Close()
	} else {
		r.line("| graphs | none: %s |", be.Details())
	}
	be.Close()
	for _, o := range []cuda.Options{{}, {NoBLAS: true}, {Precision: "bf16"}, {Precision: "bf16", NoBLAS: true}} {
		be, err := cuda.New(*ordinal, o)
		name := map[bool]string{true: "own kernels", false: "cuBLAS"}[o.NoBLAS] + map[string]string{"": ", fp32", "bf16": ", bf16"}[o.Precision]
		if err != nil {
			r.line("| product, %s | %v |", name, err)
			continue
		}
		if !o.NoBLAS && strings.Contains(be.Details(), "own matrix products") {
			name += " (absent: own kernels)"
		}
		a, b, c := r.buffer(be, side*side), r.buffer(be, side*side), r.buffer(be, side*side)
		rate := 2 * math.Pow(float64(side), 3) / r.best(be, 5, func() { be.Gemm(false, false, side, side, side, 1, a, side, b, side, 0, c, side) })
		r.line("| product %d³, %s | %.1f TFLOP/s |", side, name, rate/1e12)
		if o.Precision == "" {
			d.FP32 = max(d.FP32, rate)
		} else {
			d.BF16 = max(d.BF16, rate)
		}
		be.Close()
	}
	return d
}

// sized is a model of bench.
func sized(width, depth, heads, headWidth, headDepth int) models.Config {
	c := models.DefaultConfig()
	c.Patch, c.Width, c.Depth, c.Heads = 4, width, depth, heads
	c.HeadWidth, c.HeadDepth, c.CoderWidth = headWidth, headDepth, headWidth
	return c
}

// models times sampling and training beside a roofline made of what speed
// measured.
func (r *report) models(d roofline.Device) {
	r.line("\n## Models\n\nSampling: one token a step, no guidance, tokens on the host at the end. The bound is the\nroofline of this design's launches on the bandwidth and the products measured above.\n")
	r.line("| model | parameters | precision | batch | sampling, images/s | bound | share | without graphs | launches an AR step | training, images/s | backend memory, MiB |\n|---|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|")
	type subject struct {
		name         string
		c            models.Config
		batch, steps int // images at once, flow steps
	}
	subjects := []subject{{"micro", sized(128, 4, 4, 192, 3), 64, 10}, {"small", sized(384, 8, 6, 512, 4), 64, 10}, {"PRA-S", praS(), 64, 25}}
	if r.standin {
		c := sized(128, 4, 4, 192, 3)
		c.Patch = 14
		subjects = []subject{{"micro, patch 14", c, 2, 2}}
	}
	for _, s := range subjects {
		for _, precision := range []string{"fp32", "bf16"} {
			if err := r.model(s.name, s.c, s.batch, s.steps, precision, d); err != nil {
				r.line("| %s | | %s | | %v | | | | | | |", s.name, precision, err)
			}
		}
	}
	if r.standin {
		r.line("\nsmall and PRA-S are left out on the stand-in.")
	}
}

// praS has the sizes that the paper gives for PRA-S, 256² images of 16-d states
// in patches of 16; widths that it leaves open are chosen for its 135 M
// parameters.
func praS() models.Config {
	c := models.DefaultConfig()
	c.Size, c.Channels, c.Classes, c.Patch, c.State = 256, 3, 1000, 16, 16
	c.Width, c.Depth, c.Heads, c.MLP = 768, 12, 12, 4
	c.HeadWidth, c.HeadDepth, c.CoderWidth = 1024, 3, 1024
	return c
}

func (r *report) model(name string, c models.Config, batch, flowSteps int, precision string, d roofline.Device) error {
	sc := models.DefaultSample()
	sc.FlowSteps = flowSteps
	labels, ids := make([]int32, batch), make([]uint32, batch)
	for i := range labels {
		labels[i], ids[i] = int32(i%c.Classes), uint32(i)
	}
	rate := map[bool]float64{}
	var peak int64
	for _, graphs := range []bool{true, false} {
		be, err := cuda.New(*ordinal, cuda.Options{Precision: precision, NoGraphs: !graphs})
		if err != nil {
			return err
		}
		defer be.Close()
		m, err := models.NewModel(be, c, 1)
		if err != nil {
			return err
		}
		defer m.Close()
		s, err := models.NewSampler(m, sc, batch)
		if err != nil {
			return err
		}
		defer s.Close()
		best := math.Inf(1)
		for range 4 { // plainly, recorded, replayed twice
			seconds, err := be.Time(func() error { _, err := s.Tokens(labels, ids); return err })
			if err != nil {
				return err
			}
			best = min(best, seconds)
		}
		rate[graphs] = float64(batch) / best
		for class := range device.Classes {
			if graphs {
				peak += be.Peak(class)
			}
		}
	}
	products := kernels.FP32
	if precision == "bf16" {
		products = kernels.BF16
	}
	bound, err := roofline.Sample(c, sc, batch, products, d)
	if err != nil {
		return err
	}
	at := bound.ImagesPerSecond(0)
	be, err := cuda.New(*ordinal, cuda.Options{Precision: precision})
	if err != nil {
		return err
	}
	defer be.Close()
	tc := models.DefaultTrain()
	tc.Batch = batch
	training := "out of memory"
	if tr, err := models.NewTrainer(be, c, tc, images(c, batch)); err == nil {
		defer tr.Close()
		best := math.Inf(1)
		for range 3 {
			seconds, err := be.Time(tr.Step)
			if err != nil {
				return err
			}
			best = min(best, seconds)
		}
		training = fmt.Sprintf("%.4g", float64(batch)/best)
	}
	r.line("| %s | %.1f M | %s | %d | %.4g | %.4g | %.0f %% | %.4g | %d | %s | %.0f |", name, float64(c.Params())/1e6, precision, batch, rate[true], at, 100*rate[true]/at,
		rate[false], bound.PerStep, training, float64(peak)/(1<<20))
	return nil
}
