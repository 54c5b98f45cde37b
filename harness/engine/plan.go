package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"prabench/harness/artifact"
	"prabench/harness/stage"
	"prabench/harness/work"
	"prabench/models"
	"prabench/results"
	"prabench/results/record"
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
	Settings *stage.Settings // of the first cell that needs it; Train.Seed is not read, see [Item.Full]
	Seed     uint64          // that cell's training seed
	Cell     string          // that cell's id
	Label    string          // and its label
	Cells    int             // cells that need it
	Known    bool            // its data are known, and so its key is final
	Skip     bool            // only cells that are not to be run need it
	Spared   bool            // nobody needs it, see [Plan.StagesOf]

	State    State
	Reason   string // why it failed, is blocked, or is done again
	Outcome  string // of the latest attempt, or ""
	Attempt  string // the latest attempt, or ""
	Log      string // the file of what the latest attempt printed, when it did not end well
	Took     time.Duration
	Estimate time.Duration // for what is still to do
	Lost     bool          // it was done, and its artifact is gone
	Rise     float64       // loss_rise of a training that was done; 0 where it is not known
	Costs    *stage.Costs
	Earlier  []string // stages of the plan that it goes on from, the latest first, see [stage.Kind]

	after time.Time // when the attempt that counts so far ended; zero when there is none
}

// Full is the settings with the seed.
func (it *Item) Full() stage.Settings {
	s := withSeed(it.Settings, it.Seed)
	s.Continue = strings.Join(it.Earlier, ",")
	return s
}

// Plan is the cells of some experiments and the stages that they share.
type Plan struct {
	Experiments []*Experiment
	Items       []*Item // each key once, in the order of cells and chains
	byKey       map[string]*Item
	costs       counter
	pace        float64           // of trainings of earlier plans, see pace
	stale       map[string]string // stage → what has changed since it was done for the same cell
	undo        []func()          // of what spare changed
}

// NewPlan collects the stages of identified experiments.
func NewPlan(experiments ...*Experiment) *Plan {
	cells := 0
	for _, e := range experiments {
		cells += len(e.Cells)
	}
	p := &Plan{Experiments: experiments, byKey: make(map[string]*Item, 4*cells), Items: make([]*Item, 0, 4*cells)}
	costs := counter{}
	p.costs = costs
	var cost *stage.Costs
	var room []Item // of which items are taken one by one
	for _, e := range experiments {
		for i := range e.Cells {
			c := &e.Cells[i]
			if i == 0 || c.Settings != e.Cells[i-1].Settings {
				cost = costs.of(c.Settings)
			}
			label := c.label()
			for _, st := range c.Chain.Stages() {
				if it := p.byKey[st.Key]; it != nil {
					it.Cells++
					it.Skip = it.Skip && c.Skip
					continue
				}
				if len(room) == 0 {
					room = make([]Item, 512)
				}
				it := &room[0]
				room = room[1:]
				*it = Item{Stage: st, Settings: c.Settings, Seed: c.Seed, Cell: c.ID, Label: label, Costs: cost, Cells: 1,
					Known: c.Settings.DataHash != "", Skip: c.Skip, State: ToDo}
				if st.Kind.Label != nil {
					it.Label = st.Kind.Label(c.Settings)
				}
				p.byKey[st.Key] = it
				p.Items = append(p.Items, it)
			}
		}
	}
	p.further()
	return p
}

func (c Cell) label() string {
	if c.Label == "" {
		return "seed " + strconv.FormatUint(c.Seed, 10)
	}
	return c.Label + ", seed " + strconv.FormatUint(c.Seed, 10)
}

