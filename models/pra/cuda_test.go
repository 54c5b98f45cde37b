//go:build cuda

package pra

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"prabench/models"
	"prabench/models/cpu"
	"prabench/models/cuda"
	"prabench/models/device"
	"prabench/models/layers"
)

// With the tag cuda everything that the tests of this package ask of a device
// is asked of a CUDA device; what the CPU gives is what it is compared with.
func init() {
	opener = func(int) (device.Backend, error) { return cuda.New(0, cuda.Options{}) }
	if os.Getenv("PRABENCH_CUDA_KEEP") == "1" { // on a GPU a context takes a while to make; kept, it hides leaks
		if _, err := cuda.Keep(0); err != nil {
			panic(err)
		}
	}
}

func TestOracleCUDA(t *testing.T) {
	oracleOn(t, func() (device.Backend, error) { return opener(1) }, 2e-4)
}

// onBoth gives f a CUDA backend of each way to multiply.
func onBoth(t *testing.T, f func(t *testing.T, be device.Backend)) {
	for name, o := range map[string]cuda.Options{"cuBLAS": {}, "own products": {NoBLAS: true}} {
		t.Run(name, func(t *testing.T) {
			be, err := cuda.New(0, o)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := be.Close(); err != nil {
					t.Error(err)
				}
			})
			f(t, be)
		})
	}
}

// The gradient of every tensor equals the CPU's, for the switches that change
// the graph: with law 6, and CPU and reference held to one oracle, this closes
// the chain to finite differences.
func TestCUDAGradients(t *testing.T) {
	for name, set := range map[string]func(*Config, *TrainConfig){
		"pra":             func(*Config, *TrainConfig) {},
		"teacher forcing": func(c *Config, tc *TrainConfig) { c.State, c.Target, tc.RolloutDepth = 0, "v", 0 },
		"contexts":        func(c *Config, _ *TrainConfig) { c.Encoder, c.Decoder = "context", "context" },
		"causal decoder": func(c *Config, tc *TrainConfig) {
			c.Encoder, c.Decoder, c.DecoderDepth, c.Block, tc.RolloutDepth = "context", "causal", 2, 2, 3
		},
		"the trunk's keys": func(c *Config, tc *TrainConfig) {
			c.Norm, c.MLPKind, c.Positions, c.QKNorm, c.Block, c.Order = "rmsnorm", "swiglu", "rope2d", "rmsnorm", 2, "strided"
		},
		"class tokens": func(c *Config, tc *TrainConfig) {
			c.ClassTokens, c.Positions, c.Block, c.Order, tc.RolloutDepth = 3, "rope2d", 2, "strided", models.Exact
		},
		"features":        func(c *Config, tc *TrainConfig) { c.Block, c.Order, tc.RecLoss = 2, "strided", "features" },
		"L1":              func(_ *Config, tc *TrainConfig) { tc.RecLoss = "l1" },
		"sphere, strided": func(c *Config, tc *TrainConfig) { c.StateNorm, c.Order, c.Block = "sphere", "strided", 2 },
		"exact rollout": func(c *Config, tc *TrainConfig) {
			tc.RolloutDepth, tc.FlowSamples, tc.InputNoise, tc.Mix = models.Exact, 2, 0.1, 0.3
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, tc := smallConfig(), DefaultTrain()
			tc.Batch = 5
			set(&c, &tc)
			gradients := func(be device.Backend) ([]float32, *Trainer) {
				tr, err := NewTrainer(be, c, tc, smallImages(c, 12))
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(tr.Close)
				perceive(t, tr)
				flat := make([]float32, tr.net.Total)
				be.Download(flat, tr.Model.raw)
				for i := range flat {
					flat[i] += float32(0.1 * layers.Normal(5, 99, 0, uint32(i), 0))
				}
				be.Upload(tr.Model.raw, flat)
				tr.loadBatch(0)
				tr.forwardBackward(0)
				be.Download(flat, tr.adam.Grads)
				return flat, tr
			}
			host, err := cpu.New(1)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { host.Close() })
			want, tr := gradients(host)
			for name, o := range map[string]cuda.Options{"cuBLAS": {}, "own products": {NoBLAS: true}} {
				be, err := cuda.New(0, o)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { be.Close() })
				got, _ := gradients(be)
				for _, tensor := range tr.net.Tensors {
					a, b := got[tensor.Offset:tensor.Offset+tensor.N], want[tensor.Offset:tensor.Offset+tensor.N]
					var diff, size float64
					for i := range a {
						diff += math.Pow(float64(a[i])-float64(b[i]), 2)
						size += math.Pow(float64(b[i]), 2)
					}
					if !(math.Sqrt(diff) <= 1e-4*math.Sqrt(size)+1e-8) {
						t.Errorf("%s: the gradient of %s differs by %g of %g", name, tensor.Name, math.Sqrt(diff), math.Sqrt(size))
					}
				}
			}
		})
	}
}

