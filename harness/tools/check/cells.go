package check

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"

	"prabench/harness/engine"
	"prabench/harness/tools/check/arm"
	"prabench/metrics/quantity"
	"prabench/models/pra"
)

// alike is what a check's figures of a cell depend on: cells that share it are
// measured once.
type alike struct {
	Model     pra.Config       `json:"model"`
	Sample    pra.SampleConfig `json:"sample"`
	Train     pra.TrainConfig  `json:"train"` // only where training is timed
	Batch     int              `json:"batch"`
	Device    string           `json:"device"`
	Precision string           `json:"precision"`
}

// Cells gives the cells of an experiment that a check measures, each with a
// model in dir: one seed a point, and of points that differ in nothing that
// these metrics depend on, the first. Models have the weights that training
// would begin with: no operation looks at values, so nothing is trained.
func Cells(e *engine.Experiment, metrics []Metric, threads int, dir string) ([]Cell, error) {
	timesTraining := slices.ContainsFunc(metrics, func(m Metric) bool { return m.Name == arm.Training })
	var out []Cell
	at := map[alike]int{}
	made := map[pra.Config]string{}
	labels := map[string]bool{}
	for _, c := range e.Cells {
		if c.Skip {
			continue
		}
		s := *c.Settings
		k := s.Model.ARSteps()
		s.Train.RolloutDepth, s.Sample.RolloutDepth = s.Train.RolloutDepth.Resolve(k), s.Sample.RolloutDepth.Resolve(k)
		key := alike{Model: s.Model, Sample: s.Sample, Batch: s.Measure.Batch, Device: s.Measure.Device, Precision: s.Measure.Precision}
		key.Sample.Seed = 0
		quantity.AssumeAbsent(&key.Train) // a baseline that was saved before a key came is still this cell's
		if timesTraining {
			key.Train = s.Train
			key.Train.Seed = 0
		}
		label := c.Label
		if label == "" {
			label = e.Name
		}
		if i, known := at[key]; known {
			if !labels[label] {
				labels[label] = true
				out[i].Same = append(out[i].Same, label)
			}
			continue
		}
		at[key], labels[label] = len(out), true
		path, ok := made[s.Model]
		if !ok {
			path = filepath.Join(dir, fmt.Sprintf("model%d.safetensors", len(made)))
			if err := arm.Seeded(s, path); err != nil {
				return nil, fmt.Errorf("the model of %s: %w", label, err)
			}
			made[s.Model] = path
		}
		s.Measure.Threads = threads
		raw, err := json.Marshal(s)
		if err != nil {
			return nil, err
		}
		out = append(out, Cell{ID: c.ID, Label: label, Settings: raw, Model: path, Batch: s.Measure.Batch, alike: key})
	}
	return out, nil
}
