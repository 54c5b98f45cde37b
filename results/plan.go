package results

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"prabench/results/record"
)

// Plan is an experiment, expanded: its cells and the stages they need.
type Plan struct {
	Experiment  string      `json:"experiment"`
	Description string      `json:"description,omitempty"`
	FileHash    string      `json:"file_hash,omitempty"` // of the experiment file
	Created     time.Time   `json:"created"`
	Cells       []PlanCell  `json:"cells"`
	Stages      []PlanStage `json:"stages"` // each key once
	// Kinds are the kinds of stages in the order of a chain, also those that no
	// cell of the plan has; the database keeps them for its readers.
	Kinds []PlanKind `json:"-"`

	Source   string `json:"-"` // the experiment file, as an absolute path; "" where there is none
	Narrowed string `json:"-"` // what sets it apart from the whole file, such as "--set train.steps=10"; "" for the whole file
	// At is the version that cells beside a plan join, as [DB.Results] names it; ""
	// is the one that is shown.
	At string `json:"-"`
}

// PlanCell is one point with one seed.
type PlanCell struct {
	ID           string            `json:"id"`
	Seed         uint64            `json:"seed"` // below 2⁶³
	Label        string            `json:"label,omitempty"`
	Patch        *int              `json:"patch"`
	Block        *int              `json:"block"`
	RolloutDepth *int              `json:"rollout_depth"` // of training
	State        *int              `json:"state"`
	Params       map[string]any    `json:"params"` // dotted key → value
	Stages       map[string]string `json:"stages"` // kind → stage key
}

// PlanStage is content-addressed work that one or more cells need.
type PlanStage struct {
	Key    string          `json:"key"`
	Kind   string          `json:"kind"`
	Inputs []string        `json:"inputs,omitempty"` // keys of stages in the same plan
	Config json.RawMessage `json:"config,omitempty"` // what the key was made from
}

// Check says what is contradictory in a plan, or nil.
func (p Plan) Check() error {
	if p.Experiment == "" {
		return errors.New("the plan's experiment has no name")
	}
	for _, k := range p.Kinds {
		if !record.IsWord(k.Name) {
			return fmt.Errorf("plan of %s: kind of stage %q is not a word", p.Experiment, k.Name)
		}
	}
	kinds := make(map[string]string, len(p.Stages))
	for _, s := range p.Stages {
		if s.Key == "" || !record.IsWord(s.Kind) {
			return fmt.Errorf("plan of %s: stage %q of kind %q needs a key and a kind", p.Experiment, s.Key, s.Kind)
		}
		if _, twice := kinds[s.Key]; twice {
			return fmt.Errorf("plan of %s: stage %s is listed twice", p.Experiment, s.Key)
		}
		if len(s.Config) > 0 && !json.Valid(s.Config) {
			return fmt.Errorf("plan of %s: the configuration of stage %s is not JSON", p.Experiment, s.Key)
		}
		kinds[s.Key] = s.Kind
	}
	for _, s := range p.Stages {
		for _, in := range s.Inputs {
			if kinds[in] == "" {
				return fmt.Errorf("plan of %s: stage %s needs %s, which is not in the plan", p.Experiment, s.Key, in)
			}
		}
	}
	seen := make(map[string]bool, len(p.Cells))
	for _, c := range p.Cells {
		if c.ID == "" || seen[c.ID] {
			return fmt.Errorf("plan of %s: cell %q has no id or is listed twice", p.Experiment, c.ID)
		}
		seen[c.ID] = true
		if c.Seed > math.MaxInt64 {
			return fmt.Errorf("plan of %s: seed %d of cell %s is not below 2^63, the largest whole number of SQLite", p.Experiment, c.Seed, c.ID)
		}
		for kind, key := range c.Stages {
			if kinds[key] != kind {
				return fmt.Errorf("plan of %s: cell %s needs %s as its %s stage, which the plan does not list so", p.Experiment, c.ID, key, kind)
			}
		}
	}
	return nil
}

// recordStages makes the stages known and gives their numbers. What a stage is
// made of never changes, so a known configuration stays.
func recordStages(ctx context.Context, tx *sql.Tx, stages []PlanStage) (map[string]int64, error) {
	in := newInserter(ctx, tx)
	defer in.close()
	find, err := in.prepared("SELECT n, kind FROM stage WHERE key=?")
	if err != nil {
		return nil, err
	}
	numbers := make(map[string]int64, len(stages))
	for _, s := range stages {
		n, added, err := in.add("INSERT INTO stage(key, kind) VALUES (?,?) ON CONFLICT (key) DO NOTHING", s.Key, s.Kind)
		if err == nil && !added {
			var kind string
			if err = find.QueryRowContext(ctx, s.Key).Scan(&n, &kind); err == nil && kind != s.Kind {
				return nil, &KindError{s.Key, kind, s.Kind}
			}
		}
		if err == nil && len(s.Config) > 0 {
			err = in.exec("INSERT INTO stage_config(stage, config) VALUES (?,?) ON CONFLICT DO NOTHING", n, string(s.Config))
		}
		if err != nil {
			return nil, fmt.Errorf("stage %s: %w", s.Key, err)
		}
		numbers[s.Key] = n
	}
	for _, s := range stages {
		for _, input := range s.Inputs {
			if err := in.exec("INSERT INTO stage_input(stage, input) VALUES (?,?) ON CONFLICT DO NOTHING", numbers[s.Key],
				numbers[input]); err != nil {
				return nil, fmt.Errorf("stage %s: %w", s.Key, err)
			}
		}
	}
	return numbers, nil
}

// timeLayout has a fixed width, so that times sort as text.
const timeLayout = "2006-01-02T15:04:05.000000Z"

func stamp(t time.Time) string { return t.UTC().Format(timeLayout) }

func unstamp(s string) time.Time {
	t, _ := time.Parse(timeLayout, s) // only stamp writes them
	return t
}