// Costs is what a cell takes, nil of a program's cell, of whose model nothing is
// known. Cells that share a training may sample in different ways.
func (p *Plan) Costs(c *Cell) *stage.Costs {
	if c.Settings.Foreign() {
		return nil
	}
	return p.costs.of(c.Settings)
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

// any says whether a stage is in one of the states.
func (p *Plan) any(states ...State) bool {
	return slices.ContainsFunc(p.Items, func(it *Item) bool { return slices.Contains(states, it.State) })
}

// Inspect looks at the database (nil: there is none yet) and the store and
// sets every stage's state. With again, stages that failed are to do.
func (p *Plan) Inspect(ctx context.Context, db *results.DB, store artifact.Store, again bool) error {
	stored, err := p.stored(store)
	if err != nil {
		return err
	}
	ends, err := p.ends(ctx, db)
	if err != nil {
		return err
	}
	rises, err := p.rises(ctx, db)
	if err != nil {
		return err
	}
	p.unspare()
	for _, it := range p.Items {
		it.State, it.Reason, it.Outcome, it.Attempt, it.Took, it.Lost, it.after = ToDo, "", "", "", 0, false, time.Time{}
		it.Rise = rises[it.Key]
		if !it.Known {
			continue
		}
		if end, tried := ends[it.Key]; tried {
			it.take(end, again)
		}
		if it.State == ToDo && stored[it.Ref()] {
			if _, err := storedAttempt(store, it); err == nil {
				it.State = Stored
			}
		}
		if (it.State == Done || it.State == Stored) && it.Kind.Shown {
			// People look at these again; what is gone nobody asked for.
			var damage *artifact.Damaged
			if _, err := store.Check(it.Ref()); errors.As(err, &damage) {
				it.State, it.Reason, it.Lost = ToDo, "done again: "+err.Error(), true
			}
		}
	}
	p.demand(store)
	p.spare()
	p.block()
	if db == nil {
		p.estimate()
		return nil
	}
	p.estimateFrom(func(rate float64) float64 { return pace(ctx, db, rate) })
	return nil
}

// stored is what the store has a folder of: one look a kind instead of one a
// stage.
func (p *Plan) stored(store artifact.Store) (map[artifact.Ref]bool, error) {
	out := map[artifact.Ref]bool{}
	for _, kind := range stage.Kinds() {
		refs, err := store.List(kind.Name)
		if err != nil {
			return nil, fmt.Errorf("the artifacts folder cannot be read: %w", err)
		}
		for _, ref := range refs {
			out[ref] = true
		}
	}
	return out, nil
}

// ends is how the stages ended that were tried: one query a kind. db may be nil.
func (p *Plan) ends(ctx context.Context, db *results.DB) (map[string]results.StageEnd, error) {
	if db == nil {
		return nil, nil
	}
	keys := map[*stage.Kind][]string{}
	for _, it := range p.Items {
		if it.Known {
			keys[it.Kind] = append(keys[it.Kind], it.Key)
		}
	}
	out := make(map[string]results.StageEnd, len(p.Items))
	for _, kind := range stage.Kinds() {
		ends, err := db.StageEnds(ctx, keys[kind])
		if err != nil {
			return nil, err
		}
		maps.Copy(out, ends)
	}
	return out, nil
}

// take brings the item up to date with how its stage ended. again says that
// what failed is to be tried again.
func (it *Item) take(end results.StageEnd, again bool) {
	it.Outcome, it.Attempt, it.after = end.Outcome, end.Attempt, end.Finished
	if end.Outcome == record.OK {
		it.State, it.Took = Done, end.Took
		return
	}
	it.Reason = end.Reason
	it.Log, _, _ = strings.Cut(end.Log, "\n")
	switch end.Outcome {
	case record.Interrupted, record.Blocked:
	default:
		if !again {
			it.State = Failed
		}
	}
}

// demand finds stages that are done but whose artifacts, which others still
// have to build on, are gone or damaged: these are done again. What nobody
// needs any more may be missing.
func (p *Plan) demand(store artifact.Store) {
	if !p.any(Done, Stored) {
		return
	}
	whole := map[string]bool{}
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
			if whole[key] { // 10,000 cells may share a reference
				continue
			}
			if _, err := store.Check(in.Ref()); err != nil {
				in.State, in.Reason, in.Lost = ToDo, "done again: "+err.Error(), true
				continue
			}
			whole[key] = true
		}
	}
}

// block marks what cannot be tried because it builds on a failed stage.
func (p *Plan) block() {
	if !p.any(Failed) {
		return
	}
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
func storedAttempt(store artifact.Store, it *Item) (record.Attempt, error) {
	var a record.Attempt
	ref := it.Ref()
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
	if a.Stage != it.Key || a.Outcome != record.OK {
		return a, errors.New("the attempt beside the artifact is another stage's")
	}
	return a, nil
}

// Columns gives the whole number that a key has, nil where the family has none.
func (c *Cell) Columns() func(key string) *int {
	if c.Settings.Foreign() || c.Settings.Params == nil { // no model
		return func(string) *int { return nil }
	}
	p := c.Settings.Params.Resolved()
	return func(key string) *int {
		v, ok := models.Get(p, key)
		if !ok {
			return nil
		}
		return new(int(reflect.ValueOf(v).Int()))
	}
}

// record is the plan of one experiment as the database keeps it.
func (p *Plan) record(e *Experiment) (results.Plan, error) {
	out := results.Plan{Experiment: e.Name, Description: e.Description, FileHash: e.FileHash, Source: e.source(), Narrowed: e.Narrowed,
		At: e.Ref()}
	for _, k := range stage.Kinds() {
		out.Kinds = append(out.Kinds, results.PlanKind{Name: k.Name, Own: k.Measured()})
	}
	listed := map[string]bool{}
	for _, c := range e.Cells {
		column := c.Columns()
		pc := results.PlanCell{
			ID: c.ID, Seed: c.Seed, Label: c.Label, Patch: column("model.patch"), Block: column("model.block"),
			RolloutDepth: column("train.rollout_depth"), State: column("model.state"),
			Params: c.Params, Stages: map[string]string{},
		}
		for _, st := range p.StagesOf(&c) {
			pc.Stages[st.Kind.Name] = st.Key
			if listed[st.Key] {
				continue
			}
			listed[st.Key] = true
			config, err := stage.Config(c.Full(), st.Kind)
			if err != nil {
				return out, err
			}
			out.Stages = append(out.Stages, results.PlanStage{Key: st.Key, Kind: st.Kind.Name, Inputs: st.Needs(), Config: config})
		}
		out.Cells = append(out.Cells, pc)
	}
	return out, nil
}
