package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"prabench/harness/artifact"
	"prabench/harness/stage"
)

// forced is why a stage is done again that was asked for by --force.
const forced = "forced"

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
	keys := map[*stage.Kind][]string{}
	for _, name := range names {
		cells := p.cellsNamed(name)
		if len(cells) == 0 {
			return &UnknownCell{name}
		}
		for _, c := range cells {
			for _, st := range c.Chain.Stages() {
				it := p.Item(st.Key)
				it.State, it.Reason = ToDo, forced
				keys[st.Kind] = append(keys[st.Kind], st.Key)
			}
		}
	}
	places.forget(keys)
	if len(names) > 0 {
		p.demand(store)
		p.block()
		p.estimate()
	}
	return nil
}

// datedAhead counts the stages to do whose latest attempt ended after now.
func (p *Plan) datedAhead(now time.Time) int {
	n := 0
	for _, it := range p.Items {
		if it.State == ToDo && !it.Skip && it.after.After(now) {
			n++
		}
	}
	return n
}

// forget removes what attempts at stages left to go on from: one look a kind,
// however many stages there are.
func (p Places) forget(keys map[*stage.Kind][]string) {
	for kind, of := range keys {
		if kind.Unfinished == "" {
			continue
		}
		slices.Sort(of)
		folder := filepath.Join(p.Artifacts, kind.Unfinished)
		left, _ := os.ReadDir(folder) // where there is none nothing is left
		for _, e := range left {
			// Of the keys, which have one length, only the last that is not behind the name can begin it.
			at, same := slices.BinarySearch(of, e.Name())
			if same || at > 0 && strings.HasPrefix(e.Name(), of[at-1]) {
				os.RemoveAll(filepath.Join(folder, e.Name()))
			}
		}
	}
}
