package work

import (
	"fmt"

	"prabench/harness/stage"
	"prabench/metrics"
)

// kinds are the kinds of stages in the order of a chain, each with what it does.
// A new one is a file beside this one and a line here.
var kinds = []kind{
	{Classifier, (*task).classifier},
	{Reference, (*task).reference},
	{Perceptual, (*task).perceptual},
	{Tokenizer, (*task).tokenizer},
	{Train, (*task).train},
	{Tune, (*task).tune},
	{Sample, (*task).sample},
	{Score, (*task).score},
	{Probe, (*task).probe},
	{Exposure, (*task).exposure},
	{Seam, (*task).seam},
	{Nearest, (*task).nearest},
	{Vendi, (*task).vendi},
	{Reconstruction, (*task).reconstruction},
	{Timing, (*task).round},
}

func init() {
	kinds = append(kinds, laterKinds()...)
	for _, k := range kinds {
		stage.Register(k.Kind)
	}
}

type kind struct {
	*stage.Kind
	do func(*task) error
}

// scoreVersion is that of what several kinds share, as it enters keys.
var scoreVersion = fmt.Sprintf("1/metrics %d", metrics.DefinitionVersion)