// nano is bench's smallest model on 28×28 images, with patches large enough
// for a driver on host memory.
func nano() (Config, TrainConfig) {
	c := DefaultConfig()
	c.Size, c.Channels, c.Patch = 28, 1, 7
	c.Width, c.Depth, c.Heads, c.HeadWidth, c.HeadDepth, c.CoderWidth, c.State = 64, 3, 4, 64, 2, 64, 12
	tc := DefaultTrain()
	tc.Steps, tc.Batch = 200, 8
	return c, tc
}

// 200 steps of nano follow the CPU's loss curve, and the weights they end with
// draw the CPU's images.
func TestCUDATraining(t *testing.T) {
	c, tc := nano()
	data := smallImages(c, 64)
	host, err := cpu.New(1)
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	run := func(be device.Backend) (losses []Losses, tr *Trainer) {
		tr, err := NewTrainer(be, c, tc, data)
		if err != nil {
			t.Fatal(err)
		}
		for range tc.Steps {
			if err := tr.Step(); err != nil {
				t.Fatal(err)
			}
			losses = append(losses, tr.Losses())
		}
		return losses, tr
	}
	want, on := run(host)
	defer on.Close()
	if last := want[len(want)-1].Total; !(last < 0.7*want[0].Total) {
		t.Fatalf("the CPU's loss goes from %g to %g: it should fall", want[0].Total, last)
	}
	be, err := cuda.New(0, cuda.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer be.Close()
	got, tr := run(be)
	defer tr.Close()
	var worst float64
	at := 0
	for i := range want {
		if d := math.Abs(got[i].Total-want[i].Total) / want[i].Total; !(d <= worst) {
			worst, at = d, i
		}
	}
	t.Logf("the loss falls from %.4g to %.4g; largest relative difference %.2g, at step %d", want[0].Total,
		want[len(want)-1].Total, worst, at+1)
	if !(worst <= 1e-4) {
		t.Errorf("step %d: loss %.9g, on the CPU %.9g: relative difference %g", at+1, got[at].Total, want[at].Total, worst)
	}
}

// The same weights draw the same grid of images, sequentially and by sweeps,
// with and without guidance; batches after the second replay recorded graphs.
func TestCUDAGrid(t *testing.T) {
	c, tc := nano()
	host, err := cpu.New(1)
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	tr, err := NewTrainer(host, c, tc, smallImages(c, 64))
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	for range 100 {
		if err := tr.Step(); err != nil {
			t.Fatal(err)
		}
	}
	weights := make([]float32, tr.net.Total)
	host.Download(weights, tr.Model.ema)
	// trained is the model of those 100 steps on a device.
	trained := func(t *testing.T, be device.Backend) *Model {
		m, err := NewModel(be, c, 3)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(m.Close)
		be.Upload(m.ema, weights)
		return m
	}
	var labels []int32
	var ids []uint32
	for i := range 12 {
		labels, ids = append(labels, int32(i%c.Classes)), append(ids, uint32(i))
	}
	for _, depth := range []models.Depth{0, 3} {
		for _, guidance := range []float64{0, 1.5} {
			t.Run(fmt.Sprintf("depth %d guidance %g", depth, guidance), func(t *testing.T) {
				sc := DefaultSample()
				sc.FlowSteps, sc.RolloutDepth, sc.Guidance = 4, depth, guidance
				want := draw(t, trained(t, host), sc, 3, labels, ids)
				onBoth(t, func(t *testing.T, be device.Backend) {
					got := draw(t, trained(t, be), sc, 3, labels, ids)
					within4(t, "the grid on both devices", got, want)
					t.Logf("%d images, largest difference %.2g", len(labels), furthest(got, want))
				})
			})
		}
	}
}

// Images drawn by replayed graphs equal those drawn without, to the bit.
func TestCUDAGraphs(t *testing.T) {
	c, _ := nano()
	sc := DefaultSample()
	sc.FlowSteps, sc.Guidance = 3, 1
	labels, ids := []int32{0, 1, 2, 3, 4, 5, 6, 7}, []uint32{9, 8, 7, 6, 5, 4, 3, 2}
	images := map[bool][]float32{}
	for _, graphs := range []bool{true, false} {
		be, err := cuda.New(0, cuda.Options{NoGraphs: !graphs})
		if err != nil {
			t.Fatal(err)
		}
		defer be.Close()
		m := warmModel(t, be, c)
		defer m.Close()
		images[graphs] = draw(t, m, sc, 2, labels, ids)
		recorded, replayed, nodes := be.Graphs()
		if want := c.ARSteps(); graphs && (recorded != want || replayed != 3*want) || !graphs && recorded+replayed != 0 {
			t.Errorf("graphs %v: %d recorded, %d replayed in %d AR steps of 4 batches", graphs, recorded, replayed, want)
		}
		if nodes != 0 {
			t.Errorf("%d nodes of graphs are held after the sampler was closed", nodes)
		}
	}
	if d := furthest(images[true], images[false]); d != 0 {
		t.Errorf("replayed graphs change the images by %g", d)
	}
}

// In bf16 layers of few rows are one launch each: fewer launches, images no further from
// those of fp32 than without, and the same bits with recorded graphs.
func TestCUDAFusion(t *testing.T) {
	c, _ := nano()
	c.Size, c.Patch, c.State, c.Depth = 16, 4, 16, 2 // tensors of whole vectors
	sc := DefaultSample()
	sc.FlowSteps = 2
	labels, ids := []int32{0, 1, 2, 3, 4}, []uint32{9, 8, 7, 6, 5}
	images, launches := map[cuda.Options][]float32{}, map[cuda.Options]int{}
	exact, apart := cuda.Options{NoGraphs: true}, cuda.Options{Precision: "bf16", NoFusion: true, NoGraphs: true}
	fused, graphs, own := cuda.Options{Precision: "bf16", NoGraphs: true}, cuda.Options{Precision: "bf16"},
		cuda.Options{Precision: "bf16", NoBLAS: true, NoGraphs: true}
	for _, o := range []cuda.Options{exact, apart, fused, graphs, own} {
		be, err := cuda.New(0, o)
		if err != nil {
			t.Fatal(err)
		}
		defer be.Close()
		m := warmModel(t, be, c)
		defer m.Close()
		before := be.Launches()
		images[o] = draw(t, m, sc, 2, labels, ids)
		launches[o] = be.Launches() - before
	}
	rms := func(a, b []float32) (sum float64) {
		for i := range a {
			d := float64(a[i]) - float64(b[i])
			sum += d * d / float64(len(a))
		}
		return math.Sqrt(sum)
	}
	with, without := rms(images[fused], images[exact]), rms(images[apart], images[exact])
	t.Logf("%d launches and %.2g from fp32; without fusion %d and %.2g", launches[fused], with, launches[apart], without)
	if !(with <= 2*without) || with == 0 {
		t.Errorf("images in bf16 are %.3g from those in fp32 with fusion, %.3g without", with, without)
	}
	if other := rms(images[own], images[exact]); !(other <= 2*without) {
		t.Errorf("images by own kernels are %.3g from those in fp32, without fusion %.3g", other, without)
	}
	// cuBLAS's launches are not among those counted, so what is saved here are the nine
	// normalisations of an AR step, less a layer that has no epilogue.
	if saved := launches[apart] - launches[fused]; saved < 7*c.ARSteps()*3 {
		t.Errorf("%d launches with fusion, %d without: every AR step of 3 calls was to save 8", launches[fused], launches[apart])
	}
	if d := furthest(images[fused], images[graphs]); d != 0 {
		t.Errorf("recorded graphs change the images by %g", d)
	}
}

// Layers of few rows are those of the trunk whatever its keys are: in bf16 with fusion the images are
// as near to those in fp32 as without.
func TestCUDAFusionOfTrunks(t *testing.T) {
	sc := DefaultSample()
	sc.FlowSteps = 2
	labels, ids := []int32{0, 1, 2}, []uint32{9, 8, 7}
	for name, change := range map[string]func(c *Config){
		"rmsnorm":      func(c *Config) { c.Norm = "rmsnorm" },
		"swiglu":       func(c *Config) { c.MLPKind = "swiglu" },
		"rope2d":       func(c *Config) { c.Positions = "rope2d" },
		"qk norm":      func(c *Config) { c.QKNorm = "rmsnorm" },
		"class tokens": func(c *Config) { c.ClassTokens = 4 },
		"all": func(c *Config) {
			c.Norm, c.MLPKind, c.Positions, c.QKNorm, c.ClassTokens = "rmsnorm", "swiglu", "rope2d", "rmsnorm", 4
		},
	} {
		c, _ := nano()
		c.Size, c.Patch, c.State, c.Depth = 16, 4, 16, 2
		change(&c)
		images := map[cuda.Options][]float32{}
		exact, apart := cuda.Options{NoGraphs: true}, cuda.Options{Precision: "bf16", NoFusion: true, NoGraphs: true}
		fused := cuda.Options{Precision: "bf16", NoGraphs: true}
		for _, o := range []cuda.Options{exact, apart, fused} {
			be, err := cuda.New(0, o)
			if err != nil {
				t.Fatal(err)
			}
			m := warmModel(t, be, c)
			images[o] = draw(t, m, sc, 1, labels, ids)
			m.Close()
			be.Close()
		}
		with, without := furthest(images[fused], images[exact]), furthest(images[apart], images[exact])
		if !(with <= 3*without) || with == 0 {
			t.Errorf("%s: images in bf16 are up to %.3g from those in fp32 with fusion, %.3g without", name, with, without)
		}
	}
}

// Chains of launches draw the images of single launches, to the bit, with recorded graphs
// and without, and take less than a quarter as many.
func TestCUDAChains(t *testing.T) {
	c, _ := nano()
	c.Size, c.Patch, c.State, c.Depth = 16, 4, 16, 2 // tensors of whole vectors
	sc := DefaultSample()
	sc.FlowSteps, sc.Guidance = 2, 1
	labels, ids := []int32{0, 1, 2, 3}, []uint32{9, 8, 7, 6}
	var want []float32
	single := map[bool]int{}
	for _, chain := range []bool{false, true} {
		for _, graphs := range []bool{false, true} {
			be, err := cuda.New(0, cuda.Options{Precision: "bf16", Chain: chain, NoChain: !chain, NoGraphs: !graphs})
			if err != nil {
				t.Fatal(err)
			}
			defer be.Close()
			if chain && !strings.Contains(be.Details(), "chains of") {
				t.Fatal(be.Details())
			}
			m := warmModel(t, be, c)
			defer m.Close()
			before := be.Launches()
			images := draw(t, m, sc, 2, labels, ids)
			launches := be.Launches() - before
			if want == nil {
				want = images
			}
			if d := furthest(images, want); d != 0 {
				t.Errorf("chains %v, graphs %v: images differ by %g from those of single launches", chain, graphs, d)
			}
			t.Logf("chains %v, graphs %v: %d launches", chain, graphs, launches)
			if !chain {
				single[graphs] = launches
			} else if 4*launches > single[graphs] {
				t.Errorf("graphs %v: %d launches with chains, %d without", graphs, launches, single[graphs])
			}
		}
	}
}
