package engine

import (
	"encoding/json"
	"path/filepath"

	"prabench/experiments"
	"prabench/harness/outside"
	"prabench/harness/stage"
)

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
