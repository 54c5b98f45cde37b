package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"prabench/harness/artifact"
	"prabench/harness/stage"
	"prabench/harness/work"
	"prabench/results"
)

// State is what a run would do about a stage.
type State string

// The states of a planned stage.
const (
	Done    State = "done"    // in the database
	Stored  State = "stored"  // made for another database: its artifact is here
	ToDo    State = "to do"   // never done, or interrupted, or its artifact is gone
	Failed  State = "failed"  // ended badly; done again only when asked for
	Blocked State = "blocked" // waits for one that failed
)

// Item is one stage of a plan.
type Item struct {
	stage.Stage
	Settings stage.Settings // of the first cell that needs it
	Cell     string         // that cell's id
	Label    string         // and its label
	Cells    int            // cells that need it
	Known    bool           // its data are known, and so its key is final
	Skip     bool           // only cells that are not to be run need it

	State    State
	Reason   string // why it failed, is blocked, or is done again
	Outcome  string // of the latest attempt, or ""
	Attempt  string // the latest attempt, or ""
	Log      string // the file of what the latest attempt printed, when it did not end well
	Took     time.Duration
	Estimate time.Duration // for what is still to do
	Costs    Costs
}

// Plan is the cells of some experiments and the stages that they share.
type Plan struct {
	Experiments []*Experiment
	Items       []*Item // each key once, in the order of cells and chains
	byKey       map[string]*Item
	pace        float64           // of trainings of earlier plans, see pace
	stale       map[string]string // stage → what has changed since it was done for the same cell
}

// NewPlan collects the stages of identified experiments.
func NewPlan(experiments ...*Experiment) *Plan {
	p := &Plan{Experiments: experiments, byKey: map[string]*Item{}}
	costs := counter{}
	for _, e := range experiments {
		for _, c := range e.Cells {
			for _, kind := range stage.Kinds {
				st := c.Chain[kind]
				if it := p.byKey[st.Key]; it != nil {
					it.Cells++
					it.Skip = it.Skip && c.Skip
					continue
				}
				it := &Item{Stage: st, Settings: c.Settings, Cell: c.ID, Label: c.label(), Cells: 1, Known: c.Settings.DataHash != "", Skip: c.Skip, State: ToDo}
				if kind == results.Reference {
					it.Label = c.Settings.Data.Set
				}
				it.Costs = costs.of(c.Settings)
				p.byKey[st.Key] = it
				p.Items = append(p.Items, it)
			}
		}
	}
	return p
}

func (c Cell) label() string {
	if c.Label == "" {
		return fmt.Sprintf("seed %d", c.Seed)
	}
	return fmt.Sprintf("%s, seed %d", c.Label, c.Seed)
}

// Item is the stage of that key.
func (p *Plan) Item(key string) *Item { return p.byKey[key] }

// Count is the number of stages in one of the states, without those to skip.
func (p *Plan) Count(states ...State) int {
	n := 0
	for _, it := range p.Items {
		if it.Skip {
			continue
		}
		for _, s := range states {
			if it.State == s {
				n++
			}
		}
	}
	return n
}

// Inspect looks at the database (nil: there is none yet) and the store and
// sets every stage's state. With again, stages that failed are to do.
func (p *Plan) Inspect(ctx context.Context, db *results.DB, store artifact.Store, again bool) error {
	for _, it := range p.Items {
		it.State, it.Reason, it.Outcome, it.Attempt, it.Took = ToDo, "", "", "", 0
		if !it.Known {
			continue
		}
		if db != nil {
			if err := it.lookUp(ctx, db, again); err != nil {
				return err
			}
		}
		if it.State == ToDo {
			if _, err := storedAttempt(store, it); err == nil {
				it.State = Stored
			}
		}
		if (it.State == Done || it.State == Stored) && (it.Kind == results.Train || it.Kind == results.Draw) {
			// People look at these again; what is gone nobody asked for.
			var damage *artifact.Damaged
			if _, err := store.Check(artifact.Ref{Kind: it.Kind, Key: it.Key}); errors.As(err, &damage) {
				it.State, it.Reason = ToDo, "done again: "+err.Error()
			}
		}
	}
	p.demand(store)
	p.block()
	if db == nil {
		p.estimate()
		return nil
	}
	p.estimateFrom(func(rate float64) float64 { return pace(ctx, db, rate) })
	return nil
}

