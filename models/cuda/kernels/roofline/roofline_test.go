package roofline_test

import (
	"bytes"
	"flag"
	"os"
	"testing"

	"prabench/experiments"
	"prabench/models"
	"prabench/models/cuda/kernels/roofline"
)

var update = flag.Bool("update", false, "write docs/cuda-roofline.md anew")

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
	c, sc, _ := preset(t, "pra-s")
	var b bytes.Buffer
	l, sl, _ := preset(t, "pra-l")
	err := roofline.Write(&b, roofline.H100, []roofline.Case{{"PRA-S", c, sc, [2]float64{282, 864}}, {"PRA-L", l, sl, [2]float64{103, 309}}})
	if err != nil {
		t.Fatal(err)
	}
	os.Stdout.Write(b.Bytes())
}
