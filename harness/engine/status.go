package engine

import (
	"fmt"
	"slices"
	"time"

	"prabench/harness/machine"
	"prabench/harness/progress"
)

// CellStatus is where one cell stands.
type CellStatus struct {
	Experiment string           `json:"experiment"`
	Cell       string           `json:"cell"`
	Label      string           `json:"label"`
	Seed       uint64           `json:"seed"`
	State      string           `json:"state"`            // done, running, queued, stale, to do, failed, blocked
	Stage      string           `json:"stage,omitempty"`  // the kind of stage that decides the state
	Reason     string           `json:"reason,omitempty"` // why, or how far
	Log        string           `json:"log,omitempty"`    // of a failed stage: the file of what it printed
	Stages     map[string]State `json:"stages"`           // by kind

	Skipped bool `json:"-"` // --only leaves it out
}

// Chosen are the cells that --only does not leave out.
func Chosen(cells []CellStatus) []CellStatus {
	return slices.DeleteFunc(cells, func(c CellStatus) bool { return c.Skipped })
}

// Status tells where every cell of an inspected plan stands. The stage that
// decides is the first in the chain of the worst state: a failure before what
// it blocks, what is running before what waits.
func (p *Plan) Status(places Places) (cells []CellStatus, holder string) {
	holder = machine.Holder(places.LockFile())
	running := map[string]Running{}
	if holder != "" {
		for _, r := range RunningNow(places) {
			running[r.Stage] = r
		}
	}
	for _, e := range p.Experiments {
		for _, c := range e.Cells {
			cells = append(cells, p.cellStatus(e.Name, c, running, holder != ""))
		}
	}
	return cells, holder
}

func (p *Plan) cellStatus(experiment string, c Cell, running map[string]Running, alive bool) CellStatus {
	s := CellStatus{Experiment: experiment, Cell: c.ID, Label: c.Label, Seed: c.Seed, State: "done", Stages: map[string]State{},
		Skipped: c.Skip}
	rank := 0
	worse := func(r int, state, kind, reason string) {
		if r > rank {
			rank, s.State, s.Stage, s.Reason = r, state, kind, reason
		}
	}
	for _, st := range c.Chain.Stages() {
		it, kind := p.Item(st.Key), st.Kind.Name
		s.Stages[kind] = it.State
		if r, ok := running[it.Key]; ok {
			worse(3, "running", kind, r.String())
			continue
		}
		switch it.State {
		case Failed:
			if rank < 5 {
				s.Log = it.Log
			}
			worse(5, "failed", kind, it.Outcome+": "+it.Reason)
		case Blocked:
			worse(4, "blocked", kind, it.Reason)
		case ToDo:
			state, reason, grade := "to do", it.Reason, 1
			if why := p.stale[it.Key]; why != "" && reason == "" {
				state, reason, grade = "stale", "changed since it was done: "+why, 2
			}
			if alive {
				state = "queued"
			}
			if it.Outcome != "" && reason != "" {
				reason = "last: " + it.Outcome + ": " + reason
			}
			worse(grade, state, kind, reason)
		}
	}
	return s
}

// String says how far a running stage is.
func (r Running) String() string {
	text := fmt.Sprintf("process %d, for %s", r.Worker.PID, progress.Short(time.Since(r.Started)))
	if r.Round > 0 {
		text += fmt.Sprintf(", round %d", r.Round)
	}
	if p := r.Progress; p.Total > 0 {
		text += fmt.Sprintf(", %s %d/%d", p.What, p.Done, p.Total)
		if p.Note != "" {
			text += ", " + p.Note
		}
	}
	return text
}
