package roofline_test

import (
	"fmt"
	"testing"

	"prabench/experiments"
	"prabench/models"
	"prabench/models/cuda/kernels/roofline"
)

const root = "../../../../"

func preset(t *testing.T, name string) (models.Config, models.SampleConfig, models.TrainConfig) {
	t.Helper()
	e, err := experiments.Load(root+"experiments/presets/"+name+".toml", experiments.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := e.Cells[0].Settings
	s.Model.Size, s.Model.Channels, s.Model.Classes = s.Data.Size, s.Data.Channels, 1000
	return s.Model, s.Sample.SampleConfig, s.Train
}

func TestScratch(t *testing.T) {
	c, sc, tc := preset(t, "pra-s")
	tc.Batch = 64
	for _, bf := range []bool{true, false} {
		tl, err := roofline.Train(c, tc, bf, roofline.H100)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range append(tl.Lines(), tl.Total()) {
			n := "all"
			if l.Kernel != nil {
				n = l.Kernel.Name
			}
			fmt.Printf("%s %d %.0f MB %.0f q %.2f GF %.0f us %.0f sh %d\n", n, l.Launches, l.Cost.Bytes/1e6, l.Cost.Least/1e6, l.Cost.Bytes/l.Cost.Least, l.Cost.FLOPs/1e9, l.Seconds*1e6, l.Shared)
		}
	}
	for _, b := range []int{64, 256} {
		s, _ := roofline.Sample(c, sc, b, true, roofline.H100)
		fmt.Println(b, s.PerStep, s.First, s.ImagesPerSecond(0), s.ImagesPerSecond(1e-6), s.Excess)
		for _, l := range s.Whole.Lines()[:4] {
			fmt.Println(l.Kernel.Name, l.Cost.Bytes/l.Cost.Least, l.Launches/256)
		}
	}
}
