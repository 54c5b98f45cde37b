package live

import (
	"slices"
	"strings"
	"time"

	"prabench/harness/engine"
	chain "prabench/harness/stage"
)

// States of cells and stages, as package harness writes them.
const (
	done    = "done"
	running = "running"
	queued  = "queued"
	toDo    = "to do"
	stale   = "stale"
	failed  = "failed"
	blocked = "blocked"
)

// attention orders states by how much a reader wants to see them.
var attention = []string{failed, blocked, running, stale, queued, toDo, done}

// view is what there is to see at one moment. It is never changed.
type view struct {
	At          time.Time
	DB          string
	Empty       bool // there is neither a file nor anything in the database
	Holder      string
	Experiments []experiment
	Cells       []cell
	Counts      []count // of cells, by state
	Progress    tally
	Running     []runningStage
	Chart       *chart
	Samples     []sample
	SamplesLeft int // samples that are not shown
	Figures     []figureFolder
	Problems    []string
	Notes       []string

	base  *base // what it was made of
	marks []engine.Running
}

type count struct {
	State string
	Cells int
}

// assemble puts the base and what is running together.
func (w *watcher) assemble(holder string, marks []engine.Running) *view {
	b := w.base
	v := &view{At: w.now(), DB: w.src.Places.DB, Holder: holder, Experiments: b.experiments, Problems: b.problems, Notes: b.notes,
		base: b, marks: marks}
	v.Cells = b.cellsNow(w.src.Places, holder != "", marks)
	b.tellCells(v.Cells, w.cluster.queue)
	if w.cluster.note != "" {
		v.Notes = append(slices.Clone(v.Notes), w.cluster.note)
	}
	counts := map[string]int{}
	for _, c := range v.Cells {
		counts[c.State]++
	}
	for state, n := range counts {
		v.Counts = append(v.Counts, count{state, n})
	}
	slices.SortFunc(v.Counts, func(a, b count) int { return rank(a.State) - rank(b.State) })
	v.Progress = b.progressNow(w.src.Places, holder != "", marks)
	v.Progress.Sent = b.sent(w.cluster.queue)
	w.lastLeft = w.lastLeft.next(v.At, holder, marks)
	v.Progress.forecast(v.At, holder != "", w.lastLeft, b)
	for _, m := range marks {
		v.Running = append(v.Running, b.runningStage(m, v.At))
	}
	slices.SortFunc(v.Running, func(a, b runningStage) int { return strings.Compare(a.ID, b.ID) })
	v.Chart = newChart(marks, b.curves)
	v.Samples, v.SamplesLeft = latest(b.samples)
	var refs []string // figures are in folders that are called as the version is
	for _, e := range b.experiments {
		if ref := b.refs[e.Name]; ref != "" {
			refs = append(refs, ref)
		}
	}
	v.Figures = findFigures(w.src.Figures, refs)
	v.Empty = len(v.Cells) == 0 && len(v.Problems) == 0
	return v
}

func rank(state string) int {
	if i := slices.Index(attention, state); i >= 0 {
		return i
	}
	return len(attention)
}

// cellsNow are the cells with what is running marked.
func (b *base) cellsNow(places engine.Places, alive bool, marks []engine.Running) []cell {
	if b.plan != nil {
		status, _ := b.plan.Status(places)
		cells := make([]cell, len(status))
		for i, s := range status {
			cells[i] = cell{CellStatus: s}
		}
		return cells
	}
	by := map[string]engine.Running{}
	for _, m := range marks {
		by[m.Stage] = m
	}
	cells := slices.Clone(b.cells)
	for i := range cells {
		c := &cells[i]
		if alive && c.State == toDo {
			c.State = queued
		}
		if c.State == failed || c.State == blocked {
			continue
		}
		for _, kind := range chain.Names() {
			if m, ok := by[b.keys[name{c.Experiment, c.Cell}][kind]]; ok {
				c.State, c.Stage, c.Reason = running, kind, m.String()
			}
		}
	}
	return cells
}

// runningStage is a stage that a worker is at.
type runningStage struct {
	ID            string
	Kind, Label   string
	PID           int
	Round, Rounds int
	For           time.Duration
	What, Note    string
	Done, Total   int64
}

func (b *base) runningStage(m engine.Running, now time.Time) runningStage {
	r := runningStage{ID: m.Attempt, Kind: m.Kind, Label: m.Label, PID: m.Worker.PID, Round: m.Round,
		For:  now.Sub(m.Started).Truncate(time.Second),
		What: m.Progress.What, Note: m.Progress.Note, Done: m.Progress.Done, Total: m.Progress.Total}
	if i, ok := b.stageOf[m.Stage]; ok {
		r.Rounds = b.stages[i].rounds
	}
	return r
}

// Share is how much of it is done, in percent.
func (r runningStage) Share() int {
	if r.Total <= 0 {
		return 0
	}
	return int(100 * min(r.Done, r.Total) / r.Total)
}
