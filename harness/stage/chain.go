package stage

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"prabench/metrics"
	"prabench/models"
	"prabench/results/record"
)

// Stage is content-addressed work. What its key is the hash of is written again
// when it is asked for, see [Config]: a sweep has more stages than memory for
// their texts.
type Stage struct {
	Key, Kind string
	Inputs    []string // keys, in the order of [inputs] of its kind
}

// inputs is the kinds of stages that a kind builds on.
var inputs = map[string][]string{
	record.Draw:  {record.Train},
	record.Score: {record.Reference, record.Draw},
	record.Time:  {record.Train},

	record.Probe:    {record.Train},
	record.Exposure: {record.Reference, record.Train},
	record.Seam:     {record.Train, record.Draw},
	record.Nearest:  {record.Draw},
}

// By gives the keys of the inputs by their kind.
func (s Stage) By() map[string]string {
	by := make(map[string]string, len(s.Inputs))
	for i, key := range s.Inputs {
		by[inputs[s.Kind][i]] = key
	}
	return by
}

// Input is the key of the input of a kind, "" where there is none.
func (s Stage) Input(kind string) string {
	for i, key := range s.Inputs {
		if inputs[s.Kind][i] == kind {
			return key
		}
	}
	return ""
}

// Kinds in the order of a chain.
var Kinds = []string{record.Reference, record.Train, record.Draw, record.Score,
	record.Probe, record.Exposure, record.Seam, record.Nearest, record.Time}

// LeastSteps is the number of AR steps from which a cell has an exposure: a
// quarter of the tokens must be a step or more.
const LeastSteps = 4

// UsesDevice says whether a kind of stage computes on the models' device; the
// others are the processor's.
func UsesDevice(kind string) bool {
	switch kind {
	case record.Reference, record.Score, record.Seam, record.Nearest:
		return false
	}
	return true
}

// Chain is the keys of one cell's stages, in the order of [Kinds]; "" for a
// kind that the cell does not ask for.
type Chain []string

// place is where a kind stands in a chain, and inputPlaces, for each place, where
// the inputs stand: a sweep asks hundreds of thousands of times.
var place, inputPlaces = places()

func places() (map[string]int, [][]int) {
	at, of := map[string]int{}, make([][]int, len(Kinds))
	for i, kind := range Kinds {
		at[kind] = i
	}
	for i, kind := range Kinds {
		for _, in := range inputs[kind] {
			of[i] = append(of[i], at[in])
		}
	}
	return at, of
}

// Key is the key of the stage of a kind, "" where the cell has none.
func (c Chain) Key(kind string) string { return c[place[kind]] }

// inputs are the keys of the inputs of the stage at a place.
func (c Chain) inputs(at int) []string {
	from := inputPlaces[at]
	switch len(from) {
	case 0:
		return nil
	case 1:
		return c[from[0] : from[0]+1 : from[0]+1]
	}
	keys := make([]string, len(from))
	for i, in := range from {
		keys[i] = c[in]
	}
	return keys
}

// Stages are the stages that the chain has, in the order of [Kinds].
func (c Chain) Stages() []Stage {
	out := make([]Stage, 0, len(c))
	for i, kind := range Kinds {
		if c[i] == "" {
			continue
		}
		out = append(out, Stage{Key: c[i], Kind: kind, Inputs: c.inputs(i)})
	}
	return out
}

// Of gives the stages of a cell. Depths that stand for "exact" are resolved
// first, so that "exact" and the same number share their work, as do trainings
// that differ in keys that nothing reads (see models.Canonical).
func Of(s Settings) (Chain, error) { return chain(s, nil) }

// Config is what the key of the cell's stage of a kind is the hash of.
func Config(s Settings, kind string) (config json.RawMessage, err error) {
	_, err = chain(s, func(k string, text []byte) {
		if k == kind {
			config = slices.Clone(text)
		}
	})
	return config, err
}

// writers serve cell after cell: a large sweep would fill memory with texts.
var writers = sync.Pool{New: func() any { return &writer{parts: map[string]writtenPart{}} }}

// chain shows each text, which is valid until show returns; show may be nil.
func chain(s Settings, show func(kind string, config []byte)) (Chain, error) {
	k := s.Model.ARSteps()
	s.Train.RolloutDepth = s.Train.RolloutDepth.Resolve(k)
	s.Sample.RolloutDepth = s.Sample.RolloutDepth.Resolve(k)
	c := make(Chain, len(Kinds))
	var fail error
	w := writers.Get().(*writer)
	defer writers.Put(w)
	add := func(kind, code string, part any) {
		at := place[kind]
		keys := c.inputs(at)
		key, config, err := w.key(identity{code, keys, kind, part})
		if err != nil {
			fail = err
			return
		}
		c[at] = key
		if show != nil {
			show(kind, config)
		}
	}
	lower := s.Measure.Precision
	if lower == "fp32" {
		lower = ""
	}
	add(record.Reference, scoreCode, referencePart{s.DataHash, s.EmbedderHash, s.Reference, s.Samples, s.Count})
	model, train := models.Canonical(s.Model, s.Train)
	add(record.Train, trainVersion+"/core "+models.CoreVersion, trainPart{s.DataHash, model, train, lower})
	add(record.Draw, drawVersion+"/core "+models.CoreVersion, samplePart{s.Sample, s.Count, lower})
	add(record.Score, scoreCode, struct{}{})
	x := s.Extras
	if x.Probe > 0 {
		add(record.Probe, probeCode, probePart{x.Probe, s.Sample.Weights, lower})
	}
	if x.Exposure > 0 && k >= LeastSteps {
		sample := s.Sample
		sample.RolloutDepth = 0
		add(record.Exposure, exposureCode, exposurePart{sample, x.Exposure, lower})
	}
	if p := s.Model.Patch; x.Seam > 0 && p > 1 && p < s.Model.Size {
		add(record.Seam, seamVersion, countPart{x.Seam})
	}
	if x.Nearest > 0 {
		add(record.Nearest, nearestVersion, countPart{x.Nearest})
	}
	if m := s.Measure; m.Rounds > 0 {
		add(record.Time, timeVersion, timePart{s.Sample, m.Device, m.Precision, m.Batch, m.Warmup, m.Rounds, m.Threads, m.TrainSteps})
	}
	return c, fail
}

var (
	scoreCode    = fmt.Sprintf("%s/metrics %d", scoreVersion, metrics.DefinitionVersion)
	probeCode    = probeVersion + "/core " + models.CoreVersion
	exposureCode = fmt.Sprintf("%s/core %s/%s", exposureVersion, models.CoreVersion, scoreCode)
)