func (it *Item) lookUp(ctx context.Context, db *results.DB, again bool) error {
	a, ok, err := db.StageDone(ctx, it.Key)
	if err != nil {
		return err
	}
	if ok {
		it.State, it.Outcome, it.Attempt, it.Took = Done, a.Outcome, a.ID, max(0, a.Finished.Sub(a.Started)) // clocks are set back at times
		return nil
	}
	a, ok, err = db.LatestAttempt(ctx, it.Key)
	if err != nil || !ok {
		return err
	}
	it.Outcome, it.Attempt, it.Reason = a.Outcome, a.ID, a.Reason
	it.Log, _, _ = strings.Cut(a.Log, "\n")
	switch a.Outcome {
	case results.Interrupted, results.Blocked:
	default:
		if !again {
			it.State = Failed
		}
	}
	return nil
}

// demand finds stages that are done but whose artifacts, which others still
// have to build on, are gone or damaged: these are done again. What nobody
// needs any more may be missing.
func (p *Plan) demand(store artifact.Store) {
	for i := len(p.Items) - 1; i >= 0; i-- { // inputs come before their users
		it := p.Items[i]
		if it.Skip || it.State != ToDo && it.State != Failed {
			continue
		}
		for _, key := range it.Inputs {
			in := p.byKey[key]
			if in == nil || in.State != Done && in.State != Stored {
				continue
			}
			if _, err := store.Check(artifact.Ref{Kind: in.Kind, Key: in.Key}); err != nil {
				in.State, in.Reason = ToDo, "done again: "+err.Error()
			}
		}
	}
}

// block marks what cannot be tried because it builds on a failed stage.
func (p *Plan) block() {
	for _, it := range p.Items {
		for _, key := range it.Inputs {
			in := p.byKey[key]
			if in == nil || it.State != ToDo || in.State != Failed && in.State != Blocked {
				continue
			}
			it.State, it.Reason = Blocked, in.Reason
			if in.State == Failed {
				it.Reason = fmt.Sprintf("%s of %s ended with %s: %s", in.Kind, in.Label, in.Outcome, in.Reason)
			}
		}
	}
}

// storedAttempt is the attempt that lies beside a whole artifact.
func storedAttempt(store artifact.Store, it *Item) (results.Attempt, error) {
	var a results.Attempt
	ref := artifact.Ref{Kind: it.Kind, Key: it.Key}
	if _, err := store.Stat(ref); err != nil {
		return a, err
	}
	raw, err := store.Read(ref, work.AttemptFile)
	if err != nil {
		return a, err
	}
	if err := json.Unmarshal(raw, &a); err != nil {
		return a, err
	}
	if a.Stage != it.Key || a.Outcome != results.OK {
		return a, errors.New("the attempt beside the artifact is another stage's")
	}
	return a, nil
}

// record is the plan of one experiment as the database keeps it.
func (p *Plan) record(e *Experiment) results.Plan {
	out := results.Plan{Experiment: e.Name, Description: e.Description, FileHash: e.FileHash}
	listed := map[string]bool{}
	for _, c := range e.Cells {
		k := c.Settings.Model.ARSteps()
		pc := results.PlanCell{
			ID: c.ID, Seed: c.Seed, Label: c.Label, Patch: c.Settings.Model.Patch, Block: c.Settings.Model.Block,
			RolloutDepth: int(c.Settings.Train.RolloutDepth.Resolve(k)), State: c.Settings.Model.State,
			Params: c.Params, Stages: map[string]string{},
		}
		for _, kind := range stage.Kinds {
			st := c.Chain[kind]
			pc.Stages[kind] = st.Key
			if !listed[st.Key] {
				listed[st.Key] = true
				out.Stages = append(out.Stages, results.PlanStage{Key: st.Key, Kind: kind, Inputs: st.Inputs, Config: st.Config})
			}
		}
		out.Cells = append(out.Cells, pc)
	}
	return out
}
