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
	"prabench/results/where"
)

// forced is why a stage is done again that was asked for by --force.
const forced = "forced"

// UnknownCell says that no cell of the plan has a name.
type UnknownCell struct{ Name string }

func (e *UnknownCell) Error() string {
	return fmt.Sprintf("--force %s: no cell has this id, the beginning of an id, or this label; `prabench status FILE` lists them", e.Name)
}

// LeftOut says that a cell is to be done again which --only leaves out.
type LeftOut struct{ Name string }

func (e *LeftOut) Error() string {
	return fmt.Sprintf("--force %s: --only leaves this cell out, so that nothing of it would be done: drop --only, or choose the cell by it",
		e.Name)
}

// cellsNamed gives the cells that a name means, see [where.Named], without those that
// are left out.
func (p *Plan) cellsNamed(name string) ([]Cell, error) {
	var all, out []Cell
	for _, e := range p.Experiments {
		all = append(all, e.Cells...)
	}
	named, err := where.Named(name, len(all), func(i int) where.Cell {
		return where.Cell{ID: all[i].ID, Label: all[i].Label, Seed: all[i].Seed}
	})
	switch {
	case err != nil:
		return nil, Mistakef("--force: %w", err)
	case len(named) == 0:
		return nil, &UnknownCell{name}
	}
	for _, i := range named {
		if !all[i].Skip {
			out = append(out, all[i])
		}
	}
	if len(out) == 0 {
		return nil, &LeftOut{name}
	}
	return out, nil
}

// checkForce refuses names that mean no cell, before anything is recorded.
func (p *Plan) checkForce(names []string) error {
	for _, name := range names {
		if _, err := p.cellsNamed(name); err != nil {
			return err
		}
	}
	return nil
}

// force makes all stages of the named cells, which other cells may share, to do
// once more from their beginning.
func (p *Plan) force(places Places, store artifact.Store, names []string) error {
	keys := map[*stage.Kind][]string{}
	for _, name := range names {
		cells, err := p.cellsNamed(name)
		if err != nil {
			return err
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
		p.spare()
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
