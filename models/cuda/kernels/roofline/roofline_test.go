package roofline_test

import (
	"bytes"
	"flag"
	"math"
	"os"
	"testing"

	"prabench/experiments"
	"prabench/models"
	"prabench/models/cuda/kernels"
	"prabench/models/cuda/kernels/roofline"
	"prabench/models/pra"
)

var update = flag.Bool("update", false, "write docs/design/cuda-roofline.md again")

const root = "../../../../"

func preset(t *testing.T, file, name string, earlier [2]float64) roofline.Case {
	t.Helper()
	e, err := experiments.Load(root+"experiments/presets/"+file+".toml", experiments.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := e.Cells[0].Settings
	p := s.Params.For(models.Shape{Size: s.Data.Size, Channels: s.Data.Channels, Classes: 1000}).(pra.Params)
	p.Train.Batch, p.Train.MicroBatch = 64, 0
	return roofline.Case{Name: name, Config: p.Model, Sample: p.Sample, Train: p.Train, Earlier: earlier}
}

// The page says what the code launches today.
func TestPage(t *testing.T) {
	var b bytes.Buffer
	cases := []roofline.Case{preset(t, "pra-s", "PRA-S", [2]float64{282, 864}), preset(t, "pra-l", "PRA-L", [2]float64{103, 309})}
	if err := roofline.Write(&b, roofline.H100, cases); err != nil {
		t.Fatal(err)
	}
	const page = root + "docs/design/cuda-roofline.md"
	if *update {
		if err := os.WriteFile(page, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	old, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(old, b.Bytes()) {
		t.Errorf("%s is not what the code launches: write it again with -update, and read what changed", page)
	}
}

// What a device does by default, and what it goes back to without fusion: then a launch
// for each of an AR step's 254 products, a pass after the 253 that have an epilogue, and
// the rest. An H100 recorded graphs of 901 nodes of those, 227 more: cuBLAS sums the parts
// of products whose depth it splits in a kernel.
func TestLaunchesByDefault(t *testing.T) {
	c := preset(t, "pra-s", "PRA-S", [2]float64{})
	on := roofline.H100
	on.CuBLAS = true
	steps := c.Config.ARSteps()
	sample := func(d roofline.Device) (roofline.Sampling, map[string]int) {
		t.Helper()
		s, err := roofline.Sample(c.Config, c.Sample, 64, kernels.BF16, d)
		if err != nil {
			t.Fatal(err)
		}
		counted := map[string]int{}
		for _, l := range s.Whole.Lines() {
			counted[l.Kernel.Name] = l.Launches / steps
		}
		return s, counted
	}
	apart := on
	apart.NoFusion = true
	s, counted := sample(apart)
	if products, passes := counted["cuBLAS"], counted["finish"]; products != 254 || passes != 253 || s.PerStep != 674 {
		t.Errorf("%d launches an AR step, want 674; %d products, want 254; %d passes, want 253", s.PerStep, products, passes)
	}
	fused, counted := sample(on)
	layers, norms := counted["layer_64"], counted["layer_norm_64"]
	if layers+norms+counted["cuBLAS"] != 254 || norms != 123 || counted["mod_norm"] != 0 || counted["row_norm"] != 2 || fused.PerStep > 330 {
		t.Errorf("%d launches an AR step, of which %v", fused.PerStep, counted)
	}
	total := fused.Whole.Total()
	if memory := total.Cost.Bytes - total.Cost.Scratch; memory > 1.15*total.Cost.Least {
		t.Errorf("%.3g bytes of memory where %.3g are needed", memory, total.Cost.Least)
	}
	own, err := roofline.Sample(c.Config, c.Sample, 64, kernels.BF16, roofline.H100)
	if err != nil {
		t.Fatal(err)
	}
	for _, of := range []roofline.Sampling{s, fused} {
		if a, b := of.Whole.Total().Cost.FLOPs, own.Whole.Total().Cost.FLOPs; math.Abs(a-b) > 1e-9*b {
			t.Errorf("%g operations by cuBLAS, %g by own products", a, b)
		}
	}
}

// With chains an AR step is at most 60 launches at 64 images and 120 at one; what is
// computed and moved stays the same, and every launch is a step, a barrier less than steps.
func TestChains(t *testing.T) {
	on := roofline.H100
	on.CuBLAS = true
	for _, name := range []string{"pra-s", "pra-l"} {
		c := preset(t, name, name, [2]float64{})
		for batch, most := range map[int]int{1: 120, kernels.NormRows: 60} {
			apart, err := roofline.Sample(c.Config, c.Sample, batch, kernels.BF16, on)
			if err != nil {
				t.Fatal(err)
			}
			with, err := roofline.SampleChained(c.Config, c.Sample, batch, kernels.BF16, on)
			if err != nil {
				t.Fatal(err)
			}
			if with.PerStep > most {
				t.Errorf("%s, %d images: %d launches an AR step with chains, at most %d", name, batch, with.PerStep, most)
			}
			if a, b := apart.Whole.Total().Cost, with.Whole.Total().Cost; math.Abs(a.FLOPs-b.FLOPs) > 1e-9*a.FLOPs ||
				math.Abs(a.Bytes-b.Bytes) > 1e-9*a.Bytes {
				t.Errorf("%s, %d images: %+v in single launches, %+v in chains", name, batch, a, b)
			}
			if a, b := apart.Whole.Launches, with.Whole.Launches+with.Whole.Barriers; a != b {
				t.Errorf("%s, %d images: %d launches, with chains %d launches and barriers", name, batch, a, b)
			}
		}
	}
}

// A kernel that moves more than 1.5 times what it must has a reason on the page,
// and no reason is left from a kernel that no longer does.
func TestReasons(t *testing.T) {
	c := preset(t, "pra-s", "PRA-S", [2]float64{})
	owing := map[string]bool{}
	for _, p := range []kernels.Precision{kernels.FP32, kernels.BF16, kernels.Packed} {
		s, err := roofline.Sample(c.Config, c.Sample, 64, p, roofline.H100)
		if err != nil {
			t.Fatal(err)
		}
		step, err := roofline.Train(c.Config, c.Train, p, roofline.H100)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range append(roofline.Wasters(s.Whole.Lines()), roofline.Wasters(step.Lines())...) {
			owing[name] = true
			if roofline.Reasons[name] == "" {
				t.Errorf("%s moves more than %g times the bytes that it needs, and gives no reason", name, roofline.Wasteful)
			}
		}
	}
	for name := range roofline.Reasons {
		if !owing[name] {
			t.Errorf("%s gives a reason for a waste that it does not make", name)
		}
	}
}

// The launches' operations are those that the core counts for itself, and their
// bytes are at least those that they need.
func TestCountsAgree(t *testing.T) {
	c := pra.DefaultConfig()
	c.Size, c.Patch, c.Block = 28, 7, 2
	sc := pra.DefaultSample()
	for _, guidance := range []float64{0, 1} {
		sc.Guidance = guidance
		for _, p := range []kernels.Precision{kernels.FP32, kernels.BF16, kernels.Packed} {
			s, err := roofline.Sample(c, sc, 1, p, roofline.H100)
			if err != nil {
				t.Fatal(err)
			}
			got, want := s.Whole.Total().Cost.FLOPs, c.Costs(pra.DefaultTrain(), sc).FLOPsImage
			if math.Abs(got-want) > 1e-9*want {
				t.Errorf("guidance %g: the launches of an image have %.0f operations, the core counts %.0f", guidance, got, want)
			}
			for _, l := range s.Whole.Lines() {
				if l.Cost.Bytes < l.Cost.Least || l.Seconds <= 0 {
					t.Errorf("%s: %.0f bytes where %.0f are needed, %g s", l.Kernel.Name, l.Cost.Bytes, l.Cost.Least, l.Seconds)
				}
			}
		}
	}
}
