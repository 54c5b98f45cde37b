// Package sizes has the models that benchmarks, comparisons and self-tests speak
// of by name, so that a name means the same model wherever it is measured.
package sizes

import (
	"fmt"
	"strings"

	"prabench/models/pra"
)

// Size is a model with the training and the sampling that it is measured in.
type Size struct {
	Model  pra.Config
	Train  pra.TrainConfig
	Sample pra.SampleConfig
}

// Names are those of Named, smallest first: three of bench, grey 28×28 images
// with a coder as wide as the head, and the published three for ImageNet 256²,
// which are those of experiments/presets.
var Names = []string{"nano", "micro", "small", "pra-s", "pra-b", "pra-l"}

// Named is the size with a name.
func Named(name string) (Size, error) {
	switch name {
	case "nano":
		return bench(64, 3, 4, 64, 2), nil
	case "micro":
		return bench(128, 4, 4, 192, 3), nil
	case "small":
		return bench(384, 8, 6, 512, 4), nil
	case "pra-s":
		return published(768, 12, 12, 1472, 2048), nil
	case "pra-b":
		return published(1024, 16, 16, 1408, 2048), nil
	case "pra-l":
		return published(1280, 22, 20, 1856, 2560), nil
	}
	return Size{}, fmt.Errorf("there is no size %q; the sizes are %s", name, strings.Join(Names, ", "))
}

func bench(width, depth, heads, headWidth, headDepth int) Size {
	c := pra.DefaultConfig()
	c.Width, c.Depth, c.Heads = width, depth, heads
	c.HeadWidth, c.HeadDepth, c.CoderWidth = headWidth, headDepth, headWidth
	t, s := pra.DefaultTrain(), pra.DefaultSample()
	t.Batch = 64
	return Size{c, t, s}
}

func published(width, depth, heads, headWidth, coderWidth int) Size {
	c := pra.DefaultConfig()
	c.Size, c.Channels, c.Classes, c.Patch, c.State = 256, 3, 1000, 16, 16
	c.Width, c.Depth, c.Heads = width, depth, heads
	c.HeadWidth, c.HeadDepth, c.CoderWidth = headWidth, 3, coderWidth
	t, s := pra.DefaultTrain(), pra.DefaultSample()
	t.Steps, t.Batch, t.LR, t.EMA, t.FlowSamples, t.RolloutDepth = 2_000_000, 256, 2e-4, "0.9999", 4, 1
	s.FlowSteps = 25
	return Size{c, t, s}
}
