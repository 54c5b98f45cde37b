package engine

import (
	"testing"

	"prabench/experiments"
	"prabench/harness/stage"
	"prabench/harness/work"
	"prabench/results/record"
)

// What only cells of dropped points need is dropped: not what others need as well, nor what
// no search has recorded, nor the later stops of a point that goes on.
func TestDropped(t *testing.T) {
	settings := &stage.Settings{}
	cell := func(id string, lr float64, skip bool) Cell {
		return Cell{ID: id, Params: map[string]any{"train.lr": lr}, Settings: settings, Skip: skip,
			Chain: stage.Known(map[string]string{record.Reference: "reference", record.Train: "train " + id, record.Draw: "sample " + id})}
	}
	e := &Experiment{Name: "e", Cells: []Cell{cell("best4", 1, false), cell("best8", 1, true), cell("mean8", 2, true),
		cell("worst8", 3, true), cell("shared8", 4, true)}}
	other := &Experiment{Name: "other", Cells: []Cell{cell("shared8", 4, false)}}
	p := &Plan{Experiments: []*Experiment{e, other}, byKey: map[string]*Item{}}
	for _, of := range p.Experiments {
		for i := range of.Cells {
			for _, st := range of.Cells[i].Chain.Stages() {
				if p.byKey[st.Key] == nil {
					it := &Item{Stage: st, Settings: settings, State: ToDo}
					p.byKey[st.Key], p.Items = it, append(p.Items, it)
				}
			}
		}
	}
	const reason = record.Dropped + ": kid 3 after 4 steps is 3 of 4, and 1 go on"
	for _, id := range []string{"best8", "worst8", "shared8"} { // of best8 before the search was changed
		it := p.byKey["train "+id]
		it.Outcome, it.Reason = record.Blocked, reason
	}
	file := &experiments.Experiment{}
	file.Base.Search.Metric = experiments.NoSearch
	sum := Summary{Plans: []*Plan{p}}
	sum.Dropped(Loaded{File: file, Exp: e})
	if n := p.Count(Dropped); n != 0 {
		t.Errorf("without a search %d stages are dropped", n)
	}
	file.Base.Search.Metric = "kid"
	sum.Dropped(Loaded{File: file, Exp: e}, Loaded{Exp: other})
	for _, it := range p.Items {
		want := ToDo
		if it.Key == "train worst8" || it.Key == "sample worst8" {
			want = Dropped
		}
		if it.State != want || want == Dropped && it.Reason != reason {
			t.Errorf("%s is %q: %s", it.Key, it.State, it.Reason)
		}
	}
	p.byKey["reference"].State = Done
	cells, _ := p.Status(Places{Artifacts: t.TempDir()})
	for i, want := range []string{"to do", "to do", "to do", "dropped", "to do", "to do"} {
		if c := cells[i]; c.State != want || want == "dropped" && (c.Reason != reason || c.Stage != work.Train.Name ||
			c.Stages[record.Draw] != Dropped) {
			t.Errorf("%s of %s is %+v, want %s", c.Cell, c.Experiment, c, want)
		}
	}
}
