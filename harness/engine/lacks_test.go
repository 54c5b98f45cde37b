package engine_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"prabench/harness/engine"
	"prabench/harness/stage"
	"prabench/metrics/quantity"
	"prabench/models/dataset"
	"prabench/models/pra"
)

// Too few images for anything that is asked for are refused before anything is
// done, whatever asks for them; as many as are needed are not.
func TestTooFewImagesAreRefusedBefore(t *testing.T) {
	t.Setenv("PRABENCH_DATA", t.TempDir())
	extras := func(e quantity.Extras) func(*stage.Settings) {
		return func(s *stage.Settings) { s.Extras = e }
	}
	both := func(fs ...func(*stage.Settings)) func(*stage.Settings) {
		return func(s *stage.Settings) {
			for _, f := range fs {
				f(s)
			}
		}
	}
	count := func(n int) func(*stage.Settings) { return func(s *stage.Settings) { s.Count = n } }
	patch := func(n int) func(*stage.Settings) {
		return func(s *stage.Settings) { edit(s, func(p *pra.Params) { p.Model.Patch = n }) }
	}
	density := func(s *stage.Settings) { s.Also = "density" }
	tune := func(metric string, n int) func(*stage.Settings) {
		return func(s *stage.Settings) {
			s.Tune = stage.Tune{Metric: metric, Grid: `{"flow_steps":[1,2]}`, Images: n, Seed: 1}
		}
	}
	for name, c := range map[string]struct {
		change func(*stage.Settings)
		wrong  string
	}{
		"drawn":             {count(5), "sample.count = 5, and 60 images of the reference (metrics.samples): precision and recall: k=3"},
		"one drawn":         {count(1), "an interval needs at least 4 images on each side, there are 60 real and 1 generated"},
		"enough drawn":      {count(6), ""},
		"reference":         {func(s *stage.Settings) { s.Samples = 5 }, "5 images of the reference"},
		"enough reference":  {func(s *stage.Settings) { s.Samples = 6 }, ""},
		"density":           {both(count(7), density), `metrics.also = "density": density and coverage: real images: k=5`},
		"enough density":    {both(count(8), density), ""},
		"probe":             {extras(quantity.Extras{Probe: 3}), "metrics.probe: 3 of"},
		"enough probe":      {extras(quantity.Extras{Probe: 4}), ""},
		"nearest":           {extras(quantity.Extras{Nearest: 2}), "metrics.nearest: 2 of"},
		"vendi":             {extras(quantity.Extras{Vendi: 3}), "metrics.vendi: 3 of"},
		"reconstruction":    {extras(quantity.Extras{Reconstruction: 2}), "metrics.reconstruction: 2 of"},
		"exposure":          {extras(quantity.Extras{Exposure: 1}), "metrics.exposure: 1 of"},
		"seam":              {both(patch(2), extras(quantity.Extras{Seam: 3})), "metrics.seam: 3 of"},
		"enough seam":       {both(patch(2), extras(quantity.Extras{Seam: 4})), ""},
		"tune":              {tune("fid_proxy", 3), "tune.images = 3: metrics: an interval"},
		"tune by precision": {tune("precision", 5), "tune.images = 5: precision and recall"},
		"enough tune":       {tune("kid", 4), ""},
		"training images":   {func(s *stage.Settings) { s.Data.Limit = 3; s.Samples = 0 }, "3 images of the reference"},
	} {
		t.Run(name, func(t *testing.T) {
			e := tiny(c.change)
			e.File = "mine.toml"
			b := newBench(t)
			plan, _, err := engine.Inspect(context.Background(), b.places, false, e)
			if err != nil {
				t.Fatal(err)
			}
			err = e.Lacks()
			if (err == nil) != (c.wrong == "") || err != nil && (!strings.Contains(err.Error(), c.wrong) || !engine.IsMistake(err) ||
				!strings.HasPrefix(err.Error(), "mine.toml: ")) {
				t.Fatalf("plan: %v, want %q", err, c.wrong)
			}
			if c.wrong == "" {
				return
			}
			r := &engine.Run{Places: b.places, Command: selfCommand, Name: "test", Out: &b.out}
			sum, err := r.Do(context.Background(), e)
			if err == nil || !strings.Contains(err.Error(), c.wrong) || sum.Done != 0 {
				t.Errorf("run: %v, %d stages done", err, sum.Done)
			}
			if left, _ := filepath.Glob(filepath.Join(b.places.Artifacts, "train", "*")); len(left) > 0 || len(plan.Items) == 0 {
				t.Errorf("trained: %v", left)
			}
			for i := range e.Cells { // nobody asks for what is left out
				e.Cells[i].Skip = true
			}
			if _, _, err := engine.Inspect(context.Background(), b.places, false, e); err != nil || e.Lacks() != nil {
				t.Errorf("left out: %v, %v", err, e.Lacks())
			}
		})
	}
}

