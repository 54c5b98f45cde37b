//go:build cuda

package selftest

import (
	"fmt"
	"math"
	"testing"

	"prabench/models"
	"prabench/models/cpu"
	"prabench/models/cuda"
	"prabench/models/cuda/shapes"
	"prabench/models/device"
	"prabench/models/device/devicetest"
	"prabench/models/pra"
)

// right is what must hold, the device beside the CPU and the float64 reference.
func (r *report) right(t *testing.T) {
	noBF16 := ""
	if be, err := cuda.New(*ordinal, cuda.Options{Precision: "bf16"}); err != nil {
		noBF16 = err.Error()
	} else {
		be.Close()
	}
	blas := r.doc.CuBLAS != ""
	if !blas {
		r.absent(t, "cuBLAS", r.doc.Details, *need == "cublas")
	}
	for _, way := range []struct {
		name string
		o    cuda.Options
		run  func(*testing.T, devicetest.Open, devicetest.Tolerances)
	}{{"cuBLAS", cuda.Options{}, devicetest.Run}, {"own products", cuda.Options{NoBLAS: true}, devicetest.Products}} {
		what := "conformance of every operation, products by " + way.name
		if !way.o.NoBLAS && !blas {
			r.absent(t, what, "there is no cuBLAS", false) // said above
			way.o.NoBLAS, what = true, "conformance of every operation"
		} else if way.o.NoBLAS && blas {
			what = "conformance of products, own kernels"
		} else if way.o.NoBLAS {
			continue // every operation was checked with them
		}
		r.holds(t, what, func(t *testing.T) string {
			way.run(t, func(t *testing.T, _ int) device.Backend {
				be, err := cuda.New(*ordinal, way.o)
				must(t, err)
				return be
			}, devicetest.Float32())
			return "float64 reference, tolerances of `devicetest.Float32`"
		})
	}
	for _, c := range shapes.Cases() {
		switch {
		case c.BLAS && !blas:
			r.absent(t, c.Name, "there is no cuBLAS", false)
		case c.BF16 && noBF16 != "":
			r.absent(t, c.Name, noBF16, false)
		default:
			r.holds(t, c.Name, func(t *testing.T) string {
				c.Run(t, *ordinal)
				return "float64 reference, operands as the precision takes them"
			})
		}
	}
	r.training(t, "fp32", 1e-4)
	r.grid(t, "fp32", 1e-4)
	r.graphs(t, "fp32")
	if noBF16 != "" {
		r.absent(t, "training and images in bf16", noBF16, false)
		return
	}
	r.training(t, "bf16", 0.01)
	r.grid(t, "bf16", 0.05)
	r.graphs(t, "bf16")
	r.chains(t)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// small is a model that trains in moments, and data for it.
func small() (pra.Config, pra.TrainConfig, models.Images) {
	c := pra.DefaultConfig()
	c.Size, c.Channels, c.Patch = 28, 1, 7
	c.Width, c.Depth, c.Heads, c.HeadWidth, c.HeadDepth, c.CoderWidth, c.State = 64, 3, 4, 64, 2, 64, 12
	tc := pra.DefaultTrain()
	tc.Steps, tc.Batch = 200, 8
	return c, tc, images(c, 64)
}

func images(c pra.Config, n int) models.Images {
	d := models.Images{N: n, Size: c.Size, Channels: c.Channels}
	for i := range n {
		d.Labels = append(d.Labels, int32(i%c.Classes))
		for j := range c.Size * c.Size * c.Channels {
			d.Pixels = append(d.Pixels, uint8(127+100*math.Sin(float64(i+j*(1+i%c.Classes))/3)))
		}
	}
	return d
}

// train does steps and gives the losses; save is where the model goes, if anywhere.
func train(t *testing.T, be device.Backend, c pra.Config, tc pra.TrainConfig, data models.Images, steps int, save string) []float64 {
	t.Helper()
	tr, err := pra.NewTrainer(be, c, tc, data)
	must(t, err)
	defer tr.Close()
	var out []float64
	for range steps {
		must(t, tr.Step())
		out = append(out, tr.Losses().Total)
	}
	if save != "" {
		must(t, tr.SaveModel(save))
	}
	return out
}

func host(t *testing.T) device.Backend {
	be, err := cpu.New(0)
	must(t, err)
	t.Cleanup(func() { be.Close() })
	return be
}

// hard is how many steps of a loss curve must follow the CPU's: sums in another
// order differ a little more with every step, and no device is to blame for that.
const hard = 50

func (r *report) training(t *testing.T, precision string, limit float64) {
	c, tc, data := small()
	if r.doc.StandIn {
		tc.Steps = 30
	}
	r.holds(t, "loss curve, "+precision, func(t *testing.T) string {
		want := train(t, host(t), c, tc, data, tc.Steps, "")
		got := train(t, open(t, cuda.Options{Precision: precision}), c, tc, data, tc.Steps, "")
		var worst, later float64
		for i := range want {
			d := math.Abs(got[i]-want[i]) / want[i]
			if !(d <= later) {
				later = d
			}
			if i < hard && !(d <= worst) {
				worst = d
			}
		}
		if !(worst <= limit) || !(want[len(want)-1] < want[0]) || math.IsNaN(later) {
			t.Errorf("relative difference %g, allowed %g; the loss goes from %g to %g", worst, limit, want[0], want[len(want)-1])
		}
		return fmt.Sprintf("%.4g → %.4g in %d steps; largest relative difference from the CPU %.1e in the first %d, allowed %.0e, %.1e in all",
			want[0], want[len(want)-1], tc.Steps, worst, min(hard, tc.Steps), limit, later)
	})
}

// sampled is 16 images of a model that the CPU trained, in calls of 4.
func (r *report) sampled(t *testing.T, path string, be device.Backend) []float32 {
	t.Helper()
	sc := pra.DefaultSample()
	if r.doc.StandIn {
		sc.FlowSteps = 4
	}
	m, err := pra.LoadModel(be, path)
	must(t, err)
	defer m.Close()
	s, err := pra.NewSampler(m, sc, 4)
	must(t, err)
	defer s.Close()
	var out []float32
	for i := range 4 {
		var labels []int32
		var ids []uint32
		for j := 4 * i; j < 4*i+4; j++ {
			labels, ids = append(labels, int32(j%m.Config.Classes)), append(ids, uint32(j))
		}
		x, err := s.Tokens(labels, ids)
		must(t, err)
		out = append(out, x...)
	}
	return out
}

func differ(a, b []float32) (largest, rms float64) {
	for i := range a {
		v := math.Abs(float64(a[i]) - float64(b[i]))
		if !(v <= largest) {
			largest = v
		}
		rms += v * v / float64(len(a))
	}
	return largest, math.Sqrt(rms)
}

// trained is the file of a model that the CPU trained for some steps.
func trained(t *testing.T) string {
	c, tc, data := small()
	path := t.TempDir() + "/model.safetensors"
	train(t, host(t), c, tc, data, 60, path)
	return path
}

// grid compares images with the CPU's: in fp32 every pixel, in bf16, where a
// flow may leave another way, their mean.
func (r *report) grid(t *testing.T, precision string, limit float64) {
	r.holds(t, "a grid of 16 images, "+precision, func(t *testing.T) string {
		path := trained(t)
		largest, rms := differ(r.sampled(t, path, open(t, cuda.Options{Precision: precision})), r.sampled(t, path, host(t)))
		found, what := largest, "largest difference of a pixel"
		if precision != "fp32" {
			found, what = rms, "root mean square difference of the pixels"
		}
		if !(found <= limit) {
			t.Errorf("%s from the CPU %g, allowed %g", what, found, limit)
		}
		return fmt.Sprintf("%s from the CPU %.1e, allowed %.0e (largest %.1e)", what, found, limit, largest)
	})
}

func (r *report) graphs(t *testing.T, precision string) {
	r.holds(t, "the same grid with and without recorded graphs, "+precision, func(t *testing.T) string {
		path := trained(t)
		with := open(t, cuda.Options{Precision: precision})
		a := r.sampled(t, path, with)
		recorded, replayed, _ := with.Graphs()
		d, _ := differ(a, r.sampled(t, path, open(t, cuda.Options{Precision: precision, NoGraphs: true})))
		if d != 0 || replayed == 0 {
			t.Errorf("largest difference %g, %d graphs replayed (%s)", d, replayed, with.Details())
		}
		return fmt.Sprintf("%d graphs recorded, %d replayed; largest difference %.1e, allowed 0", recorded, replayed, d)
	})
}

// chains compares images drawn by chains of launches with those of single ones.
func (r *report) chains(t *testing.T) {
	const what = "the same grid by chains of launches, bf16"
	with := cuda.Options{Precision: "bf16", Chain: true}
	if be, err := cuda.New(*ordinal, with); err == nil {
		why := chainless(be, with)
		be.Close()
		if why != "" {
			r.absent(t, what, why, false)
			return
		}
	}
	r.holds(t, what, func(t *testing.T) string {
		path := trained(t)
		single := open(t, cuda.Options{Precision: "bf16", NoChain: true})
		a := r.sampled(t, path, single)
		out := ""
		for _, plain := range []bool{false, true} {
			with.NoGraphs = plain
			be := open(t, with)
			d, _ := differ(a, r.sampled(t, path, be))
			if d != 0 || chainless(be, with) != "" {
				t.Errorf("graphs %v: largest difference %g (%s)", !plain, d, be.Details())
			}
			out += fmt.Sprintf("graphs %v: %d launches made or recorded, largest difference %.1e, allowed 0; ", !plain, be.Launches(), d)
		}
		return out + fmt.Sprintf("single launches with graphs: %d", single.Launches())
	})
}
