package stage

import (
	"encoding/json"
	"fmt"

	"prabench/metrics"
	"prabench/models"
	"prabench/results"
)

// Stage is content-addressed work.
type Stage struct {
	Key, Kind string
	Inputs    []string          // keys, in the order of the chain
	By        map[string]string // kind → key of each input
	Config    json.RawMessage   // what the key is the hash of
}

// Chain is the stages of one cell by kind.
type Chain map[string]Stage

// Of gives the five stages of a cell. Depths that stand for "exact" are
// resolved first, so that "exact" and the same number share their work, as do
// trainings that differ in keys that nothing reads (see models.Canonical).
func Of(s Settings) (Chain, error) {
	k := s.Model.ARSteps()
	s.Train.RolloutDepth = s.Train.RolloutDepth.Resolve(k)
	s.Sample.RolloutDepth = s.Sample.RolloutDepth.Resolve(k)
	c := Chain{}
	var fail error
	add := func(kind, code string, part any, inputs ...string) {
		st := Stage{Kind: kind, By: map[string]string{}}
		for _, in := range inputs {
			st.Inputs = append(st.Inputs, c[in].Key)
			st.By[in] = c[in].Key
		}
		var err error
		if st.Key, st.Config, err = Key(kind, code, part, st.Inputs...); err != nil {
			fail = err
		}
		c[kind] = st
	}
	lower := s.Measure.Precision
	if lower == "fp32" {
		lower = ""
	}
	scores := fmt.Sprintf("%s/metrics %d", scoreVersion, metrics.DefinitionVersion)
	add(results.Reference, scores, referencePart{s.DataHash, s.EmbedderHash, s.Reference, s.Samples, s.Count})
	model, train := models.Canonical(s.Model, s.Train)
	add(results.Train, trainVersion+"/core "+models.CoreVersion, trainPart{s.DataHash, model, train, lower})
	add(results.Draw, drawVersion+"/core "+models.CoreVersion, samplePart{s.Sample, s.Count, lower}, results.Train)
	add(results.Score, scores, struct{}{}, results.Reference, results.Draw)
	m := s.Measure
	add(results.Time, timeVersion, timePart{s.Sample, m.Device, m.Precision, m.Batch, m.Warmup, m.Rounds, m.Threads, m.TrainSteps}, results.Train)
	return c, fail
}

// Kinds in the order of a chain.
var Kinds = []string{results.Reference, results.Train, results.Draw, results.Score, results.Time}
