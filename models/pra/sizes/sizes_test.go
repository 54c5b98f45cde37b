package sizes_test

import (
	"testing"

	"prabench/experiments"
	"prabench/models"
	"prabench/models/pra"
	"prabench/models/pra/sizes"
)

// A published size is the preset of its name, to every key that changes a result.
func TestPublishedSizesArePresets(t *testing.T) {
	for _, name := range []string{"pra-s", "pra-b", "pra-l"} {
		e, err := experiments.Load("../../../experiments/presets/"+name+".toml", experiments.Options{})
		if err != nil {
			t.Fatal(err)
		}
		s := e.Cells[0].Settings
		want := s.Params.For(models.Shape{Size: s.Data.Size, Channels: s.Data.Channels, Classes: 1000}).(pra.Params)
		got, err := sizes.Named(name)
		if err != nil {
			t.Fatal(err)
		}
		want.Train.Seed, want.Train.Threads, want.Sample.Seed = got.Train.Seed, got.Train.Threads, got.Sample.Seed
		want.Train.MicroBatch = got.Train.MicroBatch // how much of a batch is computed at once
		if got.Model != want.Model {
			t.Errorf("%s: model %+v, the preset has %+v", name, got.Model, want.Model)
		}
		if got.Train != want.Train {
			t.Errorf("%s: training %+v, the preset has %+v", name, got.Train, want.Train)
		}
		if got.Sample != want.Sample {
			t.Errorf("%s: sampling %+v, the preset has %+v", name, got.Sample, want.Sample)
		}
	}
}

func TestNames(t *testing.T) {
	for _, name := range sizes.Names {
		s, err := sizes.Named(name)
		if err == nil {
			err = s.Model.Validate()
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := sizes.Named("huge"); err == nil {
		t.Error("a size that is not there has no error")
	}
}
