package engine

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"strconv"
	"time"

	"prabench/experiments"
	"prabench/harness/machine"
	"prabench/harness/outside"
	"prabench/harness/stage"
	"prabench/models"
	"prabench/models/device"
	"prabench/models/ranks"
)

// FromFile takes what the harness needs from an expanded experiment file. With
// chosen, cells that are not among its cells belong to the experiment and are
// skipped.
func FromFile(f, chosen *experiments.Experiment) *Experiment {
	e := &Experiment{Name: f.Name, Description: f.Description, File: f.File, FileHash: f.Hash}
	run := map[string]bool{}
	if chosen != nil {
		for i := range chosen.Cells {
			run[chosen.Cells[i].ID] = true
		}
	}
	e.Cells = make([]Cell, 0, len(f.Cells))
	var point *stage.Settings
	for i := range f.Cells {
		c := &f.Cells[i]
		if i == 0 || !samePoint(c.Point, f.Cells[i-1].Point) {
			of := settings(c.Settings)
			point = &of
		}
		e.Cells = append(e.Cells, Cell{ID: c.ID, Label: c.Label, Seed: c.Seed, Params: c.Point, Settings: point,
			Skip: chosen != nil && !run[c.ID]})
	}
	e.external(f, chosen)
	return e
}

// samePoint says that two neighbours are seeds of one point, which share the map.
func samePoint(a, b map[string]any) bool {
	return reflect.ValueOf(a).Pointer() == reflect.ValueOf(b).Pointer()
}

func settings(s experiments.Settings) stage.Settings {
	out := stage.Settings{
		Data: s.Data.Spec(), Params: s.Params, Until: s.Train.Until, Count: s.Sample.Count, Batch: s.Sample.Batch,
		Embedder: s.Metrics.Embedder, Reference: s.Metrics.Reference, Samples: s.Metrics.Samples,
		Extras: s.Metrics.Extras, Also: string(s.Metrics.Also),
		Measure: stage.Measure{
			Device: s.Measure.Device, Precision: s.Measure.Precision, Batch: s.Measure.Batch, Warmup: s.Measure.Warmup,
			Rounds: s.Measure.Rounds, Threads: s.Measure.Threads, TrainSteps: s.Measure.TrainSteps, Timeout: time.Duration(s.Measure.Timeout),
			MemoryLimit: int64(s.Measure.MemoryLimit), Retries: s.Measure.Retries, RepeatDisturbed: s.Measure.RepeatDisturbed,
			Interval: s.Measure.Interval, Budget: time.Duration(s.Measure.Budget),
			CheckpointSteps: s.Measure.CheckpointSteps, Timeouts: string(s.Measure.Timeouts),
		},
	}
	if s.Measure.Devices > 1 {
		out.Measure.Devices = s.Measure.Devices
	}
	kept, _ := s.Train.Kept(s.Params.Training().Steps) // no error: the file was read
	for i, n := range kept {
		if i > 0 {
			out.Keep += ","
		}
		out.Keep += strconv.Itoa(n)
	}
	if s.Tune.Metric != experiments.NoTuning {
		out.Tune = stage.Tune{Metric: s.Tune.Metric, Grid: models.Grid(s.Tune.Grid), Images: s.Tune.Images, Seed: s.Tune.Seed}
	}
	return out
}

// CheckMachine says what of the experiments this machine cannot do, so that
// nothing starts: a device without its program, a precision it does not have.
func CheckMachine(command func(device string) ([]string, error), es ...*Experiment) error {
	checked, threads := map[string]bool{}, 0
	for _, e := range es {
		for _, c := range e.Cells {
			if c.Skip {
				continue
			}
			m := c.Settings.Measure
			if m.Threads != threads {
				if threads = m.Threads; threads > machine.Processors() {
					return CheckThreads("measure.threads", threads)
				}
			}
			name := fmt.Sprint(m.Device, " ", m.Precision, " ", m.Ranks())
			if checked[name] {
				continue
			}
			checked[name] = true
			if err := checkRanks(m); err != nil {
				return err
			}
			worker, err := command(m.Device)
			if err != nil {
				return err
			}
			if !onHost(m.Device) {
				if err := checkDevices(worker[0], m.Device, m.Ranks()); err != nil {
					return err
				}
			}
			if d, known := device.DriverOf(m.Device); known && d.Host {
				if err := d.Refuse(m.Precision); err != nil {
					return fmt.Errorf("measure.precision: %w", err)
				}
			}
		}
	}
	return nil
}

// checkRanks refuses more processes than this machine can give a processor each.
func checkRanks(m stage.Measure) error {
	most, n := machine.Processors(), m.Ranks()
	switch {
	case n == 1:
		return nil
	case !ranks.Supported:
		return Mistakef("%s = %d: several processes for one training need Linux; leave the key out", models.DevicesKey, n)
	case onHost(m.Device) && n > most:
		return Mistakef("%s = %d: each process needs a processor, and this process may use %d here: at most %d", models.DevicesKey, n, most, most)
	}
	return nil
}

// CheckThreads refuses a number of threads that this process has no processors for:
// key is what asks for them.
func CheckThreads(key string, n int) error {
	switch most := machine.Processors(); {
	case n < 0:
		return Mistakef("%s: %d: a number of threads, or 0 for all", key, n)
	case n > most:
		return Mistakef("%s: %d threads, and this process may use %d processors here: at most %d, or 0 for all", key, n, most, most)
	}
	return nil
}

// external adds the cells of [[external]]: the protocol of the first cell, with a
// program in the place of its model.
func (e *Experiment) external(f, chosen *experiments.Experiment) {
	if len(f.Externals) == 0 || len(f.Cells) == 0 {
		return
	}
	run := map[string]bool{}
	if chosen != nil {
		for i := range chosen.Externals {
			run[chosen.Externals[i].ID] = true
		}
	}
	dir, err := filepath.Abs(filepath.Dir(f.File))
	if err != nil {
		dir = filepath.Dir(f.File)
	}
	var point *stage.Settings
	for i := range f.Externals {
		x := &f.Externals[i]
		if i == 0 || x.Label != f.Externals[i-1].Label {
			of := settings(f.Cells[0].Settings)
			of.Tune, of.Until = stage.Tune{}, 0
			of.Program = stage.Program{Label: x.Name, Command: text(x.Command), Settings: text(x.Settings), Floats: x.Floats, Data: x.Data,
				Timed: x.Timed, Dir: dir, Paths: text(x.Files)}
			point = &of
		}
		e.Cells = append(e.Cells, Cell{ID: x.ID, Label: x.Label, Seed: x.Seed, Params: x.Point, Settings: point,
			Skip: chosen != nil && !run[x.ID]})
	}
}

// text is JSON of plain values, members sorted.
func text(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic("engine: " + err.Error()) // the reader of the file has written it before
	}
	return string(raw)
}

// programFiles names the content of a program's files, as it is now.
func programFiles(file string, p *stage.Program) error {
	if !p.Is() {
		return nil
	}
	hash, err := outside.FilesHash(p.Dir, p.Paths)
	if err != nil {
		return Mistakef("%s: external %q: files: %v", file, p.Label, err)
	}
	p.Files = hash
	return nil
}
