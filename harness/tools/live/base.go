package live

import (
	"context"
	"time"

	"prabench/harness/artifact"
	"prabench/harness/engine"
	"prabench/harness/work"
	"prabench/results"
	"prabench/results/record"
)

// base is what changes only with the database and the experiment files.
type base struct {
	read        time.Time
	plan        *engine.Plan // nil when the experiments come from the database
	experiments []experiment
	cells       []cell  // without what is running
	stages      []stage // each key once, in the order of cells and chains
	stageOf     map[string]int
	keys        map[name]map[string]string // of the stages of cells, by kind
	trainings   map[training][]stop        // see along
	params      map[name]params
	scores      map[name]map[string]score   // of cells that were chosen, by metric
	labelKeys   map[string]bool             // see saysKey
	refs        map[string]string           // experiment → what the database calls the version that is shown
	values      map[name]map[string]number  // of cells that somebody looked at, by metric
	sorts       map[string]map[name]float64 // of all cells, by metrics that somebody sorts by
	samples     []sample
	sampleOf    map[string]int // key → place in samples
	curves      []curve
	problems    []string
	notes       []string
}

// experiment is one experiment with its numbers.
type experiment struct {
	Name, Description string
	Numbers           numbers
	Notes             []string
}

// cell is one line of the table of cells.
type cell struct {
	engine.CellStatus
}

// stage is one piece of work, which several cells may share.
type stage struct {
	key, kind, label string
	state            string // see states
	skip             bool   // only cells that are not to be run need it
	rounds           int    // of a timing; 0 when unknown
	estimate         time.Duration
}

func (b *base) addStage(s stage) {
	if b.stageOf == nil {
		b.stageOf = map[string]int{}
	}
	if _, twice := b.stageOf[s.key]; twice {
		return
	}
	b.stageOf[s.key] = len(b.stages)
	b.stages = append(b.stages, s)
}

// fromPlan takes the experiments of a plan and compares it with the database,
// which may be nil.
func (b *base) fromPlan(ctx context.Context, p *engine.Plan, db *results.DB, places engine.Places) error {
	if err := p.Inspect(ctx, db, places.Store(), false); err != nil {
		return err
	}
	b.plan, b.keys, b.params = p, keysOf(p), paramsOf(p)
	for _, e := range p.Experiments {
		b.experiments = append(b.experiments, experiment{Name: e.Name, Description: e.Description})
	}
	for _, it := range p.Items {
		if it.Spared {
			continue
		}
		s := stage{key: it.Key, kind: it.Kind.Name, label: it.Label, state: string(it.State), skip: it.Skip, estimate: it.Estimate}
		if it.State == engine.Stored {
			s.state = done
		}
		if it.Kind.Measured() {
			s.rounds = it.Kind.Rounds(it.Settings)
		}
		b.addStage(s)
	}
	return nil
}

// fromDatabase takes the experiments as they were planned last.
func (b *base) fromDatabase(ctx context.Context, db *results.DB) error {
	es, err := db.Experiments(ctx)
	if err != nil {
		return err
	}
	for _, e := range es {
		b.experiments = append(b.experiments, experiment{Name: e.Name, Description: e.Description})
	}
	cells, err := db.Cells(ctx, "")
	if err != nil {
		return err
	}
	chain, err := db.CellStages(ctx, "")
	if err != nil {
		return err
	}
	place := map[name]int{}
	b.keys, b.params = map[name]map[string]string{}, map[name]params{}
	for i, c := range cells {
		b.params[name{c.Experiment, c.Cell}] = params{c.Params, c.Param}
		place[name{c.Experiment, c.Cell}] = i
		b.keys[name{c.Experiment, c.Cell}] = map[string]string{}
		b.cells = append(b.cells, cell{CellStatus: engine.CellStatus{
			Experiment: c.Experiment, Cell: c.Cell, Label: c.Label, Seed: c.Seed, State: stateOf(c.Outcome), Stage: c.Kind,
			Reason: reasonOf(c.Outcome, c.Reason)}})
	}
	for _, s := range chain {
		i, ok := place[name{s.Experiment, s.Cell}]
		if !ok {
			continue
		}
		c := &b.cells[i]
		b.keys[name{s.Experiment, s.Cell}][s.Kind] = s.Key
		b.addStage(stage{key: s.Key, kind: s.Kind, label: labelOf(c.CellStatus), state: stateOf(s.Outcome)})
	}
	return nil
}

func labelOf(c engine.CellStatus) string {
	if c.Label == "" {
		return c.Experiment
	}
	return c.Label
}

// stateOf is the state that a stored outcome leaves a stage in.
func stateOf(outcome string) string {
	switch outcome {
	case record.OK:
		return done
	case record.Pending, record.Interrupted:
		return toDo
	case record.Blocked:
		return blocked
	}
	return failed
}

func reasonOf(outcome, reason string) string {
	switch outcome {
	case record.OK, record.Pending, record.Blocked:
		return reason
	case record.Interrupted:
		return "last: interrupted: " + reason
	}
	return outcome + ": " + reason
}

// drawn are the stages that drew images, in the order of cells.
func (b *base) drawn() []stage {
	var out []stage
	for _, s := range b.stages {
		if s.kind == work.Sample.Name && s.state == done {
			out = append(out, s)
		}
	}
	return out
}

// ref is the artifact of a stage.
func (s stage) ref() artifact.Ref { return artifact.Ref{Kind: s.kind, Key: s.key} }
