package engine

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"prabench/harness/machine"
	"prabench/harness/progress"
	"prabench/harness/work"
	"prabench/metrics/quantity"
	"prabench/results"
	"prabench/results/record"
	"prabench/results/view"
)

// CellStatus is where one cell stands.
type CellStatus struct {
	Experiment string           `json:"experiment"`
	Cell       string           `json:"cell"`
	Label      string           `json:"label"`
	Seed       uint64           `json:"seed"`
	State      string           `json:"state"`            // done, running, queued, stale, to do, dropped, failed, blocked
	Stage      string           `json:"stage,omitempty"`  // the kind of stage that decides the state
	Reason     string           `json:"reason,omitempty"` // why, or how far
	Log        string           `json:"log,omitempty"`    // of a failed stage, else of the training: the file of what it printed
	Warning    string           `json:"warning,omitempty"`
	Stages     map[string]State `json:"stages"` // by kind

	Skipped bool `json:"-"` // --only leaves it out
}

// Chosen are the cells that --only does not leave out.
func Chosen(cells []CellStatus) []CellStatus {
	return slices.DeleteFunc(cells, func(c CellStatus) bool { return c.Skipped })
}

// rises is by how much the losses of trainings ended above their lowest. db may be nil.
func (p *Plan) rises(ctx context.Context, db *results.DB) (map[string]float64, error) {
	if db == nil {
		return nil, nil
	}
	var keys []string
	for _, it := range p.Items {
		if it.Known && it.Kind == work.Train {
			keys = append(keys, it.Key)
		}
	}
	return db.StageValues(ctx, quantity.LossRise.Name, keys)
}

// diverged says of a training's loss_rise what a reader of its scores must know, "" where
// that is nothing.
func diverged(rise float64) string {
	if !quantity.Diverged(rise) {
		return ""
	}
	return fmt.Sprintf("the training diverged: its loss ended at %.3g times its lowest; lower train.lr or train.clip", rise)
}

// warn says of an attempt that ended well what must not pass unseen.
func (l *launcher) warn(it *Item, a record.Attempt) {
	if a.Outcome != record.OK || it.Kind != work.Train {
		return
	}
	for _, v := range a.Values {
		if v.Metric == quantity.LossRise.Name && diverged(v.Value) != "" {
			l.meter.Say("warning: %s of %s: %s", it.Kind, it.Label, diverged(v.Value))
		}
	}
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
			cells = append(cells, p.cellStatus(e.Name, c, running, places, holder != ""))
		}
	}
	return cells, holder
}

func (p *Plan) cellStatus(experiment string, c Cell, running map[string]Running, places Places, alive bool) CellStatus {
	s := CellStatus{Experiment: experiment, Cell: c.ID, Label: c.Label, Seed: c.Seed, State: "done", Stages: map[string]State{},
		Skipped: c.Skip}
	rank := 0
	worse := func(r int, state, kind, reason string) {
		if r > rank {
			rank, s.State, s.Stage, s.Reason = r, state, kind, reason
		}
	}
	for _, st := range p.StagesOf(&c) {
		it, kind := p.Item(st.Key), st.Kind.Name
		s.Stages[kind] = it.State
		if it.Kind == work.Train && it.State == Done {
			s.Warning = diverged(it.Rise)
			if log := filepath.Join(places.Logs(), it.Attempt+".log"); s.Log == "" && isFile(log) {
				s.Log = log
			}
		}
		if r, ok := running[it.Key]; ok {
			worse(4, "running", kind, r.String())
			continue
		}
		switch it.State {
		case Failed:
			if rank < 6 && it.Log != "" {
				s.Log = it.Log
			}
			worse(6, "failed", kind, it.Outcome+": "+it.Reason)
		case Blocked:
			worse(5, "blocked", kind, it.Reason)
		case Dropped:
			worse(3, "dropped", kind, it.Reason)
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

// Dropped is the state of what is to do for points that a search has given up, and for
// nothing else: no run does it as long as the file has the search.
const Dropped State = "dropped"

// dropped says whether the latest word on a stage is that a search has given up its point.
func (it *Item) dropped() bool {
	return it.State == ToDo && it.Outcome == record.Blocked && strings.HasPrefix(it.Reason, record.Dropped)
}

// Drop finds in an inspected plan of files what is [Dropped]. What a search has recorded
// counts where it would decide the same now, see [Run.NextStop]; nothing is written.
func (p *Plan) Drop(ctx context.Context, places Places, ls ...Loaded) error {
	if !slices.ContainsFunc(p.Items, (*Item).dropped) {
		return nil
	}
	out := map[*Cell]bool{}
	for _, l := range ls {
		if !l.Searches() {
			continue
		}
		var skip []bool // as --only has it
		for i := range l.Exp.Cells {
			skip = append(skip, l.Exp.Cells[i].Skip)
		}
		_, err := (&Run{Places: places}).NextStop(ctx, l, false)
		l.out(out)
		for i := range skip {
			l.Exp.Cells[i].Skip = skip[i]
		}
		if err != nil {
			return err
		}
	}
	p.drop(out)
	return nil
}

// Dropped finds the same in the plans of a run, after its searches: these have decided.
func (s *Summary) Dropped(ls ...Loaded) {
	out := map[*Cell]bool{}
	for _, l := range ls {
		if l.Searches() {
			l.out(out)
		}
	}
	for _, p := range s.Plans {
		p.drop(out)
	}
}

// out adds the cells of the points of which a search that has decided lets nothing run.
func (l Loaded) out(out map[*Cell]bool) {
	cells := l.Exp.Cells
	params := make([]map[string]any, len(cells))
	for i := range cells {
		params[i] = cells[i].Params
	}
	points, runs := view.ArmsOf(params), map[string]bool{}
	for i, point := range points {
		runs[point] = runs[point] || !cells[i].Skip
	}
	for i, point := range points {
		if !runs[point] {
			out[&cells[i]] = true
		}
	}
}

// drop gives its state to what only cells of dropped points need.
func (p *Plan) drop(out map[*Cell]bool) {
	if len(out) == 0 {
		return
	}
	why, needed := map[string]string{}, map[string]bool{}
	for _, e := range p.Experiments {
		for i := range e.Cells {
			c, reason := &e.Cells[i], ""
			if train := p.byKey[c.Chain.Key(work.Train)]; out[c] && train != nil && train.dropped() {
				reason = train.Reason
			}
			for _, st := range p.StagesOf(c) {
				if reason == "" {
					needed[st.Key] = true
				} else {
					why[st.Key] = reason
				}
			}
		}
	}
	for _, it := range p.Items {
		if reason, ok := why[it.Key]; ok && !needed[it.Key] && it.State == ToDo {
			it.State, it.Reason = Dropped, reason
		}
	}
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
