package check

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"

	"prabench/harness/engine"
	"prabench/harness/stage"
	"prabench/harness/tools/check/arm"
	"prabench/models"
)

// alike is what a check's figures of a cell depend on: cells that share it are
// measured once.
type alike struct {
	Family    string `json:"family,omitempty"` // with its version; absent: the default one
	Model     any    `json:"model"`            // the family's tables
	Sample    any    `json:"sample"`
	Train     any    `json:"train"` // only where training is timed; its zero otherwise
	Batch     int    `json:"batch"`
	Device    string `json:"device"`
	Precision string `json:"precision"`
}

// alikeOf is that of a cell's settings.
func alikeOf(s *stage.Settings, timesTraining bool) (alike, error) {
	p, _ := models.Set(s.Params.Resolved().Seeded(0), "sample.seed", uint64(0))
	for _, key := range models.SeedKeys {
		p, _ = models.Set(p, key, uint64(0))
	}
	a := alike{Model: models.Table(p, "model"), Sample: models.Table(p, "sample"), Train: models.Table(p, "train"),
		Batch: s.Measure.Batch, Device: s.Measure.Device, Precision: s.Measure.Precision}
	if p.Family().Name() != models.Default {
		a.Family = p.Family().Version()
	}
	if timesTraining {
		return a, nil
	}
	w, err := models.Write(p)
	if err != nil {
		return a, err
	}
	w.Train = []byte("{}") // a baseline that was saved before a key came is still this cell's
	if p, err = w.Read(); err == nil {
		a.Train = models.Table(p, "train")
	}
	return a, err
}

// Cells gives the cells of an experiment that a check measures, each with a
// model in dir: one seed a point, and of points that differ in nothing that
// these metrics depend on, the first. Models have the weights that training
// would begin with: no operation looks at values, so nothing is trained.
func Cells(e *engine.Experiment, metrics []Metric, threads int, dir string) ([]Cell, error) {
	timesTraining := slices.ContainsFunc(metrics, func(m Metric) bool { return m.Name == arm.Training })
	var out []Cell
	at := map[alike]int{}
	made := map[any]string{} // by the tables [model]
	labels := map[string]bool{}
	for _, c := range e.Cells {
		if c.Skip {
			continue
		}
		s := *c.Settings
		s.Params = s.Params.Resolved()
		key, err := alikeOf(&s, timesTraining)
		if err != nil {
			return nil, err
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
		path, ok := made[key.Model]
		if !ok {
			path = filepath.Join(dir, fmt.Sprintf("model%d.safetensors", len(made)))
			if err := arm.Seeded(s, path); err != nil {
				return nil, fmt.Errorf("the model of %s: %w", label, err)
			}
			made[key.Model] = path
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
