package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"prabench/harness/artifact"
	"prabench/harness/stage"
)

// UnknownCell says that no cell of the plan has a name.
type UnknownCell struct{ Name string }

func (e *UnknownCell) Error() string {
	return fmt.Sprintf("--force %s: no cell has this id, the beginning of an id, or this label; `prabench status FILE` lists them", e.Name)
}

// cellsNamed gives the cells with an id, a beginning of an id of at least four
// letters, or a label (all its seeds).
func (p *Plan) cellsNamed(name string) []Cell {
	var out []Cell
	for _, e := range p.Experiments {
		for _, c := range e.Cells {
			if c.ID == name || c.Label == name || len(name) >= 4 && strings.HasPrefix(c.ID, name) {
				out = append(out, c)
			}
		}
	}
	return out
}

// force makes all stages of the named cells, which other cells may share, to do
// once more from their beginning.
func (p *Plan) force(places Places, store artifact.Store, names []string) error {
	for _, name := range names {
		cells := p.cellsNamed(name)
		if len(cells) == 0 {
			return &UnknownCell{name}
		}
		for _, c := range cells {
			for _, st := range c.Chain.Stages() {
				it := p.Item(st.Key)
				it.State, it.Reason = ToDo, "forced"
				places.forget(st)
			}
		}
	}
	if len(names) > 0 {
		p.demand(store)
		p.block()
		p.estimate()
	}
	return nil
}

// forget removes what an attempt at a stage left to go on from.
func (p Places) forget(st stage.Stage) {
	if st.Kind.Unfinished == "" {
		return
	}
	folder := filepath.Join(p.Artifacts, st.Kind.Unfinished)
	left, _ := os.ReadDir(folder) // where there is none nothing is left
	for _, e := range left {
		if strings.HasPrefix(e.Name(), st.Key) {
			os.RemoveAll(filepath.Join(folder, e.Name()))
		}
	}
}
