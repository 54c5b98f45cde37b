package check

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"

	"prabench/harness/engine"
	"prabench/harness/stage"
	"prabench/harness/tools/check/arm"
)

// Cells gives the cells of an experiment that a check measures, each with a
// model in dir: one seed a point, and of points that differ in nothing that
// these metrics depend on, the first. Cells of programs are left out. Models have the weights that training
// would begin with: no operation looks at values, so nothing is trained.
func Cells(e *engine.Experiment, metrics []Metric, threads int, dir string) ([]Cell, error) {
	timesTraining := slices.ContainsFunc(metrics, func(m Metric) bool { return m.Name == arm.Training })
	var out []Cell
	at := map[stage.Alike]int{}
	made := map[any]string{} // by the tables [model]
	labels := map[string]bool{}
	for _, c := range e.Cells {
		if c.Skip || c.Settings.Foreign() { // a program has no model of ours
			continue
		}
		s := *c.Settings
		s.Params = s.Params.Resolved()
		key, err := stage.AlikeOf(&s, timesTraining)
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
	if len(out) == 0 {
		return nil, engine.Mistakef("%s: no chosen cell has a model of its own, and only models are checked: drop --only, or choose other cells",
			e.File)
	}
	return out, nil
}