// A folder's images are counted when they are read.
func TestTooFewImagesOfAFolder(t *testing.T) {
	root := pictureFolder(t)
	for n, wrong := range map[int]string{0: "", 3: "and 3 images of the reference"} {
		e := tiny(func(s *stage.Settings) {
			s.Data, s.Samples = dataset.Spec{Set: dataset.Folder, Root: root, Size: 8, Channels: 3, Limit: n}, 0
		})
		if _, err := (&engine.Identifier{Places: newBench(t).places, Read: true}).Identify(context.Background(), e); err != nil {
			t.Fatal(err)
		}
		if err := e.Lacks(); (err == nil) != (wrong == "") || err != nil && !strings.Contains(err.Error(), wrong) {
			t.Errorf("limit %d: %v", n, err)
		}
	}
}

// What the machine cannot do is refused with the words of doctor.
func TestWhatTheMachineCannotDo(t *testing.T) {
	program := func(script string) func(string) ([]string, error) {
		path := filepath.Join(t.TempDir(), "prabench-cuda")
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		return func(string) ([]string, error) { return []string{path, "worker"}, nil }
	}
	list := `echo '[{"name":"cuda:0","uuid":"GPU-a"}]'`
	for name, c := range map[string]struct {
		change func(*stage.Settings)
		script string
		wrong  string
	}{
		"threads": {func(s *stage.Settings) { s.Measure.Threads = 100_000 }, list,
			"measure.threads: 100000 threads, and this process may use"},
		"no driver": {func(s *stage.Settings) { s.Measure.Device = "cuda:0" },
			"echo 'error while loading libcuda.so.1' >&2; exit 127",
			"NVIDIA's driver is missing; install the driver"},
		"no device": {func(s *stage.Settings) { s.Measure.Device = "cuda" },
			"echo 'Error in initialization, none' >&2; exit 1",
			"the driver sees no device: none; look at nvidia-smi"},
		"none listed":      {func(s *stage.Settings) { s.Measure.Device = "cuda" }, "echo '[]'", "the driver sees no device"},
		"broken":           {func(s *stage.Settings) { s.Measure.Device = "cuda:0" }, "exit 3", "exit status 3"},
		"another":          {func(s *stage.Settings) { s.Measure.Device = "cuda:1" }, list, "there is no cuda:1; this machine has cuda:0"},
		"one of several":   {func(s *stage.Settings) { s.Measure.Device = "cuda:0,cuda:4" }, list, "there is no cuda:4"},
		"there":            {func(s *stage.Settings) { s.Measure.Device = "cuda:0" }, list, ""},
		"all there are":    {func(s *stage.Settings) { s.Measure.Device = "cuda" }, list, ""},
		"one thread":       {func(s *stage.Settings) { s.Measure.Threads = 1 }, list, ""},
		"as many as there": {func(s *stage.Settings) { s.Measure.Threads = 0 }, list, ""},
	} {
		err := engine.CheckMachine(program(c.script), tiny(c.change))
		if (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("%s: %v, want %q", name, err, c.wrong)
		}
	}
}
